"""What the log says of an account's organisation, and when it is not believed."""

import json

import numpy as np
import polars as pl
import pytest

from detector.profiles.capability import CapabilityModel
from detector.profiles.columns import Keys, digest, place
from detector.profiles.facts import AccountBook
from detector.profiles.kernels import majority
from detector.profiles.layout import CONFLICT
from detector.profiles.store import ProfileStore
from streams.decode import Origin, decode_lines

KEYS = Keys(11, 22)


@pytest.fixture(scope="module")
def model():
    return CapabilityModel.load()


def store_of(model, *seen):
    """A store that has seen (account, organisation) pairs."""
    lines = [
        json.dumps(
            {"ts": 1.78e9 + i, "request_id": f"r{i}", "account_id": a, "model": "m"} | ({"org_id": org} if org else {})
        )
        for i, (a, org) in enumerate(seen)
    ]
    batch = decode_lines("\n".join(lines).encode(), Origin("test", 1, bytes(32)))
    assert batch.frame.height == len(seen)
    store = ProfileStore()
    columns = place(digest(batch.frame, model, KEYS), batch.frame["account_id"], store)
    store.add(columns, 0, len(seen))
    return store


def organisations(store):
    slots = np.arange(len(store), dtype=np.int32)
    return dict(zip(store.ids, store.organisations(slots).tolist(), strict=True))


STRANGERS = [(f"s{i}", f"o{i}") for i in range(5)]


def test_accounts_of_one_organisation_have_one_hash_and_the_account_file_comes_first(model):
    store = store_of(model, *STRANGERS, ("a", "office"), ("b", "office"), ("c", None), ("b", None))
    found = organisations(store)
    assert found["a"] == found["b"] != 0
    assert found["c"] == 0
    assert len({found[f"s{i}"] for i in range(5)} | {found["a"]}) == 6
    file = pl.DataFrame({"account_id": ["a", "b"], "org_id": ["elsewhere", None]})
    fields = {"created_at": pl.Datetime("us", "UTC"), "updated_at": pl.Datetime("us", "UTC")}
    blank = ("tier", "payment_fingerprint", "signup_email_domain", "signup_ip")
    file = file.with_columns(
        *[pl.lit(None, dtype).alias(n) for n, dtype in fields.items()],
        *[pl.lit(None, pl.String).alias(n) for n in blank],
    )
    slots = np.array([store.ids.index("a"), store.ids.index("b")], np.int32)
    told = AccountBook(file, KEYS.identity).as_of(store.accounts.ident[slots], 0, store.organisations(slots))
    assert told.organisation[1] == found["b"]
    assert told.organisation[0] not in {0, found["a"]}


def test_an_account_that_claims_several_is_nobodys_staff(model):
    store = store_of(model, *STRANGERS, ("a", "office"), ("b", "office"), ("a", "other"), ("a", "office"))
    assert store.accounts.organisation[store.ids.index("a")] == CONFLICT
    assert organisations(store)["a"] == 0
    assert organisations(store)["b"] != 0


def test_what_most_accounts_have_says_nothing(model):
    tenant = [(f"t{i}", "tenant") for i in range(6)]
    found = organisations(store_of(model, *STRANGERS, *tenant))
    assert all(found[name] == 0 for name, _ in tenant)
    assert all(found[name] != 0 for name, _ in STRANGERS)


@pytest.mark.parametrize(
    ("values", "most"),
    [
        ([], 0),
        ([0, 0], 0),
        ([0, 0, 0, 7], 7),
        ([7, 8], 0),
        ([7, 8, 7], 7),
        ([8, 9, 7, 7, 7, 0, 0], 7),
        ([7, 7, 8, 8, 9], 0),
    ],
)
def test_a_majority_is_more_than_half_of_what_is_known(values, most):
    assert majority(np.array(values, np.uint32)) == most
