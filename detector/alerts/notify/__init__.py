"""Alerts to other systems: small notifiers behind one protocol."""

from detector.alerts.notify.alertmanager import Alertmanager
from detector.alerts.notify.base import Notifier
from detector.alerts.notify.delivery import Delivery
from detector.alerts.notify.file import NdjsonFile
from detector.alerts.notify.indicators import write_csv, write_ndjson
from detector.alerts.notify.ocsf import detection_finding
from detector.alerts.notify.reach import LOOPBACK, Reach, RefusedError
from detector.alerts.notify.topic import KafkaTopic, UndeliveredError
from detector.alerts.notify.webhook import Webhook

__all__ = [
    "LOOPBACK",
    "Alertmanager",
    "Delivery",
    "KafkaTopic",
    "NdjsonFile",
    "Notifier",
    "Reach",
    "RefusedError",
    "UndeliveredError",
    "Webhook",
    "detection_finding",
    "write_csv",
    "write_ndjson",
]
