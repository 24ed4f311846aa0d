"""The distilled scorer: a small student of the teacher, fast enough for every account at every tick."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from detector.profiles.layout import F64
from detector.scoring.anomaly import conformal
from detector.scoring.anomaly.base import ALL, Strata
from detector.scoring.anomaly.network import Network, Places
from detector.scoring.anomaly.prepare import Preparation

KNOTS: Final = 129  # between the network's output and nats
_BEYOND: Final = 100.0  # standard deviations: how far the ends of that scale are carried on
_RANK: Final = 12.0**0.5  # a rank in 0–1 has a spread of 1 / √12


@dataclass(frozen=True)
class Student:
    """The distilled scorer.

    Attributes:
        features: names of the columns, in order.
        strata: those with models of their own; other rows are judged by the model of all rows.
        preparation: robust scales of the columns.
        network: from columns and one column a stratum to the teacher's score on its scale.
        scale: f64[2, knots], outputs of the network, ascending, and the teacher's scores at them.
        nulls: ascending scores of held-out rows by stratum, and under "" of all.
    """

    features: tuple[str, ...]
    strata: tuple[str, ...]
    preparation: Preparation
    network: Network
    scale: F64
    nulls: dict[str, F64]

    def score(self, x: F64, strata: Strata | None) -> F64:
        """The teacher's score, as the student sees it, in nats; higher = stranger.

        Args:
            x: f64[rows, features], NaN where unknown.
            strata: stratum of each row; the model of all rows without.
        """
        out = self.network(x, self.preparation, places(self.strata, x.shape[0], strata))
        return np.interp(out, self.scale[0], self.scale[1])

    def p_value(self, scores: F64, strata: Strata) -> F64:
        """p-values of the student's own scores, by rank among held-out rows of the stratum.

        Args:
            scores: f64[rows] of `score`.
            strata: stratum of each row.
        """
        own = {name: np.flatnonzero(strata == name) for name in self.strata}
        own[ALL] = np.flatnonzero(places(self.strata, strata.size, strata) < 0)
        return conformal.by_group(self.nulls, scores, own)


def places(known: Sequence[str], rows: int, strata: Strata | None) -> Places:
    """Numbers of the rows' strata among the known ones, i64[rows], -1 for none."""
    out = np.full(rows, -1)
    for j, name in enumerate(known) if strata is not None else ():
        out[strata == name] = j
    return out


def scaled(wanted: F64) -> tuple[F64, F64]:
    """A teacher's scores on a scale that keeps ranks apart, and the way back.

    Most accounts are ordinary and their scores lie close together, where a squared error hardly counts; but who is the stranger of
    two of them is asked as often as of two strange ones. So rank and score are added, each with a spread of 1.

    Args:
        wanted: f64[rows], scores.

    Returns:
        f64[rows], scores on the scale; f64[2, at most KNOTS], values of the scale and scores at them.
    """
    ordered = np.sort(wanted)
    spread = float(ordered.std()) or 1.0

    def there(score: F64) -> F64:
        below = np.searchsorted(ordered, score, side="left") + np.searchsorted(ordered, score, side="right")
        return score / spread + _RANK * below / (2.0 * ordered.size)

    seen = np.unique(ordered)
    # Beyond what was seen, ranks are equal and the score goes on.
    seen = np.concatenate([[seen[0] - _BEYOND * spread], seen, [seen[-1] + _BEYOND * spread]])
    knots = np.linspace(there(seen[1:2])[0], there(seen[-2:-1])[0], KNOTS - 2) if seen.size > KNOTS else there(seen)
    knots = np.concatenate([there(seen[:1]), knots, there(seen[-1:])]) if seen.size > KNOTS else knots
    return there(wanted), np.stack([knots, np.interp(knots, there(seen), seen)])
