"""What all tests share."""

import sys
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

# The same examples on every machine: a run that fails can be run again.
settings.register_profile("same", derandomize=True, deadline=None)
settings.load_profile("same")

# Helpers beside the tests of a folder are imported by their plain name.
for folder in Path(__file__).parent.iterdir():
    if folder.is_dir():
        sys.path.append(str(folder))

import warden  # noqa: E402 - found on the path that was just made

RUN = pytest.StashKey()


@pytest.fixture(autouse=True)
def own_log():
    """A command that says where the log goes says so for its own test."""
    yield
    structlog.reset_defaults()


def pytest_configure(config):
    """Whatever this run starts and writes into temporary folders is looked after when it is gone."""
    if not hasattr(config, "workerinput"):
        config.stash[RUN] = warden.watch()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Files with slow tests first, those of one long test before those that can be left off soon; a file stays together."""
    slow = {}
    for item in items:
        slow[item.path] = slow.get(item.path, 0) + (item.get_closest_marker("slow") is not None)
    items.sort(key=lambda item: (not slow[item.path], slow[item.path]))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Slow files beside quick ones."""
    if config.getvalue("dist") != "loadfile":
        return None
    from both_ends import BothEnds  # noqa: PLC0415 - nothing is spread without pytest-xdist

    return BothEnds(config, log)
