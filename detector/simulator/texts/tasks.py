"""What people and machines ask: chats, sums, code, tool tasks, documents, answers to be judged."""

import polars as pl

from detector.simulator.texts.compose import Rng, compose
from detector.simulator.texts.words import PATTERNS, SENTENCES, WORDS

_FOREIGN_SHARE = 0.12
SLOTS = {
    "name": WORDS["names"],
    "other": WORDS["names"],
    "things": WORDS["things"],
    "more": WORDS["things"],
    "place": WORDS["places"],
    "topic": WORDS["topics"],
    "topic2": WORDS["topics"],
    "adjective": WORDS["adjectives"],
    "verb": WORDS["verbs"],
    "audience": WORDS["audiences"],
    "form": WORDS["forms"],
    "opener": WORDS["openers"],
    "follow": WORDS["follow_ups"],
    "s1": SENTENCES,
    "s2": SENTENCES,
    "s3": SENTENCES,
    "s4": SENTENCES,
    "function": WORDS["functions"],
    "language": WORDS["languages"],
    "tool": WORDS["tools"],
    "tool2": WORDS["tools"],
    "product": WORDS["products"],
}


def chat(rng: Rng, n: int) -> pl.Series:
    """First turns of people, some in other languages."""
    own, foreign = PATTERNS["chat"], PATTERNS["foreign"]
    weights = [(1.0 - _FOREIGN_SHARE) / len(own)] * len(own) + [_FOREIGN_SHARE / len(foreign)] * len(foreign)
    return compose(rng, (*own, *foreign), SLOTS, n, weights)


def follow_up(rng: Rng, n: int) -> pl.Series:
    """Later turns of people."""
    return compose(rng, PATTERNS["follow"], SLOTS, n)


def maths(rng: Rng, n: int) -> pl.Series:
    """Word problems."""
    return compose(rng, PATTERNS["maths"], SLOTS, n)


def code(rng: Rng, n: int) -> pl.Series:
    """Programming tasks."""
    return compose(rng, PATTERNS["code"], SLOTS, n)


def tool_task(rng: Rng, n: int) -> pl.Series:
    """Tasks for tools."""
    return compose(rng, PATTERNS["tool"], SLOTS, n)


def document(rng: Rng, n: int) -> pl.Series:
    """Texts to be worked on."""
    return compose(rng, PATTERNS["document"], SLOTS, n)


def answers(rng: Rng, n: int) -> pl.Series:
    """Answers to be judged."""
    return compose(rng, PATTERNS["answer"], SLOTS, n)


def mixed(rng: Rng, n: int) -> pl.Series:
    """All of it: what a curriculum is made of."""
    return compose(rng, [p for kind in ("maths", "code", "tool", "chat") for p in PATTERNS[kind]], SLOTS, n)
