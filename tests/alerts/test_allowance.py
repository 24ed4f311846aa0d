import pytest
from cases import DAY, START, case
from msgspec.structs import replace

from detector.alerts.allowance import COVERS, EVERYTHING, Allowance, Rescored, apply, covered
from detector.alerts.explained import explanation
from detector.scoring.combined import ANOMALY


def rescore(_kind, codes):
    """Each reason is worth one severity, and a nat."""
    level = len(codes)
    each = dict.fromkeys(codes, 1.0)
    return Rescored(level, 10.0**-level, 20.0 * level, each, each, ("low", "medium", "high")[level - 1])


def never(_kind, _codes):
    raise AssertionError("there is nothing to score")


def left(allowed, given, now=START, score=rescore):
    return apply(allowed, now, {a: [Allowance(*p) for p in ps] for a, ps in given.items()}, score)


JUDGE = case("a", "high", codes=["GRADING_BULK", "MULTI_SAMPLE", "MODEL_PROBE"])


def test_without_an_allowance_the_case_is_untouched():
    assert left(JUDGE, {}, score=never) is JUDGE
    assert left(JUDGE, {"other": [("evaluation",)]}, score=never) is JUDGE


def test_covered_reasons_go_with_their_score_and_the_others_still_alert():
    found = left(JUDGE, {"a": [("evaluation",)]})
    assert [r.code for r in found.reasons] == ["MODEL_PROBE"]
    assert (found.severity, found.risk) == ("low", 20.0)
    assert found.members == JUDGE.members


def test_what_is_left_still_adds_up():
    told = explanation(
        6.0, 60.0, {c: {"requests": 0.5, c.lower(): 1.5} for c in ("GRADING_BULK", "MODEL_PROBE")}, JUDGE.reasons
    )
    explained = replace(JUDGE, evidence={"score": 6.0, "explanation": told})
    found = left(explained, {"a": [("evaluation",)]})
    why = found.evidence["explanation"]
    assert found.evidence["score"] == why["score"] == sum(r.weight for r in found.reasons) == 1.0
    assert why["features"] == {"model_probe": 0.75, "requests": 0.25}
    assert [w["name"] for w in why["without"]] == ["MODEL_PROBE"]
    assert why["words"] == ["Without “MODEL_PROBE fired” the account would score 1 instead of 20."]


def test_nothing_is_left_where_all_reasons_are_covered():
    assert left(JUDGE, {"a": [("evaluation",), ("research",)]}, score=never) is None
    assert left(JUDGE, {"a": [("sanctioned_distillation",)]}, score=never) is None


def test_nothing_is_left_where_the_rest_is_no_sign():
    assert left(JUDGE, {"a": [("evaluation",)]}, score=lambda *_: Rescored(0.0, 1.0, 0.0, {}, {})) is None


@pytest.mark.parametrize(("now", "gone"), [(START, True), (START + DAY - 1, True), (START + DAY, False)])
def test_an_allowance_ends_at_its_expiry(now, gone):
    found = left(JUDGE, {"a": [("distillation", "owner@example.com", START + DAY)]}, now)
    assert (found is None) is gone


def test_a_name_that_is_not_known_covers_nothing():
    assert covered([Allowance("evaluatoin"), Allowance("")], START) == frozenset()
    assert left(JUDGE, {"a": [("evaluatoin",)]}) is JUDGE


def test_an_allowance_covers_only_its_own_reasons():
    for name, codes in COVERS.items():
        assert covered([Allowance(name)], START) == {*codes, ANOMALY}, "unusual work is what leave is given for"
        assert (EVERYTHING in codes) == (name in {"distillation", "sanctioned_distillation"})


def test_a_member_leaves_a_cluster_when_all_its_reasons_are_covered_for_it():
    group = case("a b c", codes=["EMBEDDINGS_POOL"])
    found = left(group, {"b": [("embeddings",)]}, score=never)
    assert found.accounts == {"a", "c"}
    assert left(group, {a: [("embeddings",)] for a in "abc"}, score=never) is None


def test_a_member_stays_where_one_reason_is_not_covered():
    group = case("a b c", codes=["EMBEDDINGS_POOL", "LOCK_STEP"])
    assert left(group, {"b": [("embeddings",)]}, score=never).accounts == {"a", "b", "c"}


def test_members_without_an_allowance_always_stay():
    assert left(case("a b c", codes=[]), {"b": [("embeddings",)]}, score=never).accounts == {"a", "c"}


def test_resellers_are_alike_without_being_one():
    alike = case("a b c d", codes=["ONE_OPERATOR", "LEVELLED_POOL"])
    resellers = {a: [("reseller",)] for a in "abc"}
    assert left(alike, resellers, score=never) is None  # who is left stood beside them
    assert left(alike, {a: resellers[a] for a in "ab"}, score=never).accounts == {"c", "d"}
    assert left(alike, {"a": [("reseller",)]}, score=never).accounts == {"b", "c", "d"}
    wrapped = case("a b c", codes=["ONE_OPERATOR", "SHARED_WRAPPER"])
    assert left(wrapped, resellers, score=never).accounts == {"a", "b", "c"}
