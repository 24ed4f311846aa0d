"""Two runs on one world: what changed, and the exact test of it."""

import json

import msgspec
import pytest
from scipy.stats import binom
from test_evaluate_command import ALERT, TRUTH, run

from detector.evaluation.compare import differing


def accounts(prefix, n):
    return frozenset(f"{prefix}{number}" for number in range(n))


def test_accounts_that_differ_by_hand():
    everybody = accounts("a", 20)
    this, other = accounts("a", 12), accounts("a", 4) | {"a15", "stranger"}
    part = differing(everybody, this, other)
    assert (len(part.only_this), part.only_other) == (8, ["a15"])
    assert (part.both, part.neither) == (4, 7)
    assert part.difference == pytest.approx(7 / 20)
    # McNemar, exact: nine differ, eight one way.
    assert part.p_value == pytest.approx(2 * binom.cdf(1, 9, 0.5))
    # Clopper–Pearson of 8 in 9 is .5175–.9972, as printed tables say.
    assert (part.low, part.high) == pytest.approx(((2 * 0.5175 - 1) * 9 / 20, (2 * 0.9972 - 1) * 9 / 20), abs=1e-4)


def test_runs_that_flag_the_same_do_not_differ():
    part = differing(accounts("a", 5), accounts("a", 3), accounts("a", 3))
    assert (part.difference, part.low, part.high, part.p_value) == (0.0, 0.0, 0.0, 1.0)


@pytest.fixture
def runs(tmp_path):
    """This run flags the pool; the other flags half of it and a person."""
    half = ALERT | {"accounts": ["a1", "h1"], "account_detected_at": {"a1": 1_780_272_000, "h1": 1_780_272_000}}
    paths = tmp_path / "a.ndjson", tmp_path / "b.ndjson", tmp_path / "truth.json"
    for path, content in zip(paths, (ALERT, half, TRUTH), strict=True):
        path.write_bytes(msgspec.json.encode(content))
    return paths


def test_the_comparison_names_campaigns_and_accounts(runs):
    this, other, truth = runs
    result = json.loads(run(this, truth, "--against", other, "--json").stdout)
    comparison = result["comparison"]
    assert comparison["figures"]["account_recall"] == {"this": pytest.approx(2 / 3), "other": pytest.approx(1 / 3)}
    assert comparison["hostile"]["only_this"] == ["a2"]
    assert comparison["benign"]["only_other"] == ["h1"]
    assert list(comparison["campaigns"]) == ["pool"]
    assert comparison["campaigns"]["pool"]["only_this"] == ["a2"]
    # Beside it, the result of this run is what it is alone.
    alone = json.loads(run(this, truth, "--json").stdout)
    assert {key: result[key] for key in alone} == alone


def test_a_run_against_itself_changes_nothing(runs):
    comparison = json.loads(run(runs[0], runs[2], "--against", runs[0], "--json").stdout)["comparison"]
    assert comparison["campaigns"] == {}
    assert comparison["hostile"]["p_value"] == 1.0


def test_the_tables_of_a_comparison(runs):
    printed = run(runs[0], runs[2], "--against", runs[1]).stdout
    for text in ("Against the other run", "Campaigns that changed", "only the other flagged: h1"):
        assert text in printed


def test_a_missing_other_run_is_one_line(runs):
    done = run(runs[0], runs[2], "--against", runs[0].parent / "none.ndjson")
    assert done.exit_code == 2
    assert done.stderr.endswith("none.ndjson: No such file or directory\n")
