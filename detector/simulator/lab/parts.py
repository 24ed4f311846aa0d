"""Finished parts of a long run, kept in files, so that a run that was cut goes on where it stopped."""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Made = dict[str, Any]


@dataclass(frozen=True)
class Parts:
    """A folder of finished parts.

    Attributes:
        folder: made where it is missing.
    """

    folder: Path

    def find(self, name: str, asked: Made) -> Made | None:
        """A finished part, or None where it is missing, cut, or was made from other inputs.

        Args:
            name: of the part.
            asked: everything that its result depends on.
        """
        try:
            kept = json.loads(self._path(name).read_text())
        except (OSError, ValueError):
            return None
        return kept["made"] if isinstance(kept, dict) and kept.get("asked") == fingerprint(asked) else None

    def keep(self, name: str, asked: Made, made: Made) -> None:
        """Writes a part, whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self._path(name)
        draft = path.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps({"asked": fingerprint(asked), "made": made}))
        draft.replace(path)

    def get(self, name: str, asked: Made, make: Callable[[], Made]) -> Made:
        """A part, made where it is not finished."""
        found = self.find(name, asked)
        if found is None:
            found = make()
            self.keep(name, asked, found)
        return found

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.json"


def fingerprint(asked: Made) -> str:
    """Hash of what a part depends on."""
    return hashlib.blake2b(json.dumps(asked, sort_keys=True).encode(), digest_size=16).hexdigest()
