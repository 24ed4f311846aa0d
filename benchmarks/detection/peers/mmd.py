"""MMD window test: is a window of an account's prompts drawn from what everybody asks?"""

from typing import ClassVar

import numpy as np
import polars as pl

from benchmarks.detection.base import Case, Ranker
from benchmarks.detection.texts import F32, F64, Texts, hashed_texts, suspicions

WINDOW, LEAST = 100, 20
"""Exchanges of a window, and those that the last one of an account must have."""

REFERENCE, NULL_WINDOWS, NULL_SIZE = 600, 2_000, 50
FALSE_RATE = 0.003
"""Published rate of windows falsely rejected."""

SEED = 0
_CHUNK = 20_000


class MmdWindow(Ranker):
    """The detector of arXiv 2606.05725 over single accounts; Gretton et al., "A kernel two-sample test", JMLR 2012.

    Unbiased squared maximum mean discrepancy, with a Gaussian kernel at the median distance, between a window and a reference
    sample of everybody's exchanges. Under the null it shrinks with the window's size, so that it is multiplied with the size and
    divided by the (1 − `FALSE_RATE`) quantile of windows drawn at random: 1 is its own threshold. Published for windows of a
    whole API; an account hardly ever has 1,500 exchanges, and its topics are its own. Vectors of hashed words stand for the
    sentence encoder.
    """

    label: ClassVar[str] = "MMD window test"
    own: ClassVar[float | None] = 1.0
    fitted: ClassVar[bool] = True

    def prepare(self, case: Case) -> Texts:
        """Vectors of hashed words."""
        return hashed_texts(case, (1, 1), 128)

    def rank(self, prepared: Texts, without: frozenset[str]) -> pl.DataFrame:
        """The statistic of each window at its end."""
        rng = np.random.default_rng(SEED)
        pool = np.flatnonzero(~prepared.accounts.is_in(without).to_numpy())
        if pool.size < LEAST:
            return suspicions([])
        reference, drawn = (
            prepared.vectors[prepared.which[rng.choice(pool, min(REFERENCE, pool.size), replace=False)]].toarray()
            for _ in range(2)
        )
        test = _Test(reference, drawn, rng)
        likeness = test.to_reference(prepared)
        parts = []
        for account, rows in prepared.runs(LEAST):
            windows = [
                slice(start, min(start + WINDOW, rows.stop))
                for start in range(rows.start, rows.stop - LEAST + 1, WINDOW)
            ]
            scores = [test.statistic(prepared.dense(w), likeness[prepared.which[w]]) for w in windows]
            parts.append((account, prepared.at[[w.stop - 1 for w in windows]], np.array(scores)))
        return suspicions(parts)


class _Test:
    """A reference sample, and the scale of its null."""

    def __init__(self, reference: F32, drawn: F32, rng: np.random.Generator) -> None:
        between = _squares(reference, reference)
        off = ~np.eye(len(reference), dtype=bool)
        self._reference = reference
        self._width = max(1e-6, float(np.median(between[off])))
        self._within = float(self._kernel(between)[off].mean())
        kernel = self._kernel(_squares(drawn, drawn))
        likeness = self._kernel(_squares(drawn, reference)).mean(axis=1)
        picks = rng.integers(0, len(drawn), (NULL_WINDOWS, NULL_SIZE))
        null = [self._discrepancy(kernel[np.ix_(pick, pick)], likeness[pick]) for pick in picks]
        self._scale = max(1e-9, NULL_SIZE * float(np.quantile(null, 1.0 - FALSE_RATE)))

    def to_reference(self, texts: Texts) -> F64:
        """Mean kernel of each distinct prompt with the reference."""
        rows = texts.vectors.shape[0]
        parts = [
            self._kernel(_squares(texts.vectors[i : i + _CHUNK].toarray(), self._reference)).mean(axis=1)
            for i in range(0, rows, _CHUNK)
        ]
        return np.concatenate(parts).astype(np.float64)

    def statistic(self, window: F32, likeness: F64) -> float:
        """Of one window; 1 is the quantile of the null."""
        kernel = self._kernel(_squares(window, window))
        return len(window) * self._discrepancy(kernel, likeness) / self._scale

    def _discrepancy(self, kernel: F32, likeness: F64) -> float:
        n = len(kernel)
        own = (float(kernel.sum()) - float(np.trace(kernel))) / (n * (n - 1))
        return own + self._within - 2.0 * float(likeness.mean())

    def _kernel(self, squares: F32) -> F32:
        return np.exp(-squares / self._width)


def _squares(a: F32, b: F32) -> F32:
    """Squared distances of all pairs."""
    return np.maximum((a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1)[None, :] - 2.0 * (a @ b.T), 0.0)
