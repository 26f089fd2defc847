"""Seconds of CPU, which other processes on the machine lengthen little; elapsed time says mostly what those do."""

import resource
from collections.abc import Sequence


class Stopwatch:
    """Counts from its making: this process, and those that it has started and that have ended."""

    def __init__(self, whom: Sequence[int] = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) -> None:
        self._whom = whom
        self._begun = self._used()

    def seconds(self) -> float:
        """Return the seconds of CPU since then."""
        return self._used() - self._begun

    def _used(self) -> float:
        return sum(usage.ru_utime + usage.ru_stime for usage in map(resource.getrusage, self._whom))
