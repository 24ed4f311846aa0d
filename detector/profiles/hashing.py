"""Keyed hashes of text columns, over the Arrow buffers, in Numba.

Identifiers are hashed with SipHash-1-3 (Aumasson and Bernstein 2012, the variant of Rust's and CPython's tables): a
keyed function whose outputs say nothing of the key to who sees many of them, at some ten nanoseconds a short string.
Tables that live for one batch use `fast_hash`, after Wang Yi's wyhash.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
from numba import njit

from detector.profiles.addresses import network_prefix
from detector.profiles.bits import load8, load64, mum

U8 = npt.NDArray[np.uint8]
I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]
U32 = npt.NDArray[np.uint32]
Flags = npt.NDArray[np.bool_]

_MASK64 = (1 << 64) - 1
_NETWORK_DOMAIN = 0x6E6574776F726B21  # keeps the hash of a network apart from that of an address
_NEVER_ZERO = np.uint64(0x9E3779B97F4A7C15)  # stands for a hash that happens to be 0, which means null


class StringColumn(NamedTuple):
    """The buffers of a string column.

    Attributes:
        data: u8, all texts in UTF-8, one after the other; kept so that the addresses stay good.
        bounds: i64[n+1], addresses; text i lies from `bounds[i]` up to `bounds[i + 1]`.
        null: bool[n], true where there is no text.
    """

    data: U8
    bounds: I64
    null: Flags


def string_column(series: pl.Series) -> StringColumn:
    """The Arrow buffers of a column; one conversion from Polars' string views, no copy after it."""
    array = series.cast(pl.String).to_arrow(compat_level=pl.CompatLevel.oldest())
    n = len(array)
    _, offsets, data = array.buffers()
    within = np.zeros(n + 1, np.int64) if offsets is None else np.frombuffer(offsets, np.int64)
    texts = np.zeros(0, np.uint8) if data is None else np.frombuffer(data, np.uint8)
    null = series.is_null().to_numpy() if series.null_count() else np.zeros(n, np.bool_)
    return StringColumn(texts, within[array.offset : array.offset + n + 1] + texts.ctypes.data, null)


@njit(cache=True, inline="always")
def _rotate(x: np.uint64, bits: int) -> np.uint64:
    return (x << np.uint64(bits)) | (x >> np.uint64(64 - bits))


@njit(cache=True, inline="always")
def _sip_round(
    a: np.uint64, b: np.uint64, c: np.uint64, d: np.uint64
) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
    a = a + b
    c = c + d
    b = _rotate(b, 13) ^ a
    d = _rotate(d, 16) ^ c
    a = _rotate(a, 32)
    c = c + b
    a = a + d
    b = _rotate(b, 17) ^ c
    d = _rotate(d, 21) ^ a
    c = _rotate(c, 32)
    return a, b, c, d


@njit(cache=True)
def tail64(start: int, stop: int) -> np.uint64:
    """Up to seven bytes as a u64, little end first."""
    word = np.uint64(0)
    for i in range(stop - start):
        word |= np.uint64(load8(start + i)) << np.uint64(8 * i)
    return word


@njit(cache=True)
def siphash(start: int, stop: int, k0: np.uint64, k1: np.uint64) -> np.uint64:
    """SipHash-1-3 of the bytes from address `start` to `stop` under the 128-bit key (`k0`, `k1`)."""
    a = np.uint64(0x736F6D6570736575) ^ k0
    b = np.uint64(0x646F72616E646F6D) ^ k1
    c = np.uint64(0x6C7967656E657261) ^ k0
    d = np.uint64(0x7465646279746573) ^ k1
    i = start
    while i + 8 <= stop:
        word = load64(i)
        d ^= word
        a, b, c, d = _sip_round(a, b, c, d)
        a ^= word
        i += 8
    word = tail64(i, stop) | (np.uint64(stop - start) << np.uint64(56))
    d ^= word
    a, b, c, d = _sip_round(a, b, c, d)
    a ^= word
    c ^= np.uint64(0xFF)
    for _ in range(3):
        a, b, c, d = _sip_round(a, b, c, d)
    return a ^ b ^ c ^ d


@njit(cache=True)
def fast_hash(start: int, stop: int, seed: np.uint64) -> np.uint64:
    """A quick 64-bit hash of bytes in 16-byte steps (the scheme of wyhash), for tables that live for one batch."""
    h = np.uint64(seed)
    i = start
    while i + 16 <= stop:
        h = mum(load64(i) ^ np.uint64(0xA0761D6478BD642F), load64(i + 8) ^ h)
        i += 16
    if i + 8 <= stop:
        h = mum(load64(i) ^ np.uint64(0xE7037ED1A0B428DB), h)
        i += 8
    h = mum(tail64(i, stop) ^ np.uint64(0x8EBC6AF09C88C6E3), h)
    return mum(h ^ np.uint64(0x589965CC75374CC3), np.uint64(stop - start) ^ np.uint64(0x1D8E4E27C47D124F))


@njit(cache=True)
def nonzero(h: np.uint64) -> np.uint64:
    """The hash itself, or a fixed value for 0, which is kept for "null"."""
    return _NEVER_ZERO if h == np.uint64(0) else np.uint64(h)


@njit(cache=True, nogil=True)
def _hash_all(column: StringColumn, k0: np.uint64, k1: np.uint64, out: U64) -> None:
    for i in range(out.shape[0]):
        if not column.null[i]:
            out[i] = nonzero(siphash(column.bounds[i], column.bounds[i + 1], k0, k1))


def key_words(key: int) -> tuple[np.uint64, np.uint64]:
    """A secret as SipHash's 128-bit key: lower and upper 64 bits.

    Args:
        key: up to 128 secret bits; more are ignored.
    """
    return np.uint64(key & _MASK64), np.uint64(key >> 64 & _MASK64)


def hash_strings(series: pl.Series, key: int) -> U64:
    """Keyed 64-bit hash of each text; 0 for null and never 0 otherwise.

    Args:
        series: strings of any length, n of them.
        key: up to 128 secret bits.

    Returns:
        u64[n].
    """
    k0, k1 = key_words(key)
    out = np.zeros(len(series), np.uint64)
    _hash_all(string_column(series), k0, k1, out)
    return out


@njit(cache=True, nogil=True)
def _hash_networks(column: StringColumn, k0: np.uint64, k1: np.uint64, out: U64) -> None:
    word = np.zeros(1, np.int64)
    for i in range(out.shape[0]):
        if column.null[i]:
            continue
        start, stop = column.bounds[i], column.bounds[i + 1]
        word[0] = network_prefix(start, stop)
        if word[0] >= 0:
            start, stop = word.ctypes.data, word.ctypes.data + 8
        out[i] = nonzero(siphash(start, stop, k0, k1))


def short(hashes: U64) -> U32:
    """The upper half of hashes, as facts and profiles keep them."""
    return (hashes >> np.uint64(32)).astype(np.uint32)


def hash_ipv4_24(series: pl.Series, key: int) -> U64:
    """Keyed 64-bit hash of the network of each address: the /24 of IPv4 (also when mapped into IPv6), the /48 of IPv6.

    What is no address is hashed whole. 0 for null and never 0 otherwise.

    Args:
        series: addresses as text, n of them.
        key: up to 128 secret bits.

    Returns:
        u64[n].
    """
    k0, k1 = key_words(key ^ _NETWORK_DOMAIN)
    out = np.zeros(len(series), np.uint64)
    _hash_networks(string_column(series), k0, k1, out)
    return out
