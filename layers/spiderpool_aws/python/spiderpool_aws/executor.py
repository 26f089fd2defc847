"""How the calls of a batch's nodes are made: several at a time, or one after the other."""

from __future__ import annotations

from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from spiderpool_aws.domain.errors import Refused, RetryLater

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

R = TypeVar("R")


class Executor(Protocol):
    """Makes calls that do not depend on each other, several at a time or one after the other."""

    def submit(self, call: Callable[[], R]) -> Future[R]:
        """Make a call; the future has its answer, or its `RetryLater` or `Refused`, and may be done already."""

    def wait(self, calls: Collection[Future[Any]]) -> None:
        """Return when one of the calls is done."""


class InTurn:
    """Implements `Executor` without any threads: each call is made when it is submitted."""

    def submit(self, call: Callable[[], R]) -> Future[R]:
        """Make the call; what is no outcome of it is raised here and now."""
        done: Future[R] = Future()
        try:
            done.set_result(call())
        except (RetryLater, Refused) as outcome:
            done.set_exception(outcome)
        return done

    def wait(self, calls: Collection[Future[Any]]) -> None:
        """Return: all calls are done."""
