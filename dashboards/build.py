# ruff: noqa: INP001  # a script, no package
"""Builds the Grafana dashboards: `python dashboards/build.py` writes `dashboards/grafana/*.json`."""

import argparse
import json
from pathlib import Path
from typing import Final

from panels import Board, Panel, pick, quantile, rate, stat

_ACTIONABLE = 'severity=~"high|critical"'
_ACCEPTED = 'outcome="accepted"'
_DEAD = 'outcome="dead_lettered"'
_LAG: Final = [(300, "yellow"), (900, "red")]
_ANY: Final = [(1, "orange")]

_exchanges_by_outcome = Panel(
    "Exchanges by outcome",
    [(f"sum by (outcome) ({rate('revenuer_exchanges_total')})", "{{outcome}}")],
    "reqps",
    help="Read = accepted + duplicates + dead letters, always.",
    stacked=True,
)
_open_alerts = Panel(
    "Open alerts by severity",
    [(f"sum by (severity) ({pick('revenuer_alerts')})", "{{severity}}")],
    help="High and critical are actionable.",
    stacked=True,
)
_opened = Panel(
    "Alerts opened an hour",
    [(f"sum by (severity) (increase({pick('revenuer_alerts_opened_total')}[1h]))", "{{severity}}")],
    help="A jump over many unrelated accounts is more often a change of traffic than an attack: look at the reasons.",
    stacked=True,
)
_recommended = Panel(
    "Recommendations an hour by action",
    [(f"sum by (action) (increase({pick('revenuer_recommendations_total')}[1h]))", "{{action}}")],
    stacked=True,
)
_lag = Panel(
    "Lag",
    [(f"max({pick('revenuer_lag_seconds')})", "behind the newest record")],
    "s",
    help="Overload shows here, never as lost records.",
    steps=_LAG,
)
_ticks = Panel(
    "Time of a tick",
    [(quantile(q, "revenuer_tick_seconds"), f"p{round(q * 100)}") for q in (0.5, 0.99)],
    "s",
    help="Ticks come every five minutes of event time: one that takes as long cannot keep up.",
)
_dead_share = f"sum({rate('revenuer_exchanges_total', _DEAD)}) / sum({rate('revenuer_exchanges_total')})"
_bytes_per_account = f"sum({pick('revenuer_state_bytes')}) / sum({pick('revenuer_accounts_tracked')})"
_busy_per_thousand = (
    f"1000 * sum by (stage) ({rate('revenuer_stage_seconds_sum')})"
    f" / scalar(sum({rate('revenuer_exchanges_total', _ACCEPTED)}))"
)
_blast_share = (
    f"sum({pick('revenuer_blast_radius_requests_per_day')})"
    f" / (86400 * sum({rate('revenuer_exchanges_total', _ACCEPTED, '1h')}))"
)

OVERVIEW = Board(
    "revenuer-overview",
    "Revenuer / Overview",
    "Is anybody harvesting, and does the detector keep up?",
    [
        stat("Open actionable alerts", f"sum({pick('revenuer_alerts', _ACTIONABLE)})", steps=_ANY),
        stat("Accounts named by them", f"sum({pick('revenuer_accounts_named', _ACTIONABLE)})", steps=_ANY),
        stat("Accounts tracked", f"sum({pick('revenuer_accounts_tracked')})"),
        stat("Exchanges accepted", f"sum({rate('revenuer_exchanges_total', _ACCEPTED)})", "reqps"),
        stat("Lag", f"max({pick('revenuer_lag_seconds')})", "s", _LAG),
        stat("Dead letters", _dead_share, "percentunit", [(0.001, "yellow"), (0.01, "red")]),
        _open_alerts,
        _opened,
        _exchanges_by_outcome,
        _recommended,
    ],
)
DETECTION = Board(
    "revenuer-detection",
    "Revenuer / Detection",
    "What is found, of which kind, and whether the stated false-alarm rate can still hold.",
    [
        _open_alerts,
        Panel("Open alerts by kind", [(f"sum by (kind) ({pick('revenuer_alerts')})", "{{kind}}")], stacked=True),
        _opened,
        Panel(
            "Accounts named by severity",
            [(f"sum by (severity) ({pick('revenuer_accounts_named')})", "{{severity}}")],
            stacked=True,
        ),
        Panel(
            "Share of accounts that actionable alerts name",
            [
                (
                    f"sum({pick('revenuer_accounts_named', _ACTIONABLE)}) / sum({pick('revenuer_accounts_tracked')})",
                    "share",
                )
            ],
            "percentunit",
            help="A few in a hundred at most. More than that, and the benign reference no longer fits this traffic.",
            steps=[(0.02, "yellow"), (0.05, "red")],
        ),
        Panel(
            "Age of the benign reference",
            [(f"max({pick('revenuer_reference_age_seconds')})", "age")],
            "s",
            help="Calibrate anew when the mix of customers or models changes.",
        ),
        Panel(
            "Does the reference fit?",
            [
                (f"max({pick('revenuer_calibration_error')})", "accounts beyond what their p-values say"),
                (f"max({pick('revenuer_drift')})", "features that drifted upwards"),
            ],
            "percentunit",
            help="Near 0 while it fits. Attackers raise the first a little; a new mix of customers raises both.",
            steps=[(0.05, "yellow"), (0.2, "red")],
        ),
        _ticks,
        _recommended,
    ],
    hours=7 * 24,
)
PIPELINE = Board(
    "revenuer-pipeline",
    "Revenuer / Pipeline health",
    "For whoever is on call: where records wait, where time goes, what fails.",
    [
        _lag,
        Panel(
            "Records behind",
            [
                (f"sum({pick('revenuer_lag_records')})", "taken in, not looked at"),
                (f"sum({pick('revenuer_topic_lag_records')})", "in the topic"),
            ],
            stacked=True,
        ),
        Panel(
            "The topic cannot be read (1)",
            [(f"max({pick('revenuer_topic_away')})", "away")],
            help="The service tries again every few seconds; its log says why.",
            steps=[(1, "red")],
        ),
        _exchanges_by_outcome,
        Panel(
            "Dead letters by reason",
            [(f"sum by (reason) ({rate('revenuer_dead_letters_total')})", "{{reason}}")],
            "reqps",
            help="A new reason after a deployment is a changed log format.",
            stacked=True,
        ),
        _ticks,
        Panel(
            "Time by stage (p99)",
            [(quantile(0.99, "revenuer_stage_seconds", "stage"), "{{stage}}")],
            "s",
        ),
        Panel(
            "Where time goes",
            [(f"sum by (stage) ({rate('revenuer_stage_seconds_sum')})", "{{stage}}")],
            "percentunit",
            help="Busy seconds a second; one core is full at 100 %.",
            stacked=True,
        ),
        Panel("Records waiting in the ingest queue", [(f"sum({pick('revenuer_ingest_queue_records')})", "records")]),
        Panel(
            "HTTP requests by status",
            [(f"sum by (status) ({rate('revenuer_http_requests_total')})", "{{status}}")],
            "reqps",
            stacked=True,
        ),
        Panel(
            "HTTP time by route (p99)", [(quantile(0.99, "revenuer_http_request_seconds", "route"), "{{route}}")], "s"
        ),
    ],
    hours=6,
)
COST = Board(
    "revenuer-cost",
    "Revenuer / Cost and blast radius",
    "What detection costs, and what acting on its recommendations would hit.",
    [
        stat("State an account", _bytes_per_account, "bytes", [(1536, "yellow"), (4096, "red")]),
        stat("State", f"sum({pick('revenuer_state_bytes')})", "bytes"),
        stat("Accounts tracked", f"sum({pick('revenuer_accounts_tracked')})"),
        stat("Requests a day that acting would hit", f"sum({pick('revenuer_blast_radius_requests_per_day')})"),
        stat(
            "Brake of live enforcement (1: pulled)", f"max({pick('revenuer_enforcement_brake')})", "none", [(1, "red")]
        ),
        stat("Share of traffic that it would hit", _blast_share, "percentunit", [(0.05, "yellow"), (0.2, "red")]),
        stat("Accounts bound", f"sum({pick('revenuer_accounts_named', _ACTIONABLE)})"),
        Panel(
            "Blast radius",
            [(f"sum({pick('revenuer_blast_radius_requests_per_day')})", "requests a day")],
            help="Of all open recommendations; look at an alert's own preview before acting.",
        ),
        _recommended,
        Panel("State", [(f"sum({pick('revenuer_state_bytes')})", "bytes")], "bytes"),
        Panel(
            "Busy seconds for a thousand exchanges, by stage",
            [
                (_busy_per_thousand, "{{stage}}"),
            ],
            "s",
            stacked=True,
        ),
    ],
    hours=7 * 24,
)
BOARDS: Final = (OVERVIEW, DETECTION, PIPELINE, COST)


def write(folder: Path) -> None:
    """Write all dashboards into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for board in BOARDS:
        text = json.dumps(board.json(), indent=1, ensure_ascii=False) + "\n"
        (folder / f"{board.uid}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--out", type=Path, default=Path(__file__).parent / "grafana", help="folder of the JSON files")
    write(options.parse_args().out)
