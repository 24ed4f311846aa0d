"""The teacher: valid p-values, robust to strangers in its own data."""

import numpy as np
import pytest
from made import accounts, strangers
from sklearn.metrics import roc_auc_score

from detector.scoring.anomaly.conformal import p_values
from detector.scoring.anomaly.teacher import Teacher, split

CHEAP = ("ecod", "hbos", "knn")
TRUTH = np.repeat([0, 1], 600)


def teacher(x, kinds, seed=0):
    made = Teacher(CHEAP, seed)
    made.fit(x, kinds)
    return made


@pytest.fixture(scope="module")
def clean():
    return teacher(*accounts(2000))


@pytest.fixture(scope="module")
def unseen():
    return tuple(np.concatenate(pair) for pair in zip(accounts(600, seed=7), strangers(600, seed=8), strict=True))


def test_ranks_are_counted_with_the_row_itself():
    null = np.array([1.0, 2.0, 2.0, 3.0])
    assert p_values(null, np.array([4.0, 3.0, 2.0, 0.0])).tolist() == [0.2, 0.4, 0.8, 1.0]
    assert p_values(np.empty(0), np.array([5.0])).tolist() == [1.0]


@pytest.mark.parametrize("level", [0.02, 0.05, 0.1, 0.3])
def test_usual_accounts_have_uniform_p_values(clean, level):
    x, kinds = accounts(4000, seed=5)
    share = (clean.p_value(x, kinds) <= level).mean()
    # 400 held-out rows set the level, 4,000 rows measure it: four standard deviations of both.
    assert abs(share - level) < 4 * np.sqrt(level * (1 - level) * (1 / 400 + 1 / 4000)) * np.sqrt(2)


def test_each_detector_is_ranked_within_the_stratum(clean):
    x, kinds = accounts(3000, seed=5)
    p = clean.detector_p_values(x, kinds)
    for name in ("person", "product"):
        assert (np.abs(p[kinds == name].mean(axis=0) - 0.5) < 0.1).all()


def test_strangers_come_out_on_top(clean, unseen):
    assert roc_auc_score(TRUTH, clean.score(*unseen)) > 0.93


def test_thirty_percent_strangers_cost_little(clean, unseen):
    mixed = teacher(*(np.concatenate(pair) for pair in zip(accounts(1400), strangers(600, seed=9), strict=True)))
    assert mixed.trimmed > 0.03
    assert roc_auc_score(TRUTH, clean.score(*unseen)) - roc_auc_score(TRUTH, mixed.score(*unseen)) < 0.03
    # Strangers among the held-out rows make p-values larger, not smaller.
    assert (mixed.p_value(*accounts(3000, seed=5)) <= 0.05).mean() < 0.03


def test_seed_and_rows_settle_it_in_any_order(clean, unseen):
    x, kinds = accounts(2000)
    order = np.random.default_rng(0).permutation(2000)
    assert (teacher(x[order], kinds[order]).score(*unseen) == clean.score(*unseen)).all()
    assert (teacher(x, kinds, seed=1).score(*unseen) != clean.score(*unseen)).any()


def test_too_few_accounts_are_refused():
    with pytest.raises(ValueError, match="too few"):
        teacher(*accounts(50))


def test_parts_are_disjoint_and_keep_the_strata():
    kinds = np.array(["a"] * 1000 + ["b"] * 100 + ["c"], dtype=object)
    parts = split(kinds, (0.5, 0.3, 0.2), seed=4)
    assert sorted(np.concatenate(parts).tolist()) == list(range(1101))
    for part, share in zip(parts, (0.5, 0.3, 0.2), strict=True):
        assert abs((kinds[part] == "a").sum() - 1000 * share) <= 1
        assert abs((kinds[part] == "b").sum() - 100 * share) <= 1
