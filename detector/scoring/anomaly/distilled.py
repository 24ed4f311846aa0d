"""Teaches the distilled scorer: labels of teachers that never saw the row, and a small network that learns them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy.linalg import block_diag
from sklearn.neural_network import MLPRegressor
from threadpoolctl import threadpool_limits

from detector.profiles.layout import F64
from detector.scoring.anomaly import conformal
from detector.scoring.anomaly.base import ALL, FEW, Strata
from detector.scoring.anomaly.detectors import DEFAULT
from detector.scoring.anomaly.network import F32, Network, tamed
from detector.scoring.anomaly.prepare import Preparation
from detector.scoring.anomaly.student import Student, places, scaled
from detector.scoring.anomaly.teacher import LEAST, Teacher, split

FOLDS: Final = 5
REPEATS: Final = 4  # times that all rows are dealt into folds anew: each has a label of as many teachers, who differ
HELD_OUT: Final = 0.2  # of the rows calibrate the student; it and its teachers never see them
MIXTURES: Final = 12  # a row: made rows that the teacher labels too
MOST_MIXTURES: Final = 120_000  # of a repeat
_MOST_SWAPPED = 0.5  # of a row's features, in a mixture
_ANY_STRATUM = 0.2  # of the mixtures are labelled by the model of all rows, which judges small strata
# Two networks side by side, whose mean errs less than one that is as wide and costs the same (Hansen and Salamon, 1990): on six pairs
# of worlds it kept 0.992 of the teacher's AUC, the one 0.988.
_HALVES = 2
_HIDDEN = (64, 16)
_RATE = 4e-3
_DECAY = 1e-4
_SCHEDULE = ((500, 4), (1500, 4), (5000, 4))  # rows of a step, passes; larger steps settle (Smith et al., ICLR 2018)


@dataclass(frozen=True)
class Lesson:
    """What a student learns from.

    Attributes:
        x: f64[rows, features].
        strata: stratum of each row.
        wanted: f64[rows], a teacher's scores.
    """

    x: F64
    strata: Strata
    wanted: F64


def lesson(
    x: F64,
    strata: Strata,
    detectors: Sequence[str] = DEFAULT,
    seed: int = 0,
    folds: int = FOLDS,
    repeats: int = REPEATS,
) -> Lesson:
    """Rows with labels of teachers that never saw them.

    A teacher is flattered by rows of its own fit: neighbours find themselves, trees were grown around them. So each fold, which has
    its share of every stratum, is labelled by a teacher of the other folds. Mixtures (a row with some features of another row of its
    stratum and fold) show the student the space between rows, and are labelled by the same teacher. Teachers of other rows differ; a
    student of several of them learns what they agree on.

    Args:
        x: f64[rows, features].
        strata: stratum of each row.
        detectors: of the teachers.
        seed: of everything that is drawn.
        folds: at least 2.
        repeats: times that the rows are dealt into folds; every row is in the lesson as often.

    Raises:
        ValueError: there are too few rows for teachers.
    """
    rng = np.random.default_rng(seed)
    parts = []
    dealt = [fold for r in range(repeats) for fold in split(strata, [1 / folds] * folds, seed + r)]
    for k, fold in enumerate(dealt):
        others = np.ones(x.shape[0], np.bool_)
        others[fold] = False
        teacher = Teacher(detectors, seed + k)
        teacher.fit(x[others], strata[others])
        parts.append(taught(teacher, x[fold], strata[fold], rng, MOST_MIXTURES // folds))
    return Lesson(*(np.concatenate(column) for column in zip(*((p.x, p.strata, p.wanted) for p in parts), strict=True)))


def taught(teacher: Teacher, x: F64, strata: Strata, rng: np.random.Generator, most: int) -> Lesson:
    """Rows and mixtures of them, with a teacher's labels.

    Args:
        teacher: fitted.
        x: f64[rows, features].
        strata: stratum of each row.
        rng: of the mixtures.
        most: mixtures.
    """
    mixed, kinds = _mixtures(x, strata, rng, min(MIXTURES * x.shape[0], most))
    rows, kinds = np.concatenate([x, mixed]), np.concatenate([strata, kinds])
    return Lesson(rows, kinds, teacher.score(rows, kinds))


def distil(
    x: F64, strata: Strata, features: Sequence[str], detectors: Sequence[str] = DEFAULT, seed: int = 0
) -> Student:
    """Fit teachers and distil them into a calibrated student.

    Args:
        x: f64[rows, features], NaN where unknown.
        strata: stratum of each row.
        features: names of the columns.
        detectors: of the teachers.
        seed: of everything that is drawn; the same rows, in any order, and seed give the same student.

    Raises:
        ValueError: there are too few rows.
    """
    needed = int(np.ceil(LEAST / (1 - HELD_OUT) / (1 - 1 / FOLDS)))
    if x.shape[0] < needed:
        raise ValueError(f"{x.shape[0]} accounts are too few to learn from; at least {needed} are needed")
    order = np.lexsort((*x.T, strata.astype(str)))
    x, strata = x[order], strata[order]
    learnt, held = split(strata, (1 - HELD_OUT, HELD_OUT), seed)
    return grow(lesson(x[learnt], strata[learnt], detectors, seed), features, seed, (x[held], strata[held]))


def grow(told: Lesson, features: Sequence[str], seed: int, held_out: tuple[F64, Strata]) -> Student:
    """A student of a lesson.

    Args:
        told: what it learns from.
        features: names of the columns.
        seed: of the network.
        held_out: rows and strata that calibrate it.
    """
    names, counts = np.unique(held_out[1].astype(str), return_counts=True)
    known = tuple(str(name) for name in names[counts >= FEW * HELD_OUT])
    preparation = Preparation.learn(told.x)
    wanted, scale = scaled(told.wanted)
    network = train(inputs(preparation, told.x, known, told.strata), wanted, seed)
    student = Student(tuple(features), known, preparation, network, scale, {})
    return replace(student, nulls=conformal.nulls(student.score, known, *held_out))


def inputs(preparation: Preparation, x: F64, known: Sequence[str], strata: Strata) -> F32:
    """Columns of the network as it sees them: features, then one a known stratum."""
    p = preparation
    mine = places(known, x.shape[0], strata)[:, None] == np.arange(len(known))
    return np.hstack([tamed(x, p.low, p.high, p.centre, 1.0 / p.scale), mine.astype(np.float32)])


def train(z: F32, wanted: F64, seed: int) -> Network:
    """Fit a network to wanted outputs.

    Args:
        z: f32[rows, inputs].
        wanted: f64[rows].
        seed: of start values and order.
    """
    return joined([_fitted(z, wanted, _HALVES * seed + k) for k in range(_HALVES)])


def _fitted(z: F32, wanted: F64, seed: int) -> Network:
    model = MLPRegressor(hidden_layer_sizes=_HIDDEN, learning_rate_init=_RATE, alpha=_DECAY, random_state=seed)
    with threadpool_limits(1):  # the order of sums, and so the last bits, would depend on the number of threads
        for rows, passes in _SCHEDULE:
            model.set_params(batch_size=min(rows, z.shape[0]))
            for _ in range(passes):
                model.partial_fit(z, wanted)
    a, b, c = (np.ascontiguousarray(w, np.float32) for w in model.coefs_)
    d, e, f = (np.ascontiguousarray(w, np.float32) for w in model.intercepts_)
    return Network((a, b, c), (d, e, f))


def joined(halves: Sequence[Network]) -> Network:
    """One network that answers the mean of several, of two hidden layers each: side by side, with nothing between them."""
    share = np.float32(1.0 / len(halves))
    a, b, c = zip(*(half.weights for half in halves), strict=True)
    d, e, f = zip(*(half.biases for half in halves), strict=True)
    between: F32 = block_diag(*b).astype(np.float32)
    mean: F32 = np.stack(f).sum(axis=0, dtype=np.float32) * share
    return Network((np.hstack(a), between, np.vstack(c) * share), (np.hstack(d), np.hstack(e), mean))


def _mixtures(x: F64, strata: Strata, rng: np.random.Generator, count: int) -> tuple[F64, Strata]:
    """Rows with up to half of their features taken from another row of their stratum."""
    first = rng.integers(0, x.shape[0], count)
    second = np.empty_like(first)
    for name in np.unique(strata.astype(str)):
        rows = np.flatnonzero(strata == name)
        mine = strata[first] == name
        second[mine] = rng.choice(rows, int(mine.sum()))
    swapped = rng.random((count, x.shape[1])) < rng.random((count, 1)) * _MOST_SWAPPED
    kinds = strata[first]
    kinds[rng.random(count) < _ANY_STRATUM] = ALL
    return np.where(swapped, x[second], x[first]), kinds
