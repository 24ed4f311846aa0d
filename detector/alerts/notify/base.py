"""What a notifier is."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec

from detector.alerts.model import Alert

Body = Callable[[Alert], dict[str, Any]]
"""An alert as a JSON object."""


class Notifier(Protocol):
    """Tells one other system of alerts."""

    def notify(self, alert: Alert, idempotency_key: str) -> None:
        """Tell of an alert, or of a change to it.

        What cannot be delivered is kept by the notifier: it raises for a wrong configuration only.

        Args:
            alert: as it is now.
            idempotency_key: the same for the same news, so that a repetition after a crash is seen as one.
        """
        ...


def whole(alert: Alert) -> dict[str, Any]:
    """The alert as it is written (`revenuer.alert.v1`)."""
    made: dict[str, Any] = msgspec.to_builtins(alert)
    return made


def millis(moment: str) -> int:
    """An RFC 3339 time as milliseconds since the epoch."""
    return round(datetime.fromisoformat(moment).astimezone(UTC).timestamp() * 1000)
