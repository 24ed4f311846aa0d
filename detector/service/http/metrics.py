"""Metrics for Prometheus; no label ever names an account."""

from collections.abc import Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from detector.alerts.model import SEVERITIES, Alert

_FAST: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_SLOW: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_KINDS: Final = ("account", "cluster")


class Metrics:
    """All metrics of one service, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = r = CollectorRegistry()
        self.exchanges = Counter("revenuer_exchanges", "Records by fate", ["outcome"], registry=r)
        self.dead_letters = Counter("revenuer_dead_letters", "Records that could not be read", ["reason"], registry=r)
        self.lag_seconds = Gauge("revenuer_lag_seconds", "Age of the oldest accepted record not looked at", registry=r)
        self.lag_records = Gauge("revenuer_lag_records", "Accepted records not looked at", registry=r)
        self.topic_lag = Gauge("revenuer_topic_lag_records", "Records of the topic that were not fetched", registry=r)
        self.topic_away = Gauge("revenuer_topic_away", "1 where the topic cannot be read at the moment", registry=r)
        self.tick_seconds = Histogram("revenuer_tick_seconds", "Time of a tick", registry=r, buckets=_SLOW)
        self.stage_seconds = Histogram(
            "revenuer_stage_seconds", "Time of a stage a batch", ["stage"], registry=r, buckets=_SLOW
        )
        self.accounts_tracked = Gauge("revenuer_accounts_tracked", "Accounts with a profile", registry=r)
        self.state_bytes = Gauge("revenuer_state_bytes", "Bytes of profiles", registry=r)
        self.alerts = Gauge("revenuer_alerts", "Alerts that were not merged away", ["severity", "kind"], registry=r)
        self.alerts_opened = Counter("revenuer_alerts_opened", "Alerts opened", ["severity", "kind"], registry=r)
        self.accounts_named = Gauge("revenuer_accounts_named", "Accounts named by alerts", ["severity"], registry=r)
        self.recommendations = Counter("revenuer_recommendations", "Recommendations made", ["action"], registry=r)
        self.blast_radius = Gauge(
            "revenuer_blast_radius_requests_per_day", "Requests a day that recommendations would hit", registry=r
        )
        self.reference_age = Gauge("revenuer_reference_age_seconds", "Age of the benign reference", registry=r)
        self.calibration_error = Gauge(
            "revenuer_calibration_error", "Share of accounts at or below a p-value beyond that p-value", registry=r
        )
        self.drift = Gauge(
            "revenuer_drift", "Share of features that exceed the benign reference twice as often as said", registry=r
        )
        self.brake = Gauge("revenuer_enforcement_brake", "1 where the brake of live enforcement is pulled", registry=r)
        self.http_requests = Counter(
            "revenuer_http_requests", "Requests answered", ["route", "method", "status"], registry=r
        )
        self.http_seconds = Histogram(
            "revenuer_http_request_seconds", "Time to answer", ["route", "method"], registry=r, buckets=_FAST
        )
        self.ingest_queue = Gauge("revenuer_ingest_queue_records", "Records in the ingest queue", registry=r)
        for outcome in ("accepted", "duplicate", "dead_lettered"):
            self.exchanges.labels(outcome)

    def exposition(self) -> bytes:
        """What Prometheus reads."""
        return generate_latest(self.registry)

    def show_alerts(self, alerts: Iterable[Alert]) -> None:
        """Set what is known of the current alerts."""
        found = list(alerts)
        named: dict[str, set[str]] = {s: set() for s in SEVERITIES}
        count = {(s, k): 0 for s in SEVERITIES for k in _KINDS}
        for alert in found:
            named[alert.severity].update(alert.accounts)
            count[alert.severity, alert.kind] += 1
        for (severity, kind), n in count.items():
            self.alerts.labels(severity, kind).set(n)
        for level, accounts in named.items():
            self.accounts_named.labels(level).set(len(accounts))
        hit = (a.recommendation.blast_radius.requests_per_day for a in found if a.recommendation)
        self.blast_radius.set(sum(hit))
