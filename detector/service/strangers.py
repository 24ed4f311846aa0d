"""How strange accounts are among all that are known: keeps the model's p-values honest where traffic is unlike its null."""

from dataclasses import dataclass, field

import numpy as np

from detector.profiles.layout import F64, I32, grown
from detector.scoring.combined import among, combined
from detector.scoring.scorer import ACCOUNT, Scored, Scorer


@dataclass
class Strangers:
    """The anomaly model's latest p-value of every account.

    Attributes:
        p_values: f64[accounts or more], 1 where there is none.
    """

    p_values: F64 = field(default_factory=lambda: np.ones(0))

    def judge(
        self, scorer: Scorer, scored: Scored, slots: I32, known: int, start: int = 0, *, note: bool = True
    ) -> F64:
        """p-values of a look's accounts, which take the place of those in `scored`: strange among everybody, too.

        Args:
            scorer: that scored them.
            scored: scores, of other looks too.
            slots: i32[n], the accounts.
            known: accounts known at the look.
            start: row of the first of them.
            note: whether their p-values are remembered.

        Returns:
            f64[n].
        """
        part = slice(start, start + slots.size)
        if scorer.weeks:
            everybody = self.p_values = grown(self.p_values, known, 1.0)
            if not note:
                everybody = everybody.copy()
            everybody[slots] = scored.strange[part]
            scored.strange[part] = among(scored.strange[part], everybody[:known])
            scored.p_value[part] = combined(scorer.p_value(ACCOUNT, scored.score[part]), scored.strange[part])
        return scored.p_value[part]
