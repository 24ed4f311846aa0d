"""What may be told of texts: words that unrelated payers share, digests that confirm no guess, and nothing of refused records."""

import polars as pl
import pytest
from typer.testing import CliRunner

from detector.cli import app
from detector.config import Settings
from detector.coordination.keys import SYSTEM
from detector.profiles.columns import place
from detector.service.http.state import Ack
from detector.service.journal import Journal
from detector.service.replay import UNREAD, make_engine
from detector.service.skeletons import SkeletonBank, owners_of
from streams.account import ACCOUNT_SCHEMA
from streams.batch import digest
from streams.checkpoint import unpack
from streams.decode import Origin, decode_lines
from streams.sources.files import FileSource

PRIVATE = "the merger with our rival is planned for spring"
NONE = (None,) * 5


def engine_of(accounts=None, key=7):
    return make_engine(Settings(hash_key=key), accounts, None)


def facts(payers, organisations):
    rows = [
        {"account_id": f"acct-{i}", "payment_fingerprint": p, "org_id": o}
        for i, (p, o) in enumerate(zip(payers, organisations, strict=True))
    ]
    return pl.DataFrame(rows, schema=ACCOUNT_SCHEMA)


def exchanges(organisations, retention=NONE):
    rows = [
        {
            "ts": 1_772_000_000 + i,
            "request_id": "r",
            "account_id": f"acct-{i}",
            "model": "m",
            "system_prompt": PRIVATE,
            "org_id": o,
            "retention": r,
        }
        for i, (o, r) in enumerate(zip(organisations, retention, strict=True))
    ]
    return decode_lines(pl.DataFrame(rows).write_ndjson().encode(), Origin("t", 1, b"")).frame


def shown(engine, frame):
    """What the evidence may say of a text that all of a batch have."""
    columns = place(engine.digest(frame), frame["account_id"], engine.store)
    key = int(columns.system[0] >> 32)
    bank = SkeletonBank(wanted={(SYSTEM, key)})
    bank.look(frame, columns, owners_of(engine.accounts, engine.store, columns, engine.now))
    return bank.found.get((SYSTEM, key))


UNRELATED = ("p0", "p1", "p2", "p3", "p4"), ("o0", "o1", "o2", "o3", "o4")


def test_five_unrelated_payers_share_a_text_that_may_be_shown():
    assert shown(engine_of(facts(*UNRELATED)), exchanges(NONE)) == PRIVATE


@pytest.mark.parametrize(
    ("payers", "organisations", "logged"),
    [
        (("p0", "p0", "p2", "p3", "p4"), UNRELATED[1], NONE),
        (UNRELATED[0], ("o0", "o0", "o2", "o3", "o4"), NONE),
        (UNRELATED[0], ("o0",) * 5, NONE),
        (NONE, ("o0", "o1", "o2", "o3", "o3"), NONE),
        (UNRELATED[0], NONE, ("o0",) * 5),
        (NONE, NONE, ("o0", "o1", "o2", "o3", "o3")),
    ],
    ids=["a card of two", "two of an office", "an office", "no cards known", "an office by the log", "the log alone"],
)
def test_a_text_of_fewer_stays_unreadable(payers, organisations, logged):
    assert shown(engine_of(facts(payers, organisations)), exchanges(logged)) is None


@pytest.mark.parametrize(
    ("retention", "words"),
    [
        (("zero",) * 5, None),
        (("normal", None, "Zero ", "normal", "normal"), None),
        (("normal", None, "0", "normal", "normal"), PRIVATE),
        (NONE, PRIVATE),
    ],
    ids=["all", "one of five", "another word", "nothing said"],
)
def test_a_text_of_zero_retention_is_never_shown(retention, words):
    assert shown(engine_of(facts(*UNRELATED)), exchanges(NONE, retention)) == words


def test_a_replay_reads_the_retention():
    assert "retention" not in UNREAD


def test_without_an_account_file_the_log_tells_who_belongs_together():
    assert shown(engine_of(), exchanges(("o0",) * 5)) is None
    assert shown(engine_of(), exchanges(UNRELATED[1])) == PRIVATE


def test_no_two_hash_keys_give_a_dead_letter_the_same_digest():
    line = b"my salary is 5000"
    keys = [engine_of(key=key).keys.letters for key in (7, 8)]
    assert len({digest(key, line) for key in (*keys, b"")}) == 3


def test_a_replay_gives_its_dead_letters_the_key(tmp_path, monkeypatch):
    line = b"my salary is 5000"
    (tmp_path / "log.ndjson").write_bytes(line + b"\n")
    monkeypatch.setenv("REVENUER_HASH_KEY", "7")
    done = CliRunner().invoke(app, ["replay", str(tmp_path / "log.ndjson"), "--out", str(tmp_path / "out")])
    assert done.exit_code == 1, done.output  # nothing was accepted
    letter = pl.read_ndjson(tmp_path / "out" / "dead_letter.ndjson")
    assert letter["digest"].to_list() == [digest(engine_of().keys.letters, line)]
    (plain,) = [b.dead for b in FileSource([tmp_path / "log.ndjson"]).batches()]
    assert plain[0].digest not in letter["digest"].to_list()


def test_the_journal_holds_nothing_of_refused_records(tmp_path):
    good = '{"ts": 1772000000, "request_id": "%s", "account_id": "acct-%d", "model": "m"}'
    lines = [good % (f"a request with a name of some length {i}", i) for i in range(30)] + [
        good % (PRIVATE * 12, 9),
        "no JSON",
    ]
    batch = decode_lines("\n".join(lines).encode(), Origin("t", 1, b""))
    assert [d.reason for d in batch.dead] == ["bad_id", "not_json"]
    engine = engine_of()
    Journal(tmp_path).add(batch.frame, engine.digest(batch.frame), Ack(32, 30, 0, 2))
    (path,) = tmp_path.iterdir()
    frame = unpack(path.read_bytes())["frame"]
    assert b"some length 29" in frame
    assert PRIVATE.encode() not in frame
