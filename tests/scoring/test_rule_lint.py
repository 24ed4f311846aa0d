"""A broken rule file is refused with file, line and reason."""

import pytest
from rule_files import FIELDS, SOUND, line_of, written

from detector.scoring.rules import RuleError, lint, load_rules, read_rule

# What is replaced, by what, a part of the line that is to blame, a part of the reason.
BROKEN = {
    "no YAML": ("title: Many", "title: [Many", "id:", "not YAML"),
    "a repeated key": ("level: low", "level: low\nlevel: high", "level: high", "repeated"),
    "an alias": ("  - Batch jobs", "  - &a Batch jobs\n  - *a", "- *a", "aliases"),
    "an unknown key": ("level: low", "level: low\nseverity: low", "severity", "unknown key 'severity'"),
    "no title": ("title: Many requests of unrelated accounts\n", "", "id:", "title is missing"),
    "a long title": ("title: Many", "title: Many" + " many" * 20, "title:", "at most 80"),
    "no description": ("description: Counts requests.\n", "", "title:", "description is missing"),
    "no level": ("level: low\n", "", "title:", "level is missing"),
    "an unknown level": ("level: low", "level: enormous", "level:", "level 'enormous'"),
    "no tags": ("tags:\n  - atlas.aml.t0024.002\n", "", "title:", "tags are missing"),
    "an unknown tag": ("atlas.aml.t0024.002", "atlas.aml.t9999", "t9999", "none of the 6 ATLAS techniques used here"),
    "a tag without namespace": (
        "atlas.aml.t0024.002",
        "extraction",
        "- extraction",
        "none of the 6 ATLAS techniques used here",
    ),
    "no false positives": ("falsepositives:\n  - Batch jobs\n", "", "title:", "falsepositives are missing"),
    "an id that is none": ("3f1c2b34-5d67-4a89-9b01-23456789abcd", "seven", "id:", "no UUID"),
    "a date that is none": ("2026-11-24", "yesterday", "date:", "date must be a date"),
    "an unknown status": ("status: test", "status: fine", "status:", "status 'fine'"),
    "an unknown category": ("account_window", "user_window", "user_window", "unknown category"),
    "another product": ("llm_api", "windows", "product:", "product must be llm_api"),
    "an unknown field": ("requests|gt_benign: p99", "request|gt_benign: p99", "request|", "unknown field 'request'"),
    "an unknown field in a filter": ("tool_result_share|gt", "tool_share|gt", "tool_share|gt", "unknown field"),
    "a regular expression": ("multi_turn_share|lt: 0.1", "multi_turn_share|re: (a+)+$", "|re", "modifier 're'"),
    "two modifiers": ("multi_turn_share|lt: 0.1", "multi_turn_share|lt|all: 0.1", "|lt|all", "one modifier"),
    "a text for a number": ("multi_turn_share|lt: 0.1", "multi_turn_share|lt: few", "|lt", "a number, not 'few'"),
    "a text without modifier": ("share|lt: 0.1", "share: few", "share: few", "true, false or null"),
    "an unknown quantile": ("requests|gt_benign: p99", "requests|gt_benign: p42", "p42", "one of p50"),
    "a keyword": ("    tool_result_share|gt: 0.2", "    - harvest", "- harvest", "must compare fields"),
    "no condition": ("  condition: selection and not filter_tools\n", "", "detection:", "condition is missing"),
    "a condition that names nothing": ("and not filter_tools", "and not filter", "condition:", "not defined"),
    "a condition that is none": ("and not filter_tools", "and (", "condition:", "Expected"),
    "an unused detection": ("selection and not filter_tools", "selection", "filter_tools:", "not used"),
    "a share above 1": ("multi_turn_share|lt: 0.1", "multi_turn_share|gt: 1.5", "condition:", "never fire"),
    "a contradiction": ("and not filter_tools", "and not 1 of *", "condition:", "never fire"),
    "no weight": ("  weight: 1.5\n", "", "revenuer:", "weight is missing"),
    "too much weight": ("weight: 1.5", "weight: 12.25", "weight:", "at most 12"),
    "no weight at all": ("weight: 1.5", "weight: 0", "weight:", "above 0"),
    "an uneven weight": ("weight: 1.5", "weight: 1.3", "weight:", "multiple of 0.25"),
    "an unknown kind of evidence": ("evidence: timing", "evidence: rumour", "evidence:", "must be one of"),
    "a feature that is none": ("feature: requests", "feature: request", "feature:", "unknown field"),
    "a feature not looked at": ("feature: requests", "feature: output_tokens", "feature:", "not in the detection"),
    "a code in small letters": ("MANY_REQUESTS", "many", "code:", "like FIXED_WRAPPER"),
    "a long text": ("text: Makes", "text: Makes" + " far" * 60, "text:", "at most 160"),
    "no tests": (SOUND[SOUND.index("  tests:") :], "", "revenuer:", "tests are missing"),
    "only firing tests": ("fires: false", "fires: true", "tests:", "on which it is silent"),
    "a test of an unknown field": ("{requests: 500, multi", "{request: 500, multi", "{request:", "unknown field"),
    "a test without name": ("- name: an agent", "- note: an agent", "note: an agent", "unknown key 'note'"),
    "a test without reference": ("requests: {p99: 100}", "requests: {p90: 1}", "a harvest", "lacks requests p99"),
    "a silent test for want of data": ("share: 0.9", "share: null", "tests:", "all fields of the detection known"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_file_is_refused_at_the_line_to_blame(kind, tmp_path):
    old, new, part, reason = BROKEN[kind]
    assert old in SOUND
    text = SOUND.replace(old, new, 1)
    path = written(tmp_path, text)
    with pytest.raises(RuleError) as refused:
        read_rule(path, FIELDS)
    about = [problem for problem in refused.value.problems if reason in problem.reason]
    assert about, refused.value.problems
    assert about[0].path == path
    missing = "is missing" in reason or "are missing" in reason
    expected = 1 if missing and part in {"id:", "title:"} else line_of(text, part)
    assert about[0].line == expected
    assert str(about[0]).startswith(f"{path}:{expected}: ")


def test_every_problem_of_a_file_is_told_at_once(tmp_path):
    text = SOUND.replace("level: low", "level: enormous").replace("weight: 1.5", "weight: 99").replace("|lt:", "|re:")
    with pytest.raises(RuleError) as refused:
        read_rule(written(tmp_path, text), FIELDS)
    lines = [problem.line for problem in refused.value.problems]
    assert lines == sorted(line_of(text, part) for part in ("|re:", "enormous", "weight: 99"))


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "one mapping"),
        (b"- a\n- b\n", "one mapping"),
        (SOUND.encode() + b"---\n" + SOUND.encode(), "one mapping"),
        (b"title: \xff\xfe\n", "cannot be read"),
        (b"title: a\x00b\n", "not YAML"),
        (b"[" * 50_000, "nested deeper"),
        (b"#" * 70_000, "larger than"),
        (b"? [a, b]\n: c\n", "a key must be text"),
        (b"date: 2026-13-45\n", "not YAML"),
    ],
)
def test_what_is_no_rule_file_at_all_is_refused(raw, reason, tmp_path):
    path = tmp_path / "rule.yml"
    path.write_bytes(raw)
    with pytest.raises(RuleError, match=reason):
        read_rule(path, FIELDS)


@pytest.mark.parametrize("what", ["id", "code"])
def test_two_rules_do_not_share_an_id_or_a_code(what, tmp_path):
    other = SOUND.replace("MANY_REQUESTS", "MORE_REQUESTS") if what == "id" else SOUND.replace("3f1c", "4f1c")
    first, second = written(tmp_path), written(tmp_path, other, "second.yml")
    rules, problems = lint([first, second], FIELDS)
    assert [rule.path for rule in rules] == [first]
    assert [(p.path, p.line) for p in problems] == [(second, line_of(other, f"{what}: "))]
    assert str(first) in problems[0].reason


def test_one_broken_file_refuses_the_folder(tmp_path):
    written(tmp_path)
    assert [rule.code for rule in load_rules(tmp_path, FIELDS)] == ["MANY_REQUESTS"]
    written(tmp_path, SOUND.replace("level: low", "level: enormous"), "broken.yml")
    with pytest.raises(RuleError, match=r"broken\.yml:\d+: level 'enormous'"):
        load_rules(tmp_path, FIELDS)


def test_a_folder_without_rules_is_no_rule_set(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no \.yml file"):
        load_rules(tmp_path, FIELDS)
