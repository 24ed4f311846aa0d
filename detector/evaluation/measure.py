"""Everything that `revenuer evaluate` measures, from files."""

from pathlib import Path

from detector.evaluation.baselines import Baseline, run_baselines
from detector.evaluation.evaluate import Result, detections, evaluate
from detector.evaluation.inputs import read_alerts, read_sibling_traffic, read_truth
from detector.evaluation.log import RequestLog, read_payments
from detector.evaluation.population import populate


def measured(
    alerts: Path, truth: Path, requests: Path | None, accounts: Path | None, *, baselines: bool
) -> tuple[Result, dict[str, Baseline] | None, int]:
    """The result, the baselines where asked for, and the lines of the request log that are no JSON."""
    named, facts = read_alerts(alerts), read_truth(truth)
    if requests is None:
        return evaluate(named, facts, read_sibling_traffic(alerts)), None, 0
    log = RequestLog(requests)
    traffic = log.traffic()
    result = evaluate(named, facts, traffic)
    if not baselines:
        return result, None, log.skipped
    payments = read_payments(accounts) if accounts else None
    population = populate(facts, traffic, detections(named))
    return result, run_baselines(log, payments, population), log.skipped
