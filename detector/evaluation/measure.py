"""Everything that `revenuer evaluate` measures, from files."""

from dataclasses import dataclass
from pathlib import Path

from detector.evaluation.baselines import Baseline, run_baselines
from detector.evaluation.compare import Comparison, compare
from detector.evaluation.evaluate import Result, detections, evaluate
from detector.evaluation.inputs import Alert, Traffic, Truth, read_alerts, read_sibling_traffic, read_truth
from detector.evaluation.log import RequestLog, read_payments
from detector.evaluation.population import populate


@dataclass(frozen=True)
class Measured:
    """What is printed.

    Attributes:
        result: of the alerts.
        baselines: crude methods by name, where they were asked for.
        comparison: with another run, where there is one.
        skipped: lines of the request log that cannot be read.
    """

    result: Result
    baselines: dict[str, Baseline] | None
    comparison: Comparison | None
    skipped: int


def measured(
    alerts: Path, truth: Path, requests: Path | None, accounts: Path | None, against: Path | None, *, baselines: bool
) -> Measured:
    """Measure alerts; arguments as of the command.

    Raises:
        InputError: a file is no such thing.
        OSError: a file cannot be read.
    """
    named, facts = read_alerts(alerts), read_truth(truth)
    log = RequestLog(requests) if requests else None
    traffic = log.traffic() if log else read_sibling_traffic(alerts)
    crude = None
    if log and baselines:
        population = populate(facts, traffic, detections(named))
        crude = run_baselines(log, read_payments(accounts) if accounts else None, population)
    return Measured(
        result=evaluate(named, facts, traffic),
        baselines=crude,
        comparison=_compared(named, read_alerts(against), facts, traffic) if against else None,
        skipped=log.skipped if log else 0,
    )


def _compared(named: list[Alert], others: list[Alert], facts: Truth, traffic: Traffic | None) -> Comparison:
    """Both runs on one population: whoever either of them names was active."""
    this, other = detections(named), detections(others)
    population = populate(facts, traffic, this | other)
    shared = Traffic(population.active, traffic.days if traffic else None, "both runs")
    results = evaluate(named, facts, shared), evaluate(others, facts, shared)
    return compare((results[0], this), (results[1], other), population.campaigns, population.benign)
