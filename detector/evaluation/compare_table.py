"""Prints a comparison of two runs."""

from rich.console import RenderableType
from rich.table import Table

from detector.evaluation.compare import Comparison, Differing
from detector.evaluation.words import new_table, percent, span

NAMED = 6
"""Accounts that are listed by name; `--json` has all of them."""


def comparison_tables(comparison: Comparison) -> list[RenderableType]:
    """The figures of both runs, the accounts that differ, the campaigns that changed."""
    figures = new_table("\nAgainst the other run", "", "this", "other")
    for name, change in comparison.figures.items():
        cells = (change.this, change.other)
        shown = (f"{value:g}" if name == "campaigns_found" else percent(value, 2) for value in cells)
        figures.add_row(name.replace("_", " "), *shown)
    accounts = new_table(
        "\nAccounts that only one run flagged", "", "only this", "only other", "difference", "95 %", "p"
    )
    for name, part in (("hostile", comparison.hostile), ("benign", comparison.benign)):
        accounts.add_row(
            name,
            f"{len(part.only_this):,}",
            f"{len(part.only_other):,}",
            percent(part.difference, 2),
            span((part.low, part.high), 2),
            f"{part.p_value:.3g}",
        )
    return [figures, accounts, _campaigns(comparison), *_listed(comparison.benign)]


def _campaigns(comparison: Comparison) -> Table:
    table = new_table(
        "\nCampaigns that changed", "campaign", "recall", "other", "leak", "other", "only this", "only other"
    )
    for name, campaign in comparison.campaigns.items():
        table.add_row(
            name,
            percent(campaign.recall.this),
            percent(campaign.recall.other),
            percent(campaign.leak.this),
            percent(campaign.leak.other),
            f"{len(campaign.only_this):,}",
            f"{len(campaign.only_other):,}",
        )
    return table


def _listed(benign: Differing) -> list[RenderableType]:
    """Names of benign accounts that changed: somebody will want to look at them."""
    return [
        f"Benign accounts that only {run} flagged: {', '.join(names[:NAMED])}{' …' if len(names) > NAMED else ''}"
        for run, names in (("this run", benign.only_this), ("the other", benign.only_other))
        if names
    ]
