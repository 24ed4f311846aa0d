"""`revenuer serve`, `replay`, `render`, `calibrate`, `audit` and `forget`, on the command line; the work is loaded when they run."""

import json
import sys
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from detector.config_cli import ConfigFile, settings_of
from detector.stop import FAILURE, USAGE, stop

_OK = 200
_PATIENCE_S = 60
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object")]


class Engine(StrEnum):
    """Where a replay computes."""

    LOCAL = "local"
    SPARK = "spark"


class Gateway(StrEnum):
    """What a recommendation is written for: the names of `detector.alerts.render.FORMATS`."""

    LITELLM = "litellm"
    KONG = "kong"
    ENVOY = "envoy"
    IETF = "ietf"


def _micros(text: str | None, option: str) -> int | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        stop(f"{option}: {text} is no RFC 3339 time", USAGE)
    # The machine's own zone would give another part of the log on another machine.
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1e6)


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
    since: Annotated[str | None, typer.Option(help="First event time, RFC 3339; UTC where it names no zone")] = None,
    until: Annotated[
        str | None, typer.Option(help="Event time to stop before, RFC 3339; UTC where it names no zone")
    ] = None,
    reference: Annotated[
        Path | None,
        typer.Option(help="Benign reference of `calibrate` [default: that of the settings, else the shipped]"),
    ] = None,
    engine: Annotated[
        Engine,
        typer.Option(
            help="Where logs are decoded and digested: here, or by Spark (extra spark), whose workers must be able to read PATHS"
        ),
    ] = Engine.LOCAL,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Replay historical logs and write alerts, scores and a report.

    Exit code 1 where there are records and none was accepted: all refused, or none of the time asked for.
    """
    from detector.service.replay_cli import end, replayed, show

    asked = {
        k: v for k, v in (("format", form), ("account_path", account_path), ("reference", reference)) if v is not None
    }
    settings = settings_of(config).model_copy(update=asked)
    span = first, last = _micros(since, "--since"), _micros(until, "--until")
    if first is not None and last is not None and first >= last:
        stop(f"--since {since} is not before --until {until}: no record can lie between them", USAGE, "replay")
    run, done = replayed(paths, out, settings, accounts, events, *span, spark=engine is Engine.SPARK)
    if as_json:
        sys.stdout.write(json.dumps(run) + "\n")
    else:
        show(run, done)
    end(done.tally)


def render(
    path: Annotated[
        Path, typer.Argument(metavar="FILE", help="recommendations.ndjson of a replay", show_default=False)
    ],
    gateway: Annotated[Gateway, typer.Option("--format", help="Gateway that it is for", show_default=False)],
    wanted: Annotated[
        str | None, typer.Option("--id", help="Of one recommendation [default: all that stand at the end]")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a JSON object a line, as the API gives it; YAML without")
    ] = False,
    config: ConfigFile = None,
) -> None:
    """Write the recommendations of a replay for a gateway. They are dry runs: what they would set is a comment.

    Of each alert the last recommendation counts, and none of an alert that was merged into another.
    """
    from detector.service.render_cli import rendered

    rendered(path, gateway.value, wanted, settings_of(config).litellm_account, as_json=as_json)


def calibrate(
    paths: Annotated[list[str], typer.Argument(help="Logs: files, globs, folders", show_default=False)],
    out: Annotated[Path, typer.Option(help="File of the reference")],
    accounts: Annotated[Path | None, typer.Option(help="Account file")] = None,
    events: Annotated[Path | None, typer.Option(help="Event file; launches and bans are inferred without")] = None,
    labels: Annotated[
        Path | None,
        typer.Option(help="Labels, as the API gives them, one JSON object a line: analysts move the reference"),
    ] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Measure the benign reference on your own traffic, though attackers may be in it."""
    from detector.service.calibrate_cli import calibrated

    calibrated(paths, out, settings_of(config), accounts, events, labels, as_json=as_json)


def serve(
    context: typer.Context,
    data: Annotated[Path, typer.Option(help="Folder: database, inbox, accounts.ndjson, events.ndjson")] = Path("data"),
    host: Annotated[str, typer.Option(help="Address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one")] = 8000,
    config: Annotated[Path | None, typer.Option("--config", help="Settings in TOML")] = None,
    database: Annotated[
        str | None, typer.Option(envvar="REVENUER_DATABASE_URL", help="Database; SQLite in the folder by default")
    ] = None,
    kafka: Annotated[
        str | None,
        typer.Option(envvar="REVENUER_KAFKA_BOOTSTRAP", help="host:port of brokers, by comma: reads a topic, too"),
    ] = None,
    topic: Annotated[str, typer.Option(envvar="REVENUER_KAFKA_TOPIC", help="Topic of exchanges")] = "exchanges",
    standby: Annotated[
        bool, typer.Option("--standby", help="Where another process serves the folder, wait and take over from it")
    ] = False,
    new_token: Annotated[
        str | None, typer.Option(help="Make a token of this name, which may do everything, print it, and end")
    ] = None,
    scopes: Annotated[
        str | None, typer.Option(help="What the new token may do, by comma: read, triage, ingest, admin")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print what it says at its start as JSON objects, one a line")
    ] = False,
) -> None:
    """Serve the API and the console, and detect what is posted or put into the inbox."""
    from detector.service.serve_cli import serve as run

    run(context, data, host, port, config, database, kafka, topic, standby, new_token, as_json, scopes)


DataFolder = Annotated[Path, typer.Option(help="Folder of the service")]
Url = Annotated[
    str | None, typer.Option(envvar="REVENUER_DATABASE_URL", help="Database; SQLite in the folder by default")
]


def audit(data: DataFolder = Path("data"), database: Url = None, as_json: AsJson = False) -> None:
    """Verify the audit log: every entry must follow from the one before. Exit code 1 where one does not."""
    from sqlalchemy.exc import SQLAlchemyError

    from detector.alerts.store import AwayError, Store
    from detector.alerts.store.database import sqlite_url

    if database is None and not (data / "revenuer.db").exists():
        stop(f"{data / 'revenuer.db'}: there is no such database", USAGE, "audit")
    try:
        store = Store(database or sqlite_url(data / "revenuer.db"))
        broken, entries = store.audit.verify(), store.audit.latest()
        store.close()
    except (AwayError, SQLAlchemyError) as error:
        stop(f"the database cannot be read: {type(error).__name__}", USAGE, "audit")
    if as_json:
        sys.stdout.write(json.dumps({"whole": broken is None, "latest": entries, "broken": broken}) + "\n")
    else:
        said = "whole" if broken is None else f"broken at entry {broken}"
        sys.stdout.write(f"audit log up to entry {entries}: {said}\n")
    if broken is not None:
        raise typer.Exit(FAILURE)


def forget(
    account: Annotated[str, typer.Argument(help="Account id", show_default=False)],
    url: Annotated[str, typer.Option(help="Address of the running service")] = "http://127.0.0.1:8000",
    token: Annotated[str, typer.Option(envvar="REVENUER_TOKEN", help="Token with the scope admin")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, as without")] = False,  # noqa: ARG001 - the receipt is one
) -> None:
    """Erase an account from the running service, its store, checkpoints and journal, and print the receipt."""
    import httpx

    if not token:
        stop("no token: --token or REVENUER_TOKEN", USAGE, "forget")
    if not (token.isascii() and token.isprintable()):
        stop("--token: that cannot be a token", USAGE, "forget")
    # Not within the path: some ids would not arrive as they are.
    where, named = f"{url.rstrip('/')}/v1/accounts", {"account_id": account}
    try:
        answer = httpx.delete(where, params=named, headers={"Authorization": f"Bearer {token}"}, timeout=_PATIENCE_S)
    except (httpx.InvalidURL, httpx.UnsupportedProtocol):
        stop(f"--url {url}: that is no http address", USAGE, "forget")
    except httpx.ConnectError:
        stop(f"nothing answers at {url}; is the service up?", FAILURE, "forget")
    except httpx.TimeoutException:
        stop(f"{url}: no answer in {_PATIENCE_S} s", FAILURE, "forget")
    except httpx.HTTPError as error:
        stop(f"{url}: {type(error).__name__}", FAILURE, "forget")
    if answer.status_code != _OK:
        stop(f"{url}: {answer.status_code} {answer.reason_phrase}", FAILURE, "forget")
    sys.stdout.write(answer.text + "\n")
