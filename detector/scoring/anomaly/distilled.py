"""The distilled scorer: a small student of the teacher, fast enough for every account at every tick."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from detector.profiles.layout import F64
from detector.scoring.anomaly import conformal, network
from detector.scoring.anomaly.base import ALL, FEW, Strata
from detector.scoring.anomaly.detectors import DEFAULT
from detector.scoring.anomaly.network import F32, Network
from detector.scoring.anomaly.prepare import Preparation
from detector.scoring.anomaly.teacher import LEAST, Teacher, split

FOLDS: Final = 5
HELD_OUT: Final = 0.2  # of the rows calibrate the student; it and its teachers never see them
MIXTURES: Final = 12  # a row: made rows that the teacher labels too
MOST_MIXTURES: Final = 120_000
_MOST_SWAPPED = 0.5  # of a row's features, in a mixture
_ANY_STRATUM = 0.2  # of the mixtures are labelled by the model of all rows, which judges small strata
_REACH = 4.0  # asinh of robust deviations; beyond, an extrapolating network would be guessing


@dataclass(frozen=True)
class Student:
    """The distilled scorer.

    Attributes:
        features: names of the columns, in order.
        strata: those with models of their own; other rows are judged by the model of all rows.
        preparation: robust scales of the columns.
        network: from prepared columns and one column a stratum to the teacher's score.
        nulls: ascending scores of held-out rows by stratum, and under "" of all.
    """

    features: tuple[str, ...]
    strata: tuple[str, ...]
    preparation: Preparation
    network: Network
    nulls: dict[str, F64]

    def score(self, x: F64, strata: Strata | None) -> F64:
        """The teacher's score, as the student sees it, in nats; higher = stranger.

        Args:
            x: f64[rows, features], NaN where unknown.
            strata: stratum of each row; the model of all rows without.
        """
        return self.network(inputs(self.preparation, x, self.strata, strata))

    def p_value(self, scores: F64, strata: Strata) -> F64:
        """p-values of the student's own scores, by rank among held-out rows of the stratum.

        Args:
            scores: f64[rows] of `score`.
            strata: stratum of each row.
        """
        own = {name: np.flatnonzero(strata == name) for name in self.strata}
        own[ALL] = np.flatnonzero(~np.isin(strata.astype(str), self.strata))
        return conformal.by_group(self.nulls, scores, own)


def inputs(preparation: Preparation, x: F64, known: Sequence[str], strata: Strata | None) -> F32:
    """Columns of the network: prepared features within reach, then one column a known stratum."""
    z = np.clip(preparation.apply(x), -_REACH, _REACH)
    which = np.zeros((x.shape[0], len(known)))
    if strata is not None:
        for j, name in enumerate(known):
            which[:, j] = strata == name
    return np.hstack([z, which]).astype(np.float32)


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


def lesson(x: F64, strata: Strata, detectors: Sequence[str] = DEFAULT, seed: int = 0, folds: int = FOLDS) -> Lesson:
    """Rows with labels of teachers that never saw them.

    A teacher is flattered by rows of its own fit: neighbours find themselves, trees were grown around them. So each fold, which has
    its share of every stratum, is labelled by a teacher of the other folds. Mixtures (a row with some features of another row of
    its stratum and fold) show the student the space between rows, and are labelled by the same teacher.

    Args:
        x: f64[rows, features].
        strata: stratum of each row.
        detectors: of the teachers.
        seed: of everything that is drawn.
        folds: at least 2.

    Raises:
        ValueError: there are too few rows for teachers.
    """
    rng = np.random.default_rng(seed)
    parts = []
    for k, fold in enumerate(split(strata, [1 / folds] * folds, seed)):
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
    net = network.train(inputs(preparation, told.x, known, told.strata), told.wanted, seed)
    student = Student(tuple(features), known, preparation, net, {})
    return Student(
        student.features, known, preparation, net, conformal.nulls(student.score, known, held_out[0], held_out[1])
    )


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
