"""Many workers on one virtual clock: each is a thread of its own, and only one of them runs at a time.

A worker that waits (for an answer, or for its turn) hands over until the clock has reached the moment; so a call takes
its time without anybody waiting for it, two runs do the same, and nothing is ever at two places at once.
"""

from collections.abc import Callable, Collection
from concurrent.futures import Future
from typing import Any, TypeVar

from spiderpool_aws.domain.errors import Refused, RetryLater
from spiderpool_aws.local.clock import ManualClock
from tests.simulation.stepping import Stepped

R = TypeVar("R")


class SharedClock(ManualClock):
    """A manual clock by which many functions may wait at once."""

    def run(self, work: Callable[[], None]) -> None:
        """Run a function from now on, until it first waits; the rest follows when the clock is moved."""
        Stepped("at once", work).step()

    def sleep(self, seconds: float) -> None:
        """Return after so many virtual seconds; meanwhile the others run."""
        here = Stepped.current()
        if here is None:
            super().sleep(seconds)
            return
        self.call_later(seconds, here.step)
        here.pause()

    def wait_for(self, calls: Collection[Future[Any]]) -> None:
        """Return when one of the calls is done; called by a function that runs here."""
        here = Stepped.current()
        assert here is not None, "nobody can be resumed here"
        resume, awake = here.step, [*calls]

        def wake(_: Future[Any]) -> None:
            if awake:
                awake.clear()
                self.call_later(0, resume)

        for call in calls:
            call.add_done_callback(wake)
        here.pause()

    def run_out(self) -> None:
        """Move on until nothing is under way any more."""
        while (at := self.next_time()) is not None:
            self.advance(max(0.0, (at - self.now()).total_seconds()))


class Overlapping:
    """Implements `Executor` on a shared clock: each call runs on its own, and takes its time while others do."""

    def __init__(self, clock: SharedClock) -> None:
        self._clock = clock

    def submit(self, call: Callable[[], R]) -> Future[R]:
        """Begin a call."""
        answer: Future[R] = Future()

        def make() -> None:
            try:
                answer.set_result(call())
            except (RetryLater, Refused) as outcome:
                answer.set_exception(outcome)

        self._clock.run(make)
        return answer

    def wait(self, calls: Collection[Future[Any]]) -> None:
        """Return when one of the calls is done."""
        if not any(call.done() for call in calls):
            self._clock.wait_for(calls)
