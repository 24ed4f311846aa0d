"""Words of bits for the kernels: loads, products and mixing that Numba has no operator for."""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from llvmlite import ir  # type: ignore[import-untyped] # ships no type information
from numba import njit, types
from numba.extending import intrinsic

U8 = npt.NDArray[np.uint8]


@intrinsic
def _load64(typing_context: Any, data: Any, index: Any) -> Any:  # noqa: ANN401, ARG001 - Numba's compiler types
    """Eight bytes of a u8 array from `index` on, little end first; the caller keeps inside the array."""
    signature = types.uint64(data, types.intp)

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:  # noqa: ANN401 - the same
        array = context.make_array(sig.args[0])(context, builder, args[0])
        word = builder.bitcast(builder.gep(array.data, [args[1]]), ir.IntType(64).as_pointer())
        loaded = builder.load(word)
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


# To the type checker an intrinsic has its compiler's arguments; in a kernel it has its own.
load64 = cast("Callable[[U8, int], np.uint64]", _load64)
mum = cast("Callable[[np.uint64, np.uint64], np.uint64]", _mum)


@njit(cache=True, inline="always")
def mix64(x: np.uint64) -> np.uint64:
    """SplitMix64's finaliser: a bijection of u64 in which every input bit moves every output bit."""
    h = np.uint64(x)
    h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return h ^ (h >> np.uint64(31))
