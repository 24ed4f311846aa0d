"""The real service with a small world in it, and pages of a real browser."""

from shutil import copytree

import pytest
from browser import axe, chromium
from revenuer import serving, tiny

from detector.alerts.store.database import sqlite_url


# No longer than a file: while it is open, an event loop seems to run in this thread, and tests of the service have their own.
@pytest.fixture(scope="module")
def browser():
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="session")
def judge():
    """The source of axe-core."""
    return axe()


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """A service's folder as it is at its start, and the lines that it reads."""
    return tiny(tmp_path_factory.mktemp("world"))


# No longer than a file: what one decides, or adds to a case, is not there for the next.
@pytest.fixture(scope="module")
def folder(tmp_path_factory, world):
    return copytree(world[0], tmp_path_factory.mktemp("console") / "data")


@pytest.fixture
def database(folder, served):
    """URL of the database of the service."""
    assert served
    return sqlite_url(folder / "revenuer.db")


@pytest.fixture(scope="module")
def served(folder, world):
    with serving(folder) as service:
        service.ingest(world[1])
        yield service


@pytest.fixture
def open_page(browser, served):
    """Opens the console at a hash. Whatever goes wrong in it, and whatever it asks of another host, fails the test."""
    contexts, wrong = [], []

    def told(message):
        # The browser itself notes each answer that is no success; a case that changed meanwhile is none that is wrong.
        if message.type in {"error", "warning"} and "412 (Precondition Failed)" not in message.text:
            wrong.append(message.text)

    def opened(at="", *, signed_in=True, scheme="light", width=1280):
        context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
        context.set_default_timeout(20_000)
        contexts.append(context)
        if signed_in:
            context.add_init_script(f"sessionStorage.setItem('token', '{served.token}')")
        page = context.new_page()
        page.on("console", told)
        page.on("pageerror", lambda e: wrong.append(str(e)))
        page.on("request", lambda r: None if r.url.startswith(served.url) else wrong.append(r.url))
        page.goto(f"{served.url}/console/{at}")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert wrong == []
