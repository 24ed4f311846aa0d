"""A state over a fresh store, and clients with and without rights."""

import pytest
from double import Client, Double
from making import ticking

from detector.alerts.store import Store
from detector.scoring.rules import load_rules
from detector.service.http import State
from detector.service.http.state import Limits


@pytest.fixture
def state(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'store.db'}", ticking())
    yield State(store, Double(), load_rules(), limits=Limits(body=4096, ingest=20_000, unpacked=100_000))
    store.close()


@pytest.fixture
def as_(state):
    """A client with the given scopes."""

    def made(*scopes):
        return Client(state, state.store.tokens.issue("-".join(scopes), scopes, "test")[1])

    return made


@pytest.fixture
def admin(as_):
    return as_("admin")
