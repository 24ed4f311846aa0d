"""Strange accounts: the shipped model moves a p-value where rules say little, explains itself, and can be left out."""

import math
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from detector.config import Settings
from detector.profiles.features import FEATURES
from detector.scoring.anomaly.model import AnomalyModel, packaged
from detector.scoring.combined import ANOMALY, RULES
from detector.scoring.reference import Reference, Strangeness, load_reference
from detector.scoring.rules import load_rules
from detector.scoring.scorer import ACCOUNT
from detector.service.anomalous import evidence, reason, strange
from detector.service.calibration import scorer_of
from detector.service.explain import explain
from detector.service.reasons import reasons_of, techniques_of
from detector.service.replay import anomaly_of
from detector.service.strangers import Strangers

MODEL = AnomalyModel.load(packaged())
SCORER = scorer_of(load_rules(), load_reference(), MODEL)
ALONE = scorer_of(load_rules(), load_reference())


def accounts():
    """A usual person, one who is at the benign limit of everything at once, one of whom nothing is known, one whom rules know too."""
    reference = load_reference()

    def at(level):
        return {name: reference.quantile(ACCOUNT, "person", name, level) for name in FEATURES}

    usual, high = at("p50"), at("p999")
    stranger = {name: high[name] or 1.0 for name in FEATURES if name not in {"embeddings_share", "system_prompt_share"}}
    (window,) = (t.window for r in load_rules() if r.code == "SOFT_LABELS" for t in r.tests[:1])
    known = usual | stranger | window
    rows = [usual, usual | stranger, dict.fromkeys(FEATURES), known]
    return pl.DataFrame(rows, schema=dict.fromkeys(FEATURES, pl.Float64))


@pytest.fixture
def scored():
    return SCORER.score(accounts(), ACCOUNT)


def test_the_shipped_model_is_small_and_of_features_that_there_are():
    assert packaged().stat().st_size < 200_000
    assert set(MODEL.student.features) <= set(FEATURES)
    assert {"person", "product"} <= set(MODEL.weeks)


def test_a_strange_account_has_a_smaller_p_value_and_never_one_below_what_was_measured(scored):
    assert scored.p_value[0] == 1
    assert scored.strange[1] < 0.01
    assert scored.strange[1] >= 1 / (MODEL.weeks["person"].count + 1)
    assert scored.score[1] == 0, "no rule has a word for it"
    assert scored.p_value[1] < 0.1
    assert scored.p_value[2] == 1, "of whom nothing is known nothing is strange"


def test_rules_lose_little_and_nothing_without_a_model(scored):
    alone = ALONE.score(accounts(), ACCOUNT)
    np.testing.assert_array_equal(alone.score, scored.score)
    assert (scored.p_value <= alone.p_value / RULES).all()
    assert (alone.strange == 1).all()


@pytest.mark.parametrize("row", [1, 3])
def test_reasons_and_explanation_add_up_and_say_what_is_strange(scored, row):
    found = strange(SCORER, scored, row)
    reasons = reasons_of(SCORER, scored, ACCOUNT, row, found)
    told = explain(SCORER, scored, row, reasons, found).get()
    assert math.isclose(sum(told["features"].values()), told["score"], abs_tol=0.01)
    assert math.isclose(sum(r.weight for r in reasons), told["score"], abs_tol=0.01)
    assert set(told["by_reason"]) == {r.code for r in reasons}
    assert techniques_of(SCORER, ACCOUNT, reasons) is not None
    if row == 1:
        (mine,) = (r for r in reasons if r.code == ANOMALY)
        assert mine.weight > 0
        assert mine.score_without < told["risk"]
        assert mine.text.startswith("Stranger than 9")
        assert mine.value is not None
        assert any(each["name"] == ANOMALY for each in told["without"])
    assert found is not None
    assert sum(found.features.values()) == pytest.approx(1)
    shown = evidence(SCORER, scored, row, found)
    assert [f["name"] for f in shown["features"]] == list(found.features)


def test_the_reason_says_on_which_side_the_strangest_feature_lies(scored):
    found = strange(SCORER, scored, 1)
    first = next(iter(found.features))
    assert reason(SCORER, scored, 1, found).unusual == "high"
    below = scored.frame.with_columns(
        pl.lit(SCORER.reference.quantile(ACCOUNT, "person", first, "p50") - 1).alias(first)
    )
    assert reason(SCORER, replace(scored, frame=below), 1, found).unusual == "low"


def test_a_rule_that_fires_on_low_values_says_so():
    (window,) = (t.window for r in load_rules() if r.code == "LIST_BY_CLOCK" for t in r.tests[:1])
    frame = pl.DataFrame([dict.fromkeys(FEATURES) | window], schema=dict.fromkeys(FEATURES, pl.Float64))
    high = {name: 1e6 for name in window if name in {"distinct_prompts", "topic_coverage"}}
    found = reasons_of(
        ALONE, ALONE.score(frame.with_columns(**{n: pl.lit(v) for n, v in high.items()}), ACCOUNT), ACCOUNT, 0
    )
    assert {r.code: r.unusual for r in found}["LIST_BY_CLOCK"] == "low"
    assert {(r.feature, r.unit) for r in found if r.code == "LIST_BY_CLOCK"} == {("gap_cv", "ratio")}
    assert all(r.feature and r.unit for r in found)
    assert {r.unusual for r in found if r.code not in {"LIST_BY_CLOCK", "FLAT_RHYTHM"}} <= {"high"}


def test_a_feature_that_the_model_does_not_know_and_one_that_is_gone_change_nothing_or_little(scored):
    more = SCORER.score(accounts().with_columns(new_feature=pl.lit(1e9)), ACCOUNT)
    np.testing.assert_array_equal(more.strange, scored.strange)
    less = SCORER.score(accounts().drop("weekend_share"), ACCOUNT)
    assert ((less.strange > 0) & (less.strange <= 1)).all()


def test_where_everybody_is_strange_nobody_is():
    n = 1000
    scored = SCORER.score(pl.concat([accounts()[1]] * n), ACCOUNT)
    assert scored.p_value.max() < 0.5
    assert (Strangers().judge(SCORER, scored, np.arange(n, dtype=np.int32), n) == 1).all()
    assert (scored.p_value == 1).all()


def test_one_is_judged_among_all_without_being_remembered(scored):
    strangers = Strangers(np.ones(100))
    one = strangers.judge(SCORER, scored, np.arange(4, dtype=np.int32), 100, note=False)
    assert (strangers.p_values == 1).all()
    assert one[1] > 0.2, "of a hundred accounts the strangest says little"


def test_a_null_of_ones_own_takes_the_place_of_the_models_where_it_is_of_the_same_model():
    reference = load_reference()
    weeks = {"person": MODEL.weeks["product"]}

    def of(model):
        return Reference(
            **{f: getattr(reference, f) for f in ("made_from", "counts", "quantiles", "null")},
            anomaly=Strangeness(model, weeks),
        )

    assert scorer_of(load_rules(), of(MODEL.digest), MODEL).weeks == weeks
    assert scorer_of(load_rules(), of("another"), MODEL).weeks == MODEL.weeks
    assert scorer_of(load_rules(), of(MODEL.digest)).weeks == {}


def test_the_setting_names_a_model_or_none(tmp_path):
    assert anomaly_of(Settings(anomaly_model="none")) is None
    assert anomaly_of(Settings()).digest == MODEL.digest
    (tmp_path / "m").write_bytes(b"no model")
    with pytest.raises(ValueError, match="not a model"):
        anomaly_of(Settings(anomaly_model=tmp_path / "m"))
