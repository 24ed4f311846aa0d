"""Work done ahead by threads: polars and files leave Python's lock alone, so that two cores have something to do."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Made = TypeVar("Made")
THREADS = 2


def ahead(calls: Iterable[Callable[[], Made]]) -> Iterator[Made]:
    """Results of calls in their order, a few of them made before they are asked for.

    Args:
        calls: made by threads; taken from their source by the caller's own.
    """
    waiting = deque[Future[Made]]()
    with ThreadPoolExecutor(THREADS) as pool:
        for call in calls:
            waiting.append(pool.submit(call))
            if len(waiting) > 2 * THREADS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
