"""Prints an evaluation for people."""

from collections.abc import Mapping

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from detector.evaluation.baselines import TREE, Baseline
from detector.evaluation.evaluate import Result

MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0


def render(result: Result, baselines: Mapping[str, Baseline] | None, console: Console) -> None:
    """Writes the whole evaluation to a console.

    Args:
        result: the evaluation.
        baselines: crude methods on the same log, by name; None if not asked for.
        console: where it goes.
    """
    parts: list[RenderableType] = [_summary(result), _campaigns(result, baselines), _innocents(result)]
    if baselines is not None:
        parts += [_baselines(result, baselines), _giveaways(baselines)]
    parts.append(_notes(result))
    console.print(Group(*parts))


def percent(value: float, digits: int = 1) -> str:
    """A share as a percentage."""
    return f"{100 * value:.{digits}f} %"


def duration(seconds: float | None) -> str:
    """A time span in its largest sensible unit; a dash where there is none."""
    if seconds is None:
        return "–"
    for unit, length in (("d", DAY), ("h", HOUR), ("min", MINUTE)):
        if seconds >= length:
            return f"{seconds / length:.{0 if unit == 'min' else 1}f} {unit}"
    return f"{seconds:.0f} s"


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="dim")
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index else "left", no_wrap=index == 0)
    return table


def _summary(result: Result) -> Table:
    counts = result.counts
    table = _table("At severity high and above", "", "value", "95 % interval", "counted")
    flagged = counts["flagged_hostile"] + counts["flagged_benign"]
    rows = (
        ("account precision", "account_precision", f"{counts['flagged_hostile']:,} of {flagged:,} flagged", 1),
        ("account recall", "account_recall", f"{counts['flagged_hostile']:,} of {counts['hostile']:,} hostile", 1),
        ("benign flagged", "benign_flagged_share", f"{counts['flagged_benign']:,} of {counts['benign']:,} benign", 2),
    )
    for name, key, counted, digits in rows:
        low, high = result.intervals[key]
        bounds = f"{percent(low, digits)} – {percent(high, digits)}"
        table.add_row(name, percent(getattr(result, key), digits), bounds, counted)
    table.add_row("campaigns found", str(result.campaigns_found), "", f"of {result.campaigns}")
    before = f"{percent(result.leak_before_first_alert)} before 1st alerts"
    table.add_row("leak", percent(result.leak), "", before)
    false_rate = f"{result.false_cases_per_100k_accounts_day:.2f}"
    false_cases = f"{counts['false_cases']} of {counts['cases']} cases, {result.days:.1f} d"
    table.add_row("false cases, 100k acc. × day", false_rate, "", false_cases)
    for rate, value in result.precision_at_base_rate.items():
        bounds = f"{percent(value.low)} – {percent(value.high)}"
        table.add_row(f"precision at {rate} hostile", percent(value.precision), bounds, "")
    return table


def _campaigns(result: Result, baselines: Mapping[str, Baseline] | None) -> Table:
    tree = (baselines or {}).get(TREE)
    columns = ["campaign", "flagged", "recall", "found", "leak", "first alert", "each after"]
    table = _table("\nCampaigns", *columns, *(["tree's recall"] if tree else []))
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


def _innocents(result: Result) -> Table:
    table = _table("\nInnocents", "archetype", "accounts", "flagged", "share")
    for name, group in result.per_innocent.items():
        style = "red" if group.flagged else ""
        table.add_row(name, f"{group.accounts:,}", Text(f"{group.flagged:,}", style=style), percent(group.share, 2))
    return table


def _baselines(result: Result, baselines: Mapping[str, Baseline]) -> Table:
    table = _table("\nBeside crude methods", "method", "precision", "recall", "campaigns", "benign flagged")
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
    table = _table("\nThe tree, per kind left out (AUC .50 = a coin)", "kind", "AUC", "splits on")
    table.columns[2].justify = "left"
    for kind, auc in tree.auc.items():
        table.add_row(kind, f"{auc:.2f}", ", ".join(tree.fields[kind]))
    return table


def _notes(result: Result) -> Text:
    return Text(
        f"\nActivity: {result.activity}. Intervals take accounts as independent; those of one campaign are not, so the "
        "true uncertainty is wider. Leak: share of attack exchanges before their own account was named. First alert: "
        "from the campaign's first exchange to its first named account. Each after: median from an account's first "
        "attack exchange to its being named.",
        style="dim",
    )
