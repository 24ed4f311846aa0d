"""The worlds of the comparison: a folder with a truth file, or one that is simulated."""

from dataclasses import dataclass
from pathlib import Path

from benchmarks.detection.base import Case
from detector.simulator.generate import write
from detector.simulator.world import load_world


@dataclass(frozen=True)
class World:
    """A world with its answers, which only the harness reads.

    Attributes:
        case: what methods see.
        truth: the truth file.
    """

    case: Case
    truth: Path


def simulated(name: str, work: Path, seed: int, scale: float) -> World:
    """A world of the simulator; one that is there from an earlier run is used again."""
    folder = work / f"{name}-{seed}-{scale:g}"
    if not (folder / "truth.json").exists():  # the last file that is written
        write(load_world(name), folder, seed=seed, scale=scale)
    return found(name, folder)


def found(name: str, folder: Path) -> World:
    """A world in a folder, files plain or gzip.

    Raises:
        FileNotFoundError: it has no requests or no truth.
    """
    requests, truth = _file(folder, "requests.ndjson"), folder / "truth.json"
    if requests is None or not truth.exists():
        raise FileNotFoundError(f"{folder}: no requests.ndjson or no truth.json")
    return World(Case(name, requests, _file(folder, "accounts.ndjson"), _file(folder, "events.ndjson")), truth)


def _file(folder: Path, name: str) -> Path | None:
    return next((path for path in (folder / name, folder / f"{name}.gz") if path.exists()), None)
