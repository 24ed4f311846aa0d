"""The tabular track: a teacher that sees the row it labels teaches its student to overfit.

The teacher is an in-context model: it labels a row by attending to the nearest rows of a context set. Where the row itself
is in the context, a teacher that remembers attends to it above all and repeats its label, noise and all. Labels out of
stratified folds avoid that. A teacher that spreads its attention hardly notices the row among its neighbours.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from sklearn import datasets
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold, train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.nn import functional

from detector.simulator.lab.intervals import Interval, interval
from detector.simulator.lab.plan import Attention

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DATASETS: Final = ("breast_cancer", "diabetes", "digits", "wine")
FOLDS: Final = 5
# Of near attention: rows that are attended to, each by the inverse of its distance.
NEIGHBOURS: Final = (4, 8, 16, 32, 64)
# Of spread attention: squared distance, as a share of the mean one, at which a neighbour counts a nat less.
SHARPNESS: Final = (0.01, 0.02, 0.05, 0.1, 0.2)
ITSELF: Final = 1e-6  # distance below which a row is the same: its label is all that counts
HIDDEN: Final = 64
EPOCHS: Final = 200


def load(name: str) -> tuple[Floats, Ints]:
    """Rows and classes of a data set that scikit-learn brings; diabetes is split at its median.

    Raises:
        ValueError: there is none of that name.
    """
    if name not in DATASETS:
        raise ValueError(f"no data set {name}: choose from {', '.join(DATASETS)}")
    loader: Any = getattr(datasets, f"load_{name}")
    rows, target = loader(return_X_y=True)
    return np.asarray(rows, float), np.asarray(target > np.median(target) if name == "diabetes" else target, np.int64)


@dataclass(frozen=True)
class InContextTeacher:
    """Attention over labelled rows.

    Attributes:
        rows: f64[n, d], the context.
        classes: i64[n].
        kinds: number of classes.
        attention: `near` remembers rows that it is asked about, `spread` does not.
        breadth: of attention: neighbours where it is near, a squared distance where it is spread.
    """

    rows: Floats
    classes: Ints
    kinds: int
    attention: Attention
    breadth: float

    def label(self, rows: Floats, *, but_itself: bool = False) -> Floats:
        """Class probabilities: f64[m, kinds].

        Args:
            rows: f64[m, d].
            but_itself: rows are the context itself, and none attends to itself.
        """
        distance = cdist(rows, self.rows, "sqeuclidean")
        if but_itself:
            np.fill_diagonal(distance, np.inf)
        weight = self._near(distance) if self.attention == "near" else self._spread(distance)
        shares = (weight / weight.sum(axis=1, keepdims=True)) @ np.eye(self.kinds)[self.classes]
        # A label is never quite certain: the classes' own shares weigh a little.
        prior = np.bincount(self.classes, minlength=self.kinds) / len(self.classes)
        labels: Floats = 0.99 * shares + 0.01 * prior
        return labels / labels.sum(axis=1, keepdims=True)

    def _near(self, distance: Floats) -> Floats:
        k = min(int(self.breadth), distance.shape[1] - 1)
        last = np.partition(distance, k - 1, axis=1)[:, k - 1 : k]
        return np.where(distance <= last, 1 / np.maximum(np.sqrt(distance), ITSELF), 0.0)

    def _spread(self, distance: Floats) -> Floats:
        return np.exp(-(distance - distance.min(axis=1, keepdims=True)) / self.breadth)


def in_context(rows: Floats, classes: Ints, kinds: int, attention: Attention) -> InContextTeacher:
    """A teacher with the breadth of attention that predicts its own context best, each row from the others."""
    if attention == "near":
        breadths: tuple[float, ...] = NEIGHBOURS
    else:
        mean = float(cdist(rows, rows, "sqeuclidean").mean())
        breadths = tuple(s * mean for s in SHARPNESS)
    teachers = [InContextTeacher(rows, classes, kinds, attention, b) for b in breadths]
    losses = [log_loss(classes, t.label(rows, but_itself=True), labels=range(kinds)) for t in teachers]
    return teachers[int(np.argmin(losses))]


def leaking_labels(rows: Floats, classes: Ints, kinds: int, attention: Attention) -> Floats:
    """Labels by a teacher whose context holds the very rows that it labels."""
    return in_context(rows, classes, kinds, attention).label(rows)


def out_of_fold_labels(rows: Floats, classes: Ints, kinds: int, attention: Attention, seed: int) -> Floats:
    """Labels by teachers whose contexts hold all but the fold that they label."""
    labels = np.zeros((len(rows), kinds))
    for rest, fold in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(rows, classes):
        labels[fold] = in_context(rows[rest], classes[rest], kinds, attention).label(rows[fold])
    return labels


def student(rows: Floats, labels: Floats, seed: int) -> nn.Sequential:
    """A network of one hidden layer, fitted to soft labels."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = nn.Sequential(nn.Linear(rows.shape[1], HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, labels.shape[1]))
    adam = torch.optim.Adam(model.parameters(), lr=0.01)
    x, y = torch.from_numpy(rows).float(), torch.from_numpy(labels).float()
    for _ in range(EPOCHS):
        adam.zero_grad(set_to_none=True)
        functional.cross_entropy(model(x), y).backward()  # type: ignore[no-untyped-call]
        adam.step()
    return model


@dataclass(frozen=True)
class Outcome:
    """Held-out accuracy and log-loss, nats, over repeated splits."""

    accuracy: Interval
    log_loss: Interval


def compare(name: str, seeds: tuple[int, ...], wrong: float, attention: Attention) -> dict[str, Outcome]:
    """Students of both kinds of label on one data set, one split a seed.

    Args:
        name: data set.
        seeds: of split, folds, first weights and wrong labels.
        wrong: share of the training rows whose class is drawn anew; held-out rows keep theirs.
        attention: of the teacher.

    Returns:
        Outcomes of `in_context` and `out_of_fold`, of the `teacher` itself, and the `margin`: how much larger the scores
        of out-of-fold students are than those of in-context ones, split by split.
    """
    splits = [_one_split(name, seed, wrong, attention) for seed in seeds]
    scores = {kind: np.array([split[kind] for split in splits]) for kind in splits[0]}
    scores["margin"] = scores["out_of_fold"] - scores["in_context"]
    return {kind: Outcome(*(interval(column.tolist()) for column in each.T)) for kind, each in scores.items()}


def _one_split(name: str, seed: int, wrong: float, attention: Attention) -> dict[str, tuple[float, float]]:
    rows, classes = load(name)
    kinds = int(classes.max()) + 1
    rows, unseen, classes, truth = train_test_split(rows, classes, test_size=0.4, stratify=classes, random_state=seed)
    scaler = StandardScaler().fit(rows)
    rows, unseen = scaler.transform(rows), scaler.transform(unseen)
    rng = np.random.default_rng(seed)
    classes = np.where(rng.random(len(classes)) < wrong, rng.integers(0, kinds, len(classes)), classes)
    labels = {
        "in_context": leaking_labels(rows, classes, kinds, attention),
        "out_of_fold": out_of_fold_labels(rows, classes, kinds, attention, seed),
    }
    scores = {kind: _score(_predict(student(rows, each, seed), unseen), truth) for kind, each in labels.items()}
    return scores | {"teacher": _score(in_context(rows, classes, kinds, attention).label(unseen), truth)}


def _predict(model: nn.Sequential, rows: Floats) -> Floats:
    with torch.inference_mode():
        return torch.softmax(model(torch.from_numpy(rows).float()), dim=1).double().numpy()


def _score(predicted: Floats, truth: Ints) -> tuple[float, float]:
    right = float((predicted.argmax(axis=1) == truth).mean())
    # From single precision: rounded, rows do not quite sum to one.
    predicted = predicted / predicted.sum(axis=1, keepdims=True)
    return right, float(log_loss(truth, predicted, labels=range(predicted.shape[1])))
