"""Dashboards and rules: built from the script, of known metrics, read by Prometheus' own parser where it is there."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "dashboards"
BOARDS = sorted((FOLDER / "grafana").glob("*.json"))
RULES = sorted((FOLDER / "prometheus").glob("*.yml"))
HISTOGRAM = ("_bucket", "_sum", "_count")
PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")


def known():
    """Name → (type, labels)."""
    out = {}
    for line in (FOLDER / "metrics.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, kind, *labels = line.split()
            out[name] = kind, set(labels[0].split(",")) if labels else set()
    return out


def panels():
    for path in BOARDS:
        for panel in json.loads(path.read_text())["panels"]:
            yield path.stem, panel


def panel_queries():
    return [(f"{board}: {p['title']}", t["expr"]) for board, p in panels() for t in p["targets"]]


def rules():
    return [r for path in RULES for g in yaml.safe_load(path.read_text())["groups"] for r in g["rules"]]


def queries():
    return panel_queries() + [(r.get("record") or r["alert"], r["expr"]) for r in rules()]


def series(expr):
    """(name, labels matched) of the selectors of an expression."""
    for name, matchers in re.findall(r"\b(revenuer_\w+)(?:\{([^}]*)\})?", expr):
        yield name, set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers))


def base(name):
    """The metric of a series, and whether the series is a histogram's part."""
    for suffix in HISTOGRAM:
        if name.endswith(suffix) and known().get(name.removesuffix(suffix), ("",))[0] == "histogram":
            return name.removesuffix(suffix), True
    return name, False


def test_what_is_committed_is_what_the_script_makes(tmp_path):
    script = [sys.executable, str(FOLDER / "build.py"), "--out", str(tmp_path)]
    subprocess.run(script, check=True, timeout=60)
    made = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert made == {path.name: path.read_text() for path in BOARDS}, "run python dashboards/build.py"


@pytest.mark.parametrize(("where", "expr"), queries())
def test_every_metric_and_label_is_one_that_the_service_exposes(where, expr):
    for name, labels in series(expr):
        metric, part = base(name)
        assert metric in known(), f"{where}: {name}"
        kind, has = known()[metric]
        assert part == (kind == "histogram"), f"{where}: {name} needs one of {HISTOGRAM}"
        assert labels <= has | {"instance", "job"}, f"{where}: {labels - has}"
        if kind == "counter" or part:
            assert re.search(rf"(rate|increase)\({name}\b", expr), f"{where}: a counter is read through its rate"


def test_every_metric_is_shown_somewhere():
    assert {base(name)[0] for _, expr in queries() for name, _ in series(expr)} == set(known())


def test_recorded_names_are_made_before_they_are_used():
    made = {r["record"] for r in rules() if "record" in r}
    used = {name for _, expr in queries() for name in re.findall(r"revenuer:\w+:\w+", expr)}
    assert used <= made


@pytest.mark.parametrize("path", BOARDS, ids=lambda p: p.stem)
def test_a_board_is_well_formed(path):
    board = json.loads(path.read_text())
    assert board["uid"] == path.stem
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids)
    cells = set()
    for panel in board["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        mine = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not mine & cells, f"{panel['title']} lies over another panel"
        cells |= mine
        assert panel["targets"], panel["title"]
        assert panel["datasource"]["uid"] == "${source}"
        assert all('instance=~"$instance"' in t["expr"] for t in panel["targets"])
    assert {v["name"] for v in board["templating"]["list"]} == {"source", "instance"}


def test_every_alert_says_what_to_do():
    for rule in rules():
        if "alert" in rule:
            assert {"summary", "action"} <= rule["annotations"].keys(), rule["alert"]
            assert rule["labels"]["severity"] in {"info", "warning", "critical"}
            assert rule["for"]


def test_grafana_is_told_where_the_boards_are():
    (provider,) = yaml.safe_load((FOLDER / "provisioning/dashboards/revenuer.yaml").read_text())["providers"]
    (source,) = yaml.safe_load((FOLDER / "provisioning/datasources/prometheus.yaml").read_text())["datasources"]
    assert source["type"] == "prometheus"
    compose = yaml.safe_load((ROOT / "docker/compose.yaml").read_text())
    mounts = [v.split(":") for v in compose["services"]["grafana"]["volumes"]]
    assert ["../dashboards/grafana", provider["options"]["path"], "ro"] in mounts
    assert ["../dashboards/provisioning", "/etc/grafana/provisioning", "ro"] in mounts
    assert source["url"] == "http://prometheus:9090"
    assert "prometheus" in compose["services"]


@needs_promtool
def test_prometheus_reads_every_expression(tmp_path):
    made = [
        {"record": f"panel:{i}", "expr": expr.replace("$__rate_interval", "5m").replace("$instance", ".*")}
        for i, (_, expr) in enumerate(panel_queries())
    ]
    path = tmp_path / "panels.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": made}]}))
    done = subprocess.run(
        [PROMTOOL, "check", "rules", path, *RULES], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr


@needs_promtool
def test_the_rules_pass_their_unit_tests(tmp_path):
    for path in (*RULES, Path(__file__).with_name("rules_test.yml")):
        shutil.copy(path, tmp_path)
    done = subprocess.run(
        [PROMTOOL, "test", "rules", "rules_test.yml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
