"""Prints an evaluation for people."""

from collections.abc import Mapping

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from detector.evaluation.baselines import TREE, Baseline
from detector.evaluation.compare import Comparison
from detector.evaluation.compare_table import comparison_tables
from detector.evaluation.evaluate import Result
from detector.evaluation.words import duration, new_table, percent, span

CURVE = ("1", "4", "24", "72", "168")
"""Hours since a campaign's start that its curve is printed at."""


def render(
    result: Result, baselines: Mapping[str, Baseline] | None, console: Console, comparison: Comparison | None = None
) -> None:
    """Writes the whole evaluation to a console.

    Args:
        result: the evaluation.
        baselines: crude methods on the same log, by name; None if not asked for.
        console: where it goes.
        comparison: with another run; None if not asked for.
    """
    parts: list[RenderableType] = [_summary(result), _campaigns(result, baselines), _sureness(result), _speed(result)]
    parts += [_ranking(result), _innocents(result)]
    if baselines is not None:
        parts += [_baselines(result, baselines), _giveaways(baselines)]
    if comparison is not None:
        parts += comparison_tables(comparison)
    parts.append(_notes(result))
    console.print(Group(*parts))


def _summary(result: Result) -> Table:
    counts = result.counts
    table = new_table("At severity high and above", "", "value", "95 % interval", "counted")
    flagged = counts["flagged_hostile"] + counts["flagged_benign"]
    rows = (
        ("account precision", "account_precision", f"{counts['flagged_hostile']:,} of {flagged:,} flagged", 1),
        ("account recall", "account_recall", f"{counts['flagged_hostile']:,} of {counts['hostile']:,} hostile", 1),
        ("benign flagged", "benign_flagged_share", f"{counts['flagged_benign']:,} of {counts['benign']:,} benign", 2),
    )
    for name, key, counted, digits in rows:
        table.add_row(name, percent(getattr(result, key), digits), span(result.intervals[key], digits), counted)
    table.add_row("campaigns found", str(result.campaigns_found), "", f"of {result.campaigns}")
    before = f"{percent(result.leak_before_first_alert)} before 1st alerts"
    table.add_row("leak", percent(result.leak), span(result.intervals["leak"]), before)
    at_ticks = f"{percent(result.least_leak_at_ticks)} at 5-minute ticks"
    table.add_row("leak of any detector", percent(result.least_leak), "", at_ticks)
    false_rate = f"{result.false_cases_per_100k_accounts_day:.2f}"
    false_cases = f"{counts['false_cases']} of {counts['cases']} cases, {result.days:.1f} d"
    table.add_row("false cases, 100k acc. × day", false_rate, "", false_cases)
    for rate, value in result.precision_at_base_rate.items():
        table.add_row(f"precision at {rate} hostile", percent(value.precision), span((value.low, value.high)), "")
    return table


def _campaigns(result: Result, baselines: Mapping[str, Baseline] | None) -> Table:
    tree = (baselines or {}).get(TREE)
    columns = ["campaign", "flagged", "recall", "found", "leak", "first alert", "each after"]
    table = new_table("\nCampaigns", *columns, *(["tree's recall"] if tree else []))
    for name, campaign in result.per_campaign.items():
        found = Text("yes", style="green") if campaign.found else Text("no", style="red")
        cells: list[RenderableType] = [
            name,
            f"{campaign.flagged:,}/{campaign.accounts:,}",
            percent(campaign.recall),
            found,
            percent(campaign.leak),
            duration(campaign.first_alert_s),
            duration(campaign.time_to_detect_s),
        ]
        table.add_row(*cells, *([percent(tree.recall[name])] if tree else []))
    return table


def _sureness(result: Result) -> Table:
    columns = ("campaign", "recall", "leak", "leak of any detector", "at ticks", "each after", "at ticks")
    table = new_table("\nHow sure (95 %), and beside it the least that a detector can do", *columns)
    for name, campaign in result.per_campaign.items():
        bounds = campaign.intervals.get("time_to_detect_s")
        table.add_row(
            name,
            span(campaign.intervals["recall"]),
            span(campaign.intervals["leak"]),
            percent(campaign.least.leak),
            percent(campaign.least_at_ticks.leak),
            " – ".join(map(duration, bounds)) if bounds else "–",
            duration(campaign.least_at_ticks.time_to_detect_s),
        )
    return table


def _speed(result: Result) -> Table:
    columns = ("campaign", *(f"{hours} h" for hours in CURVE), "half after")
    table = new_table("\nHow fast: share of accounts flagged since the campaign's start", *columns)
    for name, campaign in result.per_campaign.items():
        shares = (percent(campaign.latency[hours], 0) for hours in CURVE)
        table.add_row(name, *shares, duration(campaign.half_flagged_s))
    table.add_row("all", *(percent(result.latency[hours], 0) for hours in CURVE), "", style="bold")
    return table


def _ranking(result: Result) -> Table:
    table = new_table("\nPrecision at k", "first", "precision", "95 %")
    for at in result.precision_at_k:
        table.add_row(f"{at.k:,}", percent(at.precision), span((at.low, at.high)))
    return table


def _innocents(result: Result) -> Table:
    table = new_table("\nInnocents", "archetype", "accounts", "flagged", "share", "95 %")
    for name, group in result.per_innocent.items():
        style = "red" if group.flagged else ""
        flagged = Text(f"{group.flagged:,}", style=style)
        table.add_row(name, f"{group.accounts:,}", flagged, percent(group.share, 2), span((group.low, group.high), 2))
    return table


def _baselines(result: Result, baselines: Mapping[str, Baseline]) -> Table:
    table = new_table("\nBeside crude methods", "method", "precision", "recall", "campaigns", "benign flagged")
    rows: list[tuple[str, Result | Baseline]] = [("these alerts", result), *baselines.items()]
    for index, (name, row) in enumerate(rows):
        table.add_row(
            name,
            percent(row.account_precision),
            percent(row.account_recall),
            f"{row.campaigns_found} of {result.campaigns}",
            percent(row.benign_flagged_share, 2),
            style="bold" if index == 0 else "",
        )
    return table


def _giveaways(baselines: Mapping[str, Baseline]) -> RenderableType:
    tree = baselines.get(TREE)
    if tree is None:
        return Text("\nNo tree: leaving a kind of campaign out needs at least two kinds.", style="yellow")
    table = new_table("\nThe tree, per kind left out (AUC .50 = a coin)", "kind", "AUC", "splits on")
    table.columns[2].justify = "left"
    for kind, auc in tree.auc.items():
        table.add_row(kind, f"{auc:.2f}", ", ".join(tree.fields[kind]))
    return table


def _notes(result: Result) -> Text:
    return Text(
        f"\nActivity: {result.activity}. Intervals take accounts as independent; those of one campaign are not, so the "
        "true uncertainty is wider. Leak: share of attack exchanges before their own account was named. First alert: "
        "from the campaign's first exchange to its first named account. Each after: median from an account's first "
        "attack exchange to its being named. Of any detector: what is sent before a second account of the campaign, or a second "
        "exchange of its only one, can have given it away; at ticks: and before the next tick after that.",
        style="dim",
    )
