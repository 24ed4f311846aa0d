"""Charts that stretch: shapes in SVG, labels in HTML, so that text keeps its size on any screen."""

import math
from collections.abc import Sequence

from detector.report.formats import DAY, HOUR, compact, integer, moment, plural
from detector.report.markup import Html, h, join

WIDTH, HEIGHT = 1000, 100
BINS, SMALL_BINS = 240, 168


def rebin(hours: Sequence[float], counts: Sequence[float], limit: int = BINS) -> tuple[list[float], list[float], float]:
    """An even grid over sparse hours, coarse enough to draw.

    Args:
        hours: starts of hours, epoch seconds, any order.
        counts: how much happened in each.
        limit: most bins.

    Returns:
        Starts of bins, sums, and the width of a bin in seconds; hours without an entry count as 0.
    """
    if not hours:
        return [], [], float(HOUR)
    first, last = min(hours), max(hours)
    width = HOUR * max(1, math.ceil((last - first + HOUR) / HOUR / limit))
    sums = [0.0] * (int((last - first) // width) + 1)
    for hour, count in zip(hours, counts, strict=False):
        sums[int((hour - first) // width)] += count
    return [first + width * index for index in range(len(sums))], sums, float(width)


def area(
    hours: Sequence[float],
    counts: Sequence[float],
    detected: float | None = None,
    *,
    label: str,
    noun: str = "exchange",
    small: bool = False,
) -> Html:
    """Counts an hour over time as an area, with the count under the pointer and day lines.

    Args:
        hours: starts of hours, epoch seconds.
        counts: how much happened in each.
        detected: a moment to draw a line at; what lies before it is shaded.
        label: what a screen reader says.
        noun: what is counted, in the singular.
        small: a low one, whose axis has its ends alone.

    Returns:
        The chart.
    """
    starts, sums, width = rebin(hours, counts, SMALL_BINS if small else BINS)
    if not starts:
        return h("p", "No traffic.", class_="muted")
    begin, end = starts[0], starts[-1] + width
    # The last bin may be partly past the end: drawn as a rate, it does not look like a drop.
    covered = [min(width, max(hours) + HOUR - start) / HOUR for start in starts]
    rates = [value / length for value, length in zip(sums, covered, strict=True)]
    top = nice(max(rates))
    xs = [(start + width / 2 - begin) / (end - begin) * WIDTH for start in starts]
    ys = [HEIGHT - rate / top * HEIGHT for rate in rates]
    line = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in zip(xs, ys, strict=True))
    closed = f"{line}L{xs[-1]:.1f} {HEIGHT}L{xs[0]:.1f} {HEIGHT}Z"
    days = ticks(begin, end, 4 if small else 9)
    grid = [_rule(x=(day - begin) / (end - begin), class_="grid") for day in days]
    svg = h(
        "svg",
        _before(detected, begin, end),
        *grid,
        h("path", d=closed, class_="area"),
        h("path", d=line, class_="line"),
        _rule(x=(detected - begin) / (end - begin), class_="detected")
        if detected and begin <= detected <= end
        else None,
        *_hits(starts, sums, noun),
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        preserveAspectRatio="none",
        role="img",
        aria_label=label,
    )
    dates = [_tick(said, left=(day - begin) / (end - begin)) for day, said in zip(days, dated(days), strict=True)]
    middle, bottom = _level(compact(top / 2), 0.5), _level("0", 1.0)
    scale = join(_level(compact(top), 0.0), bottom if small else middle)
    return h("div", svg, scale, h("div", *dates, class_="dates"), class_="plot small" if small else "plot")


def lanes(rows: Sequence[tuple[str, Sequence[tuple[float, str, str, int]]]], begin: float, end: float) -> Html:
    """Moments as dots, one lane a severity.

    Args:
        rows: severity, and its dots: moment, tip, link target, how many alerts the dot stands for.
        begin: left end of the time axis, epoch seconds.
        end: right end.

    Returns:
        The lanes; each dot is a link that the keyboard reaches.
    """
    drawn = []
    for severity, dots in rows:
        marks = [
            h(
                "a",
                str(count) if count > 1 else None,
                href=f"#{target}",
                class_=f"dot s-{severity}" + (" many" if count > 1 else ""),
                style=f"left:{100 * min(max((when - begin) / (end - begin), 0.0), 1.0):.2f}%",
                data_tip=tip,
                aria_label=tip,
            )
            for when, tip, target, count in dots
        ]
        drawn.append(
            h("div", h("span", severity, class_="lane-name"), h("div", *marks, class_="lane-track"), class_="lane")
        )
    return h("div", *drawn, class_="lanes")


def histogram(edges: Sequence[float], accounts: Sequence[int], clusters: Sequence[int]) -> Html:
    """Risk of accounts and clusters, side by side, on a logarithmic scale.

    Args:
        edges: n + 1 bin edges.
        accounts: accounts by bin.
        clusters: clusters by bin.

    Returns:
        The chart.
    """
    bins = min(len(edges) - 1, len(accounts), len(clusters))
    most = max([*accounts[:bins], *clusters[:bins]], default=0)
    if most <= 0:
        return h("p", "Nothing was scored.", class_="muted")
    decades = max(1, math.ceil(math.log10(most + 1)))
    slot = WIDTH / bins
    bars, hits = [], []
    for index in range(bins):
        for offset, (name, count) in enumerate((("accounts", accounts[index]), ("clusters", clusters[index]))):
            # One must show as a bar: the axis starts at a third, not at one.
            height = (math.log10(max(count, 1)) + 0.5) / (decades + 0.5) * HEIGHT if count > 0 else 0.0
            x = index * slot + slot * (0.12 + 0.4 * offset)
            bars.append(
                h(
                    "rect",
                    x=round(x, 2),
                    y=round(HEIGHT - height, 2),
                    width=round(slot * 0.36, 2),
                    height=round(height, 2),
                    class_=f"bar {name}",
                )
            )
        range_ = f"risk {edges[index]:g}–{edges[index + 1]:g}"
        tip = f"{range_}\n{plural(accounts[index], 'account')}\n{plural(clusters[index], 'cluster')}"
        hits.append(
            h("rect", x=round(index * slot, 2), y=0, width=round(slot, 2), height=HEIGHT, class_="hit", data_tip=tip)
        )
    levels = [(10**power, (power + 0.5) / (decades + 0.5)) for power in range(decades + 1)]
    grid = [_rule(y=1.0 - height, class_="grid") for _, height in levels]
    svg = h(
        "svg",
        *grid,
        *bars,
        *hits,
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        preserveAspectRatio="none",
        role="img",
        aria_label="Histogram of risk",
    )
    scale = join(*(_level(integer(value), 1.0 - height) for value, height in levels))
    ends = join(
        *(
            _tick(f"{edges[0] + (edges[bins] - edges[0]) * share:g}", left=share)
            for share in (0.0, 0.25, 0.5, 0.75, 1.0)
        )
    )
    return h("div", svg, scale, h("div", ends, class_="dates"), class_="plot")


def stack(parts: Sequence[tuple[str, float, str]], label: str) -> Html:
    """Shares as one stacked bar with a legend.

    Args:
        parts: name, share of the whole, class.
        label: what a screen reader says.

    Returns:
        The bar.
    """
    whole = sum(share for _, share, _ in parts) or 1.0
    bar = [
        h(
            "i",
            style=f"width:{100 * share / whole:.2f}%",
            class_=name_class,
            data_tip=f"{name} {100 * share / whole:.0f} %",
        )
        for name, share, name_class in parts
    ]
    names = [
        h("span", h("i", class_=name_class), f"{name} ", h("b", f"{100 * share / whole:.0f} %"))
        for name, share, name_class in parts
    ]
    return join(h("div", *bar, class_="stack", role="img", aria_label=label), h("div", *names, class_="legend"))


def nice(value: float) -> float:
    """The next round number; its half is round too, for the line in the middle."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10) if value <= step * power * (1 + 1e-9))


def ticks(begin: float, end: float, most: int) -> list[float]:
    """Round UTC moments inside a span, at most so many."""
    for step in (HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY, 28 * DAY, 91 * DAY, 364 * DAY):
        count = math.floor(end / step) - math.ceil(begin / step) + 1
        if count <= most:
            return [step * (math.ceil(begin / step) + index) for index in range(count)]
    return []


def dated(moments: Sequence[float]) -> list[str]:
    """Labels of moments on a time axis: days where they are days, else times, with the day at the first and at each midnight."""
    if not moments:
        return []
    days = [moment(when, "%-d %b") if when % DAY == 0 else moment(when, "%H:%M") for when in moments]
    return [days[0] if moments[0] % DAY == 0 else moment(moments[0], "%-d %b, %H:%M"), *days[1:]]


def _hits(starts: Sequence[float], sums: Sequence[float], noun: str) -> list[Html]:
    """One invisible bar a bin that lights up and tells its count under the pointer."""
    step = WIDTH / len(starts)
    return [
        h(
            "rect",
            x=round(index * step, 2),
            y=0,
            width=round(step, 2),
            height=HEIGHT,
            class_="hit",
            data_tip=f"{moment(start)} UTC\n{plural(round(value), noun)}",
        )
        for index, (start, value) in enumerate(zip(starts, sums, strict=True))
    ]


def _before(detected: float | None, begin: float, end: float) -> Html | None:
    """What happened before detection: shaded, because it leaked."""
    if detected is None or detected <= begin:
        return None
    share = min(1.0, (detected - begin) / (end - begin))
    return h("rect", x=0, y=0, width=round(share * WIDTH, 2), height=HEIGHT, class_="leaked")


def _rule(*, x: float | None = None, y: float | None = None, class_: str) -> Html:
    d = f"M{x * WIDTH:.2f} 0V{HEIGHT}" if x is not None else f"M0 {(y or 0.0) * HEIGHT:.2f}H{WIDTH}"
    return h("path", d=d, class_=class_)


def _tick(label: str, left: float) -> Html:
    day = " day" if " " in label else ""
    edge = " first" if left < 0.03 else " last" if left > 0.97 else ""  # noqa: PLR2004 - a label at the rim must not stick out
    return h("span", label, style=f"left:{100 * left:.2f}%", class_=f"tick{edge}{day}")


def _level(label: str, top: float) -> Html:
    return h("span", label, style=f"top:{100 * top:.1f}%", class_="level")
