"""`kill -9` at any moment, many times: the run resumes and ends with the same alerts, scores and books, none lost and none twice."""

import os
import random

import killed
import pytest

from detector.simulator.generate import write
from detector.simulator.world import load_world

KILLS, POSTS = int(os.environ.get("REVENUER_KILLS", "5")), 40


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    write(load_world("tiny"), folder)
    lines = (folder / "requests.ndjson").read_text().splitlines(keepends=True)
    # What cannot be read, and what comes twice, must be in the books once as well.
    for at in (100, 900, 2500):
        lines[at:at] = ["not json\n", lines[at]]
    return folder, lines


@pytest.fixture(scope="module")
def inbox_uncut(world, tmp_path_factory):
    folder = tmp_path_factory.mktemp("uncut") / "data"
    killed.put(world[0], folder, world[1])
    killed.until_done(killed.read_inbox, folder, [])
    return killed.outcome(folder)


def cut(world, folder, kills, seed):
    """Kill the reading of an inbox some times."""
    source, lines = world
    killed.put(source, folder, lines)
    chance = random.Random(seed)
    return killed.until_done(killed.read_inbox, folder, [chance.uniform(0.05, 1.5) for _ in range(kills)])


@pytest.mark.slow
def test_an_inbox_read_under_kills_gives_what_it_gives_without(world, inbox_uncut, tmp_path):
    hits = cut(world, tmp_path / "data", KILLS, seed=1)
    assert hits >= 2
    assert killed.outcome(tmp_path / "data") == inbox_uncut
    assert inbox_uncut["stored"]
    assert inbox_uncut["books"]["dead_lettered"] == len(inbox_uncut["letters"]) == 3


def posts(world, folder):
    source, lines = world
    killed.put(source, folder, [])
    (folder / "posts").mkdir()
    (folder / "acknowledged").mkdir()
    size = -(-len(lines) // POSTS)
    for i in range(POSTS):
        (folder / "posts" / f"{i:03d}.ndjson").write_text("".join(lines[i * size : (i + 1) * size]))
    return folder


@pytest.mark.slow
def test_what_was_acknowledged_is_never_lost_and_never_counted_twice(world, tmp_path):
    whole = posts(world, tmp_path / "whole")
    killed.until_done(killed.post, whole, [])
    expected = killed.outcome(whole)
    folder, chance = posts(world, tmp_path / "cut"), random.Random(2)
    hits = killed.until_done(killed.post, folder, [chance.uniform(0.1, 0.9) for _ in range(KILLS)])
    assert hits >= 2
    found = killed.outcome(folder)
    for one in ("versions", "accounts", "requests"):
        assert found[one] == expected[one], one
    for one in ("stored", "alerts"):
        assert killed.same_alerts(found[one], expected[one]), one
    # A post that was written and not acknowledged is sent again, and counts as duplicates then.
    assert found["books"]["accepted"] == expected["books"]["accepted"]
    newest = max((folder / "checkpoints").glob("*.checkpoint"))
    newest.write_bytes(b"damaged")
    again = killed.outcome(folder)
    for one in ("stored", "alerts"):
        assert killed.same_alerts(again[one], expected[one]), one
    assert [again[k] for k in ("versions", "accounts", "requests", "letters")] == [
        found[k] for k in ("versions", "accounts", "requests", "letters")
    ], "the journal must reach back to the checkpoint before"


@pytest.mark.slow
def test_a_damaged_checkpoint_falls_back_to_the_one_before(world, inbox_uncut, tmp_path, capsys):
    folder = tmp_path / "data"
    cut(world, folder, 2, seed=3)
    newest = max((folder / "checkpoints").glob("*.checkpoint"))
    newest.write_bytes(newest.read_bytes()[:-7] + b"damaged")
    assert killed.outcome(folder) != {}
    assert newest.name in capsys.readouterr().out
    (folder / killed.DONE).unlink()
    killed.until_done(killed.read_inbox, folder, [])
    assert killed.outcome(folder) == inbox_uncut
