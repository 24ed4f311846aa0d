"""What `revenuer calibrate` does: measures a reference on logs, writes it, and says what came of it."""

import json
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from detector.alerts.allowance import EVERYTHING, covers
from detector.config import Settings
from detector.profiles.capability import CapabilityModel
from detector.profiles.columns import Keys
from detector.profiles.events import EventTracker
from detector.profiles.facts import AccountBook
from detector.scoring.labelled import read_labels
from detector.scoring.reference import load_reference
from detector.scoring.rules import RuleError, load_rules
from detector.scoring.scorer import Scorer
from detector.service.calibrate import Calibrated, calibrate
from detector.service.engine import Engine
from detector.service.replay import allowances_of, anomaly_of
from detector.service.replay_cli import warn_of_unknown
from detector.service.ticks import Clock
from detector.stop import failing, misuse, placed
from streams.accounts import read_accounts, read_events
from streams.adapters.reader import Format
from streams.dedupe import Deduplicator
from streams.sources import SourceError
from streams.sources.files import FileSource


def calibrated(
    paths: list[str],
    out: Path,
    settings: Settings,
    accounts: Path | None,
    events: Path | None,
    labels: Path | None,
    *,
    as_json: bool,
) -> None:
    """Measure, write, print; what went wrong ends the command.

    Args:
        paths: files, globs, folders.
        out: file of the reference.
        settings: of the run.
        accounts: file, where there is one.
        events: file, where there is one.
        labels: file, where there is one.
        as_json: print one JSON object.
    """
    started = time.monotonic()
    placed(out, "calibrate")
    with misuse(SourceError, RuleError, FileNotFoundError, ValueError, command="calibrate"):
        done = _measured(paths, settings, accounts, events, labels)
    with failing(out, "calibrate"):
        out.write_bytes(msgspec.json.encode(done.reference))
    said = {"out": str(out), **done._asdict(), "seconds": round(time.monotonic() - started, 1)}
    del said["reference"]
    sys.stdout.write(json.dumps(said) + "\n" if as_json else _words(said))


def _measured(
    paths: list[str], settings: Settings, accounts: Path | None, events: Path | None, labels: Path | None
) -> Calibrated:
    book = read_accounts(accounts, []) if accounts else None
    told = read_events(events, []) if events else None
    key, model = settings.key(), CapabilityModel.load()
    keys = Keys.of(key)
    allowances = allowances_of(book)
    rules = load_rules(settings.rules, extra=settings.extra_rules)
    warn_of_unknown(allowances, {rule.code for rule in rules})

    def batches() -> Iterable[pl.DataFrame]:
        source = FileSource(paths, settings.batch_mb << 20, format=Format(settings.format, settings.account_path))
        source.digest_key = keys.letters
        dedupe = Deduplicator()
        for batch in source.batches():
            yield batch.frame.filter(dedupe.fresh(batch.frame))

    def make(kind: type[Engine], scorer: Scorer) -> Engine:
        clock = Clock(settings.tick_s * 1_000_000, settings.coordination_ticks)
        return kind(scorer, model, keys, AccountBook(book, keys.identity), EventTracker(told), allowances, clock=clock)

    return calibrate(
        rules,
        batches,
        make,
        load_reference(settings.reference),
        "own traffic, by revenuer calibrate",
        read_labels(labels) if labels else (),
        # Whoever may distil is no attacker and looks like one: the reference is of those who can be told from one.
        {name for name, given in allowances.items() if any(EVERYTHING in covers(a) for a in given)},
        anomaly_of(settings),
    )


def _words(said: dict[str, Any]) -> str:
    entities, beyond = said["entities"], said["beyond"]
    lines = [
        f"{said['out']}: from {said['days']:g} days in {said['seconds']:.0f} s",
        *(f"{name}: {n:,} in the null, {beyond[name]:,} beyond its cut" for name, n in entities.items()),
        f"left out: {said['left_out']:,} accounts; by labels {said['let_in']:,} let in, {said['kept_out']:,} kept out",
    ]
    return "\n".join(lines) + "\n"
