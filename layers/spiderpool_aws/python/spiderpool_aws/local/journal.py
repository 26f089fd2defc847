"""What the functions report, kept for tests and for the demo."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from spiderpool_aws.about import About
from spiderpool_aws.local.clock import Clock


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a function's log."""

    at: datetime
    function: str
    is_warning: bool
    message: str
    fields: dict[str, object]
    about: About


@dataclass(slots=True)
class Journal:
    """The lines of all functions in order, the sum of each metric, and the figures that were measured."""

    lines: list[Line] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    figures: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

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
        self._about = About()

    def begin(self, request_id: str) -> None:
        """Correlate what no event explains by the invocation."""
        self._about = About(correlation_id=request_id)

    @contextmanager
    def about(self, about: About) -> Iterator[None]:
        """Note what the lines inside of the block are about."""
        around = self._about
        self._about = around.with_known(about)
        try:
            yield
        finally:
            self._about = around

    def info(self, message: str, **fields: object) -> None:
        """Note what was done."""
        self._note(message, fields, is_warning=False)

    def warning(self, message: str, **fields: object) -> None:
        """Note what a person should know."""
        self._note(message, fields, is_warning=True)

    def count(self, metric: str, value: int = 1, *, of: str = "") -> None:  # noqa: ARG002 - the sum of all
        """Add to a metric."""
        self._journal.counts[metric] += value

    def measure(self, metric: str, value: float, *, of: str = "") -> None:  # noqa: ARG002 - all of them
        """Note a figure."""
        self._journal.figures[metric].append(value)

    def flush(self) -> None:
        """Do nothing: counts are kept at once."""

    def _note(self, message: str, fields: dict[str, object], *, is_warning: bool) -> None:
        self._journal.lines.append(Line(self._clock.now(), self._function, is_warning, message, fields, self._about))
