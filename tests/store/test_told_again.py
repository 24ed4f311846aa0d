"""A detector that goes on from an older checkpoint tells again what the store has: in the end the store is as if it had not."""

import functools

import msgspec
import pytest
from small import played

from detector.alerts.store.grow import grow
from detector.config import Settings
from detector.service.replay import make_engine

PIECES = 60


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Every version of every alert of a world, as the detector told them one after the other."""
    accounts, frame = played(tmp_path_factory.mktemp("world"))
    engine = make_engine(Settings(hash_key=7), accounts, None)
    found = {}
    for piece in frame.iter_slices(-(-frame.height // PIECES)):
        engine.process(piece)
        for alert in engine.alerts.alerts():
            versions = found.setdefault(alert.id, [])
            if not versions or versions[-1] != alert:
                versions.append(alert)
    assert any(len(versions) > 3 for versions in found.values())
    return found


def test_an_alert_that_is_told_again_from_any_version_ends_as_it_was(told):
    rises = 0
    for versions in told.values():
        once = functools.reduce(grow, versions)
        rises += len({v.severity for v in versions}) > 1
        for start in range(len(versions)):
            again = functools.reduce(grow, versions[start:], once)
            assert msgspec.to_builtins(again) == msgspec.to_builtins(once), f"told again from version {start}"
    assert rises, "an alert that rises is the case that matters"
