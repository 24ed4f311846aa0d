import importlib.util
import json
import re
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from detector.cli import app
from detector.simulator.lab import cli

HAS_TORCH = importlib.util.find_spec("torch") is not None


def test_without_torch_the_command_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    done = CliRunner().invoke(app, ["validate", "--quick", "--out", str(tmp_path / "out")])
    assert done.exit_code == cli.USAGE
    assert done.stderr.strip().splitlines() == ["revenuer validate: needs torch: pip install 'revenuer[lab]'"]
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(not HAS_TORCH, reason="the lab needs torch: extra `lab`")
def test_an_unknown_world_is_named(tmp_path):
    done = CliRunner().invoke(app, ["validate", "--quick", "--world", "nowhere", "--out", str(tmp_path)])
    assert done.exit_code == cli.USAGE
    assert "no world named nowhere" in done.stderr.splitlines()[-1]


# Everything there is takes minutes: other kinds of student, a second teacher and larger students have tests of their own.
@pytest.fixture(scope="module", params=["least", pytest.param("all", marks=pytest.mark.soak)])
def smallest(request, tmp_path_factory):
    """The whole loop with the least of everything, and with the least of all that there is."""
    pytest.importorskip("torch", reason="the lab needs torch: extra `lab`")
    from detector.simulator.lab.kinds import KINDS  # noqa: PLC0415 - after the skip
    from detector.simulator.lab.page import page  # noqa: PLC0415 - after the skip
    from detector.simulator.lab.plan import QUICK  # noqa: PLC0415
    from detector.simulator.lab.training import Recipe  # noqa: PLC0415
    from detector.simulator.lab.validation import validate  # noqa: PLC0415

    everything = request.param == "all"
    kinds = tuple(KINDS) if everything else ("text", "soft", "votes")
    plan = replace(
        QUICK,
        world="tiny",
        sizes=(60, 240) if everything else (60, 160),
        recipe=Recipe(steps=120 if everything else 80, batch=32, rate=6e-3),
        exam=90 if everything else 60,
        datasets=("wine",),
        attention=("near", "spread"),
        splits=2,
        study=replace(
            QUICK.study,
            exchanges=60,
            recipe=Recipe(steps=20, batch=16, rate=6e-3),
            kinds=kinds,
            noises=(0.0, 1.0),
            strengths=("weak",) if everything else (),
            sizes=("smaller",),
            voting=replace(QUICK.study.voting, records=40),
        ),
        other_sizes=("equal",) if everything else (),
        adaptive=("tiny",),
        adaptive_rounds=2,
    )
    out, said = tmp_path_factory.mktemp("validation"), []
    first = json.loads(json.dumps(validate(plan, out, said.append).as_json()))
    parts = {p.name: p.stat().st_mtime_ns for p in (out / "parts").iterdir()}
    second = json.loads(json.dumps(validate(plan, out, said.append).as_json()))
    after = {p.name: p.stat().st_mtime_ns for p in (out / "parts").iterdir()}
    weak = {("text", "weak"), ("soft", "weak")} if everything else set()
    same = {"parts": parts, "after": after, "page": page(first), "kinds": set(kinds), "weak": weak}
    return {"found": first, "again": second, **same}


@pytest.mark.slow
def test_the_loop_measures_what_it_promises(smallest):
    found = smallest["found"]
    assert found["teacher_accuracy"] >= 0.95
    modes = {"throttle", "degrade", "degrade_sorted", "suspend"}
    assert set(found["student_accuracy"]) == modes | {"unprotected", "answers_only"}
    assert found["untrained_accuracy"]["mean"] < 0.1
    assert found["student_accuracy"]["unprotected"]["mean"] > found["student_accuracy"]["answers_only"]["mean"]
    assert set(found["leak"]) == set(found["recall"]) == set(found["time_to_detect_s"]) == {"task_list", "shared_cards"}
    assert found["budget"] == 3 * found["exchanges_needed"]
    assert found["benign_refused_share"]["shadow"] == 0.0
    assert set(found["oof"]) == {"wine", "wine_30pct_wrong", "wine_spread", "wine_30pct_wrong_spread"}
    assert found["seeds"] == [1, 2]


@pytest.mark.slow
def test_students_get_exactly_what_passed(smallest):
    found = smallest["found"]
    assert found["students"]["unprotected"]["exchanges"] == found["budget"]
    for mode in ("throttle", "suspend"):
        assert found["students"][mode]["exchanges"] == round(found["passed_share"][mode] * found["budget"])
        assert found["lines"][mode][-1][1] == found["students"][mode]["exchanges"]
    total = sum(each["exchanges"] for each in found["campaigns"].values())
    leaked = sum(each["exchanges"] * found["leak"][name] for name, each in found["campaigns"].items())
    assert found["leak_overall"] == pytest.approx(leaked / total)
    for name, each in found["campaigns"].items():
        # Peripheral members are named, so they no longer leak, but nothing binds them.
        assert each["passed_share"]["suspend"] >= found["leak"][name] - 1e-9
        assert each["exchanges_before_detection"] <= each["exchanges"]


@pytest.mark.slow
def test_degrading_refuses_nobody_and_withholds_reasoning(smallest):
    found = smallest["found"]
    degraded = found["students"]["degrade"]
    assert degraded["exchanges"] == found["budget"]
    assert degraded["withheld"] == found["budget"] - found["lines"]["degrade"][-1][1] > 0
    # Whom suspending refuses, degrading answers in part.
    assert found["lines"]["degrade"] == found["lines"]["suspend"]
    assert found["students"]["degrade_sorted"]["exchanges"] == found["lines"]["degrade"][-1][1]
    assert found["benign_refused_share"]["degrade"] == 0.0
    assert found["benign_degraded_share"] == found["benign_refused_share"]["suspend"]
    assert all(set(each["gained_alone"]) == {"shadow", "throttle", "suspend"} for each in found["campaigns"].values())


@pytest.mark.slow
def test_kinds_of_student_stand_side_by_side(smallest):
    found = smallest["found"]["distillation"]
    if smallest["weak"]:
        assert found["teachers"]["strong"] > found["teachers"]["weak"] > 0.3
    rows = found["students"]
    assert {row["kind"] for row in rows} == smallest["kinds"]
    assert all(row["exchanges"] == 60 and len(row["accuracy"]["values"]) == 2 for row in rows)
    quiet, noisy = (row for row in rows if row["kind"] == "votes")
    assert "epsilon" not in quiet
    assert noisy["epsilon"] > 0
    assert {(row["kind"], row["teacher"]) for row in rows if row["teacher"] == "weak"} == smallest["weak"]
    assert smallest["found"]["soft_labels"]["soft"] == {
        k: v for k, v in rows[1].items() if k in smallest["found"]["soft_labels"]["soft"]
    }


@pytest.mark.slow
def test_students_of_attackers_who_adapt_get_what_passed(smallest):
    found = smallest["found"]
    each = found["adaptive"]["tiny"]
    assert set(each["rounds"][0]["chosen"].values()) == {"none"}
    for end, played in (("first", each["rounds"][0]), ("last", each["rounds"][1])):
        assert each[end]["exchanges"] == round(played["of_harvest"]["suspend"] * found["budget"])
        assert 0 < played["of_harvest"]["suspend"] <= played["of_harvest"]["throttle"] <= 1
        assert set(played["passed"]) == {"task_list", "shared_cards"}
    assert each["first"]["replaced"] > 0
    assert "gained in tiny by an attacker who adapts" in {goal["name"] for goal in found["goals"]}
    assert found["gateway"] is None


@pytest.mark.slow
def test_a_second_run_makes_nothing_anew(smallest):
    assert smallest["again"] == smallest["found"]
    assert smallest["after"] == smallest["parts"]


@pytest.mark.slow
def test_the_page_needs_nothing_else(smallest):
    page = smallest["page"]
    assert not re.search(r"(src|href)=|url\(|https?://|<script", page)
    assert page.count("<svg") == 5
    for name in ("task_list", "shared_cards", "unprotected", "out of fold", "tiny, last round"):
        assert name in page
