"""What a gateway was told, and when: the recommendations of a replay in the order in which they were made."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import inf
from pathlib import Path

import msgspec

from detector.evaluation.inputs import InputError, epoch

ACTIONABLE = frozenset({"high", "critical"})
Spells = dict[str, list[tuple[float, float]]]


class Limit(msgspec.Struct, frozen=True):
    """A quota of requests or output tokens over a window in seconds."""

    unit: str
    quota: int
    window_s: int


class Subject(msgspec.Struct, frozen=True):
    """Whom a recommendation binds; accounts of one subject share its quota."""

    accounts: list[str]


class Recommendation(msgspec.Struct, frozen=True):
    """The part of a recommendation that a gateway applies."""

    alert_id: str
    subject: Subject
    created_at: str
    expires_at: str
    limits: list[Limit] = []


class Advice(msgspec.Struct, frozen=True):
    """A line of `recommendations.ndjson`."""

    severity: str
    recommendation: Recommendation
    supersedes: list[str] = []

    @property
    def actionable(self) -> bool:
        """Whether it is to be acted on."""
        return self.severity in ACTIONABLE


@dataclass(frozen=True)
class Step:
    """What holds from a moment until the next step.

    Attributes:
        at: epoch seconds.
        accounts: that are bound.
        limits: that they share.
    """

    at: float
    accounts: frozenset[str] = frozenset()
    limits: tuple[Limit, ...] = ()


@dataclass
class Order:
    """The recommendations of one alert, each in the place of the one before.

    Attributes:
        steps: in the order of time; the last one binds nobody, where the alert was merged away or nothing was renewed.
        expires: of the last one that binds somebody, epoch seconds.
    """

    steps: list[Step] = field(default_factory=list)
    expires: float = inf

    def tell(self, step: Step, expires: float) -> None:
        """Takes the next recommendation; where the last one had run out by then, nobody was bound in between."""
        self._run_out(step.at)
        self.steps.append(step)
        self.expires = expires

    def end(self, at: float) -> None:
        """Binds nobody from a moment on, or from when the last recommendation ran out."""
        self.steps.append(Step(min(at, self.expires)))
        self.expires = inf

    def holding(self, at: float) -> Step:
        """What holds at a moment."""
        k = bisect_right(self.steps, at, key=lambda step: step.at)
        return self.steps[k - 1] if k else Step(-inf)

    def spells(self) -> Spells:
        """From when to when each account is bound."""
        out: Spells = {}
        begun: dict[str, float] = {}
        for step in self.steps:
            for account in begun.keys() - step.accounts:
                out.setdefault(account, []).append((begun.pop(account), step.at))
            for account in step.accounts:
                begun.setdefault(account, step.at)
        for account, since in begun.items():
            out.setdefault(account, []).append((since, inf))
        return out

    def _run_out(self, now: float) -> None:
        if self.expires < now:
            self.end(self.expires)


def read_advice(path: Path) -> list[Advice]:
    """The lines of a `recommendations.ndjson`.

    Raises:
        OSError: it cannot be read.
        InputError: a line is no recommendation.
    """
    try:
        return [msgspec.json.decode(line, type=Advice) for line in path.read_bytes().splitlines() if line.strip()]
    except msgspec.MsgspecError as error:
        raise InputError(f"{path}: no recommendation: {error}") from error


def orders_of(told: Iterable[Advice]) -> list[Order]:
    """Actionable recommendations by alert, in the order of their first ones."""
    orders: dict[str, Order] = {}
    for each in told:
        if not each.actionable:
            continue
        made = each.recommendation
        at = epoch(made.created_at)
        for name in each.supersedes:
            _supersede(orders, name, at)
        step = Step(at, frozenset(made.subject.accounts), tuple(made.limits))
        orders.setdefault(made.alert_id, Order()).tell(step, epoch(made.expires_at))
    for order in orders.values():
        order.end(inf)
    return list(orders.values())


def _supersede(orders: Mapping[str, Order], name: str, at: float) -> None:
    order = orders.get(name)
    if order is not None and order.steps[-1].accounts:
        order.end(at)


def bound(orders: Iterable[Order]) -> Spells:
    """From when to when each account is bound by any of them."""
    out: Spells = {}
    for order in orders:
        for account, spells in order.spells().items():
            out.setdefault(account, []).extend(spells)
    return out
