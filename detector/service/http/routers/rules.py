"""The rules that score, as they were loaded."""

import msgspec
from fastapi import APIRouter, Response

from detector.scoring.rules import Rule
from detector.service.http.access import Reader, StateDep
from detector.service.http.answer import gives, json

router = APIRouter(prefix="/v1/rules", tags=["rules"])


class RuleView(msgspec.Struct):
    """A rule, for readers.

    Attributes:
        code: as reasons name it.
        title, description, text: what it is, what it looks for, what an analyst is told.
        category: account_window or cluster_window.
        status, level: Sigma's.
        weight: nats.
        evidence: signs of one kind are no independent witnesses.
        feature: whose value stands beside the reason.
        techniques: MITRE ATLAS.
        falsepositives: who else looks like this.
    """

    code: str
    title: str
    description: str
    text: str
    category: str
    status: str
    level: str
    weight: float
    evidence: str
    feature: str
    techniques: tuple[str, ...]
    falsepositives: tuple[str, ...]


_EXAMPLE = RuleView(
    "SOFT_LABELS", "Soft labels", "Asks for log-probabilities.", "It asks for log-probabilities.", "account_window",
    "stable", "medium", 2.0, "harvest", "logprobs_share", ("AML.T0024.002",), ("Evaluation harnesses",),
)  # fmt: skip


def _view(rule: Rule) -> RuleView:
    return RuleView(**{name: getattr(rule, name) for name in RuleView.__struct_fields__})


@router.get("", responses=gives(list[RuleView], [_EXAMPLE], said="Rules"))
def list_rules(state: StateDep, _: Reader) -> Response:
    """List the rules."""
    return json([_view(rule) for rule in state.rules])
