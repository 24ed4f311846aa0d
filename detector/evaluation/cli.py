"""`revenuer evaluate`: alerts against truth, on the command line."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NoReturn

import msgspec
import typer
from polars.exceptions import PolarsError
from rich.console import Console

from detector.evaluation.baselines import Baseline, run_baselines
from detector.evaluation.compare import Comparison, compare
from detector.evaluation.evaluate import Result, detections
from detector.evaluation.evaluate import evaluate as measure
from detector.evaluation.inputs import Alert, InputError, Traffic, Truth, read_alerts, read_sibling_traffic, read_truth
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
    against: Annotated[
        Path | None, typer.Option(help="alerts.ndjson of another run on the same world, to compare with")
    ] = None,
    baselines: Annotated[bool, typer.Option("--baselines", help="Also run crude methods on --requests")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object")] = False,
) -> None:
    """Measure alerts against the truth of a simulated world: precision, recall, leak, time to detect."""
    if baselines and requests is None:
        _stop("--baselines needs --requests FILE", USAGE)
    try:
        report = _measure(alerts, truth, requests, accounts, against, baselines=baselines)
    except InputError as error:
        _stop(str(error), FAILURE)
    except PolarsError as error:
        _stop(f"{requests}: cannot be read: {str(error).partition(chr(10))[0]}", FAILURE)
    except OSError as error:
        _stop(f"{error.filename}: {error.strerror}", USAGE)
    if report.skipped:
        sys.stderr.write(f"revenuer evaluate: {requests}: {report.skipped:,} lines are no JSON and were left out\n")
    if as_json:
        sys.stdout.write(msgspec.json.encode(_keys(report)).decode() + "\n")
    else:
        render(report.result, report.baselines, Console(), report.comparison)


@dataclass(frozen=True)
class _Report:
    """What is printed: the result, what was asked for beside it, and the lines of the request log that are no JSON."""

    result: Result
    baselines: dict[str, Baseline] | None
    comparison: Comparison | None
    skipped: int


def _measure(
    alerts: Path, truth: Path, requests: Path | None, accounts: Path | None, against: Path | None, *, baselines: bool
) -> _Report:
    named, facts = read_alerts(alerts), read_truth(truth)
    log = RequestLog(requests) if requests else None
    traffic = log.traffic() if log else read_sibling_traffic(alerts)
    crude = None
    if log and baselines:
        population = populate(facts, traffic, detections(named))
        crude = run_baselines(log, read_payments(accounts) if accounts else None, population)
    return _Report(
        result=measure(named, facts, traffic),
        baselines=crude,
        comparison=_compared(named, read_alerts(against), facts, traffic) if against else None,
        skipped=log.skipped if log else 0,
    )


def _compared(named: list[Alert], others: list[Alert], facts: Truth, traffic: Traffic | None) -> Comparison:
    """Both runs on one population: whoever either of them names was active."""
    this, other = detections(named), detections(others)
    population = populate(facts, traffic, this | other)
    shared = Traffic(population.active, traffic.days if traffic else None, "both runs")
    results = measure(named, facts, shared), measure(others, facts, shared)
    return compare((results[0], this), (results[1], other), population.campaigns, population.benign)


def _keys(report: _Report) -> dict[str, Any]:
    keys: dict[str, Any] = msgspec.to_builtins(report.result)
    if report.baselines is not None:
        keys["baselines"] = msgspec.to_builtins(report.baselines)
    if report.comparison is not None:
        keys["comparison"] = msgspec.to_builtins(report.comparison)
    return keys


def _stop(message: str, code: int) -> NoReturn:
    sys.stderr.write(f"revenuer evaluate: {message}\n")
    raise typer.Exit(code)
