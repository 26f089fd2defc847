"""What the functions report, kept for tests and for the demo."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from spiderpool_aws.local.clock import Clock


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a function's log."""

    at: datetime
    function: str
    is_warning: bool
    message: str
    fields: dict[str, object]


@dataclass(slots=True)
class Journal:
    """The lines of all functions in order, and the sum of each metric."""

    lines: list[Line] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def warnings(self) -> list[str]:
        """Return what a person should know."""
        return [line.message for line in self.lines if line.is_warning]


class JournalReporter:
    """Implements `Reporter` for one function."""

    def __init__(self, journal: Journal, function: str, clock: Clock) -> None:
        self._journal = journal
        self._function = function
        self._clock = clock

    def begin(self, request_id: str) -> None:
        """Do nothing: a line has its function and its time."""

    def info(self, message: str, **fields: object) -> None:
        """Note what was done."""
        self._note(message, fields, is_warning=False)

    def warning(self, message: str, **fields: object) -> None:
        """Note what a person should know."""
        self._note(message, fields, is_warning=True)

    def count(self, metric: str, value: int = 1) -> None:
        """Add to a metric."""
        self._journal.counts[metric] += value

    def flush(self) -> None:
        """Do nothing: counts are kept at once."""

    def _note(self, message: str, fields: dict[str, object], *, is_warning: bool) -> None:
        self._journal.lines.append(Line(self._clock.now(), self._function, is_warning, message, fields))
