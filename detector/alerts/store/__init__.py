"""The store: alerts, what people decided about them, and who may ask, in SQLite or PostgreSQL."""

import time
from collections.abc import Callable, Collection

from detector.alerts.store.alerts import Alerts
from detector.alerts.store.allowances import Allowances
from detector.alerts.store.answers import Answers
from detector.alerts.store.audit import Audit
from detector.alerts.store.database import AwayError, Database
from detector.alerts.store.enforcement import Enforcement
from detector.alerts.store.forget import Forgetter, Receipt
from detector.alerts.store.labels import Labels
from detector.alerts.store.notified import Notified
from detector.alerts.store.outcomes import Outcomes
from detector.alerts.store.prune import Keep, Pruner
from detector.alerts.store.tokens import Tokens
from detector.alerts.store.triage import Triage

__all__ = ["AwayError", "Keep", "Store"]


def _wall() -> int:
    return time.time_ns() // 1000


class Store:
    """All tables of one database, brought up to date when it is opened.

    Args:
        url: as SQLAlchemy reads it, `sqlite:///…` or `postgresql+psycopg://…`.
        now: wall clock, µs.
    """

    def __init__(self, url: str, now: Callable[[], int] = _wall) -> None:
        self._database = Database(url)
        self._database.migrate()
        self.audit = Audit(self._database)
        self.alerts = Alerts(self._database, now)
        self.triage = Triage(self._database, self.alerts, self.audit, now)
        self.labels = Labels(self._database, self.audit, now)
        self.allowances = Allowances(self._database, self.audit, now)
        self.tokens = Tokens(self._database, self.audit, now)
        self.outcomes = Outcomes(self._database, self.audit, self.labels, now)
        self.answers = Answers(self._database, now)
        self.enforcement = Enforcement(self._database, self.audit, now)
        self.notified = Notified(self._database, now)
        self._pruner = Pruner(self._database, self.audit, now)
        self._forgetter = Forgetter(self._database, self.alerts, self.audit, now)

    @property
    def changes(self) -> int:
        """Grows with each transaction of this process that may have written."""
        return self._database.changes

    def forget(self, account: str, actor: str) -> Receipt:
        """Erase an account's personal data everywhere; the receipt proves it to whoever holds it."""
        return self._forgetter.forget(account, actor)

    def prune(
        self, keep: Keep, channels: Collection[str] = (), stopped: Callable[[], bool] = lambda: False
    ) -> dict[str, int]:
        """Remove what is older than it may be; see `Pruner.prune`."""
        return self._pruner.prune(keep, channels, stopped)

    def close(self) -> None:
        """Let the database go."""
        self._database.close()
