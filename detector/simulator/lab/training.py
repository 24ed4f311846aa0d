"""Fits a model to texts, to soft labels, or to a mix of both."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from detector.simulator.lab.transformer import Transformer
from detector.simulator.lab.vocabulary import Tokens


@dataclass(frozen=True)
class Texts:
    """What a model is trained on.

    Attributes:
        tokens: i64[n, length], padded.
        learned: bool[n, length], tokens that the model is to produce: not the question, what tools said, or padding.
        soft: f16[n, length - 1, SIZE], the teacher's log-probabilities of the token after each; None where it gave none.
    """

    tokens: Tokens
    learned: NDArray[np.bool_]
    soft: NDArray[np.float16] | None = None

    def __len__(self) -> int:
        return len(self.tokens)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> "Texts":
        """Some of them."""
        return Texts(self.tokens[rows], self.learned[rows], None if self.soft is None else self.soft[rows])


def joined(parts: list[Texts]) -> Texts:
    """All texts of some parts; soft labels only where each part has them."""
    soft = [p.soft for p in parts if p.soft is not None]
    return Texts(
        np.concatenate([p.tokens for p in parts]),
        np.concatenate([p.learned for p in parts]),
        np.concatenate(soft) if len(soft) == len(parts) else None,
    )


@dataclass(frozen=True)
class Recipe:
    """How to train.

    Attributes:
        steps: updates.
        batch: texts an update.
        rate: highest learning rate.
        decay: of the weights.
        alpha: share of distillation from soft labels in the loss; the rest is the texts' own.
        temperature: that softens the soft labels.
    """

    steps: int = 1500
    batch: int = 64
    rate: float = 3e-3
    decay: float = 0.1
    alpha: float = 0.0
    temperature: float = 1.0


def mixed_loss(
    logits: Tensor, targets: Tensor, learned: Tensor, soft: Tensor | None, alpha: float, temperature: float
) -> Tensor:
    """(1 - alpha) · cross-entropy of the texts + alpha · T² · divergence from the teacher at temperature T, a token.

    Args:
        logits: f32[n, length, SIZE].
        targets: i64[n, length].
        learned: bool[n, length], tokens that count.
        soft: f32[n, length, SIZE], the teacher's log-probabilities; may be None where alpha is 0.
        alpha: 0–1.
        temperature: above 0.

    Returns:
        A scalar. The factor T² keeps the gradient's size when T changes.

    Raises:
        ValueError: alpha is above 0 and there are no soft labels.
    """
    chosen = logits[learned]
    loss = functional.cross_entropy(chosen, targets[learned])
    if alpha == 0:
        return loss
    if soft is None:
        raise ValueError("distillation from soft labels needs soft labels")
    theirs = functional.log_softmax(soft[learned] / temperature, dim=-1)
    ours = functional.log_softmax(chosen / temperature, dim=-1)
    divergence = functional.kl_div(ours, theirs, reduction="batchmean", log_target=True)
    return (1 - alpha) * loss + alpha * temperature**2 * divergence


def optimiser(model: nn.Module, recipe: Recipe) -> torch.optim.AdamW:
    """AdamW that decays matrices only."""
    matrices = [p for p in model.parameters() if p.ndim > 1]
    vectors = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": recipe.decay}, {"params": vectors, "weight_decay": 0.0}]
    # Fused: models this small spend a quarter of a step on telling the parameters one by one.
    return torch.optim.AdamW(groups, lr=recipe.rate, betas=(0.9, 0.98), fused=True)


def rate_at(step: int, recipe: Recipe) -> float:
    """Learning rate: up for a twentieth of the steps, then down along a cosine to a fiftieth."""
    rise = max(1, recipe.steps // 20)
    if step < rise:
        return recipe.rate * (step + 1) / rise
    done = (step - rise) / max(1, recipe.steps - rise)
    return recipe.rate * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))


def shortened(texts: Texts) -> Texts:
    """Texts without what nothing is learned from: all that comes after the longest of them."""
    end = int(np.flatnonzero(texts.learned.any(axis=0))[-1]) + 1
    soft = None if texts.soft is None else texts.soft[:, : end - 1]
    return Texts(texts.tokens[:, :end], texts.learned[:, :end], soft)


def text_loss(logits: Tensor, texts: Texts, recipe: Recipe) -> Tensor:
    """The loss of texts by a recipe, from logits after each token but the last."""
    soft = torch.from_numpy(texts.soft).float() if texts.soft is not None and recipe.alpha > 0 else None
    tokens, learned = torch.from_numpy(texts.tokens[:, 1:]), torch.from_numpy(texts.learned[:, 1:])
    return mixed_loss(logits, tokens, learned, soft, recipe.alpha, recipe.temperature)


def inputs(texts: Texts) -> Tensor:
    """Tokens to predict the next ones from."""
    return torch.from_numpy(texts.tokens[:, :-1])


def descend(model: nn.Module, adam: torch.optim.AdamW, loss: Tensor, rate: float) -> float:
    """One update against a loss; returns the loss."""
    adam.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for group in adam.param_groups:
        group["lr"] = rate
    adam.step()
    return loss.item()


def train(
    model: nn.Module, size: int, recipe: Recipe, rng: np.random.Generator, loss: Callable[[NDArray[np.int64]], Tensor]
) -> None:
    """Trains on batches drawn from a fixed set; the number of updates does not depend on how large it is.

    Args:
        model: whose weights are changed.
        size: of the set.
        recipe: how.
        rng: of the order.
        loss: of a batch's rows.
    """
    adam = optimiser(model, recipe)
    model.train()
    order = np.zeros(0, np.int64)
    for step in range(recipe.steps):
        while len(order) < recipe.batch:
            order = np.concatenate([order, rng.permutation(size)])
        rows, order = order[: recipe.batch], order[recipe.batch :]
        descend(model, adam, loss(rows), rate_at(step, recipe))
    model.eval()


def fit(model: Transformer, texts: Texts, recipe: Recipe, rng: np.random.Generator) -> None:
    """Trains a model on a fixed set of texts."""

    def loss(rows: NDArray[np.int64]) -> Tensor:
        batch = shortened(texts.take(rows))
        return text_loss(model(inputs(batch)), batch, recipe)

    train(model, len(texts), recipe, rng, loss)
