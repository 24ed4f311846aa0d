"""The page: complete, well formed, closed to the network, deaf to hostile text, bounded in size."""

import base64
import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.report import Graph, Node, ReportData, Timeline, render_report
from detector.report.case_card import PAYERS
from detector.report.charts import area, dated
from detector.report.markup import h, text
from detector.service.skeletons import LEAST_PAYERS
from tests.report.parsed import Page

HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(2)></pre></details><!--\x00\u202e javascript:alert(3)"


def test_everything_is_on_the_page(data):
    page = Page(render_report(data))
    for words in (
        "2 cases need action: 29 accounts with 960 exchanges, 97 % of all traffic.",
        "24 accounts of 18 payers send one system prompt and pay with the same cards, mostly for grading and reasoning",
        "One account: members send one prompt",
        "Members act in step",
        "value: 0.9 99 % of ordinary groups have at most 0.1",
        "Without the shared prompt skeleton the cluster would score 12 instead of 97.",
        "The score of 5 nats, by feature",
        "acct-x: api key key-9, 1,200 exchanges with the shared text",
        "Of these, 2.5 nats rest on what members share:",
        "risk 61 without it",
        "Grade ⟨slot⟩ from 1 to ⟨num⟩",
        "AML.T0024.002 Extract AI model",
        "at most 300 requests per 24 h for all members and joiners together",
        "Requests a day 480",
        "and 4 further members in alerts.ndjson",
        "not JSON 6",
        "for want of reasoning_tokens : reasoning_share",
        "exchanges per s 123,456",
        "Mon 1 Jun 2026, 00:00 – Tue 2 Jun 2026, 00:00 UTC · 24 h of traffic",
    ):
        assert words in page.shown


def test_cases_stand_in_order_of_severity_then_risk(data):
    cards = [attributes["id"] for attributes in Page(render_report(data)).all("details") if "id" in attributes]
    assert cards == ["case-al-1", "case-al-3", "case-al-2"]


def test_the_same_data_give_the_same_bytes(data):
    assert render_report(data) == render_report(data)


def test_no_alert_and_no_data_at_all():
    page = Page(render_report(ReportData()))
    assert "Nothing needs action." in page.shown
    assert "No alert." in page.shown
    assert not page.all("details")


def test_weak_alerts_alone_need_no_action(make_alert, make_data):
    page = Page(render_report(make_data([make_alert(severity="medium")])))
    assert "Nothing needs action; 1 weaker alert below." in page.shown


def test_an_account_of_two_cases_counts_once(make_alert, make_data):
    whole, part = make_alert("al-1", exchanges=480, exchanges_before_detection=120), make_alert("al-2", members=2)
    for place, member in enumerate(part["members"]):
        member["account_id"] = part["accounts"][place] = whole["accounts"][place]
    page = render_report(make_data(alerts=[whole, part]))
    assert "<b>24 accounts</b> with 480 exchanges" in page
    assert "120 exchanges" in page


def test_nothing_points_off_the_page(data):
    source = render_report(data)
    page = Page(source)
    targets = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    for _, attributes in page.elements:
        assert not {"src", "srcset", "action", "xlink:href", "ping", "data"} & attributes.keys()
        if "href" in attributes:
            assert attributes["href"].removeprefix("#") in targets
    assert not re.search(r"https?://|url\(|@import|//cdn", source)
    assert not page.all("link")
    assert not page.all("iframe")


def test_only_our_own_script_may_run(data):
    source = render_report(data)
    (script,) = re.findall(r"<script>(.*?)</script>", source, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = next(meta["content"] for meta in Page(source).all("meta") if "http-equiv" in meta)
    assert "default-src 'none'" in policy
    assert f"script-src 'sha256-{digest}'" in policy


def hostile_data(make_alert, make_data):
    reason = {"code": HOSTILE, "text": HOSTILE, "value": 1.0, "benign_p99": 0.1, "weight": 1.0, "score_without": 3.0}
    alert = make_alert(HOSTILE, 6) | {
        "status": HOSTILE,
        "kind": "cluster",
        "techniques": [HOSTILE],
        "reasons": [reason],
        "evidence": {
            "links": {HOSTILE: 2.0},
            "skeletons": [{"text": HOSTILE, "accounts": 6}, HOSTILE],
            "capabilities": {HOSTILE: 1.0},
        },
        "members": [{"account_id": HOSTILE, "role": HOSTILE, "reasons": [HOSTILE]}],
        "recommendation": {
            "subject": {"kind": HOSTILE, "id": HOSTILE},
            "action": HOSTILE,
            "degrade": [HOSTILE],
            "limits": [{"unit": HOSTILE, "quota": 1, "window_s": 60}],
            "blast_radius": {"accounts": 1, "revenue_tier_mix": {HOSTILE: 1}},
        },
    }
    graph = Graph([Node("a", "account", HOSTILE, HOSTILE), Node("k", "mail", HOSTILE)], [("a", "k", 1.0)])
    run = {"versions": {"revenuer": HOSTILE, HOSTILE: HOSTILE}, "rates": {HOSTILE: HOSTILE}}
    alone = make_alert("al-9", 1, reasons=[reason])
    return make_data(
        [alert, alone], graphs={HOSTILE: graph}, run=run, unavailable={HOSTILE: [HOSTILE]}, dead_letters={HOSTILE: 1}
    )


def test_hostile_text_stays_text(make_alert, make_data):
    source = render_report(hostile_data(make_alert, make_data))
    page = Page(source)
    assert len(page.all("script")) == 1
    assert not page.all("img")
    assert "<!--" not in source
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    assert "<script>alert(1)</script>" in page.shown
    assert "\x00" not in source
    assert "\u202e" not in source


@given(st.text())
def test_any_text_survives_as_text_in_content_and_attribute(value):
    parser = Page(h("p", value, data_tip=value))
    (attributes,) = parser.all("p")
    shown = attributes["data-tip"]
    assert "".join(parser.words) == shown
    assert len(attributes) == 1
    # One for one: a letter stays, or is replaced where it could hide or reorder text. \r is one of those.
    assert len(shown) == len(value)
    assert all(new == old or new in "�?" for new, old in zip(shown, value, strict=True))
    assert all(new == old for new, old in zip(shown, value, strict=True) if old.isprintable())


def test_escaping_is_by_construction():
    assert text("<b>&\"'") == "&lt;b&gt;&amp;&quot;&#x27;"
    assert h("b", h("i", "<"), "<", None) == "<b><i>&lt;</i>&lt;</b>"
    assert h("p", hidden=True, title=None, data_x=0.25, class_="a") == '<p hidden="" data-x="0.25" class="a"></p>'
    assert h("br") == "<br>"
    assert text("\ud800") == "?"


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = [
    "id",
    "kind",
    "severity",
    "risk",
    "p_value",
    "status",
    "accounts",
    "account_detected_at",
    "first_seen",
    "detected_at",
    "exchanges",
    "exchanges_before_detection",
    "techniques",
    "reasons",
    "evidence",
    "members",
    "recommendation",
]


@given(st.dictionaries(st.sampled_from(FIELDS), JUNK))
def test_a_malformed_alert_never_stops_the_page(make_alert, make_data, junk):
    page = Page(render_report(make_data([make_alert() | {**junk, "merged_into": None}], graphs={})))
    assert page.all("details")


def test_an_alert_that_was_merged_away_has_no_card(make_alert, make_data, data):
    gone = make_alert("gone", merged_into="al-1")
    assert "case-gone" not in render_report(make_data([*data.alerts, gone]))


def test_a_cluster_of_thousands_stays_small(make_alert, make_data):
    alert = make_alert("big", 2_000)
    source = render_report(make_data([alert]))
    page = Page(source)
    assert len(source) < 200_000
    drawn = [attributes for attributes in page.all("circle") if "data-tip" in attributes]
    assert len(drawn) == 78  # with the two keys, 80 nodes
    assert "1,922 nodes not drawn" in page.shown
    assert "and 1,980 further members" in page.shown


def test_a_thousand_alerts_stay_bounded(make_alert, make_data, make_graph):
    alerts = [make_alert(f"al-{number}", 3, risk=float(number % 100)) for number in range(1_000)]
    source = render_report(make_data(alerts, graphs={alert["id"]: make_graph(alert) for alert in alerts}))
    page = Page(source)
    assert len(source) < 2_500_000
    assert sum("id" in attributes for attributes in page.all("details")) == 60
    assert "500 further alerts in alerts.ndjson" in page.shown


def test_half_a_year_is_drawn_in_few_bins(make_data):
    hours = list(range(1_780_272_000, 1_780_272_000 + 180 * 86_400, 3_600))
    page = Page(render_report(make_data([], timeline=Timeline(hours, [1] * len(hours)))))
    hits = [attributes["data-tip"] for attributes in page.all("rect") if "UTC" in attributes.get("data-tip", "")]
    assert 100 < len(hits) <= 240
    assert sum(int(tip.rsplit("\n", 1)[1].split()[0]) for tip in hits) == len(hours)


def test_a_partly_covered_last_bin_does_not_look_like_a_drop():
    long = [1_780_272_000 + 3_600 * hour for hour in range(241)]
    line = next(path for path in Page(area(long, [10] * 241, label="z")).all("path") if path["class"] == "line")
    assert len({point.split()[1] for point in line["d"][1:].split("L")}) == 1


def test_a_time_axis_says_the_day():
    midnight = 1_780_272_000
    assert dated([midnight, midnight + 86_400]) == ["1 Jun", "2 Jun"]
    hours = [midnight + 3_600 * hour for hour in (8, 16, 24, 32)]
    assert dated(hours) == ["1 Jun, 08:00", "16:00", "2 Jun", "08:00"]
    assert dated([]) == []


def test_the_small_chart_has_a_value_axis():
    page = Page(area([1_780_272_000 + 3_600 * hour for hour in range(24)], [7] * 24, label="z", small=True))
    assert page.words[:2] == ["8", "0"]
    assert "1 Jun" in page.words[2]


def test_on_a_phone_each_figure_of_an_alert_says_what_it_is(data):
    cells = [cell["data-label"] for cell in Page(render_report(data)).all("td") if "data-label" in cell]
    assert cells[:5] == ["risk", "accounts", "exchanges", "leaked", "detected"]


@pytest.mark.parametrize("hours", [[float("nan"), 1e300, -1e300], ["", None, True], [1e11, 1_780_272_000]])
def test_impossible_hours_do_not_stop_the_page(make_alert, make_data, hours):
    alert = make_alert(evidence={"timeline": {"hours": hours, "counts": [1, 2, 3]}})
    assert Page(render_report(make_data([alert]))).all("details")


def test_the_axis_of_a_quiet_hour_does_not_divide_by_zero(make_data):
    assert Page(render_report(make_data([], timeline=Timeline([1_780_272_000], [0])))).all("svg")


GONE = "No picture: at the end of the log no cluster holds half of these accounts any more."


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, True),
        ({"severity": "medium"}, False),
        ({"kind": "account"}, False),
    ],
)
def test_an_actionable_cluster_that_is_no_longer_seen_says_why_it_has_no_picture(make_alert, make_data, changes, said):
    page = Page(render_report(make_data([make_alert(**changes)], graphs={})))
    assert (GONE in page.shown) == said
    assert not [svg for svg in page.all("svg") if svg.get("class") == "graph"]


def test_a_cluster_with_a_picture_does_not_say_that_it_has_none(data):
    page = Page(render_report(data))
    assert GONE not in page.shown
    assert len([svg for svg in page.all("svg") if svg.get("class") == "graph"]) == 2


def test_activity_of_a_case_counts_members_and_that_of_the_run_exchanges(make_alert, make_data):
    tips = [rect.get("data-tip", "") for rect in Page(render_report(make_data([make_alert()]))).all("rect")]
    assert any(tip.endswith("23 active members") for tip in tips)
    assert any(tip.endswith("63 exchanges") for tip in tips)


def test_a_text_of_one_member_is_not_called_shared(make_alert, make_data):
    texts = [{"text": "Grade ⟨slot⟩", "accounts": 5}, {"text": "Call ⟨slot⟩", "accounts": 1}]
    shown = Page(render_report(make_data([make_alert(evidence={"skeletons": texts})]))).shown
    assert "Shared texts, masked Grade ⟨slot⟩ 5 accounts" in shown
    assert "Call ⟨slot⟩" not in shown


def test_where_few_members_hold_a_text_the_page_says_that_others_do(make_alert, make_data):
    """Fewer than five would read as a breach of what README promises; they are members, not payers."""
    shown = Page(render_report(make_data([make_alert(evidence={"skeletons": [{"text": "T", "accounts": 3}]})]))).shown
    assert "T 3 of these accounts, at least 5 unrelated payers in all" in shown
    assert PAYERS == LEAST_PAYERS


def test_a_quota_beside_a_suspension_is_for_whom_that_is_too_much(make_alert, make_data):
    alert = make_alert()
    alert["recommendation"]["action"] = "suspend"
    shown = Page(render_report(make_data([alert]))).shown
    assert "if that is too much: at most 300 requests per 24 h for all members and joiners together" in shown


def test_what_ties_a_member_is_said_in_words(make_alert, make_data):
    alert = make_alert()
    alert["members"][0]["reasons"] = ["tls", "ONE_OPERATOR"]
    assert "client fingerprint, ONE_OPERATOR" in Page(render_report(make_data([alert]))).shown
