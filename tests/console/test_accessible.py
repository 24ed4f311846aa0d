"""axe-core finds nothing to object to on any page, in light and in dark, wide and narrow."""

import pytest
from browser import installed

pytestmark = pytest.mark.slow
installed()


@pytest.fixture(scope="module")
def worst(served):
    return served.client.get("/v1/alerts?order=worst").json()["items"][0]


def sign_in(open_page, _, how):
    page = open_page(signed_in=False, **how)
    page.wait_for_selector("#token")
    return page


def list_and_case(open_page, _, how):
    page = open_page(**how)
    page.wait_for_selector("#alerts a[aria-current=true]")
    page.wait_for_selector("#case h2")
    return page


def empty_list(open_page, _, how):
    page = open_page(**how)
    page.fill("#filters [name=account_id]", "nobody")
    page.wait_for_selector("#none:not([hidden])")
    return page


def decided_case(open_page, alert, how):
    page = open_page(f"#alert={alert['id']}", **how)
    page.click("#case button:text('Acknowledge')")
    page.wait_for_selector("#case button:text('Acknowledge'):disabled")
    page.select_option("#case select", "litellm")
    page.wait_for_selector("#case pre:not([hidden])")
    page.click("#case button:text('Undo')")
    page.wait_for_selector("#case button:text('Acknowledge'):enabled")
    return page


def account(open_page, alert, how):
    page = open_page(f"#account={alert['accounts'][0]}", **how)
    page.wait_for_selector("#case h3:text('Features')")
    return page


def refusal(open_page, _, how):
    page = open_page("#account=", **how)
    page.wait_for_selector("#case")
    page.wait_for_selector("#mode:not([hidden])")
    page.wait_for_timeout(500)  # the page's own start, when it is through, hides what was said before
    page.evaluate("import('./api.js').then((m) => m.say('Something was refused.'))")
    page.wait_for_selector("#said:not([hidden])")
    return page


PAGES = [sign_in, list_and_case, empty_list, decided_case, account, refusal]
LOOKS = [({"scheme": "light"}, PAGES), ({"scheme": "dark"}, PAGES), ({"width": 390}, [list_and_case, account])]


@pytest.mark.parametrize(
    ("how", "made"),
    [
        pytest.param(how, made, id=f"{made.__name__}-{next(iter(how.values()))}")
        for how, pages in LOOKS
        for made in pages
    ],
)
def test_nothing_stands_in_the_way(open_page, worst, judge, how, made):
    page = made(open_page, worst, how)
    page.evaluate(judge)
    found = page.evaluate("axe.run({ resultTypes: ['violations'] })")
    assert found["passes"]
    assert [(v["impact"], v["id"], [n["target"] for n in v["nodes"]]) for v in found["violations"]] == []


def test_a_narrow_page_does_not_scroll_sideways(open_page, worst):
    for at in (f"#alert={worst['id']}", f"#account={worst['accounts'][0]}"):
        page = open_page(at, width=390)
        page.wait_for_selector("#case h2")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
