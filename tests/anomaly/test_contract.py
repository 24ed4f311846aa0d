"""What every detector in the registry promises."""

import importlib.util

import numpy as np
import pytest
from made import COLUMNS, accounts, strangers
from sklearn.metrics import roc_auc_score

from detector.scoring.anomaly.base import FEW
from detector.scoring.anomaly.detectors import DEFAULT, REGISTRY, make

ROWS = 600


@pytest.fixture(scope="module", params=list(REGISTRY))
def name(request):
    if request.param == "autoencoder" and importlib.util.find_spec("torch") is None:
        pytest.skip("torch is not installed: pip install 'revenuer[lab]'")
    return request.param


def fitted(name, x, strata=None, seed=0):
    detector = make([name], seed)[0]
    detector.fit(x, strata)
    return detector


@pytest.fixture(scope="module")
def learnt(name):
    return fitted(name, *accounts(ROWS))


def test_the_seed_settles_the_scores(name, learnt):
    x, kinds = accounts(50, seed=2)
    assert (fitted(name, *accounts(ROWS)).score(x, kinds) == learnt.score(x, kinds)).all()


def test_the_order_of_rows_does_not_matter(name, learnt):
    x, kinds = accounts(ROWS)
    order = np.random.default_rng(3).permutation(ROWS)
    q, theirs = accounts(50, seed=2)
    assert (fitted(name, x[order], kinds[order]).score(q, theirs) == learnt.score(q, theirs)).all()
    turn = np.random.default_rng(4).permutation(50)
    np.testing.assert_allclose(learnt.score(q[turn], theirs[turn]), learnt.score(q, theirs)[turn], rtol=1e-9)


def test_a_row_is_scored_for_itself(learnt):
    x, kinds = accounts(20, seed=2)
    alone = [learnt.score(x[i : i + 1], kinds[i : i + 1])[0] for i in range(20)]
    np.testing.assert_allclose(alone, learnt.score(x, kinds), rtol=1e-9)


def test_unknown_and_infinite_values_have_finite_scores(learnt):
    x, kinds = accounts(6, seed=2)
    x[0], x[1], x[2] = np.nan, np.inf, -np.inf
    x[3, 0] = 1e300
    assert np.isfinite(learnt.score(x, kinds)).all()


def test_unknown_is_no_evidence(learnt):
    usual, kinds = accounts(200, seed=2)
    unknown = np.full((1, COLUMNS), np.nan)
    assert learnt.score(unknown, kinds[:1])[0] < np.quantile(learnt.score(usual, kinds), 0.9)


@pytest.mark.parametrize("rows", [1, 2, 30])
def test_a_handful_of_rows_can_be_fitted(name, rows):
    x, kinds = accounts(rows)
    assert np.isfinite(fitted(name, x, kinds).score(x, kinds)).all()


def test_no_row_cannot_be_fitted(name):
    with pytest.raises(ValueError, match="no row"):
        fitted(name, np.empty((0, COLUMNS)))


def test_scores_before_the_fit_are_refused(name):
    with pytest.raises(ValueError, match="not fitted"):
        make([name], 0)[0].score(np.zeros((1, COLUMNS)))


def test_columns_that_never_change_are_no_trouble(name):
    x = np.zeros((200, COLUMNS))
    x[:, 0] = np.nan
    detector = fitted(name, x)
    assert np.isfinite(detector.score(x)).all()
    x[:, 1] = np.random.default_rng(0).normal(size=200)
    assert np.isfinite(fitted(name, x).score(x)).all()


def test_strangers_score_higher(learnt):
    usual, kinds = accounts(300, seed=2)
    odd, theirs = strangers(300, seed=3)
    scores = np.concatenate([learnt.score(usual, kinds), learnt.score(odd, theirs)])
    assert roc_auc_score(np.repeat([0, 1], 300), scores) > 0.75


def test_further_is_not_less_strange(learnt):
    x = np.repeat(np.nanmedian(accounts(ROWS)[0], axis=0)[None], 4, axis=0)
    x[:, : COLUMNS - 3] *= np.array([1.0, 10.0, 100.0, 1000.0])[:, None]
    scores = learnt.score(x)
    assert (np.diff(scores) >= -1e-9).all()
    assert scores[1] > scores[0]


def test_strata_are_judged_by_their_own(name, learnt):
    x, kinds = accounts(400, seed=2)
    product = x[kinds == "product"]
    as_product = learnt.score(product, np.full(len(product), "product", dtype=object))
    as_person = learnt.score(product, np.full(len(product), "person", dtype=object))
    level = {s: np.median(learnt.score(x[kinds == s], kinds[kinds == s])) for s in ("person", "product")}
    assert np.median(as_person) - level["person"] > np.median(as_product) - level["product"]
    few, rare = accounts(FEW - 1, seed=5)[0], np.full(FEW - 1, "rare", dtype=object)
    detector = fitted(name, np.vstack([x, few]), np.concatenate([kinds, rare]))
    assert detector.strata == {"person", "product"}
    assert (detector.score(few, rare) == detector.score(few)).all()


def test_thirty_percent_strangers_cost_no_more_than_stated(name):
    x, _ = accounts(700)
    odd, _ = strangers(300, seed=4)
    test, _ = accounts(500, seed=2)
    more, _ = strangers(500, seed=3)
    truth = np.repeat([0, 1], 500)

    def auc(detector):
        return roc_auc_score(truth, detector.score(np.vstack([test, more])))

    clean = auc(fitted(name, x))
    mixed = auc(fitted(name, np.vstack([x, odd])))
    assert clean > 0.75
    assert clean - mixed <= REGISTRY[name].contamination_loss


def test_the_default_needs_no_extra():
    assert set(DEFAULT) == set(REGISTRY) - {"autoencoder"}
    assert {name: cls.name for name, cls in REGISTRY.items()} == {name: name for name in REGISTRY}


@pytest.mark.parametrize("names", [["ecod", "oracle"], []])
def test_unknown_names_are_refused(names):
    with pytest.raises(ValueError, match="there are ecod"):
        make(names, 0)
