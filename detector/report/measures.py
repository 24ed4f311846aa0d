"""What a value beside a reason is of, in an analyst's words, and how it is written with its unit."""

from typing import Final

from detector.report.case import Reason
from detector.report.formats import number

# Those that a shipped rule shows beside its reason, and their like; the names of others are told as they are.
MEANINGS: Final = {
    "ban_response": "accounts first seen right after a ban, against chance",
    "beyond_alike": "how level the accounts' volumes are, against accounts alike",
    "birth_concentration": "accounts made within three days, against chance",
    "cap_coding": "how likely a request is for coding",
    "cap_grading": "how likely a request is for grading",
    "cap_knowledge": "how likely a request is for knowledge",
    "cap_maths": "how likely a request is for maths",
    "cap_other": "how likely a request is for something else",
    "cap_reasoning": "how likely a request is for reasoning",
    "cap_synthesis": "how likely a request is for training data",
    "cap_tools": "how likely a request is for tool use",
    "distinct_prompts": "prompts that differ",
    "embeddings_share": "requests that are for embeddings",
    "empty_prompt_share": "prompts of at most one word",
    "end_users": "end users behind it",
    "fixed_gap_share": "gaps between requests that equal the one before",
    "gap_cv": "how much the gaps between requests vary",
    "joiner_rate": "accounts that joined within 24 h",
    "launch_response": "haste to a new model, against everybody's",
    "length_twins": "how alike the accounts are in their lengths",
    "level_evidence": "how level the accounts' volumes are, against people's",
    "level_rate": "how level the accounts' volumes are, for each account",
    "limited_share": "requests that ran into a rate limit",
    "link_mail": "how rare the mail domain is that they share",
    "link_payment": "how rare the cards are that they share",
    "link_reasoning": "how rare the reasoning artefacts are that they share",
    "link_surprise": "how unlikely by chance all is that they share",
    "link_system_prompt": "how rare the system prompt is that they share",
    "link_template": "how rare the prompt template is that they share",
    "logprobs_share": "requests that take log-probabilities",
    "members": "accounts that are linked",
    "models": "models asked",
    "multi_sample_members": "accounts that mostly take several answers a prompt",
    "n_gt1_share": "requests for several answers",
    "networks": "networks it comes from",
    "output_input_ratio": "output for each token of input",
    "output_tokens_1d": "output of about a day",
    "peak_hour_ratio": "the busiest hour of day over the mean hour",
    "routes": "ways of access",
    "soft_label_members": "accounts that mostly take log-probabilities",
    "step_correlation": "how much they are active at the same time",
    "top_template_share": "requests with the text that is repeated most",
    "topic_coverage": "topics that the prompts touch",
    "traffic_mmd": "how far lengths and words are from everybody's",
    "training_value": "how likely an answer is worth training on",
    "twin_evidence": "how alike the lengths are, as from one source",
    "volume_evenness": "how evenly the load is spread",
}

PARTS: Final = frozenset({"share", "probability"})
BARE: Final = frozenset({"ratio", "root", "distinct"})
"""Units that are none to a reader."""

ORDINARY: Final = {"cluster": "groups", "account": "accounts"}
EACH_ALONE: Final = "One value may be ordinary; what is rare is that all that the rule asks for holds at once."


def measured(value: float | None, unit: str) -> str:
    """A value with its unit; a part of a whole is a percentage."""
    if value is None or unit in BARE or not unit:
        return number(value)
    return f"{number(100 * value)} %" if unit in PARTS else f"{number(value)} {unit}"


def named(feature: str) -> str:
    """What a feature measures, and its name for who looks it up."""
    name = feature.replace("_", " ")
    meaning = MEANINGS.get(feature)
    return f"{meaning} ({name})" if meaning else name or "value"


def valued(reason: Reason) -> str:
    """A reason's value with what it is of and its unit."""
    low = ", where low is unusual" if reason.low else ""
    return f"{named(reason.feature)}: {measured(reason.value, reason.unit)}{low}"


def bounds(reason: Reason, kind: str) -> str:
    """What a value stands beside: what its rule asks for, and what 99 % of the ordinary have at most.

    Args:
        reason: whose value it is.
        kind: of the alert; says what it is compared with.

    Returns:
        A line; empty where neither is known.
    """
    parts = []
    if reason.asked is not None:
        # At nothing, "at least" would say nothing.
        bound = "at most" if reason.low else "at least" if reason.asked else "more than"
        parts.append(f"the rule asks for {bound} {measured(reason.asked, reason.unit)}")
    if reason.benign_p99 is not None:
        ordinary = ORDINARY.get(kind, "traffic")
        parts.append(f"99 % of ordinary {ordinary} have at most {measured(reason.benign_p99, reason.unit)}")
    return "; ".join(parts)
