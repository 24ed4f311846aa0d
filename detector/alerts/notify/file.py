"""Alerts into a file, one JSON object a line: for log shippers, and where nothing may be called."""

from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from detector.alerts.model import Alert
from detector.alerts.notify.base import Body, whole


class _Line(msgspec.Struct):
    key: str


@dataclass
class NdjsonFile:
    """Appends alerts as `{"key": …, "event": …}`.

    Attributes:
        path: made where it is missing; keys that it holds already are not written again.
        body: the alert as it is written, or e.g. `detection_finding`.
    """

    path: Path
    body: Body = whole
    _known: set[str] = field(default_factory=set, init=False, repr=False)

    def __post_init__(self) -> None:
        if not self.path.exists():
            return
        text = self.path.read_bytes()
        whole_lines = text[: text.rfind(b"\n") + 1]
        if len(whole_lines) < len(text):
            # A crash cut the last line: it is written again when its alert comes again.
            self.path.write_bytes(whole_lines)
        self._known = {msgspec.json.decode(line, type=_Line).key for line in whole_lines.splitlines()}

    def notify(self, alert: Alert, idempotency_key: str) -> None:
        """Append an alert unless its key is known."""
        if idempotency_key in self._known:
            return
        with self.path.open("ab") as file:
            file.write(msgspec.json.encode({"key": idempotency_key, "event": self.body(alert)}) + b"\n")
        self._known.add(idempotency_key)
