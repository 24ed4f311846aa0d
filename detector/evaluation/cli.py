"""`revenuer evaluate`: alerts against truth, on the command line."""

import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import msgspec
import typer
from polars.exceptions import PolarsError
from rich.console import Console

from detector.evaluation.baselines import Baseline, run_baselines
from detector.evaluation.evaluate import Result, detections
from detector.evaluation.evaluate import evaluate as measure
from detector.evaluation.inputs import InputError, read_alerts, read_sibling_traffic, read_truth
from detector.evaluation.log import RequestLog, read_payments
from detector.evaluation.population import populate
from detector.evaluation.table import render

FAILURE, USAGE = 1, 2


def evaluate(
    alerts: Annotated[Path, typer.Argument(help="alerts.ndjson of a replay", show_default=False)],
    truth: Annotated[Path, typer.Argument(help="truth.json of the simulated world", show_default=False)],
    requests: Annotated[
        Path | None,
        typer.Option(help="The request log, to know who was active [default: accounts.parquet beside ALERTS]"),
    ] = None,
    accounts: Annotated[Path | None, typer.Option(help="The accounts file, for the shared-payment baseline")] = None,
    baselines: Annotated[bool, typer.Option("--baselines", help="Also run crude methods on --requests")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object")] = False,
) -> None:
    """Measure alerts against the truth of a simulated world: precision, recall, leak, time to detect."""
    if baselines and requests is None:
        _stop("--baselines needs --requests FILE", USAGE)
    try:
        result, crude, skipped = _measure(alerts, truth, requests, accounts, baselines=baselines)
    except InputError as error:
        _stop(str(error), FAILURE)
    except PolarsError as error:
        _stop(f"{requests}: cannot be read: {str(error).partition(chr(10))[0]}", FAILURE)
    except OSError as error:
        _stop(f"{error.filename}: {error.strerror}", USAGE)
    if skipped:
        sys.stderr.write(f"revenuer evaluate: {requests}: {skipped:,} lines are no JSON and were left out\n")
    if as_json:
        sys.stdout.write(msgspec.json.encode(_keys(result, crude)).decode() + "\n")
    else:
        render(result, crude, Console())


def _measure(
    alerts: Path, truth: Path, requests: Path | None, accounts: Path | None, *, baselines: bool
) -> tuple[Result, dict[str, Baseline] | None, int]:
    """The result, the baselines where asked for, and the lines of the request log that are no JSON."""
    named, facts = read_alerts(alerts), read_truth(truth)
    if requests is None:
        return measure(named, facts, read_sibling_traffic(alerts)), None, 0
    log = RequestLog(requests)
    traffic = log.traffic()
    result = measure(named, facts, traffic)
    if not baselines:
        return result, None, log.skipped
    payments = read_payments(accounts) if accounts else None
    population = populate(facts, traffic, detections(named))
    return result, run_baselines(log, payments, population), log.skipped


def _keys(result: Result, crude: dict[str, Baseline] | None) -> dict[str, Any]:
    keys: dict[str, Any] = msgspec.to_builtins(result)
    return keys if crude is None else keys | {"baselines": msgspec.to_builtins(crude)}


def _stop(message: str, code: int) -> NoReturn:
    sys.stderr.write(f"revenuer evaluate: {message}\n")
    raise typer.Exit(code)
