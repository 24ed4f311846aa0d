"""The part of the page that sets kinds of student side by side."""

from typing import Final

from detector.report.markup import Child, Html, h
from detector.simulator.lab.cells import Json, marks, table
from detector.simulator.lab.plots import bars

NAMES: Final = {
    "text": "sampled text",
    "soft": "soft labels",
    "features": "features, each token",
    "embeddings": "features, each text",
    "random_prompts": "no data: any words",
    "self_written": "no data: self-written",
    "votes": "votes of teachers",
}


def kinds_section(found: Json | None) -> list[Html]:
    """Heading, plot and table; nothing where the comparison was left out.

    Args:
        found: `distillation` of `validation.json`.
    """
    if found is None:
        return []
    rows = found["students"]
    usual = {_label(row): [row["accuracy"]["mean"]] for row in rows if row["teacher"] == "strong" and _usual(row, rows)}
    strengths = ", ".join(f"{name} teacher {share:.1%}" for name, share in found["teachers"].items())
    return [
        h("h2", "Kinds of student"),
        h(
            "p",
            f"Each gets {found['exchanges']:,} exchanges. {strengths}. Alpha is the share of distillation in the loss, T its "
            f"temperature. Votes are of {found['voting']['teachers']} teachers with {found['voting']['records']:,} worked "
            "questions each, which are nobody else's; noise is the standard deviation on a count of votes, and ε, at "
            f"δ = {found['voting']['delta']:g}, bounds what all the votes together say about one of these questions.",
            class_="muted",
        ),
        bars(usual, ["exact answers"]),
        table(
            ["student", "teacher", "size", "alpha", "T", "exchanges", "exact answers (95 %)", "agrees", "nats", "ε"],
            [_row(row) for row in rows],
        ),
    ]


def _usual(row: Json, rows: list[Json]) -> bool:
    """Whether it is the first of its kind, or differs from it in the noise."""
    first = next(each for each in rows if each["kind"] == row["kind"])
    return all(row[key] == first[key] for key in ("alpha", "temperature", "size", "teacher"))


def _label(row: Json) -> str:
    name = NAMES[row["kind"]]
    return f"{name}, {row['noise']:g}" if row["kind"] == "votes" else name


def _row(row: Json) -> list[Child]:
    loss = [f"{row['alpha']:g}", f"{row['temperature']:g}"] if row["alpha"] else ["", ""]
    spent = "" if row["kind"] != "votes" else f"{row['epsilon']:,.1f}" if "epsilon" in row else "∞"
    return [_label(row), row["teacher"], row["size"], *loss, *marks(row), spent]
