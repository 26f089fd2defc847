"""Defects that are known and not mended yet: each has a case that is marked as a strict xfail, and is deleted with it.

A world that meets one ends there, and is counted; so the simulation finds what else there is.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Known:
    """A defect, by its case and by what its worlds die of."""

    case: str
    error: str


KNOWN: tuple[Known, ...] = ()


def known_case(error: str) -> str:
    """Return the case of the defect that an error is of; nothing when it is a new one."""
    lines = error.splitlines()
    return next((k.case for k in KNOWN if lines and all(re.match(k.error, line) for line in lines)), "")
