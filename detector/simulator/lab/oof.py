"""The tabular track: a teacher that sees the row it labels teaches its student to overfit.

The teacher is an in-context model: it labels a row by attending to the nearest rows of a context set. Where the row itself
is in the context, it attends to itself and repeats its label, noise and all. Labels out of stratified folds avoid that.
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

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DATASETS: Final = ("breast_cancer", "diabetes", "digits", "wine")
FOLDS: Final = 5
# Of attention: squared distance, as a share of the mean one, at which a neighbour counts a nat less.
SHARPNESS: Final = (0.01, 0.02, 0.05, 0.1, 0.2)
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
        width: of attention, squared distance.
        kinds: number of classes.
    """

    rows: Floats
    classes: Ints
    width: float
    kinds: int

    def label(self, rows: Floats, *, but_itself: bool = False) -> Floats:
        """Class probabilities: f64[m, kinds].

        Args:
            rows: f64[m, d].
            but_itself: rows are the context itself, and none attends to itself.
        """
        distance = cdist(rows, self.rows, "sqeuclidean")
        if but_itself:
            np.fill_diagonal(distance, np.inf)
        weight = np.exp(-(distance - distance.min(axis=1, keepdims=True)) / self.width)
        shares = (weight / weight.sum(axis=1, keepdims=True)) @ np.eye(self.kinds)[self.classes]
        # A label is never quite certain: the classes' own shares weigh a little.
        prior = np.bincount(self.classes, minlength=self.kinds) / len(self.classes)
        labels: Floats = 0.99 * shares + 0.01 * prior
        return labels / labels.sum(axis=1, keepdims=True)


def in_context(rows: Floats, classes: Ints, kinds: int) -> InContextTeacher:
    """A teacher with the sharpness of attention that predicts its own context best, each row from the others."""
    mean = float(cdist(rows, rows, "sqeuclidean").mean())
    teachers = [InContextTeacher(rows, classes, s * mean, kinds) for s in SHARPNESS]
    losses = [log_loss(classes, t.label(rows, but_itself=True), labels=range(kinds)) for t in teachers]
    return teachers[int(np.argmin(losses))]


def leaking_labels(rows: Floats, classes: Ints, kinds: int) -> Floats:
    """Labels by a teacher whose context holds the very rows that it labels."""
    return in_context(rows, classes, kinds).label(rows)


def out_of_fold_labels(rows: Floats, classes: Ints, kinds: int, seed: int) -> Floats:
    """Labels by teachers whose contexts hold all but the fold that they label."""
    labels = np.zeros((len(rows), kinds))
    for rest, fold in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(rows, classes):
        labels[fold] = in_context(rows[rest], classes[rest], kinds).label(rows[fold])
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


def compare(name: str, seeds: tuple[int, ...], wrong: float = 0.0) -> dict[str, Outcome]:
    """Students of both kinds of label on one data set, one split a seed.

    Args:
        name: data set.
        seeds: of split, folds, first weights and wrong labels.
        wrong: share of the training rows whose class is drawn anew; held-out rows keep theirs.

    Returns:
        Outcomes of `in_context` and `out_of_fold`, and of the `teacher` itself.
    """
    scores: dict[str, list[tuple[float, float]]] = {"in_context": [], "out_of_fold": [], "teacher": []}
    for seed in seeds:
        for kind, score in _one_split(name, seed, wrong).items():
            scores[kind].append(score)
    return {
        kind: Outcome(interval([a for a, _ in pairs]), interval([loss for _, loss in pairs]))
        for kind, pairs in scores.items()
    }


def _one_split(name: str, seed: int, wrong: float) -> dict[str, tuple[float, float]]:
    rows, classes = load(name)
    kinds = int(classes.max()) + 1
    rows, unseen, classes, truth = train_test_split(rows, classes, test_size=0.4, stratify=classes, random_state=seed)
    scaler = StandardScaler().fit(rows)
    rows, unseen = scaler.transform(rows), scaler.transform(unseen)
    rng = np.random.default_rng(seed)
    classes = np.where(rng.random(len(classes)) < wrong, rng.integers(0, kinds, len(classes)), classes)
    labels = {
        "in_context": leaking_labels(rows, classes, kinds),
        "out_of_fold": out_of_fold_labels(rows, classes, kinds, seed),
    }
    scores = {kind: _score(_predict(student(rows, each, seed), unseen), truth) for kind, each in labels.items()}
    return scores | {"teacher": _score(in_context(rows, classes, kinds).label(unseen), truth)}


def _predict(model: nn.Sequential, rows: Floats) -> Floats:
    with torch.inference_mode():
        return torch.softmax(model(torch.from_numpy(rows).float()), dim=1).double().numpy()


def _score(predicted: Floats, truth: Ints) -> tuple[float, float]:
    right = float((predicted.argmax(axis=1) == truth).mean())
    # From single precision: rounded, rows do not quite sum to one.
    predicted = predicted / predicted.sum(axis=1, keepdims=True)
    return right, float(log_loss(truth, predicted, labels=range(predicted.shape[1])))
