"""Plain words for kinds, capabilities, actions and techniques, and a sentence for a case."""

from collections.abc import Mapping
from typing import Any

from detector.report.case import Case, read_case
from detector.report.formats import plural, shorten

KINDS = {
    "payment": "payment",
    "network": "network",
    "tls": "client fingerprint",
    "mail": "mail domain",
    "signup": "sign-up network",
    "template": "prompt template",
    "system_prompt": "system prompt",
    "timing": "pace",
    "reasoning": "reasoning artefact",
}

SHARED = {
    "payment": "pay with the same cards",
    "network": "come from the same networks",
    "tls": "use one client",
    "mail": "signed up together",
    "signup": "signed up from one network",
    "template": "fill one prompt template",
    "system_prompt": "send one system prompt",
    "timing": "keep one pace",
    "reasoning": "present each other's reasoning artefacts",
}

CAPABILITIES = {
    "reasoning": "reasoning",
    "tools": "tool use",
    "coding": "coding",
    "maths": "maths",
    "grading": "grading",
    "synthesis": "data synthesis",
    "knowledge": "knowledge",
    "other": "other",
}

ACTIONS = {
    "observe": "Observe",
    "throttle": "Throttle",
    "challenge": "Challenge",
    "degrade": "Degrade",
    "rotate_key": "Rotate the key",
    "review": "Ask for a declaration",
    "suspend": "Suspend",
}

# What lets nothing pass: a quota beside it is for whom that is too much.
STOPS = frozenset({"suspend", "rotate_key"})

TECHNIQUES = {
    "AML.T0024.002": "Extract AI model",
    "AML.T0005.001": "Train proxy via replication",
    "AML.T0008.005": "AI service proxies",
    "AML.T0021": "Establish accounts",
    "AML.T0065": "LLM prompt crafting",
    "AML.T0048.004": "AI intellectual property theft",
}

# Whom an account is compared with.
LIKES = {
    "embeddings": "accounts that embed",
    "product": "products",
    "person": "people and scripts",
    "all": "all accounts",
}

UNITS = {
    "requests": "requests",
    "input_tokens": "input tokens",
    "output_tokens": "output tokens",
    "concurrent_requests": "requests at once",
}

# Reasons that rest on level volumes and like lengths, not on what is shared.
OF_ONE_LOAD = frozenset({"ONE_OPERATOR", "PROBABLE_OPERATOR", "LEVELLED_POOL", "ONE_AGENT_OPERATOR"})
# Reasons that rest on what the members do: it heads the sentence, and what they share comes after.
BY_WHAT_THEY_DO = {
    **dict.fromkeys(OF_ONE_LOAD, "share one load, as one operator would"),
    "TWIN_EMBEDDERS": "embed texts of like lengths at level volumes",
}
STRONG_LINK = 0.5
TELLING_LINK = 1.5  # nats a member; below, a few members share something and the case does not rest on it
TARGETED = 0.25


def word(table: dict[str, str], name: str) -> str:
    """The plain word for a name; the name itself, with spaces, where the table has none."""
    return table.get(name, name.replace("_", " "))


def headline_of(alert: Mapping[str, Any]) -> str:
    """The sentence of an alert as it is written: `headline` of its case."""
    # Members say nothing that the sentence does, and may be thousands.
    return headline(read_case({**alert, "members": [{}]}))


def headline(case: Case) -> str:
    """One sentence for a case: who, tied by what, for what.

    Args:
        case: the case.

    Returns:
        A sentence of at most about 160 characters, without a full stop.
    """
    if case.kind != "cluster" or len(case.accounts) == 1:
        why = case.reasons[0].text if case.reasons else "stands out from ordinary traffic"
        return shorten(f"One account: {why[:1].lower()}{why[1:].rstrip('.')}", 160)
    who = plural(len(case.accounts), "account")
    # Payers are counted over the community, bystanders included: more of them than accounts say nothing about the members.
    if case.payers and case.payers <= len(case.accounts):
        who += f" of {plural(case.payers, 'payer')}"
    strongest = max(case.links.values(), default=0.0)
    least = max(STRONG_LINK * strongest, TELLING_LINK)
    does = BY_WHAT_THEY_DO.get(case.reasons[0].code) if case.reasons else None
    ties = [word(SHARED, kind) for kind, nats in case.links.items() if nats >= least][:2]
    tied = " and ".join(ties)
    if does:
        # What they share ties them; what the score rests on is how they work.
        tied = does + (f", and {tied}" if ties else "")
    tied = tied or "share next to nothing and act as one"
    targets = [
        word(CAPABILITIES, name) for name, share in case.capabilities.items() if share >= TARGETED and name != "other"
    ]
    return f"{who} {tied}" + (f", mostly for {' and '.join(targets[:2])}" if targets else "")
