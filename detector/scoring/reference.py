"""The benign reference: what ordinary accounts and innocent clusters look like, and how high they score.

It is measured, not chosen: `benchmarks/build_reference.py` replays simulated quiet traffic and writes it. Rules compare with its
quantiles, and its null scores turn a score into a p-value.
"""

from bisect import bisect_left
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

from detector.scoring.anomaly.week import Week

LEVELS: Final = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p999": 0.999}
ALL: Final = "all"
STRATA: Final = ("embeddings", "product", "person", "staff", "co_located", "same_work", "conversation", "strangers")
STAFF = 0.12  # payers over members; below, one company with a handful of cards
CO_LOCATED = 2.0  # nats, mean over members, of the shared network and of the shared mail domain: a school, an incubator
SAME_WORK = 0.75  # distinct prompts over prompts; below, members repeat each other
CONVERSATION = 0.75  # multi-turn share; above, outputs are used
_FEW = 30  # a stratum with fewer entities borrows from all
_TAIL = 0.05  # share of the null scores that the tail is modelled on, and
_TAIL_MOST = (
    300  # scores at most: with so many its rate is known to a seventeenth, and further up the model fits better
)
_COUNTED = 10  # scores as high or higher, with which counting them is better than a model
_LEAST_P = 1e-12  # the model of the tail is not believed beyond
_HALF = 0.5


def stratum_of(frame: pl.DataFrame) -> pl.Series:
    """Stratum of each row: like is compared with like.

    An account embeds, is a product with a system prompt, or a person (or a bare script). A cluster embeds, is the staff of one
    payer, sits in one place (one network and one mail domain), does the same work over again (a class, a harness), talks (users of
    an agent), is a product, or is strangers.

    Args:
        frame: features of accounts, or of clusters, which have `unrelated_share` too.
    """

    def above(name: str, level: float) -> npt.NDArray[np.bool_]:
        return np.asarray(frame[name].to_numpy() > level)  # an unknown value is NaN, which is above nothing

    conditions = {"embeddings": above("embeddings_share", _HALF)}
    if "unrelated_share" in frame.columns:
        conditions["staff"] = ~above("unrelated_share", STAFF)
        conditions["co_located"] = above("link_network", CO_LOCATED) & above("link_mail", CO_LOCATED)
        conditions["same_work"] = (
            ~above("disjoint_coverage", SAME_WORK) & frame["disjoint_coverage"].is_not_null().to_numpy()
        )
        conditions["conversation"] = above("multi_turn_share", CONVERSATION)
        rest = "strangers"
    else:
        rest = "person"
    conditions["product"] = above("system_prompt_share", _HALF)
    chosen = np.select(list(conditions.values()), list(conditions), rest)
    return pl.Series("stratum", chosen.astype(object), dtype=pl.String)


class Null(msgspec.Struct, frozen=True):
    """Scores of benign entities, each its highest over a week of ticks, so that looking often costs nothing.

    Attributes:
        count: benign entities.
        scores: the highest of them, ascending, at least the tail.
        rate: of the exponential tail above the `_TAIL` quantile, per nat.
        threshold: where the tail begins instead, where it was fitted to the middle (`central`); `share` of benign entities reach it.
    """

    count: int
    scores: list[float]
    rate: float
    threshold: float | None = None
    share: float = 1.0

    def p_value(self, score: float) -> float:
        """Chance that a benign entity scores this high in a week: empirical, then an exponential tail.

        The mean excess over a high threshold estimates the rate (a generalised Pareto with shape 0; Pickands 1975).
        """
        above = len(self.scores) - bisect_left(self.scores, score)
        empirical = (1 + above) / (1 + self.count)
        if self.threshold is not None:
            tail = self.share * float(np.exp(-self.rate * max(score - self.threshold, 0.0)))
            return max(_LEAST_P, min(1.0, max(empirical, tail) if above >= _COUNTED else tail))
        size = _tail_size(self.count)
        threshold = self.scores[max(0, len(self.scores) - size)]
        if score <= threshold:
            return min(1.0, empirical)
        tail = size / self.count
        return max(_LEAST_P, min(empirical, tail * float(np.exp(-self.rate * (score - threshold)))))


class Strangeness(msgspec.Struct, frozen=True):
    """How strange an anomaly model finds benign accounts.

    Attributes:
        model: digest of the model's file; of another one this says nothing.
        weeks: highest scores by stratum.
    """

    model: str
    weeks: dict[str, Week]


class Reference(msgspec.Struct, frozen=True):
    """Quantiles by category, stratum and feature, and null scores by category.

    Attributes:
        made_from: what it was measured on, for the docs and `run.json`.
        counts: benign entities by category and stratum.
        quantiles: category → stratum → feature → level → value.
        null: category → scores.
        anomaly: of the anomaly model, where it was measured on the same traffic; else the model's own null holds.
    """

    made_from: str
    counts: dict[str, dict[str, int]]
    quantiles: dict[str, dict[str, dict[str, dict[str, float]]]]
    null: dict[str, Null]
    anomaly: Strangeness | None = None

    def quantile(self, category: str, stratum: str, feature: str, level: str) -> float | None:
        """Benign quantile of a feature; of all strata where the stratum has too few entities; None where unknown."""
        strata = self.quantiles.get(category, {})
        enough = self.counts.get(category, {}).get(stratum, 0) >= _FEW
        found = strata.get(stratum if enough else ALL, {}).get(feature)
        return None if found is None else found.get(level)

    def p_values(self, category: str, scores: np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[float]:
        """p-value of each score; scores are sums of a few weights, so that most of them are equal."""
        null = self.null[category]
        known, place = np.unique(scores, return_inverse=True)
        return np.array([null.p_value(float(s)) for s in known])[place].tolist()


def packaged() -> Path:
    """The reference that ships with the package."""
    return Path(__file__).parent / "data" / "reference.json"


def load_reference(path: Path | None = None) -> Reference:
    """Read a reference.

    Raises:
        ValueError: the file is not one.
    """
    where = path or packaged()
    try:
        return msgspec.json.decode(where.read_bytes(), type=Reference)
    except msgspec.MsgspecError as error:
        raise ValueError(f"{where}: not a benign reference: {error}") from error


def measure(frame: pl.DataFrame) -> tuple[dict[str, int], dict[str, dict[str, dict[str, float]]]]:
    """Counts and quantiles by stratum of benign entities.

    Args:
        frame: one row an entity, Float64 feature columns and `stratum`.
    """
    counts: dict[str, int] = {}
    quantiles: dict[str, dict[str, dict[str, float]]] = {}
    for stratum in (ALL, *STRATA):
        part = frame if stratum == ALL else frame.filter(pl.col("stratum") == stratum)
        counts[stratum] = part.height
        if part.height < _FEW and stratum != ALL:
            continue
        values = part.drop("stratum")
        quantiles[stratum] = {
            name: {level: float(q) for level, q in _quantiles(values[name]).items()}
            for name in values.columns
            if values[name].drop_nulls().len() > 0
        }
    return counts, quantiles


def _quantiles(values: pl.Series) -> dict[str, float]:
    known = values.drop_nulls().to_numpy()
    return {level: float(np.quantile(known, q)) for level, q in LEVELS.items()}


def _tail_size(count: int) -> int:
    return max(1, min(int(_TAIL * count), _TAIL_MOST))


def null_of(scores: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Null:
    """Null distribution of benign scores."""
    ordered = np.sort(scores)
    k = _tail_size(ordered.size)
    tail = ordered[-k:]
    excess = float((tail - tail[0]).mean())
    # Kept: the tail and, for the empirical part, every further score above zero.
    kept = ordered[ordered > 0] if (ordered > 0).sum() > k else tail
    return Null(count=int(ordered.size), scores=[round(float(s), 4) for s in kept], rate=1.0 / max(excess, _HALF))
