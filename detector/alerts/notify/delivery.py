"""One POST, delivered at least once or kept in a file: retried with back-off and jitter, then a dead letter."""

import random
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx
import msgspec
import structlog

from detector.alerts.notify.pinned import pinned
from detector.alerts.notify.reach import Address, Reach, RefusedError, Target

_log = structlog.get_logger(__name__)
_TRY_AGAIN: Final = frozenset({408, 425, 429, 500, 502, 503, 504})

Headers = Callable[[bytes], Mapping[str, str]]
"""Headers of one attempt at a body; called anew for each, for some carry the time."""


@dataclass
class Delivery:
    """Posts bodies to one URL.

    Attributes:
        url: see `Reach` for what it may be.
        dead_letters: file that gets what could not be delivered: one JSON object a line, with the body.
        reach: where it may go.
        attempts: most tries of one body.
        base_s, cap_s: first and longest mean wait between tries, seconds.
        tls: for a certificate authority of your own; the public ones by default.
        timeout_s: of one try, for each of connect, write and read.
        sleep, chance: of the waits; to be replaced in tests.
    """

    url: str
    dead_letters: Path
    reach: Reach = field(default_factory=Reach)
    attempts: int = 5
    base_s: float = 0.5
    cap_s: float = 30.0
    tls: ssl.SSLContext | None = None
    timeout_s: float = 10.0
    sleep: Callable[[float], None] = time.sleep
    # Jitter is no secret.
    chance: Callable[[], float] = random.random

    def post(self, key: str, body: bytes, headers: Headers) -> bool:
        """Deliver a body; whether it arrived.

        Args:
            key: names it in the dead letters.
            body: JSON.
            headers: of each attempt.
        """
        for attempt in range(1, self.attempts + 1):
            problem, again, wait = self._try(attempt, body, headers)
            if not problem:
                return True
            if not again or attempt == self.attempts:
                break
            self.sleep(max(wait, self._backoff(attempt)))
        _log.warning("notification not delivered", key=key, problem=problem, attempts=attempt)
        self._keep(key, body, problem, attempt)
        return False

    def _backoff(self, attempt: int) -> float:
        """Full jitter over a doubling ceiling: many senders must not come back together."""
        return self.chance() * min(self.cap_s, self.base_s * 2.0**attempt)

    def _try(self, attempt: int, body: bytes, headers: Headers) -> tuple[str, bool, float]:
        """What went wrong, if anything; whether to try again, and the wait that the receiver asked for."""
        try:
            target = self.reach.check(self.url)
            address = target.addresses[(attempt - 1) % len(target.addresses)]
            status, wait = self._send(target, address, body, headers(body))
        except RefusedError as error:
            return f"refused: {error}", False, 0.0
        except (httpx.HTTPError, OSError) as error:
            return type(error).__name__, True, 0.0
        if httpx.codes.is_success(status):
            return "", False, 0.0
        return f"status {status}", status in _TRY_AGAIN, min(wait, self.cap_s)

    def _send(self, target: Target, address: Address, body: bytes, headers: Mapping[str, str]) -> tuple[int, float]:
        typed = {"Content-Type": "application/json", **headers}
        with pinned(
            "POST", target, address, headers=typed, content=body, tls=self.tls, timeout_s=self.timeout_s
        ) as answer:
            return answer.status_code, _seconds(answer.headers.get("Retry-After", ""))

    def _keep(self, key: str, body: bytes, problem: str, attempts: int) -> None:
        self.dead_letters.parent.mkdir(parents=True, exist_ok=True)
        letter = {"key": key, "problem": problem, "attempts": attempts, "at": time.time(), "body": msgspec.Raw(body)}
        with self.dead_letters.open("ab") as file:
            file.write(msgspec.json.encode(letter) + b"\n")


def _seconds(text: str) -> float:
    return float(text) if text.isascii() and text.isdigit() else 0.0
