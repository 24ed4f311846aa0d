"""The API against its own document: generated requests, good and bad, get only answers that the document names."""

import pytest
import schemathesis
from double import Double
from hypothesis import HealthCheck, given, settings
from making import alert, ticking
from schemathesis.specs.openapi.checks import positive_data_acceptance

from detector.alerts.store import Store
from detector.scoring.rules import load_rules
from detector.service.http import State, make_app
from detector.service.http.state import Limits

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    store = Store(f"sqlite:///{tmp_path_factory.mktemp('contract') / 'store.db'}", ticking())
    store.alerts.upsert([alert("alr_1"), alert("alr_2", ("acct-9",), "low")])
    state = State(store, Double(), load_rules(), limits=Limits(rate=1e6, burst=10**6))
    state.stopping.set()  # streams end at once
    state.secret = store.tokens.issue("fuzz", ("admin",), "test")[1]
    yield state
    store.close()


@pytest.fixture(scope="module")
def document(served):
    return schemathesis.openapi.from_asgi("/openapi.json", make_app(served))


def operations():
    paths = make_app(State(None, Double())).openapi()["paths"]
    # A service that ends its streams says that it is not ready.
    return [(path, method.upper()) for path, found in paths.items() for method in found if path != "/readyz"]


@pytest.mark.parametrize(("path", "method"), operations())
def test_answers_are_those_of_the_document(document, served, path, method):
    headers = {"Authorization": f"Bearer {served.secret}"}

    @settings(max_examples=30, suppress_health_check=list(HealthCheck))
    @given(document[path][method].as_strategy())
    def check(case):
        # No schema can say which cursors and keys fit what came before, what is packed, which days are over, or which codes
        # rules have.
        free = not {"cursor", "Idempotency-Key", "content-encoding", "scope"} & {
            *(case.query or {}),
            *(case.headers or {}),
        }
        free = free and (path, method) not in (("/v1/allowances", "POST"), ("/v1/allowances/{number}", "PATCH"))
        case.call_and_validate(headers=headers, excluded_checks=[] if free else [positive_data_acceptance])

    check()
