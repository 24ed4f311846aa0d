"""Checkpoints of older versions brought up to date, one step a version."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from detector.coordination.coordinator import Coordinator
from detector.profiles.layout import ISSUED_KEYS, PRESENTED_KEYS
from detector.service.culprits import Culprits
from detector.service.references import References
from detector.service.snapshot import snapshot
from detector.service.strangers import Strangers
from detector.service.told import Told
from streams.checkpoint import Migration, State


def _coordination_anew(state: State) -> State:
    """To versions 2, 6, 8, 9, 10 and 12: what is kept between looks changed, and the next look makes it from the profiles."""
    fresh = {"a": Coordinator.__name__, "is": snapshot(Coordinator())}
    return {**state, "engine": {**state["engine"], "coordinator": fresh}}


def _nothing_told(state: State) -> State:
    """To version 3: what was told of single accounts is remembered, and is told once more; clusters are looked at anew."""
    nothing = dict.fromkeys(("_told_alone", "_told_alone_at", "_fresh"), np.zeros(0, np.int64))
    when, usage = state["engine"]["_usage"]["is"]
    engine = {**state["engine"], **nothing, "_usage": usage, "_usage_at": when}
    return _coordination_anew({**state, "engine": engine})


def _organisations_unknown(state: State) -> State:
    """To version 4: profiles keep the log's organisation, which is known from an account's next exchange on."""
    engine = state["engine"]
    store = engine["store"]["is"]
    accounts = store["accounts"]["is"]
    blank = np.zeros(accounts["ident"].shape[0], np.uint32)
    store = store | {"accounts": store["accounts"] | {"is": accounts | {"organisation": blank}}}
    return {**state, "engine": {**engine, "store": engine["store"] | {"is": store}}}


def _nobody_blamed(state: State) -> State:
    """To version 5: keys and end users of alerted accounts are counted from the next look that tells of them on."""
    blank = {"a": Culprits.__name__, "is": snapshot(Culprits())}
    return {**state, "engine": {**state["engine"], "culprits": blank}}


def _nobody_strange(state: State) -> State:
    """To version 7: how strange accounts are is known again as they act."""
    blank = {"a": Strangers.__name__, "is": snapshot(Strangers())}
    return {**state, "engine": {**state["engine"], "strangers": blank}}


def _told_apart(state: State) -> State:
    """To version 11: what was told of accounts and when stands together."""
    engine = dict(state["engine"])
    for old, new in (("_told", "_told_together"), ("_told_alone", "_told_alone")):
        level, at = engine.pop(old), engine.pop(f"{old}_at")
        engine[new] = {"a": Told.__name__, "is": {"level": level, "at": at}}
    return {**state, "engine": engine}


def _nobody_in_doubt(state: State) -> State:
    """To version 12: strangers are watched, members doubted and pointers noted from the next look on."""
    engine = state["engine"]
    nothing = {"a": References.__name__, "is": snapshot(References())}
    culprits = _with_all(Culprits(), engine["culprits"])
    return {**state, "engine": {**engine, "culprits": culprits, "references": nothing}}


def _with_all(part: object, state: State) -> State:
    """A part's state with what its version did not have yet as it is at first."""
    return state | {"is": snapshot(part) | state["is"]}


def _artefacts_unknown(state: State) -> State:
    """To version 13: profiles keep reasoning artefacts, known from an account's next exchange on; rows of links are longer."""
    engine = state["engine"]
    store = engine["store"]["is"]
    accounts = store["accounts"]["is"]
    blank = {
        name: np.zeros((accounts["ident"].shape[0], width), np.uint64)
        for name, width in (("issued", ISSUED_KEYS), ("presented", PRESENTED_KEYS))
    }
    store = store | {"accounts": store["accounts"] | {"is": accounts | blank}}
    return _coordination_anew({**state, "engine": {**engine, "store": engine["store"] | {"is": store}}})


MIGRATIONS: Final[Mapping[int, Migration]] = {
    1: _coordination_anew,
    2: _nothing_told,
    3: _organisations_unknown,
    4: _nobody_blamed,
    5: _coordination_anew,
    6: _nobody_strange,
    7: _coordination_anew,
    8: _coordination_anew,
    9: _coordination_anew,
    10: _told_apart,
    11: _nobody_in_doubt,
    12: _artefacts_unknown,
}
