"""Fixed texts around what varies: system prompts of products, wrappers of campaigns.

Each is drawn once and worded anew by every seed.
"""

import re

from detector.simulator.texts.compose import Rng
from detector.simulator.texts.words import FIXED, SLOTS

_SLOT = re.compile(r"\{([a-z_]+?)(\d*)\}")
_NUMBERS = (3, 900)


def _worded(rng: Rng, *names: str) -> list[str]:
    """One pattern of each name with its slots filled: the same slot is the same words in all of them.

    `{notes}` and `{notes2}` are different entries of one list; `{number}` is a number.
    """
    orders: dict[str, list[int]] = {}
    number = str(int(rng.integers(*_NUMBERS)))

    def fill(match: re.Match[str]) -> str:
        base, which = match.group(1), match.group(2)
        if base == "number":
            return number
        if base not in orders:
            orders[base] = rng.permutation(len(SLOTS[base])).tolist()
        return SLOTS[base][orders[base][int(which or 1) - 1]]

    texts = []
    for name in names:
        pattern = FIXED[name][int(rng.integers(len(FIXED[name])))]
        # Twice, because an opening has a slot of its own.
        texts.append(_SLOT.sub(fill, _SLOT.sub(fill, pattern)))
    return texts


def pair(rng: Rng, kind: str) -> tuple[str, str]:
    """What stands before and after an item, of a kind of the grammar."""
    before, after = _worded(rng, f"{kind}_before", f"{kind}_after")
    return before, after


def reasoning(rng: Rng) -> tuple[str, str]:
    """What stands before and after an item when the reasoning is wanted."""
    return pair(rng, "reasoning")


def grading(rng: Rng) -> tuple[str, str]:
    """The same for rubric grading."""
    return pair(rng, "grading")


def synthesis(rng: Rng) -> tuple[str, str]:
    """The same for data synthesis."""
    return pair(rng, "synthesis")


def extraction(rng: Rng) -> tuple[str, str]:
    """The same for getting at hidden reasoning under a pretext."""
    return pair(rng, "extraction")


def coercion(rng: Rng) -> tuple[str, str]:
    """The same for fixing the language of hidden reasoning."""
    return pair(rng, "coercion")


def hobby(rng: Rng) -> tuple[str, str]:
    """What a hobbyist writes around an example to get more of its kind; no words in common with `synthesis`."""
    return pair(rng, "hobby")


def licensed(rng: Rng) -> tuple[str, str]:
    """What a customer with permission writes to teach a model of its own; no words in common with `reasoning`."""
    return pair(rng, "licensed")


def practice(rng: Rng) -> tuple[str, str]:
    """What a platform for learners writes around an exercise."""
    return pair(rng, "practice")


def agentic(rng: Rng) -> tuple[str, str]:
    """The same for tool-use trajectories."""
    return pair(rng, "agentic")


def product_system(rng: Rng) -> str:
    """A system prompt of somebody's product."""
    return _worded(rng, "product")[0]


def office_system(rng: Rng) -> str:
    """An internal assistant's system prompt."""
    return _worded(rng, "office")[0]


def framework_prompt(rng: Rng) -> str:
    """A prompt that a popular library ships and that many products use unchanged."""
    return _worded(rng, "framework")[0]


def agent_system(rng: Rng) -> str:
    """The long system prompt of an open-source agent."""
    return _worded(rng, "agent")[0]


def judge_system(rng: Rng) -> str:
    """A customer's own judge."""
    return _worded(rng, "judge")[0]
