"""Replay: historical logs through the engine to files, with the same ticks as a live stream."""

import resource
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl

from detector.alerts.allowance import Allowance
from detector.config import Settings
from detector.coordination.clusters import active_slots
from detector.profiles.capability import CapabilityModel
from detector.profiles.columns import Digest, Keys
from detector.profiles.events import EventTracker
from detector.profiles.facts import AccountBook
from detector.profiles.features import unavailable
from detector.profiles.features.base import FEATURES
from detector.report import Histogram, ReportData, Timeline, render_report
from detector.scoring.reference import load_reference
from detector.scoring.rules import load_rules
from detector.scoring.severity import risk
from detector.service.calibration import scorer_of
from detector.service.engine import Engine
from detector.service.looks import score
from detector.service.ticks import Clock
from streams.batch import Batch, DeadLetter
from streams.counts import Counts
from streams.dedupe import Deduplicator
from streams.sinks.dead_letter import DeadLetterFile
from streams.sources.files import FileSource
from streams.sources.prefetch import prefetch

_HOUR = 3_600
_BINS = 20
Say = Callable[["Progress"], None]


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
    """

    engine: Engine
    out: Path
    refused: list[DeadLetter] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)
    reasons: Counter[str] = field(default_factory=Counter)
    hours: Counter[int] = field(default_factory=Counter)
    first: int = 0

    def run(self, source: FileSource, say: Say) -> dict[str, Any]:
        """Read everything and write the results; returns what stands in `run.json`."""
        self.out.mkdir(parents=True, exist_ok=True)
        started, dedupe = time.monotonic(), Deduplicator()
        with DeadLetterFile(self.out / "dead_letter.ndjson") as letters:
            letters.write(self.refused)
            for batch, frame, digested in prefetch(self._digested(source, dedupe)):
                letters.write(batch.dead)
                self.reasons.update(letter.reason for letter in batch.dead)
                self._count(batch.read, len(batch.dead), batch.skipped, frame)
                self.engine.process(frame, digested)
                say(self._progress(started))
        self.engine.finish()
        self.counts.check()
        return self._write(time.monotonic() - started)

    def _digested(
        self, source: FileSource, dedupe: Deduplicator
    ) -> Iterator[tuple[Batch, pl.DataFrame, Digest | None]]:
        """Batches without duplicates, digested: runs ahead of the engine in a thread of its own."""
        for batch in source.batches():
            fresh = dedupe.fresh(batch.frame)
            frame = batch.frame if fresh.all() else batch.frame.filter(fresh)
            yield batch, frame, self.engine.digest(frame) if frame.height else None

    def _count(self, read: int, dead: int, skipped: int, frame: pl.DataFrame) -> None:
        self.counts.read += read
        self.counts.dead_lettered += dead
        self.counts.skipped += skipped
        self.counts.accepted += frame.height
        self.counts.duplicates += read - dead - frame.height
        if frame.height:
            hour = frame.select((pl.col("ts").dt.epoch("s") // _HOUR * _HOUR).alias("h"))["h"].value_counts()
            self.hours.update(dict(hour.iter_rows()))
            self.first = self.first or int(frame["ts"].dt.epoch("us")[0])

    def _progress(self, started: float) -> Progress:
        return Progress(self.counts, self.engine.now, len(self.engine.alerts.live()), time.monotonic() - started)

    def _write(self, seconds: float) -> dict[str, Any]:
        alerts = self.engine.alerts.alerts()
        (self.out / "alerts.ndjson").write_bytes(b"".join(msgspec.json.encode(a) + b"\n" for a in alerts))
        accounts = self._accounts()
        accounts.write_parquet(self.out / "accounts.parquet")
        clusters = self._clusters()
        clusters.write_parquet(self.out / "clusters.parquet")
        run = self._run(seconds, len(alerts))
        (self.out / "run.json").write_bytes(msgspec.json.format(msgspec.json.encode(run), indent=2))
        (self.out / "report.html").write_text(self._report(run, alerts, accounts, clusters))
        return run

    def _accounts(self) -> pl.DataFrame:
        e = self.engine
        slots = active_slots(e.store, e.now + 1)
        if slots.size == 0:
            return pl.DataFrame({"account_id": [], "score": [], "p_value": [], "risk": [], "requests": []})
        now = e.now + 1
        scored = score(e.scorer, [e.look(slots, e.moment(now))])
        return scored.frame.insert_column(0, pl.Series("account_id", [e.store.ids[s] for s in slots])).with_columns(
            pl.Series("score", scored.score),
            pl.Series("p_value", scored.p_value),
            pl.Series("risk", [risk(p) for p in scored.p_value]),
        )

    def _clusters(self) -> pl.DataFrame:
        if self.engine.clusters is None:
            return pl.DataFrame({"accounts": [], "score": [], "p_value": [], "risk": []})
        found, scored = self.engine.clusters
        ids = self.engine.store.ids
        named = [[ids[s] for s in found.members(g)] for g in range(found.frame.height)]
        return scored.frame.with_columns(
            pl.Series("accounts", named),
            pl.Series("score", scored.score),
            pl.Series("p_value", scored.p_value),
            pl.Series("risk", [risk(p) for p in scored.p_value]),
        )

    def _run(self, seconds: float, alerts: int) -> dict[str, Any]:
        c = self.counts
        peak = _peak_mb()
        return {
            "counts": {
                "read": c.read,
                "accepted": c.accepted,
                "duplicates": c.duplicates,
                "dead_lettered": c.dead_lettered,
                "skipped": c.skipped,
                "facts_refused": len(self.refused),
                "accounts": len(self.engine.store),
                "alerts": alerts,
            },
            "rates": {"seconds": round(seconds, 2), "exchanges_per_s": round(c.accepted / max(seconds, 1e-9))},
            "memory": {
                "peak_rss_mb": round(peak),
                "state_bytes_per_account": round(self.engine.store.state_bytes() / max(1, len(self.engine.store))),
            },
            "event_time": {"first": self.first / 1e6, "last": self.engine.now / 1e6},
            "unavailable_features": unavailable(self.engine.seen),
            "inferred_events": self.engine.events.inferred,
            "versions": {"revenuer": version("revenuer"), "polars": pl.__version__, "numpy": np.__version__},
        }

    def _report(self, run: dict[str, Any], alerts: list[Any], accounts: pl.DataFrame, clusters: pl.DataFrame) -> str:
        edges = [100.0 * i / _BINS for i in range(_BINS + 1)]
        hours = sorted(self.hours)
        missing = {
            name: [n for n in FEATURES[name].needs if n not in self.engine.seen] for name in run["unavailable_features"]
        }
        data = ReportData(
            run=run,
            alerts=[msgspec.to_builtins(a) for a in alerts],
            timeline=Timeline(hours, [self.hours[h] for h in hours]),
            risk_histogram=Histogram(
                edges,
                np.histogram(accounts["risk"].to_numpy().astype(float), edges)[0].tolist(),
                np.histogram(clusters["risk"].to_numpy().astype(float), edges)[0].tolist(),
            ),
            unavailable=missing,
            dead_letters=self.reasons,
        )
        return render_report(data)


def _peak_mb() -> float:
    """Peak of resident memory. `ru_maxrss` would count what the process was forked from; the kernel's own mark starts at exec."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def allowances_of(accounts: pl.DataFrame | None) -> dict[str, list[Allowance]]:
    """Allowances by account, from the account file."""
    out: dict[str, list[Allowance]] = {}
    if accounts is None:
        return out
    for row in accounts.filter(pl.col("allowances").list.len() > 0).iter_rows(named=True):
        out[row["account_id"]] = [
            Allowance(a["name"], a["owner"], int(a["expires_at"].timestamp() * 1e6) if a["expires_at"] else None)
            for a in row["allowances"]
        ]
    return out


def make_engine(settings: Settings, accounts: pl.DataFrame | None, events: pl.DataFrame | None) -> Engine:
    """An engine of the settings.

    Raises:
        RuleError, FileNotFoundError, ValueError: rules or reference are broken.
    """
    key = settings.key()
    keys = Keys(key, key ^ 0x5DEECE66D)
    return Engine(
        scorer_of(load_rules(settings.rules), load_reference(settings.reference)),
        CapabilityModel.load(),
        keys,
        AccountBook(accounts, keys.identity),
        EventTracker(events),
        allowances_of(accounts),
        clock=Clock(settings.tick_s * 1_000_000, settings.coordination_ticks),
    )
