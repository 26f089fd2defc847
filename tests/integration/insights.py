"""As much of CloudWatch Logs Insights as our queries use: fields, filter, stats, sort, limit; on lists of JSON lines.

What a query names and no line has is an error here; in the console it is an empty column that nobody notices.
Source: CloudWatch Logs User Guide, "Logs Insights QL".
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Line = Mapping[str, Any]

_STATS: dict[str, Callable[[Any], Any]] = {
    "count": len,
    "latest": lambda values: values[-1],
    "max": max,
    "pct": lambda values: sorted(values)[len(values) // 2],
}
_CONDITION = re.compile(
    r"ispresent\((?P<present>[@\w.]+)\)"
    r'|(?P<equal>[@\w.]+) = "(?P<value>[^"]*)"'
    r"|(?P<like>[@\w.]+) like /(?P<regex>[^/]+)/"
)
_AGGREGATE = re.compile(r"(?P<what>\w+)\((?P<field>[@\w.]*)(?:, \d+)?\) as (?P<name>\w+)")


def flat(line: Line, prefix: str = "") -> dict[str, Any]:
    """Return a line as Insights discovers its fields: `detail.status` for what lies deeper."""
    found: dict[str, Any] = {}
    for key, value in line.items():
        found |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return found


def fields_of(query: str) -> set[str]:
    """Return every field of the lines that a query names; those that it makes itself are not among them."""
    named: set[str] = set()
    made: set[str] = set()
    for verb, rest in _commands(query):
        if verb == "fields":
            named |= {name.strip() for name in rest.split(",")}
        elif verb == "filter":
            named |= {m["present"] or m["equal"] or m["like"] for m in _CONDITION.finditer(rest)}
        elif verb == "stats":
            aggregates, groups = _stats(rest)
            named |= {field for _, field, _ in aggregates if field} | set(groups)
            made |= {name for _, _, name in aggregates}
        elif verb == "sort":
            named.add(rest.split()[0])
    return named - made


def run(query: str, lines: Sequence[Line]) -> list[dict[str, Any]]:
    """Return the rows of a query on flattened lines in the order of time."""
    rows = [dict(line) for line in lines]
    for verb, rest in _commands(query):
        match verb:
            case "fields":
                pass
            case "filter":
                rows = [row for row in rows if _holds(rest, row)]
            case "stats":
                rows = _summed(rest, rows)
            case "sort":
                name, order = rest.split()
                rows.sort(key=lambda row: row[name], reverse=order == "desc")
            case "limit":
                rows = rows[: int(rest)]
            case _:
                raise ValueError(f"unknown command {verb!r}")
    return rows


def _commands(query: str) -> list[tuple[str, str]]:
    lines = [line for line in query.splitlines() if not line.startswith("#")]
    # A `|` inside of a regular expression has no blank beside it in our queries.
    commands = re.split(r"(?:^|\s)\| ", " ".join(line.strip() for line in lines))
    return [(verb, rest) for verb, _, rest in (command.strip().partition(" ") for command in commands)]


def _holds(condition: str, row: Line) -> bool:
    parts = condition.split(" or ")
    for part in parts:
        matched = _CONDITION.fullmatch(part.strip())
        if matched is None:
            raise ValueError(f"unknown condition {part!r}")
        if matched["present"]:
            holds = matched["present"] in row
        elif matched["equal"]:
            holds = row.get(matched["equal"]) == matched["value"]
        else:
            holds = re.search(matched["regex"], str(row.get(matched["like"], ""))) is not None
        if holds:
            return True
    return False


def _stats(rest: str) -> tuple[list[tuple[str, str, str]], list[str]]:
    aggregates, _, by = rest.partition(" by ")
    found = [(m["what"], m["field"], m["name"]) for m in _AGGREGATE.finditer(aggregates)]
    return found, [name.strip() for name in by.split(",") if name.strip()]


def _summed(rest: str, rows: Sequence[Line]) -> list[dict[str, Any]]:
    aggregates, groups = _stats(rest)
    grouped: dict[tuple[Any, ...], list[Line]] = {}
    for row in rows:
        grouped.setdefault(tuple(row.get(name) for name in groups), []).append(row)
    summed = []
    for key, members in grouped.items():
        row = dict(zip(groups, key, strict=True))
        for what, field, name in aggregates:
            values = [member[field] for member in members if field in member] if field else members
            row[name] = _STATS[what](values)
        summed.append(row)
    return summed
