"""The command `revenuer`."""

import json
import os
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from detector.config import ConfigError, Settings, load_settings
from detector.evaluation.cli import evaluate
from detector.scoring.anomaly.cli import train
from detector.scoring.rules import RuleError
from detector.scoring.rules.cli import rules_app
from detector.service.replay import Progress, Replay, make_engine
from detector.service.serve_cli import serve, serve_engine
from detector.simulator.generate import write
from detector.simulator.world import WorldError, load_world
from streams.accounts import read_accounts, read_events
from streams.adapters.reader import Format
from streams.sources import SourceError
from streams.sources.files import FileSource

if TYPE_CHECKING:
    import polars as pl

    from streams.batch import DeadLetter

FAILURE, USAGE = 1, 2

app = typer.Typer(help="Finds distillation attacks on model APIs in request logs.", no_args_is_help=True)
config_app = typer.Typer(help="The settings: show them, check a file.", no_args_is_help=True)
app.add_typer(rules_app, name="rules")
app.add_typer(config_app, name="config")
app.command()(evaluate)
app.command()(serve)
app.command()(train)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object")]
ConfigFile = Annotated[Path | None, typer.Option("--config", help="Settings in TOML")]


def _stop(message: str, code: int) -> NoReturn:
    sys.stderr.write(f"revenuer: {message}\n")
    raise typer.Exit(code)


def _micros(text: str | None, option: str) -> int | None:
    if text is None:
        return None
    try:
        return int(datetime.fromisoformat(text).timestamp() * 1e6)
    except ValueError:
        _stop(f"{option}: {text} is no RFC 3339 time", USAGE)


def _settings(path: Path | None) -> Settings:
    try:
        return load_settings(path)
    except ConfigError as error:
        _stop(str(error), USAGE)


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

    def end(self) -> None:
        """Leave the line."""
        if self.on:
            sys.stderr.write("\n")


def _replay(
    paths: list[str],
    out: Path,
    settings: Settings,
    accounts: Path | None,
    events: Path | None,
    since: int | None = None,
    until: int | None = None,
) -> tuple[dict[str, Any], Replay]:
    line = _Line()
    try:
        form = Format(settings.format, settings.account_path)
        source = FileSource(paths, settings.batch_mb << 20, since, until, format=form)
        refused: list[DeadLetter] = []
        book: pl.DataFrame | None = read_accounts(accounts, refused) if accounts else None
        told: pl.DataFrame | None = read_events(events, refused) if events else None
        if refused:
            first = refused[0]
            sys.stderr.write(
                f"revenuer: {len(refused)} lines of accounts and events refused, the first: "
                f"{first.source}:{first.position}: {first.reason}\n"
            )
        replay = Replay(make_engine(settings, book, told), out, refused)
        source.digest_key = replay.engine.keys.letters
        run = replay.run(source, line)
    except (SourceError, RuleError, FileNotFoundError, ValueError) as error:
        line.end()
        _stop(str(error).splitlines()[0], USAGE)
    except OSError as error:
        line.end()
        _stop(f"{error.filename}: {error.strerror}", USAGE)
    line.end()
    return run, replay


def _show(run: dict[str, Any], replay: Replay) -> None:
    console = Console()
    table = Table(title="Alerts")
    for name in ("severity", "risk", "kind", "accounts", "detected", "strongest reasons", "action"):
        table.add_column(name)
    alerts = replay.engine.alerts.alerts()
    for a in alerts:
        why = ", ".join(r.code for r in a.reasons[:3])
        action = a.recommendation.action if a.recommendation else ""
        table.add_row(a.severity, f"{a.risk:.1f}", a.kind, str(len(a.accounts)), a.detected_at[:16], why, action)
    if alerts:
        console.print(table)
    c = run["counts"]
    console.print(
        f"{c['read']:,} read = {c['accepted']:,} accepted + {c['duplicates']:,} duplicates + {c['dead_lettered']:,} dead-lettered; "
        f"{c['accounts']:,} accounts, {len(alerts)} alerts, {run['rates']['exchanges_per_s']:,} exchanges/s"
    )
    console.print(f"report: {replay.out / 'report.html'}", soft_wrap=True)


@app.command()
def replay(
    paths: Annotated[list[str], typer.Argument(help="Logs: files, globs, folders", show_default=False)],
    accounts: Annotated[Path | None, typer.Option(help="Account file")] = None,
    events: Annotated[Path | None, typer.Option(help="Event file; launches and bans are inferred without")] = None,
    form: Annotated[
        str | None,
        typer.Option("--format", help="Of the logs: auto, revenuer, a name of docs/adapters.md, or FILE.yaml"),
    ] = None,
    account_path: Annotated[str | None, typer.Option(help="Dotted path of the account id in foreign logs")] = None,
    out: Annotated[Path, typer.Option(help="Folder of the results")] = Path("out"),
    since: Annotated[str | None, typer.Option(help="First event time, RFC 3339")] = None,
    until: Annotated[str | None, typer.Option(help="Event time to stop before, RFC 3339")] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Replay historical logs and write alerts, scores and a report."""
    asked = {k: v for k, v in (("format", form), ("account_path", account_path)) if v is not None}
    settings = _settings(config).model_copy(update=asked)
    run, done = _replay(paths, out, settings, accounts, events, _micros(since, "--since"), _micros(until, "--until"))
    if as_json:
        sys.stdout.write(json.dumps(run) + "\n")
    else:
        _show(run, done)


@app.command()
def simulate(
    world: Annotated[str, typer.Argument(help="A shipped world's name, or a YAML file")],
    out: Annotated[Path, typer.Option(help="Folder of the results")],
    seed: Annotated[int | None, typer.Option(help="Instead of the world's own")] = None,
    scale: Annotated[float, typer.Option(min=0.001, max=1000.0, help="Factor on numbers of accounts")] = 1.0,
    as_json: AsJson = False,
) -> None:
    """Write labelled traffic of a world: requests, accounts, events, truth."""
    try:
        made = write(load_world(world), out, seed, scale)
    except WorldError as error:
        _stop(str(error), USAGE)
    except OSError as error:
        _stop(f"{error.filename}: {error.strerror}", USAGE)
    said = {"exchanges": made.exchanges, "accounts": made.accounts, "hostile": made.hostile, "out": str(out)}
    sys.stdout.write(
        json.dumps(said) + "\n" if as_json else f"{made.exchanges:,} exchanges of {made.accounts:,} accounts in {out}\n"
    )


@app.command()
def demo(
    out: Annotated[Path | None, typer.Option(help="Folder of the results; a temporary one by default")] = None,
) -> None:
    """Simulate a week with campaigns in it, find them, print the alerts and how many were right.

    On a terminal the service then stays up with the alerts in it, to be looked at. DEMO_SERVE=0 ends after printing them,
    DEMO_SERVE=1 stays up where there is no terminal, too.
    """
    folder = out or Path(tempfile.mkdtemp(prefix="revenuer-demo-"))
    sys.stderr.write(f"Simulating a week of traffic in {folder} …\n")
    made = write(load_world("demo"), folder)
    sys.stderr.write(
        f"{made.exchanges:,} exchanges, {made.hostile} of {made.accounts:,} accounts hostile. Replaying …\n"
    )
    run, done = _replay(
        [str(folder / "requests.ndjson")],
        folder / "found",
        load_settings(),
        folder / "accounts.ndjson",
        folder / "events.ndjson",
    )
    _show(run, done)
    evaluate(folder / "found" / "alerts.ndjson", folder / "truth.json")
    wanted = os.environ.get("DEMO_SERVE", "")
    if wanted == "1" or (wanted != "0" and sys.stdout.isatty()):
        serve_engine(done.engine, folder / "service")


@config_app.command("show")
def config_show(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Print every setting with its value and meaning."""
    settings = _settings(config)
    values = json.loads(settings.model_dump_json())
    values["hash_key"] = "set" if settings.hash_key else "drawn at start"
    if as_json:
        sys.stdout.write(json.dumps(values) + "\n")
        return
    table = Table("setting", "value", "meaning")
    for name, info in Settings.model_fields.items():
        table.add_row(name, str(values[name]), info.description or "")
    Console().print(table)


@config_app.command("check")
def config_check(path: Annotated[Path, typer.Argument(help="Settings in TOML", show_default=False)]) -> None:
    """Check a settings file; exit code 2 if it is broken."""
    _settings(path)
    sys.stdout.write(f"{path}: good\n")


def main() -> None:
    """Entry point."""
    app()
