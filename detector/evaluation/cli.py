"""`revenuer evaluate`: alerts against truth, on the command line."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from detector.stop import FAILURE, USAGE, stop

if TYPE_CHECKING:
    from detector.evaluation.measure import Measured


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
    from polars.exceptions import PolarsError

    from detector.evaluation.inputs import InputError
    from detector.evaluation.measure import measured
    from detector.evaluation.table import render
    from detector.printing import printer

    if baselines and requests is None:
        stop("--baselines needs --requests FILE", USAGE, "evaluate")
    try:
        report = measured(alerts, truth, requests, accounts, against, baselines=baselines)
    except InputError as error:
        stop(str(error), FAILURE, "evaluate")
    except PolarsError as error:
        stop(f"{requests}: cannot be read: {str(error).partition(chr(10))[0]}", FAILURE, "evaluate")
    except OSError as error:
        stop(f"{error.filename}: {error.strerror}", USAGE, "evaluate")
    if report.skipped:
        sys.stderr.write(f"revenuer evaluate: {requests}: {report.skipped:,} lines cannot be read and were left out\n")
    if as_json:
        sys.stdout.write(msgspec.json.encode(_keys(report)).decode() + "\n")
    else:
        render(report.result, report.baselines, printer(), report.comparison)


def result_of(alerts: Path, truth: Path) -> dict[str, Any]:
    """What `evaluate ALERTS TRUTH --json` prints."""
    from detector.evaluation.measure import measured

    return _keys(measured(alerts, truth, None, None, None, baselines=False))


def _keys(report: "Measured") -> dict[str, Any]:
    keys: dict[str, Any] = msgspec.to_builtins(report.result)
    if report.baselines is not None:
        keys["baselines"] = msgspec.to_builtins(report.baselines)
    if report.comparison is not None:
        keys["comparison"] = msgspec.to_builtins(report.comparison)
    return keys
