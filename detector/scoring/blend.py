"""A provider's own quantiles take the place of the shipped ones bit by bit."""

from detector.scoring.central import PRIOR
from detector.scoring.reference import ALL, Reference

Quantiles = dict[str, dict[str, dict[str, float]]]


def blend(own: Quantiles, entities: dict[str, int], prior: Reference, category: str) -> Quantiles:
    """Quantiles by stratum and feature, each a mean of own and prior, the prior being worth `PRIOR` entities.

    Quantiles are averaged level by level (Vincent, 1912), which keeps the shape where a mixture would have two humps. What the log
    does not show, a stratum or a feature, stays as it was.

    Args:
        own: stratum → feature → level → value.
        entities: of each stratum.
        prior: the reference of before.
        category: of both.
    """
    out: Quantiles = {}
    before = prior.quantiles.get(category, {})
    for stratum in sorted(before.keys() | own.keys()):
        n = entities.get(stratum, 0)
        weight = n / (n + PRIOR)
        mine, theirs = own.get(stratum, {}), before.get(stratum, before.get(ALL, {}))
        out[stratum] = {
            name: _mean(mine.get(name), theirs.get(name), weight) for name in sorted(mine.keys() | theirs.keys())
        }
    return out


def _mean(mine: dict[str, float] | None, theirs: dict[str, float] | None, weight: float) -> dict[str, float]:
    if mine is None or theirs is None:
        return theirs or mine or {}
    return {level: weight * mine[level] + (1.0 - weight) * theirs.get(level, mine[level]) for level in mine}
