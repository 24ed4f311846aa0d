"""The page as a whole."""

import base64
import hashlib
from importlib.resources import files

from detector.report.case import as_dict, read_cases
from detector.report.case_card import card
from detector.report.formats import epoch, moment, span
from detector.report.markup import Html, h, join
from detector.report.model import ReportData
from detector.report.overview import alert_table, distribution, tiles, timeline, top_reasons, verdict
from detector.report.quality import data_quality, run_facts

CARDS = 60
UNFOLDED = 8

METHOD = (
    "Risk is calibrated against ordinary traffic of the same kind: people with people, products with products, a class or "
    "an office with its like. Severities bound the share of false alerts over all accounts and clusters and over all looks "
    "of a week. Links count for as much as the shared thing is rare among unrelated accounts. Evidence is counted in nats, "
    "which add up: 2.3 are a sign ten times as telling, 4.6 a hundred times. Beside a value stands what the rule asks of it, "
    "and what 99 % of ordinary accounts or groups of that kind have at most; “risk … without it” is what would be left if a "
    "reason did not count. Times are event times, in UTC. Shared texts are masked, and shown "
    "only where at least five unrelated payers use them; no other words are kept. Recommendations bind core members only."
)


def render_report(data: ReportData) -> str:
    """The report as one HTML document: no request leaves it, and no text of the log can act in it.

    Args:
        data: what to show.

    Returns:
        The document; the same data give the same bytes.
    """
    cases = read_cases(data.alerts)
    style, script = _asset("style.css"), _asset("script.js")
    body = join(
        _header(data),
        h(
            "main",
            verdict(cases, data),
            tiles(cases, data),
            timeline(cases, data.timeline),
            h("div", distribution(data.risk_histogram), top_reasons(cases), class_="pair"),
            alert_table(cases, CARDS),
            *(
                card(case, data.graphs.get(case.id), unfolded=index < UNFOLDED)
                for index, case in enumerate(cases[:CARDS])
            ),
            h("p", f"Cards are shown for the first {CARDS} alerts; alerts.ndjson has all.", class_="muted")
            if len(cases) > CARDS
            else None,
            data_quality(data),
            h("footer", h("h2", "How to read this"), h("p", METHOD), run_facts(data)),
        ),
        h("div", id="tip", role="tooltip", hidden=True),
        h("script", script),
    )
    head = h(
        "head",
        h("meta", charset="utf-8"),
        h("meta", http_equiv="Content-Security-Policy", content=_policy(script)),
        h("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        h("meta", name_="color-scheme", content="light dark"),
        h("title", "Revenuer report"),
        h("style", style),
    )
    return f"<!doctype html>\n{h('html', head, h('body', body), lang='en')}\n"


def _header(data: ReportData) -> Html:
    times = as_dict(data.run.get("event_time"))
    first, last = epoch(times.get("first")), epoch(times.get("last"))
    if first is None or last is None:
        hours = data.timeline.hours
        first, last = (float(min(hours)), float(max(hours) + 3_600)) if hours else (None, None)
    covered = None
    if first is not None and last is not None:
        covered = f"{moment(first)} – {moment(last)} UTC · {span(last - first)} of traffic"
    version = as_dict(data.run.get("versions")).get("revenuer")
    logo = h(
        "svg",
        h("path", d="M9 3h6M10.5 3v5.2L5 17.6A2.2 2.2 0 0 0 6.9 21h10.2a2.2 2.2 0 0 0 1.9-3.4L13.5 8.2V3"),
        h("path", d="M7.6 14.5h8.8"),
        viewBox="0 0 24 24",
        aria_hidden="true",
        class_="logo",
    )
    title = h("div", h("h1", "Revenuer report"), h("span", covered, class_="muted") if covered else None)
    return h(
        "header", h("div", logo, title, h("span", f"v{version}", class_="chip") if version else None), class_="top"
    )


def _asset(name: str) -> Html:
    return Html(files("detector.report").joinpath(name).read_text(encoding="utf-8"))


def _policy(script: str) -> str:
    """A content policy under which nothing loads and only our own script runs."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    rules = ("default-src 'none'", "style-src 'unsafe-inline'", f"script-src 'sha256-{digest}'", "base-uri 'none'")
    return "; ".join((*rules, "form-action 'none'"))
