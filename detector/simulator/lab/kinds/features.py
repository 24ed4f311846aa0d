"""Feature distillation: the student's own features, mapped by one matrix, are to be the teacher's.

Through an API the teacher's features are embeddings: one vector a text. Whoever holds the weights has one a token.
"""

from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from detector.simulator.lab.kinds.lesson import Lesson, Taught
from detector.simulator.lab.training import inputs, shortened, text_loss, train
from detector.simulator.lab.transformer import Transformer, build

_AT_ONCE = 512  # texts


class Regressor(nn.Module):
    """A student with a map from its features to the teacher's.

    Args:
        student: what is trained.
        width: of the teacher's features.
        seed: of the map's first weights.
    """

    def __init__(self, student: Transformer, width: int, seed: int) -> None:
        super().__init__()
        self.student = student
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.map = nn.Linear(student.shape.width, width)


def feature_loss(ours: Tensor, theirs: Tensor, learned: Tensor, *, pooled: bool) -> Tensor:
    """Squared distance of features in units of their spread: 1 is what their mean alone would reach.

    Args:
        ours: f32[n, length, width], mapped.
        theirs: f32[n, length, width].
        learned: bool[n, length], places that count.
        pooled: whether only each text's mean over its places is known.
    """
    if pooled:
        ours, theirs = (_mean(features, learned) for features in (ours, theirs))
    else:
        ours, theirs = ours[learned], theirs[learned]
    spread = (theirs - theirs.mean(dim=0)).square().mean()
    return (ours - theirs).square().mean() / spread.clamp_min(1e-6)


def _mean(features: Tensor, learned: Tensor) -> Tensor:
    weight = learned[..., None].to(features.dtype)
    return (features * weight).sum(dim=1) / weight.sum(dim=1).clamp_min(1.0)


@torch.inference_mode()
def _known(lesson: Lesson) -> NDArray[np.float16]:
    """The teacher's features at each token but the last."""
    parts = np.array_split(lesson.texts.tokens[:, :-1], max(1, len(lesson.texts) // _AT_ONCE))
    return np.concatenate([lesson.teacher.features(torch.from_numpy(part)).half().numpy() for part in parts])


def _taught(lesson: Lesson, *, pooled: bool) -> Taught:
    known, recipe, texts = _known(lesson), lesson.recipe, lesson.texts
    text_only = lesson.text_only()
    model = Regressor(build(lesson.shape, lesson.seed), lesson.teacher.shape.width, lesson.seed)

    def loss(rows: NDArray[np.int64]) -> Tensor:
        batch = shortened(texts.take(rows))
        own = model.student.features(inputs(batch))
        theirs = torch.from_numpy(known[rows][:, : own.shape[1]]).float()
        learned = torch.from_numpy(batch.learned[:, 1:])
        # The share alpha goes to the features here; texts alone train the small head.
        from_text = text_loss(model.student.head(own), batch, text_only)
        return (1 - recipe.alpha) * from_text + recipe.alpha * feature_loss(
            model.map(own), theirs, learned, pooled=pooled
        )

    train(model, len(texts), recipe, np.random.default_rng(lesson.seed), loss)
    return Taught(model.student.eval())


tokens = partial(_taught, pooled=False)
embeddings = partial(_taught, pooled=True)
