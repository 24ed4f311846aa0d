"""The page above the cases: verdict, key numbers, timeline, distribution, table of alerts, strongest reasons."""

from collections import Counter
from collections.abc import Sequence

from detector.report.case import SEVERITIES, Case, as_dict, real, sums_of
from detector.report.case_card import anchor, badge
from detector.report.charts import area, histogram, lanes, rebin
from detector.report.formats import compact, integer, moment, percent, plural, shorten
from detector.report.markup import Child, Html, h, join
from detector.report.model import Histogram, ReportData, Timeline
from detector.report.words import headline

TOP_REASONS = 5
TABLE_ROWS = 500
TIP_TITLES = 5


def verdict(cases: Sequence[Case], data: ReportData) -> Html:
    """The one sentence that a reader takes away."""
    acting = [case for case in cases if case.actionable]
    if not acting:
        quiet = (
            "Nothing needs action" if not cases else f"Nothing needs action; {plural(len(cases), 'weaker alert')} below"
        )
        return h("p", f"{quiet}.", class_="verdict")
    named = {account for case in acting for account in case.accounts}
    exchanges = sums_of(acting).exchanges
    total = real(as_dict(data.run.get("counts")).get("accepted"))
    share = f", {percent(exchanges / total)} of all traffic" if total and exchanges else ""
    return h(
        "p",
        h("b", plural(len(acting), "case")),
        f" {'needs' if len(acting) == 1 else 'need'} action: ",
        h("b", plural(len(named), "account")),
        f" with {plural(round(exchanges), 'exchange')}{share}.",
        class_="verdict",
    )


def tiles(cases: Sequence[Case], data: ReportData) -> Html:
    """The key numbers."""
    counts = as_dict(data.run.get("counts"))
    acting = [case for case in cases if case.actionable]
    every, before, tokens = sums_of(acting)
    tally = Counter(case.severity for case in cases)
    split = join(
        *(
            h("span", h("i", class_=f"pip s-{name}"), str(tally[name]), data_tip=f"{tally[name]} {name}")
            for name in SEVERITIES
            if tally[name]
        )
    )
    accounts = real(counts.get("accounts"))
    named = len({account for case in acting for account in case.accounts})
    return h(
        "div",
        _tile("Exchanges read", compact(real(counts.get("read"))), integer(real(counts.get("read")))),
        _tile("Accounts named", integer(named), f"of {integer(accounts)} active" if accounts else None),
        _tile("Alerts", integer(len(cases)), h("span", split, class_="pips") if cases else "none"),
        _tile("Leaked before detection", percent(before / every) if every else "–", f"{integer(before)} exchanges"),
        _tile("Output tokens leaked", compact(tokens) if acting else "–", "actionable cases"),
        class_="tiles",
    )


def _tile(label: str, value: str, under: Child) -> Html:
    return h(
        "div", h("span", label, class_="tile-label"), h("b", value), h("span", under, class_="muted"), class_="tile"
    )


def timeline(cases: Sequence[Case], data: Timeline) -> Html:
    """Traffic by hour with each alert's moment of detection, one lane a severity."""
    starts, _, width = rebin(data.hours, data.counts)
    if not starts:
        return panel("Traffic and detections", h("p", "No traffic.", class_="muted"))
    begin, end = starts[0], starts[-1] + width
    rows = []
    for severity in SEVERITIES:
        groups: dict[int, list[Case]] = {}
        for case in cases:
            if case.severity == severity and case.detected_at is not None:
                # Dots closer than a hundredth of the axis would hide one another.
                groups.setdefault(int((case.detected_at - begin) / (end - begin) * 100), []).append(case)
        dots = [(_dot(group)) for _, group in sorted(groups.items())]
        if dots:
            rows.append((severity, dots))
    chart = area(data.hours, data.counts, label="Exchanges over time")
    return panel(
        "Traffic and detections",
        h("div", chart, lanes(rows, begin, end) if rows else None, class_="timeline"),
        note="exchanges an hour; days begin at 00:00 UTC",
    )


def _dot(group: Sequence[Case]) -> tuple[float, str, str, int]:
    first = group[0]
    titles = [shorten(headline(case), 90) for case in group[:TIP_TITLES]]
    more = [f"and {len(group) - TIP_TITLES} more"] if len(group) > TIP_TITLES else []
    return (
        first.detected_at or 0.0,
        "\n".join([f"{moment(first.detected_at)} UTC", *titles, *more]),
        anchor(first),
        len(group),
    )


def distribution(data: Histogram) -> Html:
    """How risk is spread over everything that was scored."""
    key = h(
        "div",
        h("span", h("i", class_="swatch accounts"), "accounts"),
        h("span", h("i", class_="swatch clusters"), "clusters"),
        class_="legend",
    )
    return panel(
        "Risk",
        histogram(data.edges, data.accounts, data.clusters),
        key,
        note="accounts and clusters by risk, log scale",
    )


def top_reasons(cases: Sequence[Case]) -> Html:
    """The reasons that carry most cases."""
    counts: Counter[str] = Counter()
    texts: dict[str, str] = {}
    for case in cases:
        for code, words in {reason.code: reason.text for reason in case.reasons}.items():
            counts[code] += 1
            texts.setdefault(code, words)
    if not counts:
        return panel("Top reasons", h("p", "No reason was given.", class_="muted"))
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:TOP_REASONS]
    most = ranked[0][1]
    rows = [
        h(
            "li",
            h(
                "span",
                h("span", shorten(texts[code], 200), class_="three-lines", data_tip=shorten(texts[code], 200)),
                h("code", code, class_="one-line"),
            ),
            h("div", h("i", style=f"width:{100 * count / most:.1f}%", class_="fill"), class_="track"),
            h("span", str(count), class_="figures"),
        )
        for code, count in ranked
    ]
    return panel("Top reasons", h("ul", *rows, class_="bars wide"), note="alerts that give each reason")


def alert_table(cases: Sequence[Case], carded: int) -> Html:
    """Every alert in one sortable table.

    Args:
        cases: the alerts, the worst first.
        carded: how many of them have a card below.

    Returns:
        The table with severity filters.
    """
    if not cases:
        return panel(
            "Alerts", h("p", "No alert. The detector saw nothing that ordinary traffic does not do.", class_="empty")
        )
    names = (
        ("Severity", "num"),
        ("Risk", "num"),
        ("Case", "text"),
        ("Accounts", "num"),
        ("Exchanges", "num"),
        ("Leaked", "num"),
        ("Detected", "num"),
    )
    right = {"Risk", "Accounts", "Exchanges", "Leaked"}
    heads = [
        h("th", h("button", name, type="button"), scope="col", class_="num" if name in right else None, data_sort=kind)
        for name, kind in names
    ]
    rows = [_row(case, linked=index < carded) for index, case in enumerate(cases[:TABLE_ROWS])]
    present = [name for name in SEVERITIES if any(case.severity == name for case in cases)]
    buttons = [
        h("button", name, type="button", aria_pressed="true", data_filter=name, class_=f"toggle s-{name}")
        for name in present
    ]
    table = h("table", h("thead", h("tr", *heads)), h("tbody", *rows), class_="sortable")
    more = len(cases) - len(rows)
    note = h("p", f"{plural(more, 'further alert')} in alerts.ndjson", class_="muted") if more else None
    return panel(
        "Alerts",
        h("div", table, class_="scroll", tabindex="0"),
        note,
        tools=h("div", *buttons, class_="toggles", role="group", aria_label="Show severities"),
    )


def _row(case: Case, *, linked: bool) -> Html:
    title = shorten(headline(case), 200)
    share = case.exchanges_before / case.exchanges if case.exchanges and case.exchanges_before is not None else None
    return h(
        "tr",
        h("td", badge(case.severity), data_v=str(SEVERITIES.index(case.severity))),
        h("td", f"{case.risk:.0f}", class_="num", data_label="risk", data_v=number_key(case.risk)),
        h("td", h("a", title, href=f"#{anchor(case)}") if linked else title, class_="title"),
        h("td", integer(len(case.accounts)), class_="num", data_label="accounts", data_v=str(len(case.accounts))),
        h("td", integer(case.exchanges), class_="num", data_label="exchanges", data_v=number_key(case.exchanges)),
        h("td", percent(share), class_="num", data_label="leaked", data_v=number_key(share)),
        h(
            "td",
            moment(case.detected_at, "%-d %b, %H:%M"),
            class_="when",
            data_label="detected",
            data_v=number_key(case.detected_at),
        ),
        data_severity=case.severity,
    )


def number_key(value: float | None) -> str:
    """A sort key; what is unknown sorts below everything."""
    return "-1" if value is None else f"{value:.6f}"


def panel(title: str, *children: Child, note: str | None = None, tools: Child = None) -> Html:
    """A titled box."""
    head = h("header", h("h2", title), h("span", note, class_="muted") if note else None, tools)
    return h("section", head, *children, class_="panel")
