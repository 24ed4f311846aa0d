"""A real Prometheus scrapes the real service: every panel shows data, every rule is evaluated."""

import math
import re
import time

import pytest
from prometheus import prometheus
from revenuer import serving, tiny
from running import Deadline, free_port, program
from test_dashboards import RULES, known, panel_queries, rules

pytestmark = pytest.mark.slow
program("prometheus")

PARTS = 3  # with scrapes between them, for a rate needs to see a counter move
GARBAGE = [b"no record\n"]


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """(a Prometheus, what the service exposed in the end)."""
    folder = tmp_path_factory.mktemp("watched")
    data, lines = tiny(folder)
    step = -(-len(lines) // PARTS)
    # A single checkpoint, on a slow machine, is a stage whose counter does not move: no quantile.
    rare = {"checkpoint_s": 3600}
    with serving(data, rare) as served, prometheus(folder, {"revenuer": served.address}, RULES) as asked:
        for start in range(0, len(lines), step):
            served.ingest(lines[start : start + step] + GARBAGE)
            scraped(asked)
        yield asked, served.client.get("/metrics").text


def scraped(asked):
    """Wait for two more scrapes, and for rules that saw them."""
    time.sleep(1)
    expect(lambda: asked.query('up{job="revenuer"} == 1'))
    time.sleep(1)


def expect(holds):
    end = Deadline(20)
    while not holds():
        assert not end.passed
        time.sleep(0.2)


def numbers(series):
    return [float(s["value"][1]) for s in series]


def test_the_service_exposes_what_the_list_says(watched):
    _, text = watched
    types = dict(re.findall(r"^# TYPE (revenuer_\w+) (\w+)$", text, re.MULTILINE))
    types = {name: kind for name, kind in types.items() if not name.endswith("_created")}
    assert types == {name: kind for name, (kind, _) in known().items()}
    for name, (kind, labels) in known().items():
        suffix = "_sum" if kind == "histogram" else ""
        found = re.findall(rf"^{name}{suffix}(?:\{{(.*)\}})? ", text, re.MULTILINE)
        assert found, name
        for shown in found:
            assert set(re.findall(r'(\w+)="', shown)) == labels, name


@pytest.mark.parametrize(("where", "expr"), panel_queries())
def test_a_panel_shows_data(watched, where, expr):
    asked, _ = watched
    found = numbers(asked.query(expr.replace("$__rate_interval", "1m").replace("$instance", ".*")))
    assert found, where
    assert all(math.isfinite(n) and n >= 0 for n in found), f"{where}: {found}"


@pytest.mark.parametrize("rule", [r for r in rules() if "record" in r], ids=lambda r: r["record"])
def test_a_recording_rule_records(watched, rule):
    asked, _ = watched
    assert asked.rules()[rule["record"]]["health"] == "ok"
    found = numbers(asked.query(rule["record"]))
    assert found
    assert all(math.isfinite(n) and n >= 0 for n in found), found


@pytest.mark.parametrize("rule", [r for r in rules() if "alert" in r], ids=lambda r: r["alert"])
def test_an_alerting_rule_is_evaluated_over_series_that_are_there(watched, rule):
    asked, _ = watched
    seen = asked.rules()[rule["alert"]]
    assert (seen["health"], seen["state"] == "firing") == ("ok", False), seen
    for name in re.findall(r"\brevenuer[\w:]+", rule["expr"]):
        assert asked.query(name), name


def test_dead_letters_are_counted(watched):
    asked, text = watched
    assert f'outcome="dead_lettered"}} {PARTS}.0' in text
    (share,) = numbers(asked.query("revenuer:dead_letters:share15m"))
    assert 0 < share < 0.01


def test_a_service_that_does_not_answer_is_about_to_be_reported(tmp_path):
    with prometheus(tmp_path, {"revenuer": f"127.0.0.1:{free_port()}"}, RULES) as asked:
        expect(lambda: asked.query('up{job="revenuer"} == 0'))
        expect(lambda: asked.rules()["RevenuerDown"]["state"] == "pending")
