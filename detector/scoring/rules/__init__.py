"""Rules: one Sigma-shaped YAML file each, compiled to polars, weighed in nats."""

from detector.scoring.rules.fields import Fields, known_fields
from detector.scoring.rules.lint import lint, read_rule
from detector.scoring.rules.load import default_folder, left_out, load_rules, rule_files, unmeasured
from detector.scoring.rules.markdown import condition_text, rules_markdown
from detector.scoring.rules.model import (
    ACCOUNT_WINDOW,
    CATEGORIES,
    CLUSTER_WINDOW,
    EVIDENCE,
    TECHNIQUES,
    InlineTest,
    Problem,
    Quantiles,
    Rule,
    RuleError,
)

__all__ = [
    "ACCOUNT_WINDOW",
    "CATEGORIES",
    "CLUSTER_WINDOW",
    "EVIDENCE",
    "TECHNIQUES",
    "Fields",
    "InlineTest",
    "Problem",
    "Quantiles",
    "Rule",
    "RuleError",
    "condition_text",
    "default_folder",
    "known_fields",
    "left_out",
    "lint",
    "load_rules",
    "read_rule",
    "rule_files",
    "rules_markdown",
    "unmeasured",
]
