"""What a case's score is made of, and what it would be without: sums and sentences."""

from detector.report.case import Case, Reason
from detector.report.formats import number
from detector.report.markup import Child, Html, h
from detector.report.words import KINDS, word

_OF_A_REASON = "Without “"  # quotes its sentence
_FEATURES = 8


def who(case: Case) -> Html | None:
    """Keys and end users that are the culprits in accounts that are their victims."""
    if not case.culprits:
        return None
    return h(
        "section",
        h("h4", "Keys and end users, not their accounts"),
        h("ul", *[h("li", said) for said in case.culprits]),
        class_="part",
    )


def what_if(case: Case) -> Html | None:
    """The sentences that say what the score would be without what is shared; each reason has that beside it."""
    told = [said for said in case.words if not said.startswith(_OF_A_REASON)]
    if not told:
        return None
    return h("section", h("h4", "Without what they share"), h("ul", *[h("li", said) for said in told]), class_="part")


def what_from(case: Case) -> Html | None:
    """The score in nats by feature, and the part of it that rests on links; both as bars."""
    if not case.features or case.score is None:
        return None
    shown = dict(list(case.features.items())[:_FEATURES])
    rest = case.score - sum(shown.values())
    if len(case.features) > len(shown) and rest > 0:
        shown["all others"] = rest
    most = max([*shown.values(), *case.link_nats.values()])
    links: list[Child] = []
    if case.link_nats:
        total = number(sum(case.link_nats.values()))
        links = [
            h("p", f"Of these, {total} nats rest on what members share:", class_="muted"),
            h(
                "ul",
                *[_bar(word(KINDS, kind), nats, most, f"k-{kind}") for kind, nats in case.link_nats.items()],
                class_="bars",
            ),
        ]
    # Every feature of a rule has the same share of it: for who wants to add up, below what an analyst reads.
    return h(
        "details",
        h("summary", f"The score of {number(case.score)} nats, by feature"),
        h("ul", *[_bar(word({}, name), nats, most, "") for name, nats in shown.items()], class_="bars"),
        *links,
        class_="part",
    )


def made_of(reason: Reason) -> Html:
    """Nats of a reason; by feature when pointed at."""
    parts = "\n".join(f"{name}: {number(nats)}" for name, nats in reason.features.items())
    said = f"{number(reason.weight)} nats"
    return h("span", said, class_="without", data_tip=parts) if parts else h("span", said)


def _bar(name: str, nats: float, most: float, kind: str) -> Html:
    return h(
        "li",
        h("span", name),
        h("div", h("i", style=f"width:{100 * nats / most:.1f}%", class_=f"fill {kind}".strip()), class_="track"),
        h("span", number(nats), class_="figures"),
    )
