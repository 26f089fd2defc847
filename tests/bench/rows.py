"""A figure of the benchmarks is a row of a table of docs/benchmarks.md, and printed as it stands there."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, init=False)
class Row:
    """One row, with the section of the document in which its table is."""

    section: str
    cells: tuple[str, ...]

    def __init__(self, section: str, *cells: str) -> None:
        object.__setattr__(self, "section", section)
        object.__setattr__(self, "cells", cells)

    def __str__(self) -> str:
        return f"| {' | '.join(self.cells)} |"


def show(rows: Iterable[Row]) -> list[Row]:
    """Print rows as they come, each section under its name; return them."""
    section, shown = "", []
    for row in rows:
        if row.section != section:
            section = row.section
            print(f"\n## {section}", flush=True)  # noqa: T201 - figures for a terminal
        shown.append(row)
        print(row, flush=True)  # noqa: T201 - figures for a terminal
    return shown
