"""One alert as a card: what, why, who, since when, and what to do."""

from typing import Any

from detector.report.case import Case, Member, Reason, Skeleton, as_dict, as_list, real
from detector.report.case_why import made_of, what_from, what_if, who
from detector.report.charts import area, stack
from detector.report.formats import compact, epoch, integer, moment, number, percent, plural, shorten, span
from detector.report.graph import draw
from detector.report.markup import Child, Html, h, join
from detector.report.measures import EACH_ALONE, ORDINARY, bounds, valued
from detector.report.model import Graph
from detector.report.words import ACTIONS, CAPABILITIES, KINDS, STOPS, TECHNIQUES, UNITS, headline, word

REASONS = 8
SKELETONS = 3
SKELETON_LENGTH = 600
PAYERS = 5  # unrelated ones that share each text that an alert shows; `detector.service.skeletons` sees to it
MEMBERS = 20
GONE = (
    "No picture: at the end of the log no cluster holds half of these accounts any more. "
    "Their links have faded, or the cluster has fallen apart."
)


def card(case: Case, graph: Graph | None, *, unfolded: bool) -> Html:
    """A case, folded under its sentence.

    Args:
        case: the alert.
        graph: the cluster's graph, where it has one.
        unfolded: whether it starts open.

    Returns:
        A `details` element that links can point at.
    """
    title = headline(case)
    picture = draw(graph, f"Graph of {title}") if graph else None
    left = join(_reasons(case), what_if(case), who(case), _skeletons(case.skeletons))
    right = join(
        _together(case, picture),
        _links(case.links),
        what_from(case),
        _capabilities(case.capabilities),
    )
    body = join(
        _facts(case),
        h(
            "div",
            h("div", left, class_="column"),
            h("div", right, class_="column") if right else None,
            class_="columns",
        ),
        _activity(case),
        _recommendation(case.recommendation),
        _members(case.members),
    )
    return h(
        "details",
        h("summary", _head(case, title)),
        h("div", body, class_="case-body"),
        class_=f"case s-{case.severity}",
        id=anchor(case),
        data_severity=case.severity,
        open=unfolded,
    )


def anchor(case: Case) -> str:
    """The card's id in the page: an alert's id may hold anything."""
    return "case-" + "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in case.id)


def badge(severity: str) -> Html:
    """A severity as a pill."""
    return h("span", severity, class_=f"badge s-{severity}")


def _head(case: Case, title: str) -> Html:
    wait = None if case.detected_at is None or case.first_seen is None else max(0.0, case.detected_at - case.first_seen)
    facts = [
        plural(len(case.accounts), "account"),
        f"detected {moment(case.detected_at, '%-d %b, %H:%M')}"
        + (f", {span(wait)} after its first exchange" if wait else ""),
        case.status.replace("_", " "),
    ]
    risk = h("span", h("b", f"{case.risk:.0f}"), h("small", "risk"), class_="risk", data_tip=_p_value(case))
    words = h("span", h("h3", title), h("span", " · ".join(facts), class_="muted"), class_="case-title")
    return h("span", badge(case.severity), words, risk, class_="case-head")


def _p_value(case: Case) -> str:
    return f"risk {case.risk:.1f} of 100" + ("" if case.p_value is None else f"\np-value {case.p_value:.2g}")


def _facts(case: Case) -> Html:
    before, every = case.exchanges_before, case.exchanges
    # Of whom nothing is to be done about, nothing is stopped: all that it got says nothing of a detection.
    leaked = percent(before / every) if case.actionable and before is not None and every else None
    pairs: list[tuple[str, Child]] = [
        ("Exchanges", integer(every)),
        ("Before detection", join(integer(before), h("small", f" {leaked}")) if leaked else "– (below high)"),
        ("Output tokens leaked", compact(case.tokens_leaked)),
        ("First seen", moment(case.first_seen, "%-d %b, %H:%M")),
        ("Last seen", moment(case.last_seen, "%-d %b, %H:%M")),
        ("Alert", h("code", shorten(case.id, 40))),
    ]
    cells = [h("div", h("dt", name), h("dd", value)) for name, value in pairs]
    tags = [h("span", h("b", code), " ", TECHNIQUES.get(code), class_="chip") for code in case.techniques]
    return join(h("dl", *cells, class_="facts"), h("div", *tags, class_="chips") if tags else None)


def _part(title: str, *children: Child) -> Html:
    return h("section", h("h4", title), *children, class_="part")


def _together(case: Case, picture: Html | None) -> Html | None:
    if picture is None and not (case.kind == "cluster" and case.actionable):
        return None
    return _part("How they hang together", picture or h("p", GONE, class_="muted"))


def _reasons(case: Case) -> Html | None:
    if not case.reasons:
        return None
    shown = case.reasons[:REASONS]
    rows = [_reason(reason, case) for reason in shown]
    more = len(case.reasons) - len(shown)
    note = h("p", f"{plural(more, 'weaker reason')} in alerts.ndjson", class_="muted") if more else None
    key = h(
        "p",
        h("span", h("i", class_="swatch value"), "value"),
        h(
            "span",
            h("i", class_="swatch p99"),
            f"99 % of ordinary {ORDINARY.get(case.kind, 'traffic')} have at most this",
        ),
        h("span", h("i", class_="swatch asked"), "what the rule asks for")
        if any(r.asked is not None for r in shown)
        else None,
        class_="legend",
    )
    return _part("Why", h("ul", *rows, class_="reasons"), key, _alone(shown), note)


def _alone(reasons: list[Reason]) -> Html | None:
    """Whoever sees a value within the ordinary asks why it is a reason."""
    within = any(
        not r.low and r.value is not None and r.benign_p99 is not None and r.value <= r.benign_p99 for r in reasons
    )
    return h("p", EACH_ALONE, class_="muted") if within else None


def _reason(reason: Reason, case: Case) -> Html:
    known = [abs(amount) for amount in (reason.value, reason.benign_p99, reason.asked) if amount is not None]
    scale = max(known, default=0.0) * 1.04 or 1.0
    marks = [
        h("i", style=f"{side}:{100 * abs(amount) / scale:.1f}%", class_=kind)
        for amount, side, kind in (
            (reason.value, "width", "fill"),
            (reason.benign_p99, "left", "p99"),
            (reason.asked, "left", "asked"),
        )
        if amount is not None
    ]
    without = None
    if reason.score_without is not None:
        change = f"risk {case.risk:.0f} → {reason.score_without:.0f} without this reason"
        without = h("span", f"risk {reason.score_without:.0f} without it", class_="without", data_tip=change)
    beside = bounds(reason, case.kind)
    return h(
        "li",
        h("div", reason.text, class_="said"),
        h("div", valued(reason), class_="figures"),
        h("div", beside, class_="muted") if beside else None,
        h("div", *marks, class_="track"),
        h("div", h("code", reason.code), made_of(reason), without, class_="reason-line muted"),
    )


def _skeletons(skeletons: list[Skeleton]) -> Html | None:
    shared = [skeleton for skeleton in skeletons if skeleton.accounts != 1]
    if not shared:
        return None
    blocks = []
    for skeleton in shared[:SKELETONS]:
        used = _holders(skeleton)
        caption = h("figcaption", used, class_="muted") if used else None
        cut = skeleton.text[:SKELETON_LENGTH] + ("…" if len(skeleton.text) > SKELETON_LENGTH else "")
        blocks.append(h("figure", h("pre", cut, tabindex="0"), caption))
    more = len(shared) - SKELETONS
    note = h("p", f"{more:,} more in alerts.ndjson", class_="muted") if more > 0 else None
    return _part("Shared texts, masked", *blocks, note)


def _holders(skeleton: Skeleton) -> str:
    """Who holds a text. Of few members, it says who else does: words that fewer than five payers share reach no file."""
    parts = []
    if skeleton.accounts:
        few = skeleton.accounts < PAYERS
        parts.append(
            f"{skeleton.accounts} of these accounts, at least {PAYERS} unrelated payers in all"
            if few
            else plural(skeleton.accounts, "account")
        )
    if skeleton.exchanges:
        parts.append(plural(skeleton.exchanges, "exchange"))
    return " · ".join(parts)


def _links(links: dict[str, float]) -> Html | None:
    if not links:
        return None
    most = max(links.values())
    rows = [
        h(
            "li",
            h("span", word(KINDS, kind)),
            h("div", h("i", style=f"width:{100 * nats / most:.1f}%", class_=f"fill k-{kind}"), class_="track"),
            h("span", f"{number(nats)}", class_="figures"),
        )
        for kind, nats in links.items()
    ]
    return _part("Link evidence, nats of surprise a member", h("ul", *rows, class_="bars"))


def _capabilities(mix: dict[str, float]) -> Html | None:
    if not mix:
        return None
    parts = [
        (word(CAPABILITIES, name), share, f"c-{name}" if name in CAPABILITIES else "c-other")
        for name, share in mix.items()
    ]
    return _part("What they ask for", stack(parts, "Capability mix"))


def _activity(case: Case) -> Html | None:
    if not case.hours:
        return None
    chart = area(
        case.hours, case.counts, case.detected_at, label="Active members by hour", noun="active member", small=True
    )
    key = h(
        "p",
        h("span", h("i", class_="swatch detected"), "detected"),
        h("span", h("i", class_="swatch leaked"), "leaked before"),
        class_="legend",
    )
    return _part(
        "Active members by hour, UTC", chart, key if case.detected_at and min(case.hours) <= case.detected_at else None
    )


def _recommendation(advice: dict[str, Any]) -> Html | None:
    if not advice:
        return None
    action = str(advice.get("action", "observe"))
    subject = as_dict(advice.get("subject"))
    target = f"{word({}, str(subject.get('kind', '')))} {shorten(str(subject.get('id', '')), 40)}".strip()
    mode = (
        h("span", "dry run", class_="chip")
        if advice.get("dry_run", True)
        else h("span", "enforced", class_="chip strong")
    )
    expires = epoch(advice.get("expires_at"))
    lines: list[Child] = [
        _limit(as_dict(limit), shared=subject.get("kind") == "cluster", instead=action in STOPS)
        for limit in as_list(advice.get("limits"))
    ]
    lines += [h("li", word({}, str(what))) for what in as_list(advice.get("degrade"))]
    if expires is not None:
        lines.append(h("li", f"expires {moment(expires)} UTC"))
    return h(
        "section",
        h(
            "div",
            h("h4", "Recommendation"),
            h("p", h("b", word(ACTIONS, action)), " ", h("code", target), " ", mode),
            h("ul", *lines),
        ),
        _blast(as_dict(advice.get("blast_radius"))),
        class_="advice",
    )


def _limit(limit: dict[str, Any], *, shared: bool, instead: bool) -> Html:
    window = real(limit.get("window_s"))
    per = f" per {span(window)}" if window else ""
    budget = " for all members and joiners together" if shared else ""
    quota, unit = integer(real(limit.get("quota"))), word(UNITS, str(limit.get("unit", "requests")))
    return h("li", f"{'if that is too much: ' if instead else ''}at most {quota} {unit}{per}{budget}")


def _blast(radius: dict[str, Any]) -> Html | None:
    if not radius:
        return None
    tiers = sorted(as_dict(radius.get("revenue_tier_mix")).items(), key=lambda item: -(real(item[1]) or 0.0))
    parts = [
        (str(tier), amount, f"t-{min(index, 4)}") for index, (tier, raw) in enumerate(tiers) if (amount := real(raw))
    ]
    facts = h(
        "dl",
        h("div", h("dt", "Accounts hit"), h("dd", integer(real(radius.get("accounts"))))),
        h("div", h("dt", "Requests a day"), h("dd", integer(real(radius.get("requests_per_day"))))),
        class_="facts tight",
    )
    return h("div", h("h4", "Blast radius"), facts, stack(parts, "Tiers hit") if parts else None)


def _members(members: list[Member]) -> Html | None:
    if not members:
        return None
    shown = members[:MEMBERS]
    referred = any(member.log_refs for member in shown)
    heads = [
        h("th", name, scope="col", class_=kind)
        for name, kind in (
            ("Account", None),
            ("Role", None),
            ("P(member)", "num"),
            ("Exchanges", "num"),
            ("Named at", None),
            ("Reasons", None),
            *([("In the log", None)] if referred else []),
        )
    ]
    rows = [
        h(
            "tr",
            h("td", h("code", shorten(member.account, 48))),
            h("td", member.role or "–"),
            h("td", number(member.p_member), class_="num"),
            h("td", integer(member.exchanges), class_="num"),
            h("td", moment(member.detected_at, "%-d %b, %H:%M")),
            h("td", h("span", ", ".join(KINDS.get(reason, reason) for reason in member.reasons), class_="muted")),
            # Plain text: what a log says is no link.
            h("td", *[h("div", h("code", ref)) for ref in member.log_refs]) if referred else None,
        )
        for member in shown
    ]
    table = h("div", h("table", h("thead", h("tr", *heads)), h("tbody", *rows)), class_="scroll", tabindex="0")
    more = len(members) - len(shown)
    note = h("p", f"and {plural(more, 'further member')} in alerts.ndjson", class_="muted") if more else None
    return h("details", h("summary", plural(len(members), "member")), table, note, class_="members")
