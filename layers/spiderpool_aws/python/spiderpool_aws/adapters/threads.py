"""Calls that do not depend on each other, each in a thread: while one waits for its answer the others are made.

What may be called so is thread-safe: a boto3 client is (boto3 guide, "Multithreading or multiprocessing with
clients"), and pacing counts under a lock.
"""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from concurrent.futures import Future

R = TypeVar("R")


class Threads:
    """Implements `Executor`; begins with no thread, and keeps those that it made."""

    def __init__(self, most: int) -> None:
        self._pool = ThreadPoolExecutor(most, thread_name_prefix="call")

    def submit(self, call: Callable[[], R]) -> Future[R]:
        """Make a call in a thread, which logs as its caller does; the future has whatever comes of it."""
        return self._pool.submit(copy_context().run, call)

    def wait(self, calls: Collection[Future[Any]]) -> None:
        """Return when one of the calls is done."""
        wait(calls, return_when=FIRST_COMPLETED)
