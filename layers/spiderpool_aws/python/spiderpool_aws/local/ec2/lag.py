"""Eventual consistency: how far a call looks back, and what numbers were at that moment.

Source: EC2 developer guide, "Eventual consistency in the Amazon EC2 API": an id that a call has just returned may not
be found by the next one, and a describe may answer with an earlier state.
"""

from datetime import datetime, timedelta
from random import Random

_NOTHING = timedelta()


class Lag:
    """How far the call at hand looks back: without a seed as far as it may, with one as far as it draws."""

    def __init__(self, describe_seconds: float, write_seconds: float, seed: int | None) -> None:
        self.longest = timedelta(seconds=describe_seconds)
        """No describe looks back further."""
        self.describe = self.longest
        """How far this call's describe looks back."""
        self.write = self._longest_write = timedelta(seconds=write_seconds)
        """This call finds no NIC that is younger."""
        self._random = None if seed is None else Random(seed)  # noqa: S311

    def draw(self) -> None:
        """Begin a call: it may reach another replica than the one before, so that reads flap."""
        if self._random is not None:
            self.describe = self.longest * self._random.random()
            self.write = self._longest_write * self._random.random()


class LaggingCounts:
    """A number of each thing, as a describe sees it."""

    def __init__(self, lag: Lag) -> None:
        self._lag = lag
        self._counts: dict[str, list[tuple[datetime, int]]] = {}

    def note(self, identifier: str, count: int, now: datetime) -> None:
        """Keep the number as it is at this moment; called when a change is complete."""
        noted = self._counts.setdefault(identifier, [])
        if noted and noted[-1][1] == count:
            return
        noted.append((now, count))
        past = [at for at, _ in noted if at <= now - self._lag.longest]
        if past:
            self._counts[identifier] = [entry for entry in noted if entry[0] >= past[-1]]

    def seen(self, identifier: str, now: datetime) -> int:
        """Return the number as this call sees it; the first one there was, of what is younger than the lag."""
        noted = self._counts[identifier]
        return next((count for at, count in reversed(noted) if at <= now - self._lag.describe), noted[0][1])
