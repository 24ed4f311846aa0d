"""The account book's word on tiers, as of event time."""

from datetime import UTC, datetime, timedelta

import polars as pl

from detector.profiles.facts import AccountBook
from streams.account import ACCOUNT_SCHEMA

START = datetime(2026, 3, 1, tzinfo=UTC)


def us(day):
    return int((START + timedelta(days=day)).timestamp() * 1e6)


def book(*rows):
    told = pl.DataFrame([{"account_id": a, "tier": t, "updated_at": START + timedelta(days=d)} for a, t, d in rows])
    told = told.cast({name: ACCOUNT_SCHEMA[name] for name in told.columns})
    return AccountBook(pl.concat([pl.DataFrame(schema=ACCOUNT_SCHEMA), told], how="diagonal"), 7)


def test_the_tier_is_the_one_that_held_then():
    known = book(("a", "free", 0), ("b", "pro", 0), ("a", "enterprise", 5))
    assert known.tiers_of(["b", "a"], us(1)) == ["pro", "free"]
    assert known.tiers_of(["b", "a"], us(6)) == ["pro", "enterprise"]


def test_what_the_file_does_not_say_is_unknown():
    known = book(("a", None, 0), ("late", "pro", 9))
    assert known.tiers_of(["a", "late", "stranger"], us(1)) == ["unknown"] * 3
    assert AccountBook(None, 7).tiers_of(["a"], us(1)) == ["unknown"]
    assert known.tiers_of([], us(1)) == []
