"""Many workers on one virtual clock: each is a thread of its own, and only one of them runs at a time.

A worker that waits (for an answer, or for its turn) hands over until the clock has reached the moment; so a call takes
its time without anybody waiting for it, two runs do the same, and nothing is ever at two places at once.
"""

import threading
from collections.abc import Callable, Collection
from concurrent.futures import Future
from typing import Any, TypeVar

from spiderpool_aws.domain.errors import Refused, RetryLater
from spiderpool_aws.local.clock import ManualClock

R = TypeVar("R")


class _Task:
    """A function that runs in steps: from one wait to the next."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        # Locks as batons: whoever may go on finds his released.
        self._go, self._back = threading.Lock(), threading.Lock()
        self._go.acquire()
        self._back.acquire()
        self._error: BaseException | None = None
        self.thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Run the first step."""
        self.thread.start()
        self._wait_for_it()

    def step(self) -> None:
        """Run the next step."""
        self._go.release()
        self._wait_for_it()

    def pause(self) -> None:
        """End a step; called by the function itself."""
        self._back.release()
        self._go.acquire()

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001 - it is raised again where the clock is moved
            self._error = error
        finally:
            self._back.release()

    def _wait_for_it(self) -> None:
        self._back.acquire()
        if self._error is not None:
            raise self._error


class SharedClock(ManualClock):
    """A manual clock by which many functions may wait at once."""

    def __init__(self) -> None:
        super().__init__()
        self._tasks: dict[int, _Task] = {}

    def run(self, work: Callable[[], None]) -> None:
        """Run a function from now on, until it first waits; the rest follows when the clock is moved."""

        def tracked() -> None:
            self._tasks[threading.get_ident()] = task
            try:
                work()
            finally:
                del self._tasks[threading.get_ident()]

        task = _Task(tracked)
        task.start()

    def sleep(self, seconds: float) -> None:
        """Return after so many virtual seconds; meanwhile the others run."""
        task = self._tasks.get(threading.get_ident())
        if task is None:
            super().sleep(seconds)
            return
        self.call_later(seconds, task.step)
        task.pause()

    def wait_for(self, calls: Collection[Future[Any]]) -> None:
        """Return when one of the calls is done; called by a function that runs here."""
        task = self._tasks[threading.get_ident()]
        awake = [*calls]

        def wake(_: Future[Any]) -> None:
            if awake:
                awake.clear()
                self.call_later(0, task.step)

        for call in calls:
            call.add_done_callback(wake)
        task.pause()

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
