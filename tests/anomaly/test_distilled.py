"""The student: like its teacher, calibrated, and taught by teachers that never saw the row."""

from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from made import COLUMNS, accounts, strangers
from scipy.stats import spearmanr

from detector.scoring.anomaly import distilled
from detector.scoring.anomaly.distilled import distil, joined, lesson
from detector.scoring.anomaly.fit import fit
from detector.scoring.anomaly.network import Network
from detector.scoring.anomaly.prepare import Preparation
from detector.scoring.anomaly.student import KNOTS, scaled
from detector.scoring.anomaly.teacher import Teacher

CHEAP = ("ecod", "knn")
NAMES = [f"f{i}" for i in range(COLUMNS)]


def frame(x, kinds):
    return pl.DataFrame(x, schema=NAMES).with_columns(pl.Series("stratum", list(kinds)))


@pytest.fixture(scope="module")
def model():
    return fit(frame(*accounts(1500)), NAMES, CHEAP)


def test_no_label_comes_from_a_teacher_that_saw_the_row(monkeypatch):
    seen = []

    class Watched(Teacher):
        def fit(self, x, strata):
            self.rows = {row.tobytes() for row in x}
            super().fit(x, strata)

        def score(self, x, strata):
            if x.shape[0] and hasattr(self, "labels"):
                seen.extend(row.tobytes() in self.rows for row in x[: self.labels])
            return super().score(x, strata)

    def taught(teacher, x, strata, rng, most):
        teacher.labels = x.shape[0]
        return whole(teacher, x, strata, rng, most)

    whole = distilled.taught
    monkeypatch.setattr(distilled, "Teacher", Watched)
    monkeypatch.setattr(distilled, "taught", taught)
    x, kinds = accounts(400)
    told = lesson(x, kinds, CHEAP, repeats=2)
    assert len(seen) == 2 * 400
    assert not any(seen)
    assert {row.tobytes() for row in x} <= {row.tobytes() for row in told.x}
    # Every value of a mixture is a value of its own fold: none of the rows that the teacher was fitted on leaks in through it.
    assert told.x.shape[0] == 2 * 400 * (1 + distilled.MIXTURES)


def test_networks_side_by_side_answer_their_mean():
    rng, x = np.random.default_rng(5), accounts(200)[0]
    widths = (COLUMNS, 7, 3, 1)
    halves = [
        Network(
            tuple(rng.normal(size=w).astype(np.float32) for w in pairwise(widths)),
            tuple(rng.normal(size=w).astype(np.float32) for w in widths[1:]),
        )
        for _ in range(3)
    ]
    prepared, nobody = Preparation.learn(x), np.full(200, -1, np.int64)
    mean = np.mean([half(x, prepared, nobody) for half in halves], axis=0)
    assert joined(halves)(x, prepared, nobody) == pytest.approx(mean, rel=1e-4, abs=1e-4)


def test_it_ranks_as_its_teacher_does(model):
    x, kinds = (np.concatenate(p) for p in zip(accounts(600, seed=7), strangers(100, seed=8), strict=True))
    teacher = Teacher(CHEAP)
    teacher.fit(*accounts(1500))
    assert spearmanr(model.student.score(x, kinds), teacher.score(x, kinds)).statistic > 0.9


def test_the_scale_keeps_order_and_leads_back():
    rng = np.random.default_rng(0)
    for wanted in (rng.exponential(size=3000), np.round(rng.exponential(size=400), 1), np.full(5, 2.0)):
        on, scale = scaled(wanted)
        assert (np.diff(scale) > 0).all()
        assert scale.shape[1] <= KNOTS
        order = np.argsort(wanted, kind="stable")
        assert (np.diff(on[order]) >= 0).all()
        np.testing.assert_allclose(np.interp(on, *scale), wanted, atol=0.02)


def test_p_values_of_usual_accounts_are_uniform(model):
    p = model.score(frame(*accounts(4000, seed=5))).p_value
    for level in (0.05, 0.1, 0.3):
        assert abs((p <= level).mean() - level) < 4 * np.sqrt(level * (1 - level) * (1 / 300 + 1 / 4000)) * np.sqrt(2)


def test_a_row_is_scored_for_itself_to_the_last_bit(model):
    x, kinds = accounts(30, seed=2)
    whole = model.score(frame(x, kinds))
    parts = [model.score(frame(x[i : i + 1], kinds[i : i + 1])) for i in range(30)]
    assert [p.score[0] for p in parts] == whole.score.tolist()
    assert [p.p_value[0] for p in parts] == whole.p_value.tolist()


def test_rows_that_nobody_expected_have_scores(model):
    x = np.array([[np.nan] * COLUMNS, [np.inf] * COLUMNS, [-np.inf] * COLUMNS, [1e300] * COLUMNS])
    for stratum in ("person", "never seen"):
        result = model.score(frame(x, [stratum] * 4))
        assert np.isfinite(result.score).all()
        assert ((result.p_value > 0) & (result.p_value <= 1)).all()
    lacking = frame(*accounts(5)).drop("f2")
    assert np.isfinite(model.score(lacking).score).all()
    assert model.score(lacking.head(0)).score.size == 0


def test_the_same_rows_in_any_order_give_the_same_student():
    x, kinds = accounts(400)
    turn = np.random.default_rng(0).permutation(400)
    q = accounts(20, seed=2)
    a, b = distil(x, kinds, NAMES, CHEAP), distil(x[turn], kinds[turn], NAMES, CHEAP)
    assert (a.score(*q) == b.score(*q)).all()


def test_too_few_accounts_are_refused():
    with pytest.raises(ValueError, match="at least"):
        distil(*accounts(100), NAMES, CHEAP)


def test_the_kernel_computes_the_network():
    rng = np.random.default_rng(0)
    w = tuple(rng.normal(size=s).astype(np.float32) for s in ((6, 11), (11, 3), (3, 1)))
    b = tuple(rng.normal(size=s).astype(np.float32) for s in (11, 3, 1))
    x = rng.normal(size=(20, 5))
    x[:, 2], x[3, 1], x[4, 1], x[5, 1] = 0, np.nan, np.inf, 1e300
    p = Preparation(np.full(5, -3.0), np.full(5, 3.0), np.zeros(5), np.full(5, 0.1))
    strata = rng.integers(-1, 1, 20)
    t = np.clip(np.nan_to_num(x, posinf=3.0) * 10, -27, 27)
    z = np.column_stack([t / np.sqrt(1 + np.abs(t)), strata == 0])
    hidden = np.maximum(np.maximum(z @ w[0] + b[0], 0) @ w[1] + b[1], 0)
    np.testing.assert_allclose(Network(w, b)(x, p, strata), (hidden @ w[2] + b[2])[:, 0], rtol=1e-4)
    with pytest.raises(ValueError, match="do not fit"):
        Network((w[0], w[2], w[2]), b)
    with pytest.raises(ValueError, match="rows of 5 features"):
        Network(w, b)(x, p, strata + 1)
