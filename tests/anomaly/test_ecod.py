"""Our row-by-row ECOD is pyod's where pyod's is defined: at the rows of the fit."""

import numpy as np
from made import accounts
from pyod.models.ecod import ECOD

from detector.scoring.anomaly.detectors.ecod import TailProbabilities
from detector.scoring.anomaly.prepare import Preparation


def test_it_agrees_with_pyod_at_the_rows_of_the_fit():
    x = accounts(300)[0][:, :-1]  # pyod warns about columns that never change
    detector = TailProbabilities()
    detector.fit(x)
    z = Preparation.learn(x).apply(x)
    np.testing.assert_allclose(detector.score(x), ECOD().fit(z).decision_scores_, rtol=1e-9)
