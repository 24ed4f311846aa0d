"""What a rule is, and what is said of a file that holds none."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Final, Protocol

from detector.scoring.rules.tree import Node, asks_low

ACCOUNT_WINDOW: Final = "account_window"
CLUSTER_WINDOW: Final = "cluster_window"
CATEGORIES: Final = (ACCOUNT_WINDOW, CLUSTER_WINDOW)
PRODUCT: Final = "llm_api"
LEVELS: Final = ("informational", "low", "medium", "high", "critical")
# Kinds of evidence; signs of one kind are no independent witnesses (see `saturation`).
EVIDENCE: Final = ("content", "harvest", "timing", "identity", "coordination")
QUANTILES: Final = ("p50", "p90", "p95", "p99", "p999")
# MITRE ATLAS techniques that rules may name, by their tag.
TECHNIQUES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "atlas.aml.t0024.002": "Extract AI Model",
        "atlas.aml.t0005.001": "Train Proxy via Replication",
        "atlas.aml.t0008.005": "AI Service Proxies",
        "atlas.aml.t0021": "Establish Accounts",
        "atlas.aml.t0065": "LLM Prompt Crafting",
        "atlas.aml.t0048.004": "AI Intellectual Property Theft",
    }
)


class Quantiles(Protocol):
    """The benign reference, as far as rules need it."""

    def quantile(self, category: str, stratum: str, feature: str, level: str, /) -> float | None:
        """Benign quantile (`p50` … `p999`) of a feature in a stratum; None where unknown."""


@dataclass(frozen=True)
class InlineTest:
    """One window of features and whether the rule must fire on it.

    Attributes:
        name: what the window stands for.
        window: feature → value; a feature left out, or null, is unknown.
        reference: feature → level → benign quantile.
        fires: what is expected.
        line: line of the test in its file.
    """

    name: str
    window: Mapping[str, float | None]
    reference: Mapping[str, Mapping[str, float]]
    fires: bool
    line: int


@dataclass(frozen=True)
class Rule:
    """One rule of one file.

    Attributes:
        id: UUID.
        title: a line.
        description: what it looks for and why, in prose.
        status: Sigma's status of the rule.
        level: severity of the sign alone, `LEVELS`.
        category: `account_window` or `cluster_window`.
        tags: ATLAS tags.
        falsepositives: who else looks like this.
        references: public facts behind it.
        code: stable reason code.
        text: plain sentence for an analyst.
        weight: nats.
        evidence: kind of evidence, `EVIDENCE`.
        feature: the feature whose value stands beside the reason.
        condition: when it fires.
        tests: inline tests.
        path: its file.
    """

    id: str
    title: str
    description: str
    status: str
    level: str
    category: str
    tags: tuple[str, ...]
    falsepositives: tuple[str, ...]
    references: tuple[str, ...]
    code: str
    text: str
    weight: float
    evidence: str
    feature: str
    condition: Node
    tests: tuple[InlineTest, ...]
    path: Path

    @cached_property
    def low(self) -> bool:
        """Whether it is a low value of its feature that is a sign; `gap_cv` of a scheduler, for one."""
        return asks_low(self.condition, self.feature)

    @property
    def techniques(self) -> tuple[str, ...]:
        """ATLAS ids as alerts carry them (`AML.T0024.002`)."""
        return tuple(tag.removeprefix("atlas.").upper() for tag in self.tags)


@dataclass(frozen=True, order=True)
class Problem:
    """Something wrong with a rule file.

    Attributes:
        path: the file.
        line: 1-based.
        reason: what is wrong, one line.
    """

    path: Path
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.reason}"


class RuleError(ValueError):
    """Rules that cannot be used; the message has one line a problem.

    Args:
        problems: at least one.
    """

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems
