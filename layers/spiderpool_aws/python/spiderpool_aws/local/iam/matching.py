"""How IAM compares: wildcards, and ARNs part by part."""

import re
from functools import cache

_PARTS = 6
"""arn:partition:service:region:account:resource; a colon of the resource itself separates nothing."""


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(one, re.escape(one)) for one in pattern), re.DOTALL)


def is_like(pattern: str, value: str) -> bool:
    """Tell whether a value matches a pattern with `*` (any characters) and `?` (one)."""
    return _compiled(pattern).fullmatch(value) is not None


def is_arn_like(pattern: str, arn: str) -> bool:
    """Tell whether an ARN matches: each of the six parts for itself, so that a `*` does not reach over a colon."""
    patterns, parts = pattern.split(":", _PARTS - 1), arn.split(":", _PARTS - 1)
    if len(patterns) != _PARTS or len(parts) != _PARTS:
        return False
    return all(is_like(wanted, part) for wanted, part in zip(patterns, parts, strict=True))


def covers(resource: str, arn: str) -> bool:
    """Tell whether a statement's Resource covers an ARN. An action without resource types has the ARN `*`."""
    return resource == "*" or is_arn_like(resource, arn)
