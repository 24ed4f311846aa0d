"""Tells other systems of alerts: every version of an alert reaches every channel at least once, under a key that stays the same.

The versions in the store are the outbox: a channel remembers the last one that it was told of. A process that is killed tells the
same again, with the same key, so that a receiver takes it once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

import structlog

from detector.alerts.model import SEVERITIES, Severity
from detector.alerts.notify import Notifier, UndeliveredError
from detector.alerts.store import Store
from detector.service.beside import Threads

_POLL_S: Final = 1.0
_AT_ONCE: Final = 200
_RETRY_S: Final = 5.0
_STOP_S: Final = 1.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Channel:
    """Whom to tell, and of what.

    Attributes:
        notifier: tells.
        severity: at least.
    """

    notifier: Notifier
    severity: Severity = "high"


class Outbox:
    """One thread a channel, so that a slow receiver holds up nobody else.

    Args:
        store: of the alerts.
        channels: by name; the name is what the store remembers.
        retry_s: until what was not taken is told again.
    """

    def __init__(self, store: Store, channels: Mapping[str, Channel], retry_s: float = _RETRY_S) -> None:
        self._store, self._retry_s = store, retry_s
        work = {f"notify {name}": partial(self._run, name, channel) for name, channel in channels.items()}
        self._threads = Threads(work, _STOP_S)

    def start(self) -> None:
        """Begin to tell."""
        self._threads.start()

    def stop(self) -> None:
        """End after the delivery at hand, or without it where it takes long: it is told again after the next start."""
        self._threads.stop()

    def _run(self, name: str, channel: Channel) -> None:
        at = self._store.notified.of(name, self._store.alerts.latest())
        while not self._threads.stopping.is_set():
            try:
                reached = self.tell(name, channel, at)
            except UndeliveredError as error:
                _log.warning("channel_waits", channel=name, why=str(error))
                self._threads.wait(self._retry_s)
                continue
            if reached == at:
                self._threads.wait(_POLL_S)
            at = reached

    def tell(self, name: str, channel: Channel, at: int) -> int:
        """Tell a channel of what came after a version, of each alert the latest; the version reached."""
        versions = self._store.alerts.changes(at, _AT_ONCE)
        last = {version.alert_id: version for version in versions}
        for version in sorted(last.values(), key=lambda v: v.id):
            if self._threads.stopping.is_set():
                return at
            alert = self._store.alerts.get(version.alert_id)
            least = SEVERITIES.index(channel.severity)
            if alert is not None and SEVERITIES.index(alert.severity) >= least:
                channel.notifier.notify(alert, f"{version.alert_id}.{version.id}")
        if versions:
            at = versions[-1].id
            self._store.notified.move(name, at)
        return at
