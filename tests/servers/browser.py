"""Headless Chromium for tests, driven by Playwright, with axe-core to judge what it shows."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files

from playwright.sync_api import Browser, sync_playwright
from running import program

# No call home, no sandbox that a container would refuse, nothing of the machine's own profile.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def installed() -> str:
    return program("chromium", "chromium-browser", "google-chrome")


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser with a profile of its own."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=installed(), args=FLAGS)
        yield browser
        browser.close()


def axe() -> str:
    """The source of axe-core, as its wheel ships it."""
    return files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
