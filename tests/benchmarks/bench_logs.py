"""A small log with people, one of whom repeats himself, and two kinds of campaign."""

import msgspec
import numpy as np

from benchmarks.detection.base import Case
from benchmarks.detection.worlds import World

WORDS = [f"word{number}" for number in range(400)]
TOPICS = [WORDS[start : start + 40] for start in range(0, 400, 40)]
CAMPAIGNS = {"farm_1": [f"f{n}" for n in range(6)], "farm_2": [f"g{n}" for n in range(4)], "probe": ["p0", "p1", "p2"]}
HOSTILE = {account for accounts in CAMPAIGNS.values() for account in accounts}
START = 1_772_409_600.0


def exchanges(seed=5, people=30, each=30):
    rng = np.random.default_rng(seed)
    names = [f"h{n}" for n in range(people)] + sorted(HOSTILE)
    for index, name in enumerate(names):
        hostile = name in HOSTILE
        for turn in range(each):
            words = rng.choice(TOPICS[0] if hostile else WORDS, 12)
            yield {
                "ts": START + float(rng.uniform(0, 3 * 86_400)),
                "request_id": f"{name}-{turn}",
                "account_id": name,
                "model": "m",
                "prompt": ("Grade this: " if hostile else "") + " ".join(WORDS[:12] if name == "h0" else words),
                "input_tokens": int(rng.integers(10, 900)),
                "output_tokens": int(rng.integers(900, 1_000) if hostile else rng.integers(10, 900)),
                "temperature": 1.0,
                "ip": "192.0.2.9" if hostile else f"10.{index}.0.1",
            }


def write_world(folder, records=None):
    records = list(exchanges()) if records is None else records
    (folder / "requests.ndjson").write_bytes(b"\n".join(map(msgspec.json.encode, records)) + b"\n")
    truth = {
        "campaigns": CAMPAIGNS,
        "archetype": {},
        "attack_times": {
            account: sorted(r["ts"] for r in records if r["account_id"] == account) for account in sorted(HOSTILE)
        },
    }
    (folder / "truth.json").write_bytes(msgspec.json.encode(truth))
    return World(Case("made-up", folder / "requests.ndjson"), folder / "truth.json")
