"""Words of bits for the kernels: loads, products and mixing that Numba has no operator for.

Kernels over text read it by address, not through arrays: an array passed to a function that is not inlined costs seven
arguments and two atomic counts, several times a word. Who calls a kernel keeps the buffer alive and the addresses
inside it.
"""

from typing import TYPE_CHECKING, Any, cast

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped] # ships no type information
from numba import njit, types
from numba.extending import intrinsic

if TYPE_CHECKING:
    from collections.abc import Callable


@intrinsic
def _load64(typing_context: Any, address: Any) -> Any:  # noqa: ANN401, ARG001 - Numba's compiler types
    """Eight bytes from an address on, little end first."""
    signature = types.uint64(types.intp)

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:  # noqa: ANN401, ARG001 - the same
        loaded = builder.load(builder.inttoptr(args[0], ir.IntType(64).as_pointer()))
        loaded.align = 1
        return loaded

    return signature, generate


@intrinsic
def _mum(typing_context: Any, a: Any, b: Any) -> Any:  # noqa: ANN401, ARG001 - Numba's compiler types
    """High xor low half of the 128-bit product of two u64 (wyhash's mixing step)."""
    signature = types.uint64(types.uint64, types.uint64)

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:  # noqa: ANN401, ARG001 - the same
        wide = ir.IntType(128)
        product = builder.mul(builder.zext(args[0], wide), builder.zext(args[1], wide))
        high = builder.trunc(builder.lshr(product, ir.Constant(wide, 64)), ir.IntType(64))
        return builder.xor(high, builder.trunc(product, ir.IntType(64)))

    return signature, generate


@intrinsic
def _load8(typing_context: Any, address: Any) -> Any:  # noqa: ANN401, ARG001 - Numba's compiler types
    """The byte at an address."""
    signature = types.uint8(types.intp)

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:  # noqa: ANN401, ARG001 - the same
        return builder.load(builder.inttoptr(args[0], ir.IntType(8).as_pointer()))

    return signature, generate


@intrinsic
def _trailing_zeros(typing_context: Any, x: Any) -> Any:  # noqa: ANN401, ARG001 - Numba's compiler types
    """Zeros below the lowest set bit of a u64, 64 for 0."""
    signature = types.intp(types.uint64)

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:  # noqa: ANN401, ARG001 - the same
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 0))

    return signature, generate


@intrinsic
def _ones(typing_context: Any, x: Any) -> Any:  # noqa: ANN401, ARG001 - Numba's compiler types
    """Bits set in a u64."""
    signature = types.intp(types.uint64)

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:  # noqa: ANN401, ARG001 - the same
        return builder.ctpop(args[0])

    return signature, generate


@intrinsic
def _prefetch(typing_context: Any, address: Any) -> Any:  # noqa: ANN401, ARG001 - Numba's compiler types
    """Ask for the cache line at an address, which will be written to; no address is wrong."""
    signature = types.void(types.intp)

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:  # noqa: ANN401, ARG001 - the same
        pointer, word = ir.IntType(8).as_pointer(), ir.IntType(32)
        called = ir.FunctionType(ir.VoidType(), [pointer, word, word, word])
        fetch = builder.module.declare_intrinsic("llvm.prefetch", [pointer], called)
        to_write, keep, data = (ir.Constant(word, value) for value in (1, 3, 1))
        builder.call(fetch, [builder.inttoptr(args[0], pointer), to_write, keep, data])
        return context.get_dummy_value()

    return signature, generate


# To the type checker an intrinsic has its compiler's arguments; in a kernel it has its own.
load8 = cast("Callable[[int], int]", _load8)
trailing_zeros = cast("Callable[[np.uint64], int]", _trailing_zeros)
ones = cast("Callable[[np.uint64], int]", _ones)
prefetch = cast("Callable[[int], None]", _prefetch)
load64 = cast("Callable[[int], np.uint64]", _load64)
mum = cast("Callable[[np.uint64, np.uint64], np.uint64]", _mum)


@njit(cache=True, inline="always")
def mix64(x: np.uint64) -> np.uint64:
    """SplitMix64's finaliser: a bijection of u64 in which every input bit moves every output bit."""
    h = np.uint64(x)
    h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return h ^ (h >> np.uint64(31))


# Eight bytes at once (Lamport 1975; Warren, Hacker's Delight, ch. 6): each test leaves the top bit of the bytes that
# pass.
_TOPS = np.uint64(0x8080808080808080)
_REST = np.uint64(0x7F7F7F7F7F7F7F7F)
_ONES = np.uint64(0x0101010101010101)
_CASE = np.uint64(0x2020202020202020)
_FROM_A, _BEYOND_Z = np.uint64(0x80 - ord("A")) * _ONES, np.uint64(0x80 - ord("Z") - 1) * _ONES
_FROM_SMALL_A, _BEYOND_SMALL_Z = np.uint64(0x80 - ord("a")) * _ONES, np.uint64(0x80 - ord("z") - 1) * _ONES
_BEYOND_SPACE = np.uint64(0x80 - ord(" ") - 1) * _ONES
_BYTE = np.uint64(0xFF)


@njit(cache=True, inline="always")
def small_letters(x: np.uint64) -> tuple[np.uint64, np.uint64]:
    """Eight bytes, ASCII letters made small (others may change), and the top bits of those that are letters."""
    small = x | _CASE
    low = small & _REST
    return small, (low + _FROM_SMALL_A) & ~(low + _BEYOND_SMALL_Z) & ~x & _TOPS


@njit(cache=True, inline="always")
def lower(x: np.uint64) -> np.uint64:
    """Eight bytes with ASCII capitals made small."""
    low = x & _REST
    capitals = (low + _FROM_A) & ~(low + _BEYOND_Z) & ~x & _TOPS
    return x + (capitals >> np.uint64(2))


@njit(cache=True, inline="always")
def blanks(x: np.uint64) -> np.uint64:
    """Top bits of the bytes that are spaces or control characters."""
    return ~(((x & _REST) + _BEYOND_SPACE) | x) & _TOPS


@njit(cache=True, inline="always")
def spaced(x: np.uint64, where: np.uint64) -> np.uint64:
    """Eight bytes with spaces at the top bits `where`."""
    full = (where >> np.uint64(7)) * _BYTE
    return (x & ~full) | (full & _CASE)
