"""What is wrong with a context: a line for each problem, with the key and what would be right."""

import difflib
import json
from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from stacks.context.model import FIELDS, Context

_SHOWN = 60


class ContextError(ValueError):
    """The context cannot be deployed; the message is one clear line a problem."""


def line(key: str, problem: str) -> str:
    """Return a problem as people read it."""
    return f"context {key}: {problem}"


def refuse(problems: Iterable[tuple[str, str]]) -> None:
    """Raise ContextError when there is a problem, which is a key and what is wrong with it."""
    lines = [line(key, problem) for key, problem in problems]
    if lines:
        raise ContextError("\n".join(lines))


def explain(error: ValidationError) -> str:
    """Return a line for each problem that the model found."""
    problems = error.errors(include_url=False)
    # A list is called too short when its wrong items were not counted.
    lines = (_line(p) for p in problems if len(p["loc"]) > 1 or not any(_within(other, p) for other in problems))
    return "\n".join(dict.fromkeys(lines))


def _within(inner: Any, outer: Any) -> bool:
    return len(inner["loc"]) > 1 and inner["loc"][0] == outer["loc"][0]


def _line(problem: Any) -> str:
    key = str(problem["loc"][0])
    if problem["type"] == "extra_forbidden":
        return line(key, _unknown(key))
    wanted = Context.model_fields[FIELDS[key]].description
    why = f" ({problem['ctx']['error']})" if problem["type"] == "value_error" else ""
    return line(key, f"give {wanted}, not {_shown(problem['input'])}{why}")


def _unknown(key: str) -> str:
    # `vpc-cidr` and `VPCCidr` are as near as `vpcCidr` can be.
    plain = {known.lower(): known for known in FIELDS}
    near = difflib.get_close_matches(key.lower().replace("-", "").replace("_", ""), plain, n=1)
    if near:
        return f"unknown key, did you mean {plain[near[0]]!r}?"
    return "unknown key: remove it, docs/deployment.md lists all keys"


def _shown(given: object) -> str:
    # As cdk.json would have it: `true`, `null`.
    written = json.dumps(given, ensure_ascii=False, default=str)
    return written if len(written) <= _SHOWN else f"{written[:_SHOWN]}…"
