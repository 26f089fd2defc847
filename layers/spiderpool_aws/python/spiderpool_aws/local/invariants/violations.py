"""What the rules find."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Violation:
    """A write that should not have been made."""

    invariant: int
    message: str

    def __str__(self) -> str:
        return f"invariant {self.invariant}: {self.message}"


class InvariantError(AssertionError):
    """At least one invariant was broken; the message has a line for each."""


Report = Callable[[int, str], None]
