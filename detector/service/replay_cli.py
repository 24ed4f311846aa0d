"""What `revenuer replay` and `revenuer demo` do with logs: replay them, show what was found."""

import secrets
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.table import Table

from detector.alerts.allowance import COVERS, Allowance, unknown, unknown_scopes
from detector.config import Settings
from detector.printing import printer
from detector.scoring.rules import RuleError, left_out, unmeasured
from detector.service.replay import UNREAD, Progress, Replay, key_of, make_engine
from detector.service.results import Tally
from detector.service.spark.replay import run_on_spark
from detector.service.spark.session import NoSparkError, SparkFailedError, check
from detector.stop import FAILURE, failing, misuse, stop
from streams.accounts import read_accounts, read_events
from streams.adapters.reader import Format
from streams.sources import SourceError
from streams.sources.files import FileSource
from streams.sources.found import NoLogs

if TYPE_CHECKING:
    import polars as pl

    from streams.batch import DeadLetter

_WARNED: Final = 10  # unknown names of allowances that are said
_PASSED: Final = 5  # files that are no logs and that are named
_STRONGEST: Final = 3  # reasons that are shown
_FREQUENT: Final = 3  # reasons of dead letters that are said


class _Line:
    """Progress on one line of a terminal; silent elsewhere."""

    def __init__(self) -> None:
        self.on = sys.stderr.isatty()

    def __call__(self, p: Progress) -> None:
        if self.on:
            when = (
                datetime.fromtimestamp(p.event_time / 1e6).astimezone().strftime("%m-%d %H:%M") if p.event_time else "-"
            )
            rate = p.counts.accepted / max(p.seconds, 1e-9)
            sys.stderr.write(f"\r{p.counts.read:,} read · {rate:,.0f}/s · event time {when} · {p.alerts} alerts ")
            sys.stderr.flush()

    def digested(self, files: int, of: int) -> None:
        """How many files executors have digested."""
        if self.on:
            sys.stderr.write(f"\r{files:,} of {of:,} files digested ")
            sys.stderr.flush()

    def end(self) -> None:
        """Leave the line."""
        if self.on:
            sys.stderr.write("\n")


def replayed(
    paths: list[str],
    out: Path,
    settings: Settings,
    accounts: Path | None,
    events: Path | None,
    since: int | None = None,
    until: int | None = None,
    *,
    spark: bool = False,
) -> tuple[dict[str, Any], Replay]:
    """Replay logs with progress on a terminal; what went wrong ends the command.

    Args:
        paths: files, globs, folders.
        out: folder of the results.
        settings: of the run.
        accounts: file, where there is one.
        events: file, where there is one.
        since: first event time, µs.
        until: event time to stop before, µs.
        spark: whether Spark's executors read the logs.

    Returns:
        run.json, and the replay with its engine.
    """
    line = _Line()
    if spark:
        with misuse(NoSparkError, command="replay"):
            check()
    with misuse(SourceError, RuleError, FileNotFoundError, ValueError):
        source, replay = _prepared(paths, out, settings, accounts, events, since, until)
        out.mkdir(parents=True, exist_ok=True)
    # From here on a ValueError is a mistake of ours, and is shown as one.
    with misuse(SourceError, NoSparkError), failing(out):
        try:
            run = run_on_spark(replay, source, line, line.digested) if spark else replay.run(source, line)
        except SparkFailedError as error:
            stop(str(error), FAILURE, "replay")
        finally:
            line.end()
    return run, replay


def _prepared(
    paths: list[str],
    out: Path,
    settings: Settings,
    accounts: Path | None,
    events: Path | None,
    since: int | None,
    until: int | None,
) -> tuple[FileSource, Replay]:
    """What a replay reads, and the engine that reads it; what is wrong with settings and files is an error here."""
    form = Format(settings.format, settings.account_path, UNREAD)
    beside = [path for path in (accounts, events) if path]
    source = FileSource(paths, settings.batch_mb << 20, since, until, format=form, no_logs=NoLogs(out, beside))
    if source.passed:
        shown = ", ".join(repr(str(path))[1:-1] for path in source.passed[:_PASSED])
        more = f" and {len(source.passed) - _PASSED:,} more" if len(source.passed) > _PASSED else ""
        sys.stderr.write(f"revenuer: passed over, since they are no logs: {shown}{more}\n")
    refused: list[DeadLetter] = []
    book: pl.DataFrame | None = read_accounts(accounts, refused) if accounts else None
    told: pl.DataFrame | None = read_events(events, refused) if events else None
    if refused:
        first = refused[0]
        sys.stderr.write(
            f"revenuer: {len(refused)} lines of accounts and events refused, the first: "
            f"{first.source}:{first.position}: {first.reason}\n"
        )
    given = bool(settings.hash_key)
    if not given:
        settings = settings.model_copy(update={"hash_key": key_of(source)})
    replay = Replay(make_engine(settings, book, told), out, refused)
    rules = replay.engine.scorer.every_rule
    warn_of_unknown(replay.engine.allowances, {rule.code for rule in rules})
    if less := left_out(rules, settings.rules):
        sys.stderr.write(f"revenuer: {less}\n")
    if (settings.rules or settings.extra_rules) and (own := unmeasured(rules)):
        sys.stderr.write(
            f"revenuer: {', '.join(own)}: rules of your own, which the stated rate of false alarms was measured without; "
            "see how often each fires on traffic that is benign\n"
        )
    # Whoever knows the log's first record must not be able to confirm a guess at what was refused.
    source.digest_key = replay.engine.keys.letters if given else secrets.token_bytes(32)
    return source, replay


def summaries(replay: Replay) -> list[dict[str, Any]]:
    """A few words on each alert of a replay; all that is known of one stands in `alerts.ndjson` under its id."""
    return [
        {
            "id": a.id,
            "severity": a.severity,
            "risk": a.risk,
            "kind": a.kind,
            "accounts": len(a.accounts),
            "detected_at": a.detected_at,
            "reasons": [r.code for r in a.reasons[:_STRONGEST]],
            "action": a.recommendation.action if a.recommendation else None,
        }
        for a in replay.engine.alerts.alerts()
    ]


def warn_of_unknown(allowances: Mapping[str, Sequence[Allowance]], codes: Iterable[str]) -> None:
    """Say which names of allowances cover nothing, and which codes of scopes, a line each: a typo would pass for a permission."""
    for code, accounts in unknown_scopes(allowances, codes).most_common(_WARNED):
        sys.stderr.write(
            f"revenuer: scope {code[:80]!r} of {accounts:,} accounts is no reason code and covers nothing\n"
        )
    names = unknown(allowances)
    for name, accounts in names.most_common(_WARNED):
        # As a literal: whoever writes the account file must not move the cursor of who reads this.
        sys.stderr.write(
            f"revenuer: allowance {name[:80]!r} of {accounts:,} accounts is not known and covers nothing\n"
        )
    if (more := len(names) - _WARNED) > 0:
        sys.stderr.write(f"revenuer: and so are {more:,} further names\n")
    if names:
        sys.stderr.write(f"revenuer: known allowances: {', '.join(COVERS)}\n")


def alert_table(alerts: Sequence[Mapping[str, Any]], *, stacked: bool) -> Table:
    """Alerts as `summaries` has them, their times in UTC.

    Args:
        alerts: a row each.
        stacked: id and reasons below each other, for 80 columns; otherwise an alert is one line.
    """
    table = Table(title="Alerts", box=None, padding=(0, 2, 0, 0), title_justify="left")
    for name in ("severity", "risk", "accounts", "detected", "action"):
        table.add_column(name, no_wrap=True, justify="right" if name in {"risk", "accounts"} else "left")
    for name in ("alert and reasons",) if stacked else ("alert", "strongest reasons"):
        table.add_column(name, overflow="fold")
    for a in alerts:
        when, why = a["detected_at"][5:16].replace("T", " "), a["reasons"]
        what = ["\n".join((a["id"], *why))] if stacked else [a["id"], ", ".join(why)]
        table.add_row(a["severity"], f"{a['risk']:.1f}", f"{a['accounts']:,}", when, a["action"] or "", *what)
    return table


def show(run: dict[str, Any], replay: Replay) -> None:
    """Print the alerts and the counts of a replay."""
    console, alerts = printer(), summaries(replay)
    if alerts:
        console.print(alert_table(alerts, stacked=console.is_terminal))
    c = run["counts"]
    console.print(
        f"{c['read']:,} read = {c['accepted']:,} accepted + {c['duplicates']:,} duplicates + {c['dead_lettered']:,} dead-lettered; "
        f"{c['accounts']:,} accounts, {len(alerts)} alerts, {run['rates']['exchanges_per_s']:,} exchanges/s"
    )
    console.print(f"report: {replay.out / 'report.html'}", soft_wrap=True)


def end(tally: Tally) -> None:
    """End a replay whose results are written: one that looked at nothing is no success, though nothing went wrong on the way."""
    c = tally.counts
    if c.accepted:
        return
    if not c.read + c.skipped:
        sys.stderr.write("revenuer replay: there is no record in these files\n")
        return
    said = [_refused(tally)] if c.read else []
    if c.skipped:
        said.append(f"{c.skipped:,} records are outside of --since and --until, or tell of no exchange")
    stop("; ".join(said), FAILURE, "replay")


def _refused(tally: Tally) -> str:
    """What was wrong with most of the records that could not be read."""
    frequent = tally.fields.most_common(_FREQUENT)
    named = [f"{n:,} {' '.join((reason.replace('_', ' '), field)).rstrip()}" for (reason, field), n in frequent]
    rest = sum(tally.fields.values()) - sum(n for _, n in frequent)
    others = [f"{rest:,} for other reasons"] if rest else []
    c = tally.counts
    return f"{c.dead_lettered:,} of {c.read:,} records were refused: {', '.join(named + others)}; is --format right?"
