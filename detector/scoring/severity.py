"""From p-values to severities: a false-discovery rate over all accounts and clusters.

Benjamini and Hochberg (1995), at one level a severity, over accounts and over clusters apart; each gets half of the level, so the
share of false ones among both together keeps it (it is at most the sum of the two shares).

It holds over all looks of a week, and not for one tick: a p-value is of an entity's highest score in a week (see `Null`), and the
procedure is monotone, smaller p-values never reject less. What any tick rejects is among what one look at the smallest p-values
of the week would have rejected, and that is one ordinary run of it (for p-values that depend on each other positively: Benjamini and
Yekutieli, 2001). Procedures that spend a level along a stream (LORD++: Ramdas et al., 2017; ADDIS: Tian and Ramdas, 2019) serve
hypotheses that are decided once and never again; here a decision waits for evidence, and each entity is asked again.
"""

from typing import Final

import numpy as np

from detector.profiles.layout import F64, I64

# Share of false ones that each severity admits. High and above are actionable: 1 % is the promise of the design.
FALSE_DISCOVERY: Final = {"low": 0.2, "medium": 0.05, "high": 0.01, "critical": 0.001}
SEVERITIES: Final = tuple(FALSE_DISCOVERY)
NONE: Final = -1
FAMILIES: Final = 2  # accounts, clusters


def threshold(p_values: F64, entities: int, rate: float) -> float:
    """Largest p-value that Benjamini–Hochberg rejects, 0 where it rejects none.

    Args:
        p_values: f64[n], the smallest n of `entities` p-values; the others count as 1.
        entities: hypotheses in all.
        rate: false-discovery rate.
    """
    ordered = np.sort(p_values[p_values <= rate])  # no larger one can pass
    if ordered.size == 0:
        return 0.0
    line = rate * np.arange(1, ordered.size + 1) / max(entities, p_values.size)
    passed = np.flatnonzero(ordered <= line)
    return float(line[passed[-1]]) if passed.size else 0.0


def severities(p_values: F64, all_p_values: F64, entities: int) -> I64:
    """Severity of each p-value as an index into `SEVERITIES`, `NONE` where it has none.

    Args:
        p_values: f64[n], of the entities at hand.
        all_p_values: f64[m], the present p-values of all entities that have one below 1.
        entities: entities in all.
    """
    out = np.full(p_values.size, NONE, np.int64)
    if not (p_values <= max(FALSE_DISCOVERY.values()) / FAMILIES).any():
        return out
    for level, rate in enumerate(FALSE_DISCOVERY.values()):
        out[p_values <= threshold(all_p_values, entities, rate / FAMILIES)] = level
    return out


def risk(p_value: float) -> float:
    """0–100, from the p-value alone: 68 at 10⁻², 90 at 10⁻⁴, 99 at 10⁻⁸."""
    return round(100.0 * (1.0 - float(p_value) ** 0.25), 1)
