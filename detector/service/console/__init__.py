"""The console: static files that talk to the REST API, and the words that it shares with the report."""

import json
from pathlib import Path
from typing import Final

from detector.profiles.features import FEATURES
from detector.report.measures import BARE, EACH_ALONE, MEANINGS, ORDINARY, PARTS
from detector.report.words import ACTIONS, CAPABILITIES, KINDS, LIKES, STOPS, TECHNIQUES, UNITS

FOLDER: Final = Path(__file__).parent / "static"


def words() -> str:
    """The report's words as a script, so that both say the same."""
    told = {
        "kinds": KINDS,
        "capabilities": CAPABILITIES,
        "actions": ACTIONS,
        "techniques": TECHNIQUES,
        "likes": LIKES,
        "units": UNITS,
        "of": {name: feature.unit for name, feature in FEATURES.items()},
        "stops": sorted(STOPS),
        "meanings": MEANINGS,
        "parts": sorted(PARTS),
        "bare": sorted(BARE),
        "ordinary": ORDINARY,
        "alone": EACH_ALONE,
    }
    return f"export const WORDS = {json.dumps(told)};\n"
