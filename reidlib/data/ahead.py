"""Results in order, worked out in background threads a little before they are asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")


def ahead(
    function: Callable[[A], B], items: Iterable[A], *, threads: int = 1, depth: int = 2
) -> Generator[B]:
    """function(item) for each item, in order; at most `depth` results wait or are being made.

    An exception comes out where its result would have; closing the iterator drops what is queued.
    """
    items = iter(items)
    pool = ThreadPoolExecutor(threads, thread_name_prefix="reidlib")
    try:
        queue: deque[Future[B]] = deque(pool.submit(function, i) for i in islice(items, depth))
        while queue:
            result = queue.popleft().result()
            queue.extend(pool.submit(function, i) for i in islice(items, 1))
            yield result
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
