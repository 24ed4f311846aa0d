"""A stream that is cut anywhere and goes on with a restored engine ends like one that was never cut."""

import dataclasses

import msgspec
import numpy as np
import pytest
from small import played

from detector.config import Settings
from detector.profiles.layout import ISSUED_KEYS, PRESENTED_KEYS
from detector.service.engine import Engine
from detector.service.migrations import MIGRATIONS
from detector.service.replay import make_engine
from detector.service.snapshot import _GIVEN, restore, snapshot
from streams.checkpoint import pack, unpack

PIECES = 12


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    accounts, frame = played(tmp_path_factory.mktemp("world"))
    return accounts, list(frame.iter_slices(-(-frame.height // PIECES)))


def fresh(world):
    return make_engine(Settings(hash_key=7), world[0], None)


def outcome(engine):
    engine.finish()
    return [msgspec.json.encode(a) for a in engine.alerts.alerts()], engine.now, engine.store.ids


@pytest.fixture(scope="module")
def uncut(world):
    engine = fresh(world)
    for piece in world[1]:
        engine.process(piece)
    return outcome(engine)


@pytest.mark.parametrize("cut", [0, 1, 5, 9, PIECES])
def test_a_restored_engine_goes_on_as_if_nothing_had_been(world, uncut, cut):
    engine = fresh(world)
    for piece in world[1][:cut]:
        engine.process(piece)
    engine, saved = fresh(world), pack(snapshot(engine))
    restore(engine, unpack(saved))
    for piece in world[1][cut:]:
        engine.process(piece)
    assert outcome(engine) == uncut
    assert uncut[0], "there must be alerts, or nothing was shown"


def test_it_is_restored_at_every_batch(world, uncut):
    engine = fresh(world)
    for piece in world[1]:
        engine.process(piece)
        engine, saved = fresh(world), pack(snapshot(engine))
        restore(engine, unpack(saved))
    assert outcome(engine) == uncut


def test_the_same_state_has_the_same_bytes(world):
    engine = fresh(world)
    engine.process(world[1][0])
    again = fresh(world)
    restore(again, unpack(pack(snapshot(engine))))
    assert pack(snapshot(again)) == pack(snapshot(engine))


def test_nothing_of_an_engine_is_forgotten():
    names = {f.name for f in dataclasses.fields(Engine)} - _GIVEN[Engine]
    assert set(snapshot(make_engine(Settings(hash_key=7), None, None))) == names


def test_a_state_of_other_fields_is_refused(world):
    state = snapshot(fresh(world))
    del state["seen"]
    with pytest.raises(ValueError, match="not of this version"):
        restore(fresh(world), state)


def test_what_no_checkpoint_can_hold_is_said(world):
    engine = fresh(world)
    engine.now = object()
    with pytest.raises(TypeError, match="object"):
        snapshot(engine)
    with pytest.raises(TypeError, match="ndarray"):
        pack({"x": np.array(["text"])})


def test_a_checkpoint_of_the_first_version_goes_on(world, uncut):
    engine = fresh(world)
    for piece in world[1][:5]:
        engine.process(piece)
    old = of_the_tenth(snapshot(engine))
    old["coordinator"] = {"a": "Coordinator", "is": {"table": None, "seen": {}, "_communities": None}}
    engine = fresh(world)
    del old["store"]["is"]["accounts"]["is"]["issued"], old["store"]["is"]["accounts"]["is"]["presented"]
    del old["store"]["is"]["accounts"]["is"]["organisation"]
    old["_usage"] = {"a": "tuple", "is": [old.pop("_usage_at"), old["_usage"]]}
    del old["_told_alone"], old["_told_alone_at"], old["culprits"]
    state = {"engine": unpack(pack(old))}
    for number in sorted(MIGRATIONS):
        state = MIGRATIONS[number](state)
    restore(engine, state["engine"])
    for piece in world[1][5:]:
        engine.process(piece)
    alerts, now, ids = outcome(engine)
    assert (now, ids) == uncut[1:]
    # Clusters are looked at anew, so that versions of alerts differ; who is named does not.
    assert named(alerts) == named(uncut[0])


def test_a_checkpoint_of_the_second_version_tells_single_accounts_once_more(world, uncut):
    engine = fresh(world)
    for piece in world[1][:5]:
        engine.process(piece)
    old = of_the_tenth(snapshot(engine))
    del old["_told_alone"], old["_told_alone_at"], old["_fresh"]
    old["coordinator"] = {"a": "Coordinator", "is": {"table": None, "seen": {}, "_communities": None}}
    old["_usage"] = {"a": "tuple", "is": [old.pop("_usage_at"), old["_usage"]]}
    engine = fresh(world)
    restore(engine, MIGRATIONS[10](MIGRATIONS[2]({"engine": unpack(pack(old))}))["engine"])
    for piece in world[1][5:]:
        engine.process(piece)
    alerts, now, ids = outcome(engine)
    assert (now, ids) == uncut[1:]
    assert named(alerts) == named(uncut[0])


def test_a_checkpoint_of_the_twelfth_version_knows_no_artefacts(world, uncut):
    engine = fresh(world)
    for piece in world[1][:5]:
        engine.process(piece)
    old = unpack(pack(snapshot(engine)))
    kept = old["store"]["is"]["accounts"]["is"]
    del kept["issued"], kept["presented"]
    engine = fresh(world)
    restore(engine, MIGRATIONS[12]({"engine": old})["engine"])
    accounts = engine.store.accounts
    assert accounts.issued.shape == (accounts.ident.size, ISSUED_KEYS)
    assert accounts.presented.shape == (accounts.ident.size, PRESENTED_KEYS)
    assert not accounts.issued.any()
    assert not accounts.presented.any()
    for piece in world[1][5:]:
        engine.process(piece)
    alerts, now, ids = outcome(engine)
    assert (now, ids) == uncut[1:]
    assert named(alerts) == named(uncut[0])


def test_a_checkpoint_of_the_tenth_version_goes_on_as_if_nothing_were(world, uncut):
    engine = fresh(world)
    for piece in world[1][:5]:
        engine.process(piece)
    old = unpack(pack(of_the_tenth(snapshot(engine))))
    engine = fresh(world)
    restore(engine, MIGRATIONS[10]({"engine": old})["engine"])
    for piece in world[1][5:]:
        engine.process(piece)
    assert outcome(engine) == uncut


def test_a_checkpoint_of_the_eleventh_version_goes_on(world, uncut):
    engine = fresh(world)
    for piece in world[1][:5]:
        engine.process(piece)
    old = snapshot(engine)
    for name in ("strangers", "doubted", "unproven"):
        del old["culprits"]["is"][name]
    del old["references"]
    engine = fresh(world)
    restore(engine, MIGRATIONS[11]({"engine": unpack(pack(old))})["engine"])
    for piece in world[1][5:]:
        engine.process(piece)
    assert outcome(engine)[1:] == uncut[1:]
    assert named(outcome(engine)[0]) == named(uncut[0])


def of_the_tenth(state):
    """What was told lay in four arrays."""
    for new, old in (("_told_alone", "_told_alone"), ("_told_together", "_told")):
        told = state.pop(new)["is"]
        state[old], state[f"{old}_at"] = told["level"], told["at"]
    return state


def named(alerts):
    return {account for alert in alerts for account in msgspec.json.decode(alert)["accounts"]}
