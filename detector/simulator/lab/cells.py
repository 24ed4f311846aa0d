"""Tables of the validation's page, and how figures are written in them."""

from typing import Any

from detector.report.markup import Child, Html, h

Json = dict[str, Any]


def table(heads: list[str], rows: list[list[Child]]) -> Html:
    """A table that scrolls where it is too wide."""
    return h(
        "div",
        h("table", h("tr", *(h("th", x) for x in heads)), *(h("tr", *(h("td", c) for c in row)) for row in rows)),
        class_="wide",
    )


def accuracy(each: Json) -> str:
    """A mean of accuracies with its interval: a bound of a few seeds can lie where no accuracy can."""
    return f"{each['mean']:.1%} ({max(0, each['low']):.1%}–{min(1, each['high']):.1%})"


def marks(each: Json) -> list[Child]:
    """Exchanges, accuracy, agreement with the teacher and divergence from it."""
    return [
        f"{each['exchanges']:,}",
        accuracy(each["accuracy"]),
        f"{each['agreement']['mean']:.1%}",
        f"{each['divergence']['mean']:.3f}",
    ]
