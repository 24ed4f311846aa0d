"""The console: static files that talk to the REST API, and the words that it shares with the report."""

import json
from pathlib import Path
from typing import Final

from detector.report.words import ACTIONS, CAPABILITIES, KINDS, STOPS, TECHNIQUES, UNITS

FOLDER: Final = Path(__file__).parent / "static"


def words() -> str:
    """The report's words as a script, so that both say the same."""
    tables = {
        "kinds": KINDS,
        "capabilities": CAPABILITIES,
        "actions": ACTIONS,
        "techniques": TECHNIQUES,
        "units": UNITS,
    }
    return f"export const WORDS = {json.dumps(tables | {'stops': sorted(STOPS)})};\n"
