"""Runs an iterator ahead in a thread: decoding releases the interpreter, so that the next chunk is ready when it is wanted."""

import queue
import threading
from collections.abc import Generator, Iterator
from typing import TypeVar

T = TypeVar("T")
_POLL_S = 0.1


class _End:
    """Marks the end, with the error that caused it, if any."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def prefetch(items: Iterator[T], depth: int = 1) -> Iterator[T]:  # noqa: C901 - two small parts that share the queue
    """The same items in order; at most `depth` are waiting. Errors reach the caller; the thread ends with the generator."""
    waiting: queue.Queue[T | _End] = queue.Queue(depth)
    stop = threading.Event()

    def put(item: T | _End) -> bool:
        while not stop.is_set():
            try:
                waiting.put(item, timeout=_POLL_S)
            except queue.Full:
                continue
            return True
        return False

    def run() -> None:
        try:
            for item in items:
                if not put(item):
                    return
        except BaseException as error:  # noqa: BLE001 - handed to the caller, who raises it
            put(_End(error))
        else:
            put(_End(None))
        finally:
            if isinstance(items, Generator):
                items.close()  # in the thread that ran it

    worker = threading.Thread(target=run, name="prefetch", daemon=True)
    worker.start()
    try:
        while True:
            item = waiting.get()
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item
    finally:
        stop.set()
        worker.join()
