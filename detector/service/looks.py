"""Looks at accounts that wait for their scores: pooled as they stood at their tick, scored together a little later.

A tick touches few accounts, and scoring a few rows costs nearly as much as scoring thousands. What a look sees is fixed when it is
taken; only the arithmetic waits, so that the result is that of scoring at once.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np

from detector.alerts.model import Member
from detector.coordination.clusters import Moment
from detector.profiles.facts import Facts
from detector.profiles.features import View, frame_of
from detector.profiles.layout import I32
from detector.profiles.pool import Pooled
from detector.scoring.scorer import ACCOUNT, Scored, Scorer


class Look(NamedTuple):
    """Accounts that changed since the tick before.

    Attributes:
        moment: of the tick.
        slots: i32[n].
        pooled: n rows, as they stood at the tick.
        facts: n rows, as of the tick.
        known: accounts known at the tick.
    """

    moment: Moment
    slots: I32
    pooled: Pooled
    facts: Facts
    known: int


class Join(NamedTuple):
    """An account that showed a known cluster's indicator between ticks."""

    ts: int
    alert_id: str
    member: Member


def score(scorer: Scorer, looks: Sequence[Look]) -> Scored:
    """Scores of all rows of looks with the same launches and the same fields, in order."""
    moment = looks[0].moment
    view = View(
        Pooled(*(np.concatenate(column) for column in zip(*(look.pooled for look in looks), strict=True))),
        np.concatenate([np.full(look.slots.size, look.moment.now) for look in looks]),
        np.concatenate([look.facts.created for look in looks]),
        moment.launched,
    )
    return scorer.score(frame_of(view, moment.seen), ACCOUNT)


def together(looks: Sequence[Look]) -> list[list[Look]]:
    """Runs of looks that can be scored in one go."""
    return [list(run) for _, run in groupby(looks, lambda look: (look.moment.launched, look.moment.seen))]
