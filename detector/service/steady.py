"""Does the benign reference still fit? Two numbers for those who watch the service; no score depends on them.

Both look one way, for that is the way in which false alarms come: p-values that are too small, features that are too large.
"""

import time
from typing import Final

import polars as pl

from detector.coordination.clusters import active_slots
from detector.profiles.layout import F64
from detector.scoring.reference import ALL, LEVELS, Reference
from detector.scoring.scorer import ACCOUNT
from detector.service.engine import Engine
from detector.service.http.metrics import Metrics
from detector.service.looks import score

_EVERY_S: Final = 300.0
_LEAST: Final = 200  # accounts; of fewer, shares say nothing
_MOST: Final = 2000  # accounts looked at
_P: Final = (0.1, 0.05, 0.01)
_LEVEL: Final = "p90"
_TWICE: Final = 2.0


def calibration_error(p_value: F64) -> float:
    """By how much more accounts are at or below a p-value than the p-value says, at worst; 0 where it is fewer everywhere.

    Args:
        p_value: f64[accounts], the latest of each; 1 where there is none.
    """
    if p_value.size < _LEAST:
        return 0.0
    return max(0.0, *(float((p_value <= p).mean()) - p for p in _P))


def drift(frame: pl.DataFrame, reference: Reference) -> float:
    """Share of the features that are above the reference's 90 % quantile more than twice as often as they should.

    Args:
        frame: one row an account, Float64 columns.
        reference: what they are compared with, all strata together.
    """
    if frame.height < _LEAST:
        return 0.0
    moved = []
    for name in frame.columns:
        limit = reference.quantile(ACCOUNT, ALL, name, _LEVEL)
        column = frame[name]
        if limit is not None and column.null_count() < frame.height:
            above = float((column > limit).mean() or 0.0)  # type: ignore[arg-type]  # a share
            moved.append(above > _TWICE * (1 - LEVELS[_LEVEL]))
    return sum(moved) / len(moved) if moved else 0.0


class Steadiness:
    """Measures both from time to time.

    Args:
        engine: asked between two batches only.
        metrics: show them.
    """

    def __init__(self, engine: Engine, metrics: Metrics) -> None:
        self._engine, self._metrics, self._next = engine, metrics, 0.0

    def look(self) -> None:
        """Measure, where it is time."""
        if time.monotonic() < self._next or len(self._engine.store) < _LEAST:
            return
        self._next = time.monotonic() + _EVERY_S
        engine = self._engine
        self._metrics.calibration_error.set(calibration_error(engine.p_values))
        slots = active_slots(engine.store, engine.now)
        slots = slots[:: -(-slots.size // _MOST) or 1]
        if slots.size >= _LEAST:
            scored = score(engine.scorer, [engine.look(slots, engine.moment(engine.now))])
            self._metrics.drift.set(drift(scored.frame.select(pl.col(pl.Float64)), engine.scorer.reference))
