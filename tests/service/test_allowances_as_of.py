"""Allowances of the account file hold as of event time: neither before they were given nor after they were taken back."""

import json
from datetime import UTC, datetime

import pytest

from detector.alerts.allowance import covered
from detector.service.replay import allowances_of
from streams.accounts import read_accounts

JANUARY, MARCH, JUNE = (f"2026-0{month}-01T00:00:00Z" for month in (1, 3, 6))
MAY_DISTIL = ["distillation"]


def micros(text):
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp() * 1e6)


@pytest.fixture
def book(tmp_path):
    def read(*versions):
        path = tmp_path / "accounts.ndjson"
        path.write_text("".join(json.dumps({"account_id": "a"} | version) + "\n" for version in versions))
        return allowances_of(read_accounts(path)).get("a", [])

    return read


def test_a_scope_limits_what_is_covered(book):
    limited = {"name": "sanctioned_distillation", "scope": ["SOFT_LABELS", "TYPO"]}
    assert covered(book({"allowances": [limited]}), micros(JUNE)) == {"SOFT_LABELS", "TYPO"}
    narrow = {"name": "research", "scope": "SOFT_LABELS, TRAINING_VALUE"}  # the second is not research's to give
    assert covered(book({"allowances": [narrow]}), micros(JUNE)) == {"SOFT_LABELS"}
    assert covered(book({"allowances": [limited | {"scope": []}]}), micros(JUNE)) == set()
    assert "*" in covered(book({"allowances": [limited | {"scope": None}]}), micros(JUNE))


@pytest.mark.parametrize(
    ("versions", "held"),
    [
        pytest.param([{"allowances": MAY_DISTIL}], [True, True, True], id="no versions"),
        pytest.param([{"allowances": MAY_DISTIL, "updated_at": MARCH}], [False, True, True], id="given later"),
        pytest.param(
            [{"allowances": MAY_DISTIL, "updated_at": JANUARY}, {"allowances": [], "updated_at": MARCH}],
            [True, False, False],
            id="taken back",
        ),
        pytest.param(
            [{"allowances": [], "updated_at": MARCH}, {"allowances": MAY_DISTIL, "updated_at": JANUARY}],
            [True, False, False],
            id="taken back, told in another order",
        ),
        pytest.param(
            [{"allowances": MAY_DISTIL}, {"updated_at": MARCH}, {"allowances": MAY_DISTIL, "updated_at": JUNE}],
            [True, False, True],
            id="given anew",
        ),
        pytest.param(
            [{"allowances": MAY_DISTIL, "updated_at": MARCH}, {"allowances": [], "updated_at": MARCH}],
            [False, False, False],
            id="two of one moment: the later line counts",
        ),
        pytest.param(
            [{"allowances": [{"name": "distillation", "expires_at": JUNE}], "updated_at": MARCH}],
            [False, True, False],
            id="expired",
        ),
    ],
)
def test_a_version_holds_until_the_next_one(book, versions, held):
    given = book(*versions)
    assert [bool(covered(given, micros(at))) for at in (JANUARY, MARCH, JUNE)] == held
