"""The rules as a page of the docs."""

from collections.abc import Iterable

from detector.scoring.rules.model import CATEGORIES, TECHNIQUES, Rule
from detector.scoring.rules.tree import Benign, Compare, Every, Missing, Negation, Node, Some

_HEADINGS = {"account_window": "Of accounts", "cluster_window": "Of clusters"}


def rules_markdown(rules: Iterable[Rule]) -> str:
    """One table a category, then one section a rule; ends with a line break."""
    ordered = sorted(rules, key=lambda rule: (CATEGORIES.index(rule.category), rule.evidence, -rule.weight, rule.code))
    parts: list[str] = []
    for category in CATEGORIES:
        some = [rule for rule in ordered if rule.category == category]
        if some:
            parts += [f"## {_HEADINGS[category]}", _table(some), *map(_section, some)]
    return "\n\n".join(parts) + "\n"


def condition_text(node: Node) -> str:
    """A condition in words: `members ≥ 3 and logprobs_share > 0.5`."""
    match node:
        case Compare(field, operator, value):
            return f"{field} {_sign(operator)} {value:g}"
        case Benign(field, operator, level):
            return f"{field} {_sign(operator)} benign {level}"
        case Missing(field):
            return f"{field} unknown"
        case Every(parts):
            return " and ".join(map(_nested, parts))
        case Some(parts):
            return " or ".join(map(_nested, parts))
        case Negation(part):
            return f"not {_nested(part)}"


def _nested(node: Node) -> str:
    text = condition_text(node)
    return f"({text})" if isinstance(node, Every | Some) else text


def _sign(operator: str) -> str:
    return {">=": "≥", "<=": "≤", "==": "="}.get(operator, operator)


def _table(rules: list[Rule]) -> str:
    lines = ["| code | evidence | weight | level | rule |", "|---|---|---|---|---|"]
    lines += [f"| `{r.code}` | {r.evidence} | {r.weight:g} | {r.level} | {_cell(r.title)} |" for r in rules]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _section(rule: Rule) -> str:
    techniques = ", ".join(
        f"{rule_id} {TECHNIQUES[tag]}" for tag, rule_id in zip(rule.tags, rule.techniques, strict=True)
    )
    return "\n\n".join(
        [
            f"### {rule.code}",
            f"{rule.title}. {rule.description}",
            f"Fires when `{condition_text(rule.condition)}`.",
            "\n".join(
                [
                    f"- Techniques: {techniques}",
                    f"- Looks the same and is innocent: {'; '.join(rule.falsepositives)}",
                    f"- File: `rules/{rule.path.name}`, id `{rule.id}`, {rule.status}",
                ]
            ),
        ]
    )
