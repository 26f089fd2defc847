"""The filters of the describes, on the documents that they return.

AWS, "Filtering using the API": values are case-sensitive, `*` and `?` are wildcards (a backslash makes them plain),
several values of a filter are or-ed, several filters are and-ed, and one call takes at most 200 values.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from spiderpool_aws.local.ec2.documents import Document
from spiderpool_aws.local.ec2.errors import Ec2Error, missing, value_error

Values = Callable[[Document], Iterable[Any]]
_MAX_VALUES = 200


def at(path: str) -> Values:
    """Return what finds the values at a dotted path; lists on the way are walked."""
    keys = path.split(".")

    def find(value: Any, depth: int) -> Iterable[Any]:
        if isinstance(value, list):
            return [found for item in value for found in find(item, depth)]
        if depth == len(keys):
            return [value]
        if not isinstance(value, dict) or keys[depth] not in value:
            return []
        return find(value[keys[depth]], depth + 1)

    return lambda document: find(document, 0)


def at_each(paths: Mapping[str, str], prefix: str = "") -> dict[str, Values]:
    """Return a filter table from names to dotted paths, each name with the prefix."""
    return {f"{prefix}{name}": at(path) for name, path in paths.items()}


def tag_filters(field: str) -> Callable[[str], Values | None]:
    """Return what resolves `tag:<key>`, `tag-key` and `tag-value` for documents with tags in this field."""

    def resolve(name: str) -> Values | None:
        if name.startswith("tag:"):
            key = name[len("tag:") :]
            return lambda document: (tag["Value"] for tag in document.get(field, ()) if tag["Key"] == key)
        if name in ("tag-key", "tag-value"):
            part = "Key" if name == "tag-key" else "Value"
            return lambda document: (tag[part] for tag in document.get(field, ()))
        return None

    return resolve


class FilterTable:
    """The filters that one describe knows."""

    def __init__(self, filters: Mapping[str, Values], tags_field: str = "Tags") -> None:
        self._filters = filters
        self._tag = tag_filters(tags_field)

    def compile(self, filters: Sequence[Mapping[str, Any]]) -> Callable[[Document], bool]:
        """Return the predicate of a call's `Filters`; an unknown name or too many values fail the call."""
        if sum(len(given.get("Values", ())) for given in filters) > _MAX_VALUES:
            raise Ec2Error(
                "FilterLimitExceeded",
                f"The maximum number of filter values specified on a single call is {_MAX_VALUES}",
            )
        tests = [self._compile_one(given) for given in filters]
        return lambda document: all(test(document) for test in tests)

    def _compile_one(self, given: Mapping[str, Any]) -> Callable[[Document], bool]:
        name = given.get("Name")
        if name is None:
            raise missing("Filter.1.Name")
        if not given.get("Values"):
            raise value_error("The filter 'null' is invalid")
        values = self._tag(name) or self._filters.get(name)
        if values is None:
            raise value_error(f"The filter '{name}' is invalid")
        matches = matcher(tuple(given["Values"]))
        return lambda document: any(matches(_text(value)) for value in values(document))


def is_exact(values: Iterable[str]) -> bool:
    """Say whether no value has a wildcard, so that an index can be used."""
    return not any(character in value for value in values for character in "*?\\")


@lru_cache(maxsize=1024)
def matcher(values: tuple[str, ...]) -> Callable[[str], bool]:
    """Return the test for one filter's values."""
    if is_exact(values):
        return frozenset(values).__contains__
    pattern = re.compile("|".join(_to_regex(value) for value in values), re.DOTALL)
    return lambda text: pattern.fullmatch(text) is not None


def _to_regex(value: str) -> str:
    parts = re.findall(r"\\.|.", value, re.DOTALL)
    wildcards = {"*": ".*", "?": "."}
    return "".join(wildcards.get(part) or re.escape(part[-1]) for part in parts)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
