"""What an analyst can do beside a verdict: look at the ties, allow, say what became of it; and what comes back by itself."""

from datetime import datetime, timedelta

import msgspec
import pytest
from browser import installed

from detector.alerts.store import Store
from detector.profiles.features import FEATURES
from detector.report.case import read_case
from detector.report.measures import bounds, measured, named, valued
from detector.report.words import headline

pytestmark = pytest.mark.slow
installed()


@pytest.fixture
def cluster(served):
    """The worst cluster, as it stands."""
    return served.client.get("/v1/alerts?order=worst&kind=cluster").json()["items"][0]


def said(page, text):
    page.wait_for_function("(text) => document.getElementById('did').textContent === text", arg=text)


def show_anew(page, cluster):
    """A case that is open already is not read again at once: away from it first."""
    for hash_ in (f"#account={cluster['accounts'][0]}", f"#alert={cluster['id']}"):
        page.evaluate("(hash) => { location.hash = hash; }", hash_)
        page.wait_for_timeout(500)


def test_the_graph_shows_members_and_what_they_share(open_page, served, cluster):
    told = served.client.get(f"/v1/clusters/{cluster['id']}/graph").json()
    page = open_page(f"#alert={cluster['id']}")
    page.wait_for_selector("#case svg.graph")
    accounts = page.locator("svg.graph circle").count()
    assert accounts == len([n for n in told["nodes"] if n["kind"] == "account"]) >= 3
    assert page.locator("svg.graph path.shared").count() == len(told["nodes"]) - accounts >= 1
    assert page.locator("svg.graph line").count() == len(told["edges"])
    names = page.locator("svg.graph circle title").all_text_contents()
    assert {n.partition(",")[0] for n in names} <= set(cluster["accounts"])


def test_where_a_low_value_is_the_sign_the_case_says_so(open_page, cluster):
    page = open_page()
    told = {"unusual": "low", "feature": "gap_cv", "unit": "ratio", "value": 0.5, "benign_p99": 4.9, "asked": None}
    first = {**cluster["reasons"][0], **told}
    page.route(
        f"**/v1/alerts/{cluster['id']}",
        lambda route: route.fulfill(json={**cluster, "reasons": [first, *cluster["reasons"][1:]]}),
    )
    show_anew(page, cluster)
    page.wait_for_selector("#case :text('(gap cv): 0.5, where low is unusual')")
    assert page.text_content("#case").count("low is unusual") == 1


def test_a_value_has_its_feature_its_unit_and_what_it_is_unusual_against(open_page, cluster):
    page = open_page()
    told = {"feature": "level_evidence", "unit": "nats", "value": 18.0, "asked": 11.5, "benign_p99": 42.1}
    before = {"feature": "", "unit": "", "value": 50.0, "asked": None, "benign_p99": None}
    first = {**cluster["reasons"][0], "unusual": "high"}
    page.route(
        f"**/v1/alerts/{cluster['id']}",
        lambda route: route.fulfill(json={**cluster, "reasons": [{**first, **told}, {**first, **before}]}),
    )
    show_anew(page, cluster)
    # The very words of the report.
    (why, before_that) = read_case({**cluster, "reasons": [{**first, **told}, {**first, **before}]}).reasons
    page.wait_for_selector(f"#case .bars .value >> text={valued(why)}")
    assert bounds(why, "cluster") in page.locator("#case .bars .quiet").all_text_contents()
    assert page.locator("#case .bars .value").all_text_contents()[1] == valued(before_that) == "value: 50"
    assert page.locator("#case .gauge .asked").count() == 1


def test_an_accounts_features_are_told_as_its_reasons_are(open_page, served, cluster):
    account = served.client.get(f"/v1/accounts/{cluster['accounts'][0]}").json()
    page = open_page(f"#account={account['account_id']}")
    page.wait_for_selector("#case dd:text-is('people and scripts')")
    page.click("#case button[data-key=Features]")
    told = {name: measured(account["features"][name], FEATURES[name].unit) for name in ("gap_cv", "cap_tools")}
    for name, value in told.items():
        page.wait_for_selector(f"#case tr:has(td:text-is('{named(name)}')) >> td.n:text-is('{value}')")


@pytest.mark.parametrize(
    ("start", "many", "said"),
    [
        ("2026-03-02T09:00:00+00:00", 30, ["2026-03-02 09:00", "2026-03-03"]),
        ("2026-03-02T22:00:00+00:00", 140, [f"2026-03-0{day}" for day in (3, 4, 5, 6, 7, 8)]),
        ("2026-03-02T09:00:00+00:00", 5, ["2026-03-02 09:00"]),
    ],
)
def test_the_time_axis_has_its_days(open_page, cluster, start, many, said):
    page = open_page()
    hours = [(datetime.fromisoformat(start) + timedelta(hours=n)).isoformat() for n in range(many)]
    told = {**cluster["evidence"], "timeline": {"hours": hours, "counts": [3] * many}}
    page.route(f"**/v1/alerts/{cluster['id']}", lambda route: route.fulfill(json={**cluster, "evidence": told}))
    show_anew(page, cluster)
    page.wait_for_selector("#case svg.plot:not(.graph)")
    assert sorted(page.locator("#case svg.plot:not(.graph) > text").all_text_contents()) == sorted(["3", "0", *said])


def test_list_and_case_are_headed_by_the_reports_sentence(open_page, cluster):
    page = open_page(f"#alert={cluster['id']}")
    told = headline(read_case(cluster))
    assert page.wait_for_selector("#case h2").text_content() == told
    assert page.text_content(f"#alerts a[data-id='{cluster['id']}'] .title") == told
    assert {name for names in (m["reasons"] for m in cluster["members"]) for name in names} & {"tls", "template"}
    shown = page.text_content("#case [aria-label=Members]")
    assert "client fingerprint" in shown or "prompt template" in shown


def test_what_was_stored_before_there_was_a_headline_has_one(open_page, cluster):
    page = open_page()
    page.route(f"**/v1/alerts/{cluster['id']}", lambda route: route.fulfill(json={**cluster, "headline": ""}))
    show_anew(page, cluster)
    page.wait_for_selector(f"#case h2:text-is('{len(cluster['accounts'])} accounts')")


def test_a_text_says_who_holds_it_beside_its_few_members(open_page, cluster):
    page = open_page()
    texts = [{"text": f"Do {n} ⟨slot⟩", "kind": "template", "accounts": n} for n in (1, 3, 7)]
    told = {**cluster, "evidence": {**cluster["evidence"], "skeletons": texts}}
    page.route(f"**/v1/alerts/{cluster['id']}", lambda route: route.fulfill(json=told))
    show_anew(page, cluster)
    page.wait_for_selector("#case :text('template, 3 of these accounts, at least 5 unrelated payers in all')")
    shown = page.text_content("#case")
    assert "template, 7 accounts" in shown
    assert "Do 1 " not in shown, "nobody shares it within the cluster"


def test_an_allowance_for_nobody_says_so(open_page, cluster):
    account = cluster["accounts"][0]
    page = open_page(f"#account={account}")
    page.route("**/v1/allowances", lambda route: route.fulfill(status=201, json={"known": False}))
    page.select_option("#case form select", "research")
    page.fill("#case form input[placeholder='who answers for it']", "lab@example.com")
    page.click("#case form button:text('Grant')")
    page.wait_for_function("() => /Nobody has seen this account yet/.test(document.getElementById('did').textContent)")
    assert "Nobody has seen this account yet" in page.text_content("#case .since")


def test_an_allowance_is_tried_granted_and_revoked(open_page, served, cluster):
    account = cluster["accounts"][0]
    page = open_page(f"#account={account}")
    page.select_option("#case form select", "research")
    page.wait_for_selector("#case form p:text-matches('would hide')")
    page.fill("#case form input[placeholder='who answers for it']", "lab@example.com")
    page.click("#case form button:text('Grant')")
    said(page, f"{account} has the allowance research; it takes effect at the next tick.")
    (made,) = served.client.get(f"/v1/allowances?account_id={account}").json()["items"]
    assert (made["name"], made["owner"]) == ("research", "lab@example.com")
    assert "research until" in page.text_content("#case ul.rows")
    assert "takes effect at the next tick" in page.text_content("#case")
    page.click("#case button:text('Revoke')")
    said(page, "The allowance research is revoked.")
    assert served.client.get(f"/v1/allowances?account_id={account}").json()["items"] == []
    assert page.query_selector("#case ul.rows") is None


def test_an_outcome_is_asked_about_before_it_is_recorded(open_page, served, cluster):
    page = open_page(f"#alert={cluster['id']}")
    page.wait_for_selector("#case h2")
    assert not page.is_visible("#case .sure")
    page.select_option("#case select[aria-label='What became of it']", "refused")
    page.wait_for_selector("#sure:text('Record that the recommendation was refused?')")
    show_anew(page, cluster)
    page.wait_for_selector("#sure:text('Record that the recommendation was refused?')")
    page.click("#case .sure button:text('Cancel')")
    assert not page.is_visible("#case .sure")
    assert page.evaluate("document.activeElement.dataset.key") == "outcome"
    page.select_option("#case select[aria-label='What became of it']", "refused")
    page.focus("#case .sure button:text('Record it')")
    page.keyboard.press("Escape")
    assert not page.is_visible("#case .sure")
    assert served.client.get(f"/v1/recommendations/{cluster['recommendation']['id']}/outcomes").json() == []


def answering(view):
    return lambda route: route.fulfill(json=view)


def test_the_header_says_whether_anybody_is_bound(open_page, served):
    page = open_page()
    page.wait_for_selector("#live.on:text('connected')")
    assert page.text_content("#mode") == "shadow mode: nothing is enforced"
    pulled = {"at": "2026-01-01T00:00:00.000000Z", "why": "61 accounts"}
    for mode, brake, told in (
        ("live", None, "live mode: recommendations bind"),
        ("live", pulled, "live mode, brake pulled: nothing is enforced (61 accounts)"),
    ):
        page = open_page(signed_in=False)
        view = {**served.client.get("/v1/enforcement").json(), "mode": mode, "brake": brake}
        page.route("**/v1/enforcement", answering(view))
        page.fill("#token", served.token)
        page.keyboard.press("Enter")
        page.wait_for_selector("#mode:not([hidden])")
        assert page.text_content("#mode") == told


def test_counts_of_an_account_are_whole_numbers(open_page, cluster):
    page = open_page(f"#account={cluster['accounts'][0]}")
    page.wait_for_selector("#case h2")
    assert page.locator("#case [aria-label=Features] tbody tr").count() == 10
    page.click("#case :text-matches('10 of [0-9]+ shown') button:text('Show all')")
    assert page.locator("#case [aria-label=Features] tbody tr").count() > 60
    for name in map(named, ("networks", "api_keys", "addresses", "requests")):
        shown = page.text_content(f"#case [aria-label=Features] tr:has(td:text-is('{name}')) td.n")
        assert shown == "unknown" or shown.replace(",", "").isdigit(), (name, shown)


def test_outcomes_are_noted_and_appeals_counted(open_page, served, cluster):
    page = open_page(f"#alert={cluster['id']}")
    for outcome, counted in (
        ("applied", "1 recommendation applied, 0 appealed"),
        ("appealed", "1 recommendation applied, 1 appealed, 0 overturned (0 %)"),
        ("reverted", "1 recommendation applied, 1 appealed, 1 overturned (100 %)"),
    ):
        page.select_option("#case select[aria-label='What became of it']", outcome)
        page.click("#case button:text('Record it')")
        said(page, f"The recommendation was {outcome}.")
        assert page.text_content("#appeals") == counted
        page.wait_for_selector(f"#case ul.steps li:text-matches('{outcome}')")
    told = served.client.get(f"/v1/recommendations/{cluster['recommendation']['id']}/outcomes").json()
    assert [o["outcome"] for o in told] == ["applied", "appealed", "reverted"]


def test_who_joins_after_a_decision_opens_it_again_as_far_as_they_go(open_page, served, cluster, database):
    name = cluster["id"]
    served.client.post(f"/v1/alerts/{name}/triage", json={"status": "resolved"}).raise_for_status()
    page = open_page(f"#alert={name}")
    page.select_option("#filters [name=status]", "open")
    page.wait_for_selector("#live.on")
    page.wait_for_function(f"() => !document.querySelector('#alerts a[data-id=\"{name}\"]')")
    store = Store(database)
    stored = store.alerts.get(name)
    store.alerts.upsert([msgspec.structs.replace(stored, accounts=[*stored.accounts, "acct-late"])])
    store.close()
    page.wait_for_selector(f"#alerts a[data-id='{name}'] .since:text('resolved +1')")
    page.wait_for_selector("#case .since a:text('acct-late')")
    page.wait_for_selector("#case button:text('Resolve'):enabled").click()
    said(page, f"{name} is resolved.")
    page.wait_for_function("() => !document.querySelector('#case .since')")
    assert served.client.get("/v1/alerts?status=open").json()["joiners"] == {}
    for _ in range(2):
        served.client.post(f"/v1/alerts/{name}/undo").raise_for_status()


def test_a_verdict_stands_where_only_counts_grew_and_waits_where_the_case_changed(open_page, served, cluster, database):
    name = cluster["id"]
    page = open_page(f"#alert={name}")
    page.wait_for_selector("#case h2")
    store = Store(database)
    stored = store.alerts.get(name)
    # No version, and so no event, comes of this.
    store.alerts.upsert([msgspec.structs.replace(stored, exchanges=stored.exchanges + 5)])
    page.click("#case button:text('Acknowledge')")
    said(page, f"{name} is acknowledged.")
    # What the page is not told of in time: the stream is cut.
    page.route("**/v1/alerts/stream*", lambda route: route.abort())
    page.evaluate("import('./api.js').then((m) => m.state.stream.abort())")
    stored = store.alerts.get(name)
    store.alerts.upsert([msgspec.structs.replace(stored, accounts=[*stored.accounts, "acct-unseen"])])
    store.close()
    page.click("#case button:text('Confirm')")
    page.wait_for_selector("#said:text('changed since it was read')")
    assert served.client.get(f"/v1/alerts/{name}").json()["status"] == "acknowledged"
    assert "acct-unseen" in page.text_content("#case .since")
    page.click("#case button:text('Confirm')")
    said(page, f"{name} is confirmed.")
    for _ in range(2):
        served.client.post(f"/v1/alerts/{name}/undo").raise_for_status()


def test_a_click_counts_though_the_case_is_drawn_anew_under_it(open_page, served, cluster):
    name = cluster["id"]
    page = open_page(f"#alert={name}")
    page.wait_for_selector("#live.on")
    page.hover("#case button:text('Acknowledge')")
    page.mouse.down()
    served.client.post(f"/v1/alerts/{name}/triage", json={"status": "resolved"}).raise_for_status()
    with page.expect_response(lambda answer: answer.url.endswith("/outcomes")):
        pass
    page.mouse.up()
    page.wait_for_function(
        "() => document.getElementById('did').textContent || !document.getElementById('said').hidden"
    )
    served.client.post(f"/v1/alerts/{name}/undo").raise_for_status()
    # Somebody else was quicker, and the analyst is told so instead of nothing.
    assert "changed since it was read" in page.text_content("#said")


def test_an_answer_that_was_overtaken_is_not_drawn(open_page, served):
    page = open_page(signed_in=False)
    held = []
    page.route("**/v1/alerts?*", lambda route: route.continue_() if held else held.append(route))
    page.fill("#token", served.token)
    page.keyboard.press("Enter")
    page.wait_for_selector("#main:not([hidden])")
    page.fill("#filters [name=account_id]", "nobody")
    page.wait_for_selector("#none:not([hidden])")
    with page.expect_response("**/v1/alerts?*"):
        held[0].continue_()
    page.wait_for_selector("#live.on")  # is only there once the first list has come
    assert page.locator("#alerts a").count() == 0
