"""Replay: historical logs through the engine to files, with the same ticks as a live stream."""

import hashlib
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import polars as pl

from detector.alerts.allowance import Allowance
from detector.config import Settings
from detector.profiles.capability import CapabilityModel
from detector.profiles.columns import Digest, Keys
from detector.profiles.events import EventTracker
from detector.profiles.facts import AccountBook
from detector.scoring.anomaly.model import AnomalyModel, packaged
from detector.scoring.reference import load_reference
from detector.scoring.rules import load_rules
from detector.service.calibration import scorer_of
from detector.service.engine import Engine
from detector.service.results import Tally, write_results
from detector.service.ticks import Clock
from streams.batch import Batch, DeadLetter
from streams.counts import Counts
from streams.dedupe import Deduplicator
from streams.sinks.dead_letter import DeadLetterFile
from streams.sources.files import FileSource
from streams.sources.prefetch import prefetch

Say = Callable[["Progress"], None]
# Of a frame: what is kept of it, its digest, and the fields with at least one value where the frame lacks columns.
Digested = tuple[pl.DataFrame, Digest, Collection[str] | None]
# Columns that no feature, link or result reads: a log has more text in its answers than in all the rest.
UNREAD: Final = frozenset({"completion", "country", "user_agent"})
_FIRST_BYTES: Final = 1 << 20  # of a log, in which its first record is


@dataclass
class Progress:
    """How far a replay is.

    Attributes:
        counts: records so far.
        event_time: of the latest record, µs.
        alerts: live alerts.
        seconds: since the start.
    """

    counts: Counts
    event_time: int
    alerts: int
    seconds: float


@dataclass
class Replay:
    """A replay in progress.

    Attributes:
        engine: the detector.
        out: folder of the results.
        refused: lines of the account and event files that could not be read; they stand among the dead letters and count apart.
        tally: what was read so far.
        take: digests frames, or takes those apart that were digested elsewhere; the engine digests where None.
    """

    engine: Engine
    out: Path
    refused: list[DeadLetter] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    take: Callable[[pl.DataFrame], Digested] | None = None

    def run(self, source: FileSource, say: Say) -> dict[str, Any]:
        """Read everything and write the results; returns what stands in `run.json`."""
        self.out.mkdir(parents=True, exist_ok=True)
        started, dedupe = time.monotonic(), Deduplicator()
        self.engine.advised = []
        with DeadLetterFile(self.out / "dead_letter.ndjson") as letters, ThreadPoolExecutor(1) as behind:
            letters.write(self.refused)
            self.tally.refused = len(self.refused)
            for batch, (frame, digested, fields) in prefetch(self._digested(source, dedupe)):
                letters.write(batch.dead)
                self.tally.add(batch, frame)
                self.engine.process(frame, digested, fields, behind=behind)
                say(self._progress(started))
            self.engine.wait()
        self.engine.finish()
        if self.engine.now:
            self.engine.survey()
        self.engine.skeletons.settle()
        self.tally.counts.check()
        return write_results(self.out, self.engine, self.tally, time.monotonic() - started)

    def _digested(
        self, source: FileSource, dedupe: Deduplicator
    ) -> Iterator[tuple[Batch, Digested | tuple[pl.DataFrame, None, None]]]:
        """Batches without duplicates, digested: runs ahead of the engine in a thread of its own."""
        for batch in source.batches():
            fresh = dedupe.fresh(batch.frame)
            frame = batch.frame if fresh.all() else batch.frame.filter(fresh)
            if frame.height == 0:
                yield batch, (frame, None, None)
            else:
                yield batch, self.take(frame) if self.take else (frame, self.engine.digest(frame), None)

    def _progress(self, started: float) -> Progress:
        return Progress(self.tally.counts, self.engine.now, len(self.engine.alerts.live()), time.monotonic() - started)


def allowances_of(accounts: pl.DataFrame | None) -> dict[str, list[Allowance]]:
    """Allowances by account, from the account file: those of a version hold until the next one."""
    out: dict[str, list[Allowance]] = {}
    if accounts is None:
        return out
    versions = accounts.select("account_id", "allowances", since=pl.col("updated_at").dt.epoch("us").fill_null(0))
    spans = versions.sort("since", maintain_order=True).with_columns(until=pl.col("since").shift(-1).over("account_id"))
    given = spans.filter(pl.col("allowances").list.len() > 0).explode("allowances").unnest("allowances")
    for row in given.with_columns(pl.col("expires_at").dt.epoch("us")).iter_rows(named=True):
        out.setdefault(row["account_id"], []).append(
            Allowance(
                row["name"],
                row["owner"],
                row["expires_at"],
                row["since"],
                row["until"],
                None if row["scope"] is None else tuple(row["scope"]),
            )
        )
    return out


def anomaly_of(settings: Settings) -> AnomalyModel | None:
    """The anomaly model of the settings; None where there shall be none.

    Raises:
        FileNotFoundError, ValueError: the file is not there, or is no model.
    """
    return None if settings.anomaly_model == "none" else AnomalyModel.load(settings.anomaly_model or packaged())


def key_of(source: FileSource) -> int:
    """A secret of the hashes that the same log gives again, however it goes on: of its first record.

    Which texts an account is known by depends on the secret, and with it who is named and when: where everybody drew his own, two
    replays of a log would differ. Who must not be able to guess it sets `hash_key`.

    Returns:
        0 where there is no record, or where the log can be read only once.
    """
    if not all(path.is_file() for path in source.files):
        return 0
    parts = replace(source, batch_bytes=_FIRST_BYTES).batches()
    frame = next((batch.frame for batch in parts if batch.frame.height), None)
    if frame is None:
        return 0
    first = frame.select(pl.col("ts").to_physical(), "account_id", "request_id").row(0)
    mark = hashlib.blake2b(repr(first).encode(), digest_size=8, person=b"revenuer")
    return int.from_bytes(mark.digest(), "little") >> 2 or 1


def make_engine(settings: Settings, accounts: pl.DataFrame | None, events: pl.DataFrame | None) -> Engine:
    """An engine of the settings.

    Raises:
        RuleError, FileNotFoundError, ValueError: rules or reference are broken.
    """
    keys = Keys.of(settings.key())
    return Engine(
        scorer_of(
            load_rules(settings.rules, extra=settings.extra_rules),
            load_reference(settings.reference),
            anomaly_of(settings),
        ),
        CapabilityModel.load(),
        keys,
        AccountBook(accounts, keys.identity),
        EventTracker(events),
        allowances_of(accounts),
        clock=Clock(settings.tick_s * 1_000_000, settings.coordination_ticks),
    )
