"""Public keys of an issuer of JWTs, from a file or a URL, read again when they change."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import jwt
import msgspec
import structlog

from detector.alerts.notify.pinned import pinned
from detector.alerts.notify.reach import Reach, RefusedError

BETWEEN_S: Final = 60.0  # two readings, at least: whoever makes up key ids must not make us ask on and on
_FRESH_S: Final = 3_600.0  # then read again, for a key may have been withdrawn
_STALE_S: Final = 86_400.0  # an issuer that cannot be asked for so long vouches for nobody
_LARGEST: Final = 256 << 10  # bytes of a key set
_TIMEOUT_S: Final = 5.0

_log = structlog.get_logger(__name__)


class KeysError(RuntimeError):
    """The keys cannot be read now."""


class Keys:
    """The keys of one issuer.

    Args:
        where: path of a file, or a URL.
        algorithms: keys of others are left out.
        reach: where a URL may lead.
        clock: seconds.
    """

    def __init__(
        self,
        where: str,
        algorithms: Sequence[str],
        reach: Reach,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._where, self._algorithms, self._reach, self._clock = where, frozenset(algorithms), reach, clock
        self._keys: Mapping[str, jwt.PyJWK] = {}
        self._read, self._tried = float("-inf"), float("-inf")
        self._lock = threading.Lock()

    def find(self, kid: str) -> jwt.PyJWK | None:
        """The key with an id; None where the issuer has none.

        Raises:
            KeysError: there are no keys, and they cannot be read now.
        """
        if kid not in self._keys or self._age() > _FRESH_S:
            self._refresh()
        if self._age() > _STALE_S:
            raise KeysError("the issuer's keys cannot be read")
        return self._keys.get(kid)

    def _age(self) -> float:
        return self._clock() - self._read

    def _refresh(self) -> None:
        # While one reads, others go on with the keys that there are; without any they wait for them.
        if not self._lock.acquire(blocking=not self._keys):
            return
        try:
            if self._clock() - self._tried < BETWEEN_S:
                return
            self._tried = self._clock()
            self._keys, self._read = self._usable(self._fetch()), self._clock()
        except (RefusedError, OSError, httpx.HTTPError, ValueError) as error:
            # The message may hold what the other side sent.
            _log.warning("jwks_not_read", error=type(error).__name__)
        finally:
            self._lock.release()

    def _fetch(self) -> bytes:
        if is_url(self._where):
            return self._get()
        with Path(self._where).open("rb") as file:
            return file.read(_LARGEST + 1)

    def _get(self) -> bytes:
        target = self._reach.check(self._where)
        end = time.monotonic() + _TIMEOUT_S
        body = bytearray()
        asked = {"Accept": "application/json", "Accept-Encoding": "identity"}
        with pinned("GET", target, target.addresses[0], headers=asked, timeout_s=_TIMEOUT_S) as answer:
            if answer.status_code != httpx.codes.OK:
                raise OSError(f"status {answer.status_code}")
            for piece in answer.iter_raw():
                body += piece
                if len(body) > _LARGEST or time.monotonic() > end:
                    raise OSError("too large or too slow")
        return bytes(body)

    def _usable(self, body: bytes) -> Mapping[str, jwt.PyJWK]:
        """Keys by id: public ones for signatures of the allowed algorithms."""
        if len(body) > _LARGEST:
            raise ValueError("too large")
        told = msgspec.json.decode(body, type=dict[str, Any]).get("keys")
        found: dict[str, jwt.PyJWK] = {}
        for one in told if isinstance(told, list) else ():
            key = self._key(one)
            if key is not None and key.key_id:
                found[key.key_id] = key
        if not found:
            raise ValueError("no usable key")
        return found

    def _key(self, told: object) -> jwt.PyJWK | None:
        """A public key for signatures; None where it is something else, or a private one that somebody let out."""
        if not isinstance(told, dict) or told.get("use", "sig") != "sig" or "d" in told:
            return None
        # Before the library sees it: it knows algorithms that we do not want to know.
        if not isinstance(told.get("kid"), str) or told.get("alg") not in (None, *self._algorithms):
            return None
        try:
            key = jwt.PyJWK(told)
        except (jwt.PyJWTError, ValueError, TypeError):
            return None
        return key if key.algorithm_name in self._algorithms else None


def is_url(where: str) -> bool:
    """Whether keys come from a URL rather than a file."""
    return urlsplit(where).scheme in {"http", "https"}
