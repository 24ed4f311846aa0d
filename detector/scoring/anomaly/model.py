"""The anomaly model of a deployment: what `revenuer train` writes and the engine loads."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple, Self

import msgspec
import numpy as np
import polars as pl

from detector.profiles.layout import F64
from detector.scoring.anomaly import envelope
from detector.scoring.anomaly.base import ALL, Strata
from detector.scoring.anomaly.drift import BINS, Drift, DriftReference
from detector.scoring.anomaly.envelope import Array, EnvelopeError
from detector.scoring.anomaly.network import Network
from detector.scoring.anomaly.prepare import Preparation
from detector.scoring.anomaly.student import KNOTS, Student
from detector.scoring.anomaly.week import Week

_KIND: Final = "account-anomaly"
_SCALES: Final = ("low", "high", "centre", "scale")


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a model was made; with the same rows it gives the same model.

    Attributes:
        detectors: of the teacher, with their parameters.
        seed: of everything that is drawn.
        accounts: that it was fitted on, strangers included.
    """

    detectors: dict[str, dict[str, float]]
    seed: int
    accounts: int


class _Facts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kind: str
    features: list[str]
    strata: list[str]
    recipe: Recipe
    weeks: dict[str, Week] = {}


class Anomaly(NamedTuple):
    """Scores of rows.

    Attributes:
        score: f64[rows], nats, higher = stranger.
        p_value: f64[rows], by rank among held-out accounts of the stratum; at least 1 / (held out + 1).
    """

    score: F64
    p_value: F64


@dataclass(frozen=True)
class AnomalyModel:
    """The distilled scorer with what it was fitted on.

    No row of any account is in it, so that forgetting an account needs no new model.

    Attributes:
        student: the scorer.
        reference: distribution of the features at the fit.
        recipe: how it was made.
        weeks: highest scores of benign accounts over a week, by stratum; none where nobody measured them.
        digest: SHA-256 of the file that it was read from, empty where it was read from none.
    """

    student: Student
    reference: DriftReference
    recipe: Recipe
    weeks: dict[str, Week] = field(default_factory=dict)
    digest: str = ""

    def score(self, frame: pl.DataFrame) -> Anomaly:
        """Score accounts.

        Args:
            frame: one row an account, with `stratum`; features that it lacks count as unknown.
        """
        score = self.strangeness(frame)
        return Anomaly(score, self.student.p_value(score, strata_of(frame)))

    def strangeness(self, frame: pl.DataFrame) -> F64:
        """Scores of accounts alone, f64[rows], nats.

        Args:
            frame: as for `score`.
        """
        return self.student.score(matrix(frame, self.student.features), strata_of(frame))

    def strongest(self, frame: pl.DataFrame) -> dict[str, float]:
        """What makes one account strange: features by the nats that the score would be lower if they were unknown, most first.

        Args:
            frame: one row.
        """
        x, strata = matrix(frame, self.student.features), strata_of(frame)
        n = x.shape[1]
        without = np.repeat(x, n + 1, axis=0)
        without[np.arange(n), np.arange(n)] = np.nan
        score = self.student.score(without, np.repeat(strata, n + 1))
        loss = score[n] - score[:n]
        order = np.argsort(-loss, kind="stable")
        return {self.student.features[j]: float(loss[j]) for j in order if loss[j] > 0}

    def drift(self, frame: pl.DataFrame) -> Drift:
        """How far accounts are from those of the fit.

        Args:
            frame: one row an account.
        """
        return self.reference.drift(matrix(frame, self.student.features))

    def save(self, path: Path) -> None:
        """Write the model.

        Raises:
            OSError: it cannot be written.
            EnvelopeError: it is too large.
        """
        s = self.student
        facts = _Facts(_KIND, list(s.features), list(s.strata), self.recipe, self.weeks)
        arrays: dict[str, Array] = {name: getattr(s.preparation, name) for name in _SCALES}
        arrays |= {f"weights{i}": w for i, w in enumerate(s.network.weights)}
        arrays |= {f"biases{i}": b for i, b in enumerate(s.network.biases)}
        arrays |= {f"null{i}": s.nulls[name] for i, name in enumerate((ALL, *s.strata))}
        arrays |= {"nats": s.scale, "edges": self.reference.edges, "counts": self.reference.counts}
        envelope.save(path, msgspec.to_builtins(facts), arrays)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a model.

        Raises:
            EnvelopeError: the file is no such model.
            OSError: it cannot be read.
        """
        content = envelope.load(path)
        try:
            facts = msgspec.convert(content.facts, _Facts)
            student, reference = _student(facts, content.arrays), _reference(facts, content.arrays)
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            return cls(student, reference, facts.recipe, facts.weeks, digest)
        except (msgspec.ValidationError, KeyError, ValueError) as error:
            raise EnvelopeError(f"{path}: not an anomaly model: {error}") from error


def packaged() -> Path:
    """The model that ships with the package."""
    return Path(__file__).parents[1] / "data" / "anomaly.model"


def matrix(frame: pl.DataFrame, features: Sequence[str]) -> F64:
    """f64[rows, features]; NaN where a value is null or a column is missing."""
    missing = [pl.lit(None, pl.Float64).alias(name) for name in features if name not in frame.columns]
    found = frame.with_columns(missing).select(pl.col(features).cast(pl.Float64).fill_null(float("nan")))
    return found.to_numpy(order="c").reshape(frame.height, len(features))


def strata_of(frame: pl.DataFrame) -> Strata:
    """Stratum of each row."""
    return frame["stratum"].cast(pl.String).fill_null("").to_numpy().astype(object)


def _student(facts: _Facts, arrays: dict[str, Array]) -> Student:
    preparation = Preparation(*(_sized(arrays[name], len(facts.features)) for name in _SCALES))
    if not (preparation.scale > 0).all():
        raise ValueError("a scale is not above 0")
    if facts.kind != _KIND:
        raise ValueError(f"it is of kind {facts.kind}")
    w, b = ([arrays[f"{kind}{i}"] for i in range(3)] for kind in ("weights", "biases"))
    network = Network((w[0], w[1], w[2]), (b[0], b[1], b[2]))
    if network.inputs != len(facts.features) + len(facts.strata):
        raise ValueError(f"a network of {network.inputs} inputs for {len(facts.features)} features")
    nulls = {name: arrays[f"null{i}"] for i, name in enumerate((ALL, *facts.strata))}
    if not all(null.ndim == 1 and (np.diff(null) >= 0).all() and np.isfinite(null).all() for null in nulls.values()):
        raise ValueError("held-out scores are not in ascending order")
    scale = arrays["nats"]
    if not _ascending(scale):
        raise ValueError("the scale of the scores does not ascend")
    return Student(tuple(facts.features), tuple(facts.strata), preparation, network, scale, nulls)


def _ascending(scale: Array) -> bool:
    shaped = scale.ndim == 2 and scale.shape[0] == 2 and 2 <= scale.shape[1] <= KNOTS  # noqa: PLR2004 - two rows of knots
    return shaped and bool((np.diff(scale) > 0).all() and np.isfinite(scale).all())


def _reference(facts: _Facts, arrays: dict[str, Array]) -> DriftReference:
    edges, counts = arrays["edges"], arrays["counts"]
    if edges.shape != (len(facts.features), BINS - 1) or counts.shape != (len(facts.features), BINS + 1):
        raise ValueError(f"a reference of {edges.shape} for {len(facts.features)} features")
    return DriftReference(edges, counts)


def _sized(array: Array, size: int) -> F64:
    if array.shape != (size,) or not np.isfinite(array).all():
        raise ValueError(f"scales of shape {array.shape} for {size} features")
    return array
