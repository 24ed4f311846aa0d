"""Plots of a validation as inline SVG."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from detector.report.markup import Html, h, join

WIDTH: Final = 640
HEIGHT: Final = 300
LEFT: Final = 52
RIGHT: Final = 16
TOP: Final = 14
BOTTOM: Final = 44
ROW: Final = 26
LABEL: Final = 150

Point = tuple[float, float]


@dataclass(frozen=True)
class Series:
    """A line of a plot.

    Attributes:
        name: in the legend.
        points: x and y.
        bounds: low and high of y at each point, where they are known.
        marked: whether the points themselves are drawn: measured ones are.
    """

    name: str
    points: Sequence[Point]
    bounds: Sequence[Point] = ()
    marked: bool = False


def lines(
    series: Sequence[Series],
    x_title: str,
    y_title: str,
    *,
    logarithmic: bool = False,
    measured: Sequence[Series] = (),
) -> Html:
    """Lines over a common x axis; y is a share.

    Args:
        series: what to draw; colours follow their order.
        x_title: below the axis.
        y_title: beside it.
        logarithmic: whether x grows by factors; 0 stands at the left edge then.
        measured: drawn over the lines in the same colours, without a legend of their own.
    """
    top = max((x for s in series for x, _ in s.points), default=1.0) or 1.0
    least = min((x for s in series for x, _ in s.points if x > 0), default=1.0) / 2

    def across(x: float) -> float:
        share = math.log(max(x, least) / least) / math.log(top / least) if logarithmic else x / top
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    marks = [0.0, *(s for s in _decades(least, top) if s > least)] if logarithmic else [top * k / 4 for k in range(5)]
    return h(
        "figure",
        h(
            "svg",
            *(_across_rule(share) for share in (0.0, 0.25, 0.5, 0.75, 1.0)),
            *(h("text", f"{x:,.0f}", x=across(x), y=float(HEIGHT - BOTTOM + 16), class_="mid") for x in marks),
            h("text", x_title, x=(LEFT + WIDTH - RIGHT) / 2, y=float(HEIGHT - 8), class_="mid title"),
            *(_line(s, number, across) for part in (series, measured) for number, s in enumerate(part)),
            viewBox=f"0 0 {WIDTH} {HEIGHT}",
            role="img",
            aria_label=f"{y_title} against {x_title}",
        ),
        h("figcaption", *(_key(s.name, number) for number, s in enumerate(series))),
    )


def bars(rows: Mapping[str, Sequence[float | None]], names: Sequence[str], unit: str = "share") -> Html:
    """Horizontal bars, several to a row.

    Args:
        rows: label → a value for each name; None leaves the bar out.
        names: of the bars, in the legend.
        unit: `share`, or `hours`.
    """
    top = 1.0 if unit == "share" else max((v for values in rows.values() for v in values if v is not None), default=1.0)
    height = ROW * len(rows) + 4
    drawn = [_row(label, values, n, top or 1.0, unit) for n, (label, values) in enumerate(rows.items())]
    picture = h("svg", *drawn, viewBox=f"0 0 {WIDTH} {height}", role="img", aria_label=", ".join(names))
    return h("figure", picture, h("figcaption", *(_key(name, k) for k, name in enumerate(names))))


def _row(label: str, values: Sequence[float | None], n: int, top: float, unit: str) -> Html:
    thick = (ROW - 6) / len(values)
    room = WIDTH - LABEL - 70
    parts = [h("text", label, x=float(LABEL - 8), y=ROW * n + ROW / 2 + 3, class_="end")]
    for k, value in enumerate(values):
        if value is None:
            continue
        y, wide = ROW * n + 3 + k * thick, max(1.0, value / top * room)
        shown = f"{value:.1%}" if unit == "share" else f"{value:.1f} h"
        parts.append(h("rect", x=float(LABEL), y=y, width=wide, height=thick - 1, class_=f"fill{k}"))
        parts.append(h("text", shown, x=LABEL + wide + 5, y=y + thick / 2 + 3, class_="small"))
    return join(*parts)


def _decades(least: float, top: float) -> list[float]:
    begin, end = math.floor(math.log10(least)), math.ceil(math.log10(top))
    return [m * 10.0**k for k in range(begin, end + 1) for m in (1, 2, 5) if least <= m * 10.0**k <= top]


def _down(share: float) -> float:
    return TOP + (1 - share) * (HEIGHT - TOP - BOTTOM)


def _across_rule(share: float) -> Html:
    y = _down(share)
    return join(
        h("line", x1=float(LEFT), x2=float(WIDTH - RIGHT), y1=y, y2=y, class_="grid"),
        h("text", f"{share:.0%}", x=float(LEFT - 6), y=y + 4, class_="end"),
    )


def _line(series: Series, number: int, across: Callable[[float], float]) -> Html:
    path = "M" + "L".join(f"{across(x):.1f} {_down(y):.1f}" for x, y in series.points)
    parts = [h("path", d=path, class_=f"line{number}")]
    for (x, _), (low, high) in zip(series.points, series.bounds, strict=False):
        ends = {"y1": _down(max(0.0, low)), "y2": _down(min(1.0, high))}
        parts.append(h("line", x1=across(x), x2=across(x), **ends, class_=f"line{number}"))
    if series.marked:
        parts += [h("circle", cx=across(x), cy=_down(y), r=3.5, class_=f"fill{number}") for x, y in series.points]
    return join(*parts)


def _key(name: str, number: int) -> Html:
    return h("span", h("i", class_=f"key{number}"), name)
