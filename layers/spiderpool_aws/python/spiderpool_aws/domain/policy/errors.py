"""What pydantic finds wrong with a policy, in the words of the policy: a line for each problem, with path and fix."""

import difflib
from collections.abc import Collection
from typing import Any

from pydantic import ValidationError

_SHOWN = 60

# The key that has a pattern -> how to write it.
_PATTERNS = {
    "cluster": "write a label value: letters, digits, `-`, `_` and `.`, at most 63",
    "nodeName": "write `discover`, `private-dns-name`, `instance-id`, or `tag:<key>`",
    "host": "write the host's name of the NIC (`ens5`): lower case, at most 15 characters",
    "multus": "write `namespace/name` in lower case (`kube-system/ipvlan-ens5`)",
    "ids": "write a subnet id (`subnet-0123456789abcdef0`)",
    "securityGroups": "write a security group's id (`sg-0123456789abcdef0`)",
    "startupTaint": "give the key only, without `:effect` (`spiderpool-aws/not-ready`)",
}
# pydantic's type of problem -> the fix, where its own words are about Python.
_FIXES = {
    "missing": "missing, add it",
    "too_short": "give at least one",
    "string_too_short": "give it a name",
    "tuple_type": "give a list",
    "dict_type": "give a mapping (`{role: worker}`)",
    "model_type": "give a mapping",
    "string_type": "give a text (in quotes, when it looks like a number or a truth value)",
    "int_type": "give a whole number",
    "bool_type": "give true or false",
    "bool_parsing": "give true or false",
    "invalid_key": "a key is a text: write it in quotes, or remove it",
}
_COMPLETE = ("missing", "too_short")


def explain(error: ValidationError, known_keys: Collection[str]) -> str:
    """Return a line for each problem; `known_keys` are those of all models, for who misspelt one."""
    problems = error.errors(include_url=False)
    lines = (_line(problem, known_keys) for problem in problems if not _merely_follows(problem, problems))
    return "\n".join(dict.fromkeys(lines))


def _merely_follows(problem: Any, problems: Any) -> bool:
    """Tell whether a list is called too short only because its wrong items were not counted."""
    here = problem["loc"]
    return problem["type"] == "too_short" and any(
        len(other["loc"]) > len(here) and other["loc"][: len(here)] == here for other in problems
    )


def _line(problem: Any, known_keys: Collection[str]) -> str:
    location = [str(part) for part in problem["loc"]]
    path, kind = ".".join(location) or "policy", problem["type"]
    if kind == "extra_forbidden":
        close = difflib.get_close_matches(location[-1], known_keys, n=1)
        return f"{path}: unknown key" + (f", did you mean {close[0]!r}?" if close else ": remove it")
    if kind == "string_pattern_mismatch":
        key = next(part for part in reversed(location) if not part.isdigit())
        fix = _PATTERNS.get(key, problem["msg"])
    else:
        fix = _FIXES.get(kind, problem["msg"].removeprefix("Value error, "))
    return f"{path}: {fix}" + ("" if kind in _COMPLETE else _shown(problem["input"]))


def _shown(given: object) -> str:
    if not isinstance(given, str | int | float):
        return ""
    try:
        written = repr(given)
    except ValueError:
        # Python refuses to write a number of more than 4,300 digits.
        return ", not a number that long"
    return f", not {written if len(written) <= _SHOWN else written[:_SHOWN] + '…'}"
