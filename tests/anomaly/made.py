"""Made-up accounts: two strata that differ in what is usual, and strangers far from both."""

import numpy as np

COLUMNS = 8
_MIXING = np.random.default_rng(99).normal(size=(2, COLUMNS - 3)) * 0.3  # the same population for every seed


def accounts(rows, seed=0, strata=("person", "product")):
    """Correlated, heavy-tailed features, a share that is mostly 0, one column that is always the same, some values unknown."""
    rng = np.random.default_rng(seed)
    kinds = rng.choice(np.array(strata, dtype=object), rows)
    offset = (kinds == strata[-1]).astype(float)[:, None] * 2.0
    usual = np.exp(rng.normal(size=(rows, 2)) @ _MIXING + 0.5 * rng.normal(size=(rows, COLUMNS - 3)) + offset)
    rare = np.where(rng.random((rows, 1)) < 0.1, rng.random((rows, 1)), 0.0)
    unknown = np.where(rng.random((rows, 1)) < 0.2, np.nan, rng.normal(size=(rows, 1)))
    return np.hstack([usual, rare, unknown, np.full((rows, 1), 3.0)]), kinds


def strangers(rows, seed=1):
    """Rows that have a few features of accounts and a few that no account has, each in its own way."""
    x, kinds = accounts(rows, seed)
    rng = np.random.default_rng(seed + 1000)
    odd = rng.random((rows, COLUMNS - 3)) < 0.6
    x[:, : COLUMNS - 3] = np.where(
        odd, x[:, : COLUMNS - 3] * np.exp(rng.uniform(2.0, 4.0, odd.shape)), x[:, : COLUMNS - 3]
    )
    return x, kinds
