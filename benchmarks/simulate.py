"""How fast worlds are written.

    python benchmarks/simulate.py [--world quiet] [--scale 3] [--runs 2]

Writes the world into a temporary folder, the first run warm. Both wall time and processor time are told, of this process and its
children: on a machine that does other work too, only the latter means much. The last line is one JSON object.
"""

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path

from detector.simulator.generate import write
from detector.simulator.world import load_world


def processor() -> float:
    """Seconds of processor time of this process and of its children that ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--world", default="quiet")
    parser.add_argument("--scale", type=float, default=3.0)
    parser.add_argument("--runs", type=int, default=2)
    args = parser.parse_args()
    world = load_world(args.world)
    best: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        write(load_world("tiny"), Path(name) / "warm")
        for run in range(args.runs):
            wall, spent = time.monotonic(), processor()
            made = write(world, Path(name) / "world", scale=args.scale)
            seconds, used = time.monotonic() - wall, processor() - spent
            print(
                f"run {run + 1}: {made.exchanges:,} exchanges, {seconds:.1f} s, {used:.1f} s of processor", flush=True
            )
            per_s, per_cpu_s = made.exchanges / seconds, made.exchanges / used
            best["exchanges_per_s"] = round(max(per_s, best.get("exchanges_per_s", 0.0)))
            best["exchanges_per_processor_s"] = round(max(per_cpu_s, best.get("exchanges_per_processor_s", 0.0)))
        size = (Path(name) / "world" / "requests.ndjson").stat().st_size
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    result = best | {"exchanges": made.exchanges, "bytes": size, "peak_rss_mb": round(peak / 1024)}
    print(json.dumps({"world": args.world, "scale": args.scale} | result))


if __name__ == "__main__":
    main()
