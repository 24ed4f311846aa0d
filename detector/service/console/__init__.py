"""The console: static files that talk to the REST API."""

from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent / "static"
