"""The clocks of the local stack: one that tests move, one that follows the wall."""

import heapq
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

START = datetime(2026, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """Says what time it is, and calls back later. Whoever serves a request calls `run_due` first."""

    def now(self) -> datetime:
        """Return the time, aware, in UTC."""

    def call_later(self, delay_seconds: float, callback: Callable[[], None]) -> None:
        """Call back once, at the first `run_due` after the delay has passed."""

    def run_due(self) -> None:
        """Run, in order, the callbacks whose time has come."""


class _Agenda:
    """Callbacks in order of time, then of registration: two runs with the same input do the same."""

    def __init__(self) -> None:
        self._entries: list[tuple[datetime, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    def add(self, at: datetime, callback: Callable[[], None]) -> None:
        heapq.heappush(self._entries, (at, next(self._numbers), callback))

    def next_time(self) -> datetime | None:
        return self._entries[0][0] if self._entries else None

    def pop(self) -> Callable[[], None]:
        return heapq.heappop(self._entries)[2]


class ManualClock:
    """A clock that stands still until `advance` moves it; what is due on the way runs at its own moment."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._agenda = _Agenda()
        self._running = 0

    def now(self) -> datetime:
        """Return the virtual time."""
        return self._now

    def call_later(self, delay_seconds: float, callback: Callable[[], None]) -> None:
        """Register a callback at now + delay."""
        self._agenda.add(self._now + timedelta(seconds=delay_seconds), callback)

    def run_due(self) -> None:
        """Run what is due now. Inside a callback nothing: what is due comes after it, one by one and not inside it."""
        if not self._running:
            self.advance(0)

    def advance(self, seconds: float) -> None:
        """Move on by so many seconds, running each callback at the moment it was registered for."""
        end = self._now + timedelta(seconds=seconds)
        while (at := self._agenda.next_time()) is not None and at <= end:
            self._now = max(self._now, at)
            self._running += 1
            try:
                self._agenda.pop()()
            finally:
                self._running -= 1
        self._now = max(self._now, end)

    def sleep(self, seconds: float) -> None:
        """Let so many seconds pass, for a function that waits: all else that is due meanwhile happens."""
        self.advance(seconds)

    def next_time(self) -> datetime | None:
        """Return when the next callback is due; None when nothing is."""
        return self._agenda.next_time()


class WallClock:
    """The machine's clock, for the servers that people start by hand."""

    def __init__(self) -> None:
        self._agenda = _Agenda()

    def now(self) -> datetime:
        """Return the machine's time."""
        return datetime.now(UTC)

    def call_later(self, delay_seconds: float, callback: Callable[[], None]) -> None:
        """Register a callback; it runs at the first `run_due` after the delay."""
        self._agenda.add(self.now() + timedelta(seconds=delay_seconds), callback)

    def run_due(self) -> None:
        """Run what has become due since the last call."""
        while (at := self._agenda.next_time()) is not None and at <= self.now():
            self._agenda.pop()()
