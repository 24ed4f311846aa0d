"""The result files of a replay: alerts, scores of accounts and clusters, the run's facts and the report."""

import resource
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl

from detector.alerts.book import same_actor
from detector.alerts.model import Alert
from detector.coordination.clusters import active_slots
from detector.coordination.features import CLUSTER_FEATURES
from detector.profiles.features import unavailable
from detector.profiles.features.base import FEATURES
from detector.report import Histogram, ReportData, Timeline, render_report
from detector.scoring.severity import risk
from detector.service.engine import Engine
from detector.service.graphs import cluster_graphs
from detector.service.looks import score
from streams.batch import Batch
from streams.counts import Counts

_HOUR = 3_600
_BINS = 20


@dataclass
class Tally:
    """What was read so far.

    Attributes:
        counts: records by what became of them.
        reasons: records that could not be read, by reason.
        fields: the same, by reason and the field concerned.
        hours: accepted records by start of the hour, epoch seconds.
        first: event time of the first record, µs; 0 before it.
        refused: lines of the account and event files that could not be read.
    """

    counts: Counts = field(default_factory=Counts)
    reasons: Counter[str] = field(default_factory=Counter)
    fields: Counter[tuple[str, str]] = field(default_factory=Counter)
    hours: Counter[int] = field(default_factory=Counter)
    first: int = 0
    refused: int = 0

    def add(self, batch: Batch, fresh: pl.DataFrame) -> None:
        """Count a batch.

        Args:
            batch: as it was decoded.
            fresh: its records without duplicates, in time order.
        """
        c, dead = self.counts, len(batch.dead)
        c.read += batch.read
        c.dead_lettered += dead
        c.skipped += batch.skipped
        c.accepted += fresh.height
        c.duplicates += batch.read - dead - fresh.height
        self.reasons.update(letter.reason for letter in batch.dead)
        self.fields.update((letter.reason, letter.detail) for letter in batch.dead)
        if fresh.height:
            hour = fresh.select((pl.col("ts").dt.epoch("s") // _HOUR * _HOUR).alias("h"))["h"].value_counts()
            self.hours.update(dict(hour.iter_rows()))
            self.first = self.first or int(fresh["ts"].dt.epoch("us")[0])


def write_results(out: Path, engine: Engine, tally: Tally, seconds: float) -> dict[str, Any]:
    """Write every file but the dead letters.

    Args:
        out: folder, which is there.
        engine: after its last tick.
        tally: of everything that was read.
        seconds: that the replay took.

    Returns:
        What stands in `run.json`.
    """
    alerts = engine.alerts.alerts()
    for name, rows in (("alerts", alerts), ("recommendations", engine.advised or [])):
        (out / f"{name}.ndjson").write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
    accounts = _accounts(engine)
    accounts.write_parquet(out / "accounts.parquet")
    clusters = _clusters(engine, alerts)
    clusters.write_parquet(out / "clusters.parquet")
    run = _run(engine, tally, seconds, len(alerts))
    (out / "run.json").write_bytes(msgspec.json.format(msgspec.json.encode(run), indent=2))
    (out / "report.html").write_text(render_report(_report(engine, tally, run, alerts, accounts, clusters)))
    return run


def _accounts(engine: Engine) -> pl.DataFrame:
    """Every account of the log: those of the window with their features and scores, those that fell silent before it without."""
    store, now = engine.store, engine.now + 1
    slots = active_slots(store, now)
    silent = np.setdiff1d(np.arange(len(store)), slots)
    known = pl.DataFrame(
        {
            "account_id": pl.Series(store.ids, dtype=pl.String),
            "first_seen": pl.Series(store.accounts.first[: len(store)]).cast(pl.Datetime("us", "UTC")),
            "last_seen": pl.Series(store.accounts.last[: len(store)]).cast(pl.Datetime("us", "UTC")),
        }
    )
    nothing = {"score": 0.0, "p_value": 1.0, "risk": 0.0, "requests": 0.0}
    quiet = known[silent].with_columns(pl.lit(value).alias(name) for name, value in nothing.items())
    look = engine.look(slots, engine.moment(now))
    scored = score(engine.scorer, [look])
    engine.strangers.judge(engine.scorer, scored, slots, look.known, note=False)
    found = pl.concat([known[slots], scored.frame], how="horizontal").with_columns(
        pl.Series("score", scored.score),
        pl.Series("strangeness", scored.strangeness),
        pl.Series("p_strange", scored.strange),
        pl.Series("p_value", scored.p_value),
        pl.Series("risk", [risk(p) for p in scored.p_value]),
    )
    return pl.concat([found, quiet], how="diagonal_relaxed")


def _clusters(engine: Engine, alerts: Sequence[Alert]) -> pl.DataFrame:
    if engine.clusters is None:
        numbers = [*FEATURES, *CLUSTER_FEATURES]
        kinds = {"stratum": pl.String(), "accounts": pl.List(pl.String), "alert_id": pl.String()}
        columns = [*numbers, "stratum", "accounts", "alert_id", "score", "p_value", "risk"]
        return pl.DataFrame(schema={name: kinds.get(name, pl.Float64()) for name in columns})
    found, scored = engine.clusters
    ids = engine.store.ids
    named = [[ids[s] for s in found.members(g)] for g in range(len(found.names))]
    return scored.frame.with_columns(
        pl.Series("accounts", named),
        pl.Series("alert_id", alert_ids(named, alerts), dtype=pl.String),
        pl.Series("score", scored.score),
        pl.Series("p_value", scored.p_value),
        pl.Series("risk", [risk(p) for p in scored.p_value]),
    )


def alert_ids(clusters: Sequence[Sequence[str]], alerts: Sequence[Alert]) -> list[str | None]:
    """The alert of each cluster: of those that are one actor with it, as the alert book has it, the one most like it.

    Args:
        clusters: their accounts.
        alerts: those of single accounts and those that were merged into another are nobody's.
    """
    live = {a.id: a for a in alerts if a.kind == "cluster" and not a.merged_into}
    naming: dict[str, list[str]] = {}
    for alert in live.values():
        for account in alert.accounts:
            naming.setdefault(account, []).append(alert.id)
    out: list[str | None] = []
    for members in clusters:
        common = Counter(name for account in members for name in naming.get(account, ()))
        sizes = {name: len(live[name].accounts) for name in sorted(common)}
        likeness = {
            name: common[name] / (len(members) + size - common[name])
            for name, size in sizes.items()
            if same_actor(common[name], len(members), size)
        }
        out.append(max(likeness, key=likeness.__getitem__, default=None))
    return out


def _run(engine: Engine, tally: Tally, seconds: float, alerts: int) -> dict[str, Any]:
    c = tally.counts
    peak = _peak_mb()
    return {
        "counts": {
            "read": c.read,
            "accepted": c.accepted,
            "duplicates": c.duplicates,
            "dead_lettered": c.dead_lettered,
            "skipped": c.skipped,
            "facts_refused": tally.refused,
            "accounts": len(engine.store),
            "alerts": alerts,
        },
        "rates": {"seconds": round(seconds, 2), "exchanges_per_s": round(c.accepted / max(seconds, 1e-9))},
        "memory": {
            "peak_rss_mb": round(peak),
            "state_bytes_per_account": round(engine.store.state_bytes() / max(1, len(engine.store))),
        },
        "event_time": {"first": tally.first / 1e6, "last": engine.now / 1e6} if tally.first else None,
        "unavailable_features": unavailable(engine.seen),
        "inferred_events": engine.events.inferred,
        "hash_key": engine.keys.fingerprint,
        "versions": {"revenuer": version("revenuer"), "polars": pl.__version__, "numpy": np.__version__},
    }


def _peak_mb() -> float:
    """Peak of resident memory. `ru_maxrss` would count what the process was forked from; the kernel's own mark starts at exec."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _report(
    engine: Engine,
    tally: Tally,
    run: dict[str, Any],
    alerts: Sequence[Alert],
    accounts: pl.DataFrame,
    clusters: pl.DataFrame,
) -> ReportData:
    edges = [100.0 * i / _BINS for i in range(_BINS + 1)]
    hours = sorted(tally.hours)
    return ReportData(
        run=run,
        alerts=[msgspec.to_builtins(a) for a in alerts],
        timeline=Timeline(hours, [tally.hours[h] for h in hours]),
        risk_histogram=Histogram(
            edges,
            np.histogram(accounts["risk"].to_numpy().astype(float), edges)[0].tolist(),
            np.histogram(clusters["risk"].to_numpy().astype(float), edges)[0].tolist(),
        ),
        graphs=cluster_graphs(alerts, engine.clusters[0], engine.store.ids, engine.skeletons)
        if engine.clusters
        else {},
        unavailable={
            name: [n for n in FEATURES[name].needs if n not in engine.seen] for name in run["unavailable_features"]
        },
        dead_letters=tally.reasons,
    )
