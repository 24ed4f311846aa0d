"""The network of an IP address, read from its text by a kernel."""

import numpy as np
import numpy.typing as npt
from numba import njit

from detector.profiles.bits import load8

I64 = npt.NDArray[np.int64]

_V4_PARTS = 4
_V6_PARTS = 8
_V6_KEPT = 3  # 16-bit groups of a /48
_OCTET = 0xFF
_GROUP = 0xFFFF
_V6_MARK = 1 << 48  # keeps a /48 apart from a /24 of the same number
_NONE = -1


@njit(cache=True)
def _digit(byte: int, base: int) -> int:
    if ord("0") <= byte <= ord("9"):
        return int(byte - ord("0"))
    lower = byte | 32
    if base == 16 and ord("a") <= lower <= ord("f"):  # noqa: PLR2004 - hexadecimal
        return int(lower - ord("a") + 10)
    return _NONE


@njit(cache=True)
def _ipv4_prefix(start: int, stop: int) -> int:
    """The upper 24 bits of a dotted IPv4 address, −1 if it is none."""
    prefix, value, digits, parts = 0, 0, 0, 1
    for i in range(start, stop):
        if load8(i) == ord("."):
            if digits == 0 or parts == _V4_PARTS:
                return _NONE
            prefix = prefix << 8 | value
            value, digits, parts = 0, 0, parts + 1
            continue
        d = _digit(load8(i), 10)
        value, digits = value * 10 + d, digits + 1
        if d < 0 or value > _OCTET:
            return _NONE
    return prefix if parts == _V4_PARTS and digits > 0 else _NONE


@njit(cache=True)
def _groups(start: int, stop: int, groups: I64) -> tuple[int, int]:
    """Reads groups into `groups`; how many there are (−1: malformed), and where `::` stands (−1: nowhere)."""
    n, gap, digits, i = 0, -1, 0, start
    while i < stop:
        if load8(i) == ord(":"):
            double = i + 1 < stop and load8(i + 1) == ord(":")
            if (double and gap >= 0) or (not double and digits == 0):
                return _NONE, gap
            n += digits > 0
            if double:
                gap = n
                i += 1
            digits = 0
        else:
            d = _digit(load8(i), 16)
            if d < 0 or n >= _V6_PARTS:
                return _NONE, gap
            groups[n] = (groups[n] << 4 | d) if digits > 0 else d
            digits += 1
            if groups[n] > _GROUP:
                return _NONE, gap
        i += 1
    return n + (digits > 0), gap


@njit(cache=True)
def _ipv6_prefix(start: int, stop: int) -> int:
    """The upper 48 bits of an IPv6 address, marked as such; −1 if it is none."""
    groups = np.zeros(_V6_PARTS + 1, np.int64)
    n, gap = _groups(start, stop, groups)
    if n < 0 or (gap < 0 and n != _V6_PARTS) or (gap >= 0 and n >= _V6_PARTS):
        return _NONE
    prefix = 0
    zeros = _V6_PARTS - n  # that the gap stands for
    for k in range(_V6_KEPT):
        given = gap < 0 or k < gap
        prefix = prefix << 16 | (groups[k] if given else groups[k - zeros] if k >= gap + zeros else 0)
    return int(prefix | _V6_MARK)


@njit(cache=True)
def network_prefix(start: int, stop: int) -> int:
    """The network of an IP address, whose text lies from `start` to `stop`: /24 of IPv4, /48 of IPv6.

    An IPv4 address that is mapped into IPv6 counts as what it is.

    Returns:
        The prefix's bits, for IPv6 with bit 48 set; −1 where the text is no address.
    """
    colon = -1
    end = stop
    dots = 0
    for i in range(start, stop):
        if load8(i) == ord(":"):
            colon = i
        elif load8(i) == ord("."):
            dots += 1
        elif load8(i) == ord("%"):  # a zone says which interface, not which network
            end = i
            break
    if colon < 0:
        return _ipv4_prefix(start, end)
    if dots == 0:
        return _ipv6_prefix(start, end)
    mapped = np.zeros(_V6_PARTS + 1, np.int64)
    n, gap = _groups(start, colon + (colon > start and load8(colon - 1) == ord(":")), mapped)
    return _ipv4_prefix(colon + 1, end) if n == 1 and gap == 0 and mapped[0] == _GROUP else _NONE
