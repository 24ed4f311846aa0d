"""Checkpoints: whole or not at all, the one before where the newest is damaged, and nothing but plain values."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from streams.checkpoint import CheckpointError, Checkpoints, pack, unpack

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)
NUMBERS = arrays.arrays(
    st.sampled_from([np.dtype(t) for t in ("?", "u1", "i4", "u8", "i8", "f4", "f8")]),
    arrays.array_shapes(min_dims=1, max_dims=3, min_side=0),
)


@given(st.dictionaries(st.text(), PLAIN))
def test_plain_values_come_back(state):
    assert unpack(pack(state)) == state


@given(NUMBERS)
def test_arrays_come_back_with_their_type_and_can_be_written(array):
    back = unpack(pack({"a": array}))["a"]
    assert back.dtype == array.dtype
    assert back.shape == array.shape
    np.testing.assert_array_equal(back, array)
    assert back.flags.writeable


@pytest.mark.parametrize("value", [object(), np.array(["a"]), np.array([None]), {1, 2}.__iter__()])
def test_nothing_else_goes_in(value):
    with pytest.raises(TypeError):
        pack({"x": value})


@given(st.binary(max_size=200))
def test_garbage_is_refused(data):
    with pytest.raises(ValueError, match="checksum"):
        unpack(data)


def test_a_pickle_in_its_place_is_never_loaded(tmp_path):
    held = Checkpoints(tmp_path)
    (tmp_path / "000000000001.checkpoint").write_bytes(pickle.dumps({"x": 1}))
    with pytest.raises(CheckpointError, match="no checkpoint can be read"):
        held.load()


def test_without_one_there_is_nothing(tmp_path):
    assert Checkpoints(tmp_path / "new").load() is None


def test_the_newest_counts_and_old_ones_go(tmp_path):
    held = Checkpoints(tmp_path, keep=3)
    for i in range(7):
        held.save({"i": i})
    assert held.load() == {"i": 6}
    assert len(list(tmp_path.iterdir())) == 3
    held.save({"i": 7}, keep=1)
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-1], lambda b: b[:20], lambda b: b[:0], lambda b: b[:-9] + b"x" + b[-8:]]
)
def test_a_damaged_one_gives_way_to_the_one_before_and_is_named(tmp_path, damage):
    held = Checkpoints(tmp_path)
    held.save({"i": 1})
    newest = held.save({"i": 2})
    newest.write_bytes(damage(newest.read_bytes()))
    assert held.load() == {"i": 1}
    assert [p.split(":")[0] for p in held.problems] == [newest.name]
    # And the next one does not take the damaged one's place among those kept for nothing.
    held.save({"i": 3})
    assert held.load() == {"i": 3}


def test_what_was_half_written_is_swept_away(tmp_path):
    (tmp_path / "000000000004.part").write_bytes(b"half")
    held = Checkpoints(tmp_path)
    assert held.load() is None
    assert not list(tmp_path.iterdir())


def test_an_older_version_is_migrated_step_by_step(tmp_path):
    Checkpoints(tmp_path, version=1).save({"a": 1})
    steps = {1: lambda s: {"b": s["a"] + 1}, 2: lambda s: {"c": s["b"] * 10}}
    assert Checkpoints(tmp_path, version=3, migrations=steps).load() == {"c": 20}
    with pytest.raises(CheckpointError, match="no way from version 2 to 3"):
        Checkpoints(tmp_path, version=3, migrations={1: steps[1]}).load()


def test_a_newer_version_is_refused_and_left_alone(tmp_path):
    path = Checkpoints(tmp_path, version=2).save({"a": 1})
    with pytest.raises(CheckpointError, match="version 2, and this program knows up to 1"):
        Checkpoints(tmp_path, version=1).load()
    assert path.exists()
