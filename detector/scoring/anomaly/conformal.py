"""Scores to p-values by rank among held-out rows of the same stratum."""

from collections.abc import Callable, Collection, Mapping

import numpy as np
import numpy.typing as npt

from detector.profiles.layout import F64
from detector.scoring.anomaly.base import ALL, Strata

Groups = Mapping[str, npt.NDArray[np.intp]]


def p_values(null: F64, scores: F64) -> F64:
    """(1 + #{null ≥ score}) / (n + 1).

    Uniform or larger for a row that is exchangeable with the held-out ones (Vovk, Gammerman and Shafer 2005; for outliers Bates et
    al. 2023). Strangers among the held-out rows make p-values larger, never smaller. Nothing below 1 / (n + 1) is claimed.

    Args:
        null: f64[n], ascending scores of rows that the model was not fitted on.
        scores: f64[m].
    """
    above = null.size - np.searchsorted(null, scores, side="left")
    return np.asarray((1.0 + above) / (null.size + 1.0), dtype=np.float64)


def by_group(nulls: Mapping[str, F64], scores: F64, groups: Groups) -> F64:
    """p-values of rows, each against the null of its group.

    Args:
        nulls: ascending scores of held-out rows by group.
        scores: f64[m].
        groups: places in `scores` by group; together they are all places.
    """
    out = np.ones(scores.size)
    for name, rows in groups.items():
        out[rows] = p_values(nulls[name], scores[rows])
    return out


def nulls(
    score: Callable[[F64, Strata | None], F64], models: Collection[str], x: F64, strata: Strata
) -> dict[str, F64]:
    """Ascending scores of held-out rows: of each stratum with a model of its own, and of all rows by the model of all.

    Args:
        score: from rows and their strata to scores.
        models: strata with models of their own.
        x: f64[rows, features], held out.
        strata: stratum of each row.
    """
    found = {ALL: np.sort(score(x, None))}
    for name in models:
        rows = np.flatnonzero(strata == name)
        found[name] = np.sort(score(x[rows], strata[rows]))
    return found
