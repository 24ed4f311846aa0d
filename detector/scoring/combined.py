"""One p-value of an account from two: what rules say, and how strange the anomaly model finds it.

A weighted Bonferroni bound, min(p₁ / w₁, p₂ / w₂) with w₁ + w₂ = 1 (Genovese, Roeder and Wasserman, 2006). It holds however the two
depend on each other, and they do, since rules and model read the same features. Means of p-values (harmonic: Wilson, 2019; Cauchy:
Liu and Xie, 2020) come down to the smaller one too where it is small, cost the rules as much, and hold exactly under assumptions
only. A product (Fisher) or a sum of nats would take what both see for two sights of it.

The weights are chosen for what the two are: rules say what is hostile, the model what is strange. Rules lose a twentieth.
"""

from typing import Final

import numpy as np

from detector.profiles.layout import F64

ANOMALY: Final = "ANOMALY"  # reason code
STRANGE: Final = 0.05  # weight of the anomaly model
RULES: Final = 1.0 - STRANGE


def of_rules(p_value: F64) -> F64:
    """What the rules' p-values are worth beside a model.

    Args:
        p_value: f64[n].
    """
    return np.minimum(1.0, p_value / RULES)


def combined(rules: F64, strange: F64) -> F64:
    """p-values of both together.

    Args:
        rules: f64[n], as `of_rules` gives them.
        strange: f64[n], of the anomaly model.
    """
    return np.minimum(rules, strange / STRANGE)


def among(p_value: F64, everybody: F64) -> F64:
    """p-values of strangeness, none smaller than the share of all known accounts that are as strange.

    The null was measured elsewhere. Where traffic is unlike that, everybody may be strange, and the smallest p-value says nothing any
    more; a rank among one's own accounts still does. With it, accounts that nothing but the model speaks against are at most a
    `STRANGE` × rate share of those that are named at a false-discovery rate, whatever traffic does: the j-th strangest of n has a
    combined p-value of at least j / (n · STRANGE), and the procedure asks for rate · k / n at k named ones.

    Args:
        p_value: f64[m], of the model, of accounts that are among everybody.
        everybody: f64[n], of all known accounts, 1 where there is none.
    """
    few = np.sort(everybody[everybody <= STRANGE])  # a larger one says nothing, see `combined`
    rank = np.searchsorted(few, p_value, side="right") / max(1, everybody.size)
    return np.where(p_value <= STRANGE, np.maximum(p_value, rank), p_value)
