"""Prometheus Alertmanager: the body of `POST /api/v2/alerts`.

Alertmanager tells alerts apart by their labels and drops those that are not sent again before `endsAt`. It is told how
many accounts there are, not which.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from detector.alerts.model import Alert
from detector.alerts.notify.delivery import Delivery

PATH: Final = "/api/v2/alerts"
_CLOSED: Final = frozenset({"resolved", "false_positive"})
_MOST_REASONS = 5


@dataclass
class Alertmanager:
    """Posts alerts to an Alertmanager.

    Attributes:
        delivery: its URL ends in `/api/v2/alerts`.
        console: address of Revenuer's own console (`https://…/console/`), to which the alert links; none where empty.
        holds_s: seconds until Alertmanager forgets an alert that is not sent again.
        clock: seconds since the epoch.
    """

    delivery: Delivery
    console: str = ""
    holds_s: float = 86_400.0
    clock: Callable[[], float] = time.time

    def notify(self, alert: Alert, idempotency_key: str) -> None:
        """Post an alert; a closed or merged one ends now."""
        body = postable(alert, self.clock(), self.holds_s, self.console)
        self.delivery.post(idempotency_key, msgspec.json.encode([body]), lambda _: {"Idempotency-Key": idempotency_key})


def postable(alert: Alert, now: float, holds_s: float, console: str = "") -> dict[str, Any]:
    """An alert as Alertmanager takes it.

    Args:
        alert: as it is now.
        now: seconds since the epoch.
        holds_s: how long it stands without being sent again.
        console: address to link to.
    """
    over = alert.status in _CLOSED or alert.merged_into is not None
    out: dict[str, Any] = {
        "labels": {
            "alertname": "RevenuerAlert",
            "alert_id": alert.id,
            "kind": alert.kind,
            "severity": alert.severity,
        },
        "annotations": {
            "summary": f"{alert.severity}, risk {alert.risk:.1f}: {alert.headline or f'{len(alert.accounts)} accounts'}",
            "description": " ".join(r.text for r in alert.reasons[:_MOST_REASONS]),
            "reason_codes": ",".join(r.code for r in alert.reasons),
            "output_tokens_leaked": str(alert.output_tokens_leaked),
            "recommended_action": alert.recommendation.action if alert.recommendation else "none",
        },
        # Alertmanager refuses an alert that ends before it starts, and the data's clock may be ahead of ours.
        "startsAt": min(alert.detected_at, _written(now)),
        "endsAt": _written(now if over else now + holds_s),
    }
    if console:
        out["generatorURL"] = f"{console.rstrip('/')}/#alert={alert.id}"
    return out


def _written(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
