"""The result for people: one table in markdown."""

from collections.abc import Iterable

from benchmarks.detection.harness import Row
from detector.evaluation.words import percent

COLUMNS = (
    "world",
    "method",
    "flagged",
    "precision",
    "recall",
    "campaigns",
    "benign flagged",
    "leak",
    "ex./s",
    "ex./CPU s",
)


def markdown(rows: Iterable[Row]) -> str:
    """One line a row, in the order given."""
    lines = [_line(COLUMNS), "|---|---|" + "---:|" * (len(COLUMNS) - 2)]
    return "\n".join([*lines, *(_line(_cells(row)) for row in rows)])


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.world,
        row.method,
        f"{row.flagged:,}",
        percent(row.account_precision) if row.flagged else "–",
        _share(row.account_recall),
        f"{row.campaigns_found} of {row.campaigns}",
        percent(row.benign_flagged_share, 2),
        _share(row.leak),
        _thousands(row.exchanges_per_s),
        _thousands(row.exchanges_per_cpu_s),
    )


def _share(value: float | None) -> str:
    return "–" if value is None else percent(value)


def _thousands(rate: float) -> str:
    """A speed to two significant digits."""
    return f"{rate / 1e3:,.{0 if rate >= 1e4 else 1}f} k"  # noqa: PLR2004 - 10,000: no decimals from there on
