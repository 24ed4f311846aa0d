"""Keyed hashes of columns: against an independent implementation, and what they promise."""

import json
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.profiles.hashing import hash_ipv4_24, hash_strings

KEY = 0x0F1E2D3C4B5A69788796A5B4C3D2E1F0
M64 = (1 << 64) - 1


def siphash13(data: bytes, key: int) -> int:
    """The published algorithm, in plain Python."""
    k0, k1 = key & M64, key >> 64 & M64
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]

    def rotate(x: int, n: int) -> int:
        return (x << n | x >> 64 - n) & M64

    def turn() -> None:
        v[0] = v[0] + v[1] & M64
        v[2] = v[2] + v[3] & M64
        v[1], v[3] = rotate(v[1], 13) ^ v[0], rotate(v[3], 16) ^ v[2]
        v[0] = rotate(v[0], 32)
        v[2] = v[2] + v[1] & M64
        v[0] = v[0] + v[3] & M64
        v[1], v[3] = rotate(v[1], 17) ^ v[2], rotate(v[3], 21) ^ v[0]
        v[2] = rotate(v[2], 32)

    padded = data + bytes(-(len(data) + 1) % 8) + bytes([len(data) & 0xFF])
    for i in range(0, len(padded), 8):
        word = int.from_bytes(padded[i : i + 8], "little")
        v[3] ^= word
        turn()
        v[0] ^= word
    v[2] ^= 0xFF
    for _ in range(3):
        turn()
    return v[0] ^ v[1] ^ v[2] ^ v[3]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(st.none(), st.text(max_size=40)), min_size=1, max_size=20), st.integers(0, (1 << 128) - 1))
def test_it_is_siphash_of_the_bytes(texts, key):
    got = hash_strings(pl.Series(texts, dtype=pl.String), key)
    assert got.dtype == np.uint64
    assert got.tolist() == [0 if t is None else siphash13(t.encode(), key) for t in texts]


@pytest.mark.skipif(sys.hash_info.algorithm != "siphash13", reason="this Python hashes with something else")
def test_it_agrees_with_the_interpreters_own():
    texts = ["a", "acct_0123456789", "192.0.2.1", "x" * 100]
    code = "import json, sys; print(json.dumps([hash(t.encode()) % 2**64 for t in json.loads(sys.argv[1])]))"
    run = [sys.executable, "-c", code, json.dumps(texts)]
    out = subprocess.run(run, env={"PYTHONHASHSEED": "0"}, capture_output=True, check=True, text=True)
    assert hash_strings(pl.Series(texts), 0).tolist() == json.loads(out.stdout)


def test_null_is_zero_and_nothing_else_is():
    h = hash_strings(pl.Series([None, "", "a", None]), KEY)
    assert (h == 0).tolist() == [True, False, False, True]
    assert hash_strings(pl.Series([], dtype=pl.String), KEY).shape == (0,)
    assert hash_strings(pl.Series([None, None], dtype=pl.Null), KEY).tolist() == [0, 0]


def test_slices_and_chunks_hash_as_themselves():
    texts = pl.Series([f"acct_{i}" for i in range(100)])
    whole = hash_strings(texts, KEY)
    assert np.array_equal(hash_strings(texts[30:60], KEY), whole[30:60])
    assert np.array_equal(hash_strings(pl.concat([texts[:7], texts[7:]], rechunk=False), KEY), whole)


@pytest.mark.parametrize("bit", [0, 63, 64, 127])
def test_every_half_of_the_key_counts(bit):
    texts = pl.Series([f"acct_{i}" for i in range(500)])
    a, b = hash_strings(texts, KEY), hash_strings(texts, KEY ^ 1 << bit)
    assert not set(a.tolist()) & set(b.tolist())
    assert len(set(a.tolist())) == 500
    # Half of the bits differ, give or take.
    flipped = np.unpackbits((a ^ b).view(np.uint8)).mean()
    assert 0.48 < flipped < 0.52


SAME = [
    ["192.0.2.1", "192.0.2.255", "::ffff:192.0.2.7", "::FFFF:192.0.2.8"],
    ["192.0.3.1"],
    ["2001:db8::1", "2001:db8:0:5::1", "2001:0DB8:0000:0001:2:3:4:5", "2001:db8::"],
    ["2001:db8:1::1", "2001:db8:1:2::", "2001:db8:1:2:3:4:5:6"],
    ["::1", "::", "0:0:0:1::", "::2:3%eth0"],
    ["1::2:3", "1:0:0:4::", "1::"],
    ["1::3:4:5:6:7:8", "1:0:3::9"],
    ["not an address"],
    ["192.0.2"],
    ["192.0.2.256"],
    ["192.0.2.1.1"],
    ["1:2:3"],
    ["1::2::3"],
    ["::ffff:192.0.2.999"],
    ["12345::"],
    [":1::"],
    [""],
]


def test_addresses_of_one_network_share_a_hash_and_no_others_do():
    groups = [set(hash_ipv4_24(pl.Series(group), KEY).tolist()) for group in SAME]
    assert [len(g) for g in groups] == [1] * len(SAME)
    assert len(set.union(*groups)) == len(SAME)
    assert 0 not in set.union(*groups)


def test_networks_are_keyed_apart_from_addresses():
    ips = pl.Series(["192.0.2.1", "2001:db8::1", None, "nonsense"])
    networks = hash_ipv4_24(ips, KEY)
    assert networks[2] == 0
    assert not (set(networks.tolist()) - {0}) & set(hash_strings(ips, KEY).tolist())
    assert not (set(networks.tolist()) - {0}) & set(hash_ipv4_24(ips, KEY + 1).tolist())


@settings(max_examples=150, deadline=None)
@given(st.ip_addresses(v=4), st.ip_addresses(v=6), st.text(alphabet="0123456789abcdef:.%", max_size=24))
def test_networks_agree_with_the_standard_library(four, six, odd):
    def of(*texts):
        return hash_ipv4_24(pl.Series(texts), KEY).tolist()

    last = int(four) ^ 0xFF
    a, b, c = of(str(four), str(type(four)(last)), str(type(four)(int(four) ^ 1 << 8)))
    assert a == b != c
    if six.ipv4_mapped is None:
        near, far = type(six)(int(six) ^ 1), type(six)(int(six) ^ 1 << 80)
        a, b, c, d = of(str(six), six.exploded, str(near), str(far))
        assert a == b == c != d
    assert of(odd)[0] != 0
