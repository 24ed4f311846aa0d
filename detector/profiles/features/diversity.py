"""How varied: distinct prompts and skeletons, repeats, words, topics."""

import numpy as np

from detector.profiles.features.base import View, feature
from detector.profiles.layout import BITMAP, F64
from detector.profiles.sketches import entropy, hyperloglog, linear_count


def _openings(v: View) -> F64:
    # Later turns of a conversation are not tasks, and are not counted among the distinct ones.
    return v.count("requests") - v.count("multi_turn")


@feature("distinct_prompts", "prompts", "HyperLogLog of exact opening prompts", ("prompt",), "work through a list")
def distinct_prompts(v: View) -> F64:
    """Whitespace and case ignored, later turns left out; standard error 13 %."""
    return np.minimum(hyperloglog(v.pooled.prompts), _openings(v))


@feature("exact_repeat_share", "share", "1 − distinct prompts over openings", ("prompt",), "the same again and again")
def exact_repeat_share(v: View) -> F64:
    """Within the account or cluster; 0 where no conversation was opened."""
    openings = _openings(v)
    repeated = 1.0 - np.minimum(hyperloglog(v.pooled.prompts) / np.maximum(openings, 1.0), 1.0)
    return np.where(openings > 0, repeated, 0.0)


@feature("distinct_skeletons", "skeletons", "HyperLogLog of skeletons", ("prompt",), "few means templates")
def distinct_skeletons(v: View) -> F64:
    """Standard error 18 %."""
    return np.minimum(hyperloglog(v.pooled.skeletons), v.count("requests"))


@feature("skeleton_share", "share", "distinct skeletons over requests", ("prompt",), "1 is free text")
def skeleton_share(v: View) -> F64:
    """Low where slots are filled into one template."""
    return np.minimum(hyperloglog(v.pooled.skeletons) / np.maximum(v.count("requests"), 1.0), 1.0)


@feature("top_template_share", "share", "exchanges with the most repeated piece of text", ("prompt",), "a wrapper")
def top_template_share(v: View) -> F64:
    """From the Misra–Gries table of shingles, prefixes and suffixes: a lower bound."""
    return np.minimum(v.pooled.template / np.maximum(v.pooled.texts, 1), 1.0)


@feature("lexical_entropy", "bits", "entropy over 32 hashed word bins", ("prompt",), "5 is a rich vocabulary")
def lexical_entropy(v: View) -> F64:
    """Of sampled words."""
    return entropy(v.pooled.lexical)


@feature("topic_coverage", "topics", "distinct buckets, of 64, of each prompt's rarest word", ("prompt",), "breadth")
def topic_coverage(v: View) -> F64:
    """Linear counting."""
    return linear_count(v.pooled.bitmaps[:, BITMAP["topic"]])
