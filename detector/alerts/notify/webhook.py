"""A signed webhook, as Standard Webhooks lays down: ready-made libraries can check it.

`webhook-signature: v1,base64(HMAC-SHA256(secret, "id.timestamp.body"))` beside `webhook-id` and `webhook-timestamp`
(seconds).
https://github.com/standard-webhooks/standard-webhooks
"""

import base64
import hashlib
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import msgspec

from detector.alerts.model import Alert
from detector.alerts.notify.base import Body, whole
from detector.alerts.notify.delivery import Delivery

SHORTEST_SECRET: Final = 24  # bytes, as the standard asks


def sign(secret: bytes, key: str, timestamp: int, body: bytes) -> str:
    """The signature of a body.

    Args:
        secret: shared with the receiver.
        key: of the message.
        timestamp: seconds since the epoch; a receiver refuses old ones.
        body: as sent.
    """
    mac = hmac.new(secret, f"{key}.{timestamp}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(mac.digest()).decode()}"


@dataclass
class Webhook:
    """Posts alerts to a URL.

    Attributes:
        delivery: where to and how stubbornly.
        secret: shared with the receiver; at least 24 bytes.
        body: the alert as it is written, or e.g. `detection_finding`.
        clock: seconds since the epoch.

    Raises:
        ValueError: the secret is too short.
    """

    delivery: Delivery
    secret: bytes = field(repr=False)
    body: Body = whole
    clock: Callable[[], float] = time.time

    def __post_init__(self) -> None:
        if len(self.secret) < SHORTEST_SECRET:
            raise ValueError(f"a webhook's secret needs at least {SHORTEST_SECRET} bytes")

    def notify(self, alert: Alert, idempotency_key: str) -> None:
        """Post an alert; the key becomes `webhook-id`, by which the receiver knows a repetition."""

        def headers(body: bytes) -> dict[str, str]:
            timestamp = int(self.clock())
            return {
                "webhook-id": idempotency_key,
                "webhook-timestamp": str(timestamp),
                "webhook-signature": sign(self.secret, idempotency_key, timestamp, body),
            }

        self.delivery.post(idempotency_key, msgspec.json.encode(self.body(alert)), headers)
