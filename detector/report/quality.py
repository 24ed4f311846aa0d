"""What was read, what could not be, and with which versions."""

from detector.report.case import as_dict, real
from detector.report.formats import integer, number, plural, shorten
from detector.report.markup import Html, h
from detector.report.model import ReportData

ROWS = 10


def data_quality(data: ReportData) -> Html:
    """What was read, what could not be, and what the log did not allow to be measured."""
    counts = as_dict(data.run.get("counts"))
    names = (
        ("read", "read"),
        ("accepted", "accepted"),
        ("duplicates", "duplicates"),
        ("dead_lettered", "dead-lettered"),
    )
    cells = [h("div", h("dt", label), h("dd", integer(real(counts.get(key))))) for key, label in names]
    dead = _dead(data.dead_letters, real(counts.get("dead_lettered")) or 0.0)
    missing = _missing(data.unavailable)
    return h(
        "section",
        h(
            "header",
            h("h2", "Data"),
            h("span", "nothing is lost silently: read = accepted + duplicates + dead-lettered", class_="muted"),
        ),
        h("dl", *cells, class_="facts"),
        h(
            "div",
            h("div", h("h4", "Dead letters by reason"), dead, class_="column"),
            h("div", h("h4", "Features not available"), missing, class_="column"),
            class_="columns",
        ),
        class_="panel",
    )


def _dead(letters: dict[str, int], count: float) -> Html:
    if not letters:
        none = (
            "Every record could be read." if not count else f"{plural(round(count), 'record')}: see dead_letter.ndjson."
        )
        return h("p", none, class_="muted")
    ranked = sorted(letters.items(), key=lambda item: (-item[1], item[0]))[:ROWS]
    rows = [h("li", h("span", shorten(why, 120)), h("span", integer(many), class_="figures")) for why, many in ranked]
    return h("ul", *rows, class_="plain")


def _missing(unavailable: dict[str, list[str]]) -> Html:
    if not unavailable:
        return h("p", "The log had every field that the features need.", class_="muted")
    groups: dict[str, list[str]] = {}
    for feature, fields in unavailable.items():
        groups.setdefault(", ".join(sorted(fields)), []).append(feature)
    rows = [
        h("li", h("span", "for want of ", h("code", fields), ": ", ", ".join(sorted(features))))
        for fields, features in sorted(groups.items())
    ]
    return h("ul", *rows, class_="plain")


def _figure(value: object) -> str:
    """A run's figure, whatever it is."""
    found = real(value)
    return shorten(str(value), 80) if found is None else number(found)


def run_facts(data: ReportData) -> Html:
    """Rates and versions, as the run wrote them."""
    rates = [(str(name).replace("_", " "), _figure(value)) for name, value in as_dict(data.run.get("rates")).items()]
    versions = [(str(name), shorten(str(value), 40)) for name, value in as_dict(data.run.get("versions")).items()]
    cells = [h("div", h("dt", name), h("dd", value)) for name, value in [*rates, *versions]]
    return h("dl", *cells, class_="facts tight") if cells else Html("")
