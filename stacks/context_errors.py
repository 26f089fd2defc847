"""What is wrong with a context: a line for each problem, with the key and what would be right."""

import difflib
from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from stacks.context_model import FIELDS, Context

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
    return "\n".join(dict.fromkeys(map(_line, error.errors(include_url=False))))


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
    written = repr(given)
    return written if len(written) <= _SHOWN else f"{written[:_SHOWN]}…"
