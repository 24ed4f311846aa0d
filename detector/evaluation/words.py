"""Numbers and tables as people read them."""

from rich.table import Table

MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0


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


def span(bounds: tuple[float, float], digits: int = 1) -> str:
    """An interval of shares."""
    return f"{percent(bounds[0], digits)} – {percent(bounds[1], digits)}"


def new_table(title: str, *columns: str) -> Table:
    """A table without lines, its first column left and the others right."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="dim")
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index else "left", no_wrap=index == 0)
    return table
