"""Alerts and recommendations into Kafka topics, keyed by the alert, with the idempotency key among the headers."""

from dataclasses import dataclass, field
from typing import Final

import structlog

from detector.alerts.model import Alert
from detector.alerts.notify.base import Body, whole
from streams.kafka import KafkaSettings
from streams.sinks.kafka import IDEMPOTENCY_KEY, KafkaSink
from streams.sources import SourceError

ALERTS: Final = "alerts"
RECOMMENDATIONS: Final = "recommendations"

_log = structlog.get_logger(__name__)


class UndeliveredError(RuntimeError):
    """The cluster did not take it; the same comes again later."""


@dataclass
class KafkaTopic:
    """Produces to `alerts` and `recommendations`.

    Attributes:
        settings: how to reach the cluster.
        body: the alert as it is written, or e.g. `detection_finding`.
    """

    settings: KafkaSettings
    body: Body = whole
    _sink: KafkaSink | None = field(default=None, init=False, repr=False)

    def notify(self, alert: Alert, idempotency_key: str) -> None:
        """Produce an alert and what it recommends, and wait until the cluster has both.

        Raises:
            UndeliveredError: it has not.
        """
        headers = {IDEMPOTENCY_KEY: idempotency_key}
        try:
            if self._sink is None:
                self._sink = KafkaSink(self.settings)
            self._sink.send(ALERTS, self.body(alert), alert.id, headers)
            if alert.recommendation is not None:
                self._sink.send(RECOMMENDATIONS, alert.recommendation, alert.id, headers)
            self._sink.flush()
        except SourceError as error:
            self._sink = None  # what it holds of a failed flush must not come later, behind newer news
            raise UndeliveredError(str(error)) from error
