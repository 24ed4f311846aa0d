"""Two pieces of work beside each other: kernels hold no lock, and neither needs what the other makes."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_One = TypeVar("_One")
_Other = TypeVar("_Other")


def both(one: Callable[[], _One], other: Callable[[], _Other]) -> tuple[_One, _Other]:
    """What both answer; `one` is done in this thread."""
    with ThreadPoolExecutor(1) as beside:
        second = beside.submit(other)
        return one(), second.result()
