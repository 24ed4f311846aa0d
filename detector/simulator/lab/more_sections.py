"""Parts of the page that only some plans have: attackers who adapt, and the loop through the gateway."""

from detector.report.markup import Child, Html, h
from detector.simulator.lab.cells import Json, accuracy, table


def adaptive_sections(found: Json | None) -> list[Html]:
    """Of each world, what an attacker gets who changes its ways and replaces refused accounts.

    Args:
        found: `adaptive` of `validation.json`.
    """
    if found is None:
        return []
    rows: list[list[Child]] = [
        [
            f"{world}, {end} round",
            f"{told['passed_share']:.1%}",
            f"{told['replaced']:,}",
            f"{told['exchanges']:,}",
            accuracy(told["accuracy"]),
            _share(told["gained"]),
            f"{told['benign_refused_share']:.3%}",
        ]
        for world, each in found.items()
        for end, told in (("first", each["first"]), ("last", each["last"]))
    ]
    heads = ["world", "passed", "accounts replaced", "exchanges", "exact answers (95 %)", "gained", "benign refused"]
    return [
        h("h2", "Attackers who adapt and replace what is refused"),
        h(
            "p",
            "Every campaign of the world chooses a way to hide each round, on a fresh seed, and goes on at once from a fresh account "
            "where one is suspended. In the first round nobody hides more than the world says. "
            + " ".join(f"{world}, round by round: {_rounds(each)}." for world, each in found.items()),
            class_="muted",
        ),
        table(heads, rows),
    ]


def _rounds(each: Json) -> str:
    return ", ".join(f"{played['of_harvest']['suspend']:.0%}" for played in each["rounds"])


def _share(each: Json | None) -> str:
    return f"{each['mean']:.0%}" if each else "—"


def gateway_section(found: Json | None) -> list[Html]:
    """What came through the HTTP gateway while the service watched it.

    Args:
        found: `gateway` of `validation.json`.
    """
    if found is None:
        return []
    campaigns: list[list[Child]] = [
        [name, f"{each['asked']:,}", f"{each['answered'] / max(each['asked'], 1):.1%}"]
        for name, each in found["campaigns"].items()
    ]
    gained = "—" if found["gained"] is None else f"{found['gained']:.0%}"
    right = [found["students"][name]["accuracy"] for name in ("unprotected", "through")]
    return [
        h("h2", "Through the gateway"),
        h(
            "p",
            f"World {found['world']} over HTTP: the gateway logs, the service reads its log once an hour of the world's time, and "
            f"its recommendations come back as LiteLLM's calls. {found['answered']:,} of {found['asked']:,} attack requests were "
            f"answered; a student of all of them has {right[0]:.1%} exact answers, of what passed {right[1]:.1%}: {gained} gained. "
            f"Benign requests refused: {found['benign_refused_share']:.3%}.",
            class_="muted",
        ),
        table(["campaign", "attack requests", "answered"], campaigns),
    ]
