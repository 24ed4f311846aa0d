"""Questions as texts that are sent to a gateway, and its answers as what a student learns from."""

from dataclasses import dataclass

import numpy as np

from detector.simulator.lab.tasks import LONGEST, Questions, draw
from detector.simulator.lab.training import Texts, joined
from detector.simulator.lab.vocabulary import CLOSE, PAD, decode, encode


@dataclass(frozen=True)
class Asked:
    """One question.

    Attributes:
        text: what is sent.
        question: the same, one row.
    """

    text: str
    question: Questions


def questions_in_order(rng: np.random.Generator, n: int) -> list[Asked]:
    """Questions that are not held out, tasks mixed."""
    rows = [(q, row) for q in draw(rng, n) for row in range(len(q))]
    mixed = [rows[k] for k in rng.permutation(len(rows))]
    return [Asked(decode(q.prompts[row]), q.take(np.array([row]))) for q, row in mixed]


def learned_from(answers: list[tuple[Asked, str]]) -> Texts:
    """Questions with the answers that came back, as texts for a student.

    Raises:
        KeyError: an answer has a word that no teacher writes.
    """
    return joined([_text(asked, content) for asked, content in answers])


def _text(asked: Asked, content: str) -> Texts:
    prompt, said = asked.question.prompts[0], encode(content.split())
    tokens = np.full((1, LONGEST), PAD, np.int64)
    tokens[0, : len(prompt)] = prompt
    tokens[0, len(prompt) : len(prompt) + len(said)] = said[: LONGEST - len(prompt)]
    learned = tokens != PAD
    learned[:, : len(prompt)] = False
    if asked.question.table.shape[1]:
        # What follows a call is the tool's word.
        learned[:, 1:] &= tokens[:, :-1] != CLOSE
    return Texts(tokens, learned)
