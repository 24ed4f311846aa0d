"""Trains teachers on fresh questions with worked solutions: the data that an attacker has not."""

from collections.abc import Callable

import numpy as np

from detector.simulator.lab.tasks import draw
from detector.simulator.lab.teacher import Written
from detector.simulator.lab.training import (
    Recipe,
    Texts,
    descend,
    inputs,
    joined,
    optimiser,
    rate_at,
    shortened,
    text_loss,
)
from detector.simulator.lab.transformer import Transformer


def solved(rng: np.random.Generator, n: int) -> Texts:
    """Fresh questions with worked solutions, task by task."""
    parts = []
    for q in draw(rng, n):
        tokens = q.worked()
        told = np.zeros(tokens.shape, np.bool_)
        if q.table.shape[1]:
            begin = q.prompts.shape[1]
            told[:, begin + 3 : begin + q.reasoning.shape[1] : 4] = True
        parts.append(Written(q, tokens, told).texts())
    return joined(parts)


def school(
    model: Transformer,
    recipe: Recipe,
    rng: np.random.Generator,
    after: Callable[[int, float], None] = lambda _step, _loss: None,
) -> None:
    """Trains a teacher; no question comes twice.

    Args:
        model: whose weights are changed.
        recipe: how; fewer steps make a weaker teacher.
        rng: of the questions.
        after: told the number of updates made and the last loss, after each.
    """
    adam = optimiser(model, recipe)
    model.train()
    for step in range(recipe.steps):
        batch = shortened(solved(rng, recipe.batch))
        loss = text_loss(model(inputs(batch)), batch, recipe)
        after(step + 1, descend(model, adam, loss, rate_at(step, recipe)))
    model.eval()
