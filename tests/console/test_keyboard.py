"""An analyst signs in, goes through alerts, decides, and takes it back, without a mouse."""

import pytest
from browser import installed

pytestmark = pytest.mark.slow
installed()


def status(served, alert_id):
    return served.client.get(f"/v1/alerts/{alert_id}").json()["status"]


def chosen(page):
    return page.get_attribute("#alerts a[aria-current=true]", "data-id")


def shown(page, alert_id):
    page.wait_for_selector(f"#case[data-subject='{alert_id}']")


def said(page, text):
    page.wait_for_function("(text) => document.getElementById('did').textContent === text", arg=text)


def focused(page):
    return page.evaluate("document.activeElement.textContent || document.activeElement.id")


@pytest.fixture
def page(open_page, served):
    opened = open_page(signed_in=False)
    opened.focus("#token")
    opened.keyboard.insert_text(served.token)
    opened.keyboard.press("Enter")
    opened.wait_for_selector("#case h2")
    return opened


def test_through_the_list(page, served):
    page.select_option("#filters [name=severity]", "")
    page.wait_for_selector("#alerts li:nth-child(2)")
    page.evaluate("document.activeElement.blur()")
    ids = [a["id"] for a in served.client.get("/v1/alerts?order=worst").json()["items"]]
    assert len(ids) > 1
    for key, at in (("j", 1), ("k", 0), ("k", 0)):
        page.keyboard.press(key)
        shown(page, ids[at])
        assert chosen(page) == ids[at]
        assert page.evaluate("document.activeElement.dataset.id") == ids[at]
    assert ids[0] in page.title()


@pytest.mark.parametrize(
    ("key", "becomes"), [("a", "acknowledged"), ("c", "confirmed"), ("f", "false_positive"), ("r", "resolved")]
)
def test_a_key_decides_and_another_takes_it_back(page, served, key, becomes):
    alert = chosen(page)
    before = status(served, alert)
    page.keyboard.press(key)
    said(page, f"{alert} is {becomes.replace('_', ' ')}.")
    assert status(served, alert) == becomes
    page.keyboard.press("u")
    said(page, f"The last decision on {alert} is taken back.")
    assert status(served, alert) == before


def test_by_tab_and_enter_with_a_note(page, served):
    alert = chosen(page)
    page.focus("#case")
    page.keyboard.press("Tab")
    assert focused(page) == "note"
    page.keyboard.type("seen before; a u r are letters here")
    for name in ("Acknowledge", "Confirm"):
        page.keyboard.press("Tab")
        assert focused(page) == name
    page.keyboard.press("Enter")
    said(page, f"{alert} is confirmed.")
    assert page.input_value("#note") == ""
    latest = served.client.get(f"/v1/alerts/{alert}/history").json()["decisions"]
    assert "seen before; a u r are letters here" in [d["note"] for d in latest]
    # The button that was pressed is off now; the keyboard is still in the case.
    assert page.evaluate("document.activeElement.id") == "case"
    page.keyboard.press("u")
    said(page, f"The last decision on {alert} is taken back.")


def test_keys_can_be_turned_off(page, served):
    alert = chosen(page)
    before = status(served, alert)
    page.uncheck("#keys")
    page.focus("#case")
    page.keyboard.press("a")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "case"
    assert status(served, alert) == before


def test_a_note_survives_that_somebody_else_decides(page, served):
    alert = chosen(page)
    page.wait_for_selector("#live.on")
    page.focus("#note")
    page.keyboard.type("half a th")
    answer = served.client.post(f"/v1/alerts/{alert}/triage", json={"status": "acknowledged"}).raise_for_status()
    assert answer.json()["status"] == "acknowledged"
    page.wait_for_selector("#case button:text('Acknowledge'):disabled")
    page.keyboard.type("ought")
    assert page.input_value("#note") == "half a thought"
    served.client.post(f"/v1/alerts/{alert}/undo").raise_for_status()


def test_to_an_account_and_back(page):
    alert = chosen(page)
    page.focus("#case td a")
    account = focused(page)
    page.keyboard.press("Enter")
    shown(page, account)
    assert page.evaluate("document.activeElement.id") == "case"
    assert page.query_selector("#alerts a[aria-current=true]") is None
    page.keyboard.press("Tab")
    assert focused(page) == alert
    page.keyboard.press("Enter")
    shown(page, alert)


def test_an_account_is_opened_by_its_id(page):
    account = page.text_content("#case td a")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("/")
    page.keyboard.type(account)
    page.keyboard.press("Enter")
    shown(page, account)
    assert page.url.endswith(f"#account={account}")


def test_signing_out_forgets_the_token(page):
    page.click("#leave")
    assert page.evaluate("document.activeElement.id") == "token"
    assert page.evaluate("sessionStorage.length") == 0
    assert not page.is_visible("#main")
    assert page.text_content("#case") == ""
