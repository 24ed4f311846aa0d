"""Private aggregation of teachers (PATE): the student only ever sees what most teachers would write, blurred by noise.

Each teacher is trained on worked questions that no other has. Every token of an answer is a vote among them, and every vote is
paid for in privacy.
"""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from detector.simulator.lab.kinds.lesson import Lesson, Taught
from detector.simulator.lab.kinds.privacy import epsilon
from detector.simulator.lab.schooling import solved
from detector.simulator.lab.students import distil
from detector.simulator.lab.tasks import draw
from detector.simulator.lab.teacher import answer
from detector.simulator.lab.training import Recipe, Texts, fit, joined
from detector.simulator.lab.transformer import Cache, Shape, Transformer, build
from detector.simulator.lab.vocabulary import SIZE


class Panel:
    """Teachers that write together: the next token is the one with most votes, after noise on every count.

    Args:
        teachers: who vote, one vote each.
        noise: standard deviation on a count.
        rng: of the noise.
    """

    def __init__(self, teachers: list[Transformer], noise: float, rng: np.random.Generator) -> None:
        self._teachers, self._noise, self._rng = teachers, noise, rng

    def step(self, tokens: Tensor, cache: list[Cache] | None) -> tuple[Tensor, list[Cache]]:
        """Counts of votes with noise for the token after the last, and what to go on from."""
        pasts: list[Cache] | list[None] = [None] * len(self._teachers) if cache is None else cache
        read = [teacher.step(tokens, past) for teacher, past in zip(self._teachers, pasts, strict=True)]
        votes = torch.stack([logits[:, -1].argmax(dim=-1) for logits, _ in read])
        counts = functional.one_hot(votes, SIZE).sum(dim=0).numpy()
        blurred = counts + self._rng.normal(0.0, self._noise, counts.shape) if self._noise else counts.astype(float)
        return torch.from_numpy(blurred)[:, None], [kept for _, kept in read]


@lru_cache(maxsize=1)
def trained(shape: Shape, recipe: Recipe, teachers: int, records: int, seed: int) -> list[Transformer]:
    """Teachers on disjoint parts of fresh worked questions; kept for the next noise."""
    rng = np.random.default_rng([seed, 3])
    private = solved(rng, teachers * records)
    parts = np.array_split(rng.permutation(len(private)), teachers)
    made = []
    for number, rows in enumerate(parts):
        model = build(shape, 1000 * seed + number)
        fit(model, private.take(rows), recipe, rng)
        made.append(model.eval())
    return made


def labelled(lesson: Lesson, teachers: list[Transformer]) -> tuple[Texts, int, float]:
    """As many questions as the lesson has texts, answered by vote.

    Returns:
        The texts, how many votes were given out, and the share of answers that are right.
    """
    rng = lesson.rng()
    panel = Panel(teachers, lesson.voting.noise, rng)
    written = [answer(panel, q) for q in draw(rng, len(lesson.texts))]
    texts = joined([w.texts() for w in written])
    right = np.concatenate([w.right() for w in written])
    return texts, int(texts.learned.sum()), float(right.mean())


def votes(lesson: Lesson) -> Taught:
    """Learns what the teachers' vote says; counts the (ε, δ) that it cost any one record."""
    v = lesson.voting
    teachers = trained(lesson.shape, lesson.text_only(), v.teachers, v.records, lesson.seed)
    texts, given, right = labelled(lesson, teachers)
    spent = epsilon(given, v.noise, v.delta)
    student = distil(texts, lesson.shape, lesson.text_only(), lesson.seed)
    told = {"epsilon": spent if v.noise else None, "delta": v.delta, "votes": float(given), "labels_right": right}
    return Taught(student, told)
