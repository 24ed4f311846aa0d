"""What the routes stand on: the store, the running detector, the rules, the limits."""

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Protocol

import msgspec

from detector.alerts.model import Alert, Reason, Recommendation
from detector.alerts.store import Store
from detector.config import EnforcementSettings
from detector.report import Graph
from detector.scoring.rules import Rule
from detector.service.enforcing import Enforcing
from detector.service.http.bucket import Buckets
from detector.service.http.metrics import Metrics
from detector.service.http.people import People
from detector.service.http.remembered import Remembered
from streams.adapters.reader import Format
from streams.batch import Batch, DeadLetter
from streams.exchange import EXCHANGE_SCHEMA, MESSAGES

_MIB = 1 << 20
_MOST_REASONS: Final = 20
_FIELDS: Final = frozenset({*EXCHANGE_SCHEMA, MESSAGES})


class Ack(msgspec.Struct, frozen=True):
    """What became of posted records: `read = accepted + duplicates + dead_lettered`.

    Attributes:
        read, accepted, duplicates, dead_lettered: records.
        reasons: of the dead letters, how many by reason and field, the 20 most frequent; never text of a record.
    """

    read: int
    accepted: int
    duplicates: int
    dead_lettered: int
    reasons: dict[str, int] = {}

    @classmethod
    def of(cls, batch: Batch, accepted: int) -> "Ack":
        """What became of a batch, of which so many records were new."""
        why = Counter(_reason(letter) for letter in batch.dead)
        return cls(
            batch.read, accepted, batch.frame.height - accepted, len(batch.dead), dict(why.most_common(_MOST_REASONS))
        )


def _reason(letter: DeadLetter) -> str:
    # Only a name of the contract: whatever else stands there one day may be the sender's words.
    return f"{letter.reason}: {letter.detail}" if letter.detail in _FIELDS else letter.reason


class Link(msgspec.Struct, frozen=True):
    """What an account shares with others.

    Attributes:
        kind: template, system_prompt, payment, network, tls, mail, signup, timing or reasoning.
        weight: nats.
        holders: accounts that hold it.
        accounts: some of the others.
    """

    kind: str
    weight: float
    holders: int
    accounts: list[str]


class AccountView(msgspec.Struct, frozen=True):
    """An account as the detector knows it now.

    Attributes:
        account_id: which.
        exchanges: within the window.
        first_seen, last_seen: event time, RFC 3339.
        stratum: what it is compared with.
        score, p_value, risk: of its own behaviour.
        reasons: strongest first.
        features: by name; null where unknown.
        links: strongest first.
        alerts: ids of the alerts that name it, the worst first.
        recommendation: of the worst of them whose recommendation is for this account, too; null where none is.
    """

    account_id: str
    exchanges: int
    first_seen: str
    last_seen: str
    stratum: str
    score: float
    p_value: float
    risk: float
    reasons: list[Reason]
    features: dict[str, float | None]
    links: list[Link]
    alerts: list[str] = []
    recommendation: Recommendation | None = None


class QueueFullError(RuntimeError):
    """The detector is behind; the same may be sent again later."""


class UnwritableError(OSError):
    """The data folder cannot be written; the same may be sent again later."""


class BusyError(RuntimeError):
    """The detector is in the middle of a long step; ask again."""


class Detector(Protocol):
    """The running detector, as the routes see it."""

    @property
    def ready(self) -> bool:
        """Whether it takes in records."""
        ...

    @property
    def writable(self) -> bool:
        """Whether the data folder takes what is written."""
        ...

    @property
    def waiting(self) -> int:
        """Records accepted and not yet looked at."""
        ...

    def submit(self, batch: Batch) -> Ack:
        """Accept a batch.

        Raises:
            QueueFullError: nothing of it was accepted.
            UnwritableError: the data folder cannot be written; what was accepted of it is a duplicate when it is sent again.
        """
        ...

    def account(self, account_id: str) -> AccountView | None:
        """An account, or None where it was never seen.

        Raises:
            BusyError: it could not look within a second.
        """
        ...

    def knows(self, account_id: str) -> bool:
        """Whether an account was ever seen.

        Raises:
            BusyError: it could not look within a second.
        """
        ...

    def graph(self, alert: Alert) -> Graph | None:
        """What ties the accounts of an alert; None where they are no cluster now.

        Raises:
            BusyError: it could not look within a second.
        """
        ...

    def traffic(self) -> float:
        """Requests a day of everybody."""
        ...

    def forget(self, account_id: str) -> None:
        """Erase an account from memory."""
        ...

    def allow(self) -> None:
        """Read the allowances again."""
        ...

    def enforced(self) -> None:
        """Read again when suspensions were applied."""
        ...


@dataclass(frozen=True)
class Limits:
    """Bounds on what a client may ask.

    Attributes:
        body: bytes of any request but ingest.
        ingest: bytes of an ingest request as sent.
        unpacked: bytes of an ingest request unpacked.
        rate: requests a second a token, in the long run.
        burst: requests at once.
        page: rows a page at most.
    """

    body: int = 64 << 10
    ingest: int = 32 * _MIB
    unpacked: int = 256 * _MIB
    rate: float = 50.0
    burst: int = 200
    page: int = 200


@dataclass
class State:
    """Everything that the routes need.

    Attributes:
        store: alerts and what people decided.
        detector: the running one.
        rules: as loaded.
        digest_key: of the dead letters' digests.
        limits: bounds.
        metrics: counted here, shown at /metrics.
        stopping: set when streams must end.
        enforcement: mode and caps.
        format: of what is posted.
        people: those who come with JWTs; None where no issuer is configured.
        indicators_key: under which indicators are shared; empty where they are not.
        litellm_account: what an account id is at LiteLLM: user, team or key.
        buckets: how much each token has left.
        lists: lists of alerts that were given a moment ago.
    """

    store: Store
    detector: Detector
    rules: Sequence[Rule] = ()
    digest_key: bytes = b""
    limits: Limits = field(default_factory=Limits)
    metrics: Metrics = field(default_factory=Metrics)
    stopping: threading.Event = field(default_factory=threading.Event)
    enforcement: EnforcementSettings = field(default_factory=EnforcementSettings)
    format: Format = field(default_factory=Format)
    people: People | None = None
    indicators_key: bytes = b""
    litellm_account: str = "user"
    buckets: Buckets = field(init=False)
    lists: Remembered = field(init=False)

    def __post_init__(self) -> None:
        self.buckets = Buckets(self.limits.rate, self.limits.burst)
        self.lists = Remembered(lambda: self.store.changes)

    @cached_property
    def enforcing(self) -> Enforcing:
        """What binds a gateway."""
        made = Enforcing(self.enforcement, self.store, self.detector.traffic)
        self.metrics.brake.set_function(made.pulled)
        return made
