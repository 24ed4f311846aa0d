"""OCSF: an alert as a Detection Finding (class 2004), for SIEMs and security lakes.

https://schema.ocsf.io/1.6.0/classes/detection_finding
"""

from importlib.metadata import version
from typing import Any, Final

import msgspec

from detector.alerts.model import Alert
from detector.alerts.notify.base import millis

CLASS_UID: Final = 2004
_VERSION = "1.6.0"
_CATEGORY = 2
_CREATE, _UPDATE, _CLOSE = 1, 2, 3
_SEVERITIES: Final = {"low": 2, "medium": 3, "high": 4, "critical": 5}
# New, in progress, suppressed, resolved.
_STATUSES: Final = {"open": 1, "acknowledged": 2, "confirmed": 2, "false_positive": 3, "resolved": 4}
_CLOSED: Final = frozenset({"false_positive", "resolved"})
_TECHNIQUE: Final = "https://atlas.mitre.org/techniques/"


def detection_finding(alert: Alert) -> dict[str, Any]:
    """An alert as an OCSF event.

    The finding's uid is the alert's id, so that later events update it.
    """
    activity = _activity(alert)
    detected = millis(alert.detected_at)
    return {
        "activity_id": activity,
        "category_uid": _CATEGORY,
        "class_uid": CLASS_UID,
        "type_uid": CLASS_UID * 100 + activity,
        "time": millis(alert.last_seen),
        "severity_id": _SEVERITIES[alert.severity],
        "status_id": _STATUSES[alert.status],
        "is_alert": alert.severity in {"high", "critical"},
        "risk_score": round(alert.risk),
        "message": _title(alert),
        "count": alert.exchanges,
        "metadata": {
            "version": _VERSION,
            "product": {"name": "Revenuer", "vendor_name": "Revenuer", "version": version("revenuer")},
            "log_name": alert.schema,
        },
        "finding_info": {
            "uid": alert.id,
            "title": _title(alert),
            "desc": " ".join(r.text for r in alert.reasons),
            "types": sorted({r.code for r in alert.reasons}),
            "created_time": detected,
            "first_seen_time": millis(alert.first_seen),
            "last_seen_time": millis(alert.last_seen),
            "related_events": [{"uid": uid, "type_uid": CLASS_UID * 100 + _CREATE} for uid in alert.supersedes],
            "attacks": [{"technique": {"uid": uid, "src_url": _TECHNIQUE + uid}} for uid in alert.techniques],
        },
        "resources": [
            {"type": "account", "uid": member.account_id, "labels": [member.role]} for member in alert.members
        ],
        "unmapped": {
            "p_value": alert.p_value,
            "output_tokens_leaked": alert.output_tokens_leaked,
            "exchanges_before_detection": alert.exchanges_before_detection,
            "merged_into": alert.merged_into,
            "recommendation": msgspec.to_builtins(alert.recommendation),
        },
    }


def _activity(alert: Alert) -> int:
    if alert.status in _CLOSED or alert.merged_into is not None:
        return _CLOSE
    first_news = alert.status == "open" and len(set(alert.account_detected_at.values())) <= 1 and not alert.supersedes
    return _CREATE if first_news else _UPDATE


def _title(alert: Alert) -> str:
    who = "an account" if len(alert.accounts) == 1 else f"{len(alert.accounts)} accounts"
    return f"Signs of model distillation by {who}"
