"""The state of an engine as plain values and arrays, and back: what a checkpoint holds of it.

Every attribute of every part is taken, so that a new one cannot be forgotten, but for those in `_GIVEN`, which the configuration
gives at each start. A test cuts a stream anywhere, goes on with a restored engine, and compares.
"""

import dataclasses
from typing import Final

import msgspec
import numpy as np

from detector.alerts.book import AlertBook
from detector.alerts.entry import Entry
from detector.alerts.later import Later, settle
from detector.alerts.model import BlastRadius, Case, Limit, Member, Named, Reason, Recommendation, Subject
from detector.alerts.quota import TierUsage
from detector.coordination.coordinator import Coordinator, LastLook
from detector.coordination.everybody import Everybody
from detector.coordination.features import Population
from detector.coordination.graph import Communities
from detector.coordination.kin import Kin, Part
from detector.coordination.lookalikes import Belonged, Lookalikes
from detector.coordination.peers import Peers
from detector.coordination.table import LinkTable
from detector.coordination.volumes import Volumes
from detector.profiles.events import EventTracker, Launch
from detector.profiles.layout import Accounts, Panes
from detector.profiles.store import ProfileStore
from detector.service.culprits import Culprits
from detector.service.engine import Engine
from detector.service.indicators import Indicators
from detector.service.references import Ref, References
from detector.service.skeletons import SkeletonBank
from detector.service.strangers import Strangers
from detector.service.tallies import Tally
from detector.service.ticks import Clock
from detector.service.told import Told
from streams.checkpoint import State
from streams.dedupe import Deduplicator

VERSION: Final = 13  # of what `snapshot` gives; a change of it needs a migration

# Written as a name and fields, and made anew when read.
_RECORDS: Final[dict[str, type]] = {
    t.__name__: t
    for t in (
        Accounts,
        Belonged,
        BlastRadius,
        Case,
        Entry,
        Launch,
        Limit,
        LastLook,
        Member,
        Named,
        Panes,
        Part,
        Peers,
        Population,
        Reason,
        Recommendation,
        Ref,
        Subject,
        Tally,
        TierUsage,
        Volumes,
    )
}
# Filled in place.
_PARTS: Final = (
    AlertBook,
    Clock,
    Communities,
    Coordinator,
    Culprits,
    Deduplicator,
    Engine,
    EventTracker,
    Everybody,
    Indicators,
    Kin,
    LinkTable,
    Lookalikes,
    ProfileStore,
    References,
    SkeletonBank,
    Strangers,
    Told,
)
# From the configuration, made by the next look, or of use within a batch only.
_GIVEN: Final[dict[type, frozenset[str]]] = {
    Engine: frozenset(
        {
            "scorer",
            "model",
            "keys",
            "accounts",
            "allowances",
            "clusters",
            "advised",
            "_population",
            "_pending",
            "_behind",
        }
    ),
    EventTracker: frozenset({"told", "enforced"}),
    Clock: frozenset({"every", "coordination_every"}),
}
_CONTAINERS: Final[dict[str, type]] = {"tuple": tuple, "set": set, "frozenset": frozenset}


def snapshot(part: object) -> State:
    """The state of an engine, or of a part of one, between two batches.

    Raises:
        TypeError: there is something in it that no checkpoint can hold.
    """
    if isinstance(part, AlertBook):
        settle(entry.case.evidence for entry in part.entries.values())
    return {name: _plain(getattr(part, name)) for name in _names(part)}


def restore(part: object, state: State) -> None:
    """Bring a newly made engine, or a part of one, to a state.

    Args:
        part: of the same configuration as the one that the state was taken of.
        state: of `snapshot`.

    Raises:
        ValueError: the state does not fit.
    """
    if set(state) != set(_names(part)):
        raise ValueError(f"the state is not of this version: {type(part).__name__}")
    if isinstance(part, EventTracker) and not part.inferred:
        return  # the events file says it all, and may have grown
    for name, value in state.items():
        old = getattr(part, name)
        if isinstance(old, _PARTS):
            restore(old, value["is"])
        else:
            setattr(part, name, _value(value))


def _names(part: object) -> list[str]:
    # Of a dataclass its fields: the service hangs a timer on the engine.
    names = [f.name for f in dataclasses.fields(part)] if dataclasses.is_dataclass(part) else list(vars(part))
    return [name for name in names if name not in _GIVEN.get(type(part), ())]


def _plain(value: object) -> object:  # noqa: PLR0911 - one line a type
    if isinstance(value, bool | int | float | str | bytes | np.ndarray | None):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Later):
        return _plain(value.get())
    if isinstance(value, _PARTS):
        return {"a": type(value).__name__, "is": snapshot(value)}
    kind = type(value).__name__
    if _RECORDS.get(kind) is type(value):
        return {"a": kind, "is": {name: _plain(getattr(value, name)) for name in _fields(value)}}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {"a": "dict", "is": [[_plain(k), _plain(v)] for k, v in value.items()]}
    if isinstance(value, tuple) and kind == "tuple":
        return {"a": kind, "is": [_plain(item) for item in value]}
    if isinstance(value, set | frozenset):
        # A set has no order of its own; a checkpoint of the same state has the same bytes.
        return {"a": kind, "is": [_plain(item) for item in sorted(value)]}
    raise TypeError(f"{kind} does not go into a checkpoint")


def _value(plain: object) -> object:
    if isinstance(plain, list):
        return [_value(item) for item in plain]
    if not isinstance(plain, dict):
        return plain
    kind, inner = plain["a"], plain["is"]
    if kind == "dict":
        return {_value(k): _value(v) for k, v in inner}
    if kind in _CONTAINERS:
        return _CONTAINERS[kind](_value(item) for item in inner)
    if kind in _RECORDS:
        return _RECORDS[kind](**{name: _value(item) for name, item in inner.items()})
    raise ValueError(f"unknown record {kind}")


def _fields(record: object) -> tuple[str, ...]:
    if isinstance(record, msgspec.Struct):
        return record.__struct_fields__
    if dataclasses.is_dataclass(record):
        return tuple(f.name for f in dataclasses.fields(record))
    return tuple(record._fields) if isinstance(record, tuple) and hasattr(record, "_fields") else ()
