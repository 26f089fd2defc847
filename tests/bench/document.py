"""docs/benchmarks.md with the rows of a run in its tables: what stands around them is written by people."""

import re
from collections.abc import Iterable
from itertools import groupby

from tests.bench.rows import Row

_HEAD = re.compile(r"^\|( --- \|)+\n", re.MULTILINE)


class NoTableError(Exception):
    """The document has no table for a row."""


def filled(text: str, rows: Iterable[Row]) -> str:
    """Return the document with each section's rows in place of those of its table."""
    for section, group in groupby(rows, key=lambda row: row.section):
        printed = list(group)
        start, end = _body(text, section, len(printed[0].cells))
        text = text[:start] + "".join(f"{row}\n" for row in printed) + text[end:]
    return text


def _body(text: str, section: str, columns: int) -> tuple[int, int]:
    """Return where the rows of a section's table begin and end."""
    begin = text.find(f"\n## {section}\n")
    end = text.find("\n## ", begin + 1) if begin >= 0 else -1
    within = text[: end if end >= 0 else len(text)]
    for head in _HEAD.finditer(within, max(begin, 0)):
        if begin >= 0 and head.group().count("---") == columns:
            after = re.search(r"^(?!\|)", within[head.end() :], re.MULTILINE)
            return head.end(), head.end() + after.start() if after else len(within)
    raise NoTableError(f"docs/benchmarks.md has no table of {columns} columns under {section!r}")
