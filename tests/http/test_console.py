"""The console: served under a strict policy, without anything inline or from elsewhere, and never markup from data."""

import json
import re
import shutil
import subprocess

import pytest

from detector.profiles.features import FEATURES
from detector.report.words import ACTIONS, KINDS, STOPS
from detector.service.console import FOLDER

NODE = shutil.which("node")
FILES = sorted(p.name for p in FOLDER.iterdir())


MADE = "words.js"  # of the report's tables, when it is asked for
SCRIPTS = [name for name in FILES if name.endswith(".js")]


def text(name):
    return (FOLDER / name).read_text()


def code():
    return "\n".join(map(text, SCRIPTS))


@pytest.mark.parametrize("name", ["", *FILES, MADE])
def test_it_is_served_to_anybody_under_a_strict_policy(admin, name):
    answer = admin("GET", f"/console/{name}", {"Authorization": ""})
    assert answer.status_code == 200
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"


def test_the_root_leads_to_it(admin):
    assert admin("GET", "/").headers["location"] == "/console/"


def test_nothing_is_inline_or_from_elsewhere():
    page = text("index.html")
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*src=)", page)
    for target in re.findall(r"(?:src|href)=\"([^\"#]+)\"", page):
        assert (FOLDER / target).is_file(), target
    for name in FILES:
        assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)", text(name)), name


def test_text_is_never_taken_for_markup():
    for way in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "new Function",
        "localStorage",
    ):
        assert way not in code()


def test_every_element_that_the_scripts_ask_for_is_there():
    asked = set(re.findall(r"\$\(\"(\w+)\"\)", code()))
    there = re.findall(r"id=\"(\w+)\"", text("index.html")) + re.findall(r"\bid: \"(\w+)\"", code())
    assert asked <= set(there)


def test_every_module_that_is_imported_is_there():
    assert set(re.findall(r"from \"\./([^\"]+)\"", code())) == {*SCRIPTS, MADE} - {"console.js"}


def test_the_words_are_those_of_the_report(admin):
    answer = admin("GET", f"/console/{MADE}", {"Authorization": ""})
    assert answer.headers["content-type"].startswith("text/javascript")
    told = json.loads(answer.text.removeprefix("export const WORDS = ").removesuffix(";\n"))
    assert (told["kinds"], told["actions"], told["stops"]) == (KINDS, ACTIONS, sorted(STOPS))
    assert set(re.findall(r'\bword\("(\w+)"', code())) <= set(told)


def test_the_features_that_are_counted_are_those_of_the_table():
    units = {"distinct", "prompts", "skeletons", "topics", "requests", "tokens"}
    counted = {name for name, made in FEATURES.items() if made.unit in units and not name.startswith("mean_")}
    (listed,) = re.findall(r'COUNTS = new Set\("([^"]+)"', text("account.js"))
    assert set(listed.split()) == counted


def test_every_path_that_the_script_asks_for_is_a_route(admin):
    routes = set(admin("GET", "/openapi.json").json()["paths"])
    asked = re.findall(r"[`\"](/(?:alerts|accounts|recommendations|clusters|allowances|enforcement)[^`\"?]*)", code())
    for path in asked:
        plain = re.sub(r"\$\{(?:asked|from)\}", "", path)
        shape = "/v1" + re.sub(r"\$\{[^}]*\}", "{}", plain)
        assert any(re.sub(r"\{[^}]*\}", "{}", route) == shape for route in routes), path
    assert len(asked) >= 10


@pytest.mark.skipif(NODE is None, reason="node is not installed")
@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_parses(name):
    subprocess.run([NODE, "--input-type=module", "--check"], input=text(name), text=True, check=True, timeout=30)
