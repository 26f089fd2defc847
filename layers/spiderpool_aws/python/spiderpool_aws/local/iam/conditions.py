"""A statement's Condition: every operator and every key must hold; of a key's values one is enough.

Sources: IAM user guide, "IAM JSON policy elements: Condition operators", "Single-valued vs. multivalued context keys",
"Multivalued context key examples". A key that the request has not makes an operator false, except `Null`, `…IfExists`
and `ForAllValues`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from spiderpool_aws.local.iam.catalog import has_many_values
from spiderpool_aws.local.iam.errors import UnknownToIamError
from spiderpool_aws.local.iam.matching import is_arn_like, is_like
from spiderpool_aws.local.iam.requests import Keys, Values

_IF_EXISTS = "IfExists"
_FOR_ALL, _FOR_ANY = "ForAllValues", "ForAnyValue"


def _equals(wanted: str, given: str) -> bool:
    return wanted == given


def _is_at_most(wanted: str, given: str) -> bool:
    return float(given) <= float(wanted)


def _is_bool(wanted: str, given: str) -> bool:
    return wanted.lower() == given.lower()


# ArnEquals and ArnLike are the same to IAM.
_OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "StringEquals": _equals,
    "StringLike": is_like,
    "ArnEquals": is_arn_like,
    "ArnLike": is_arn_like,
    "Bool": _is_bool,
    "NumericLessThanEquals": _is_at_most,
}


@dataclass(frozen=True, slots=True)
class Condition:
    """One operator on one key."""

    operator: str
    """As the policy has it, with its set prefix and its `IfExists`."""
    key: str
    values: Values

    def holds(self, context: Keys) -> bool:
        """Tell whether a request's keys fulfil it; their names are in lower case."""
        given = context.get(self.key.lower(), ())
        quantifier, _, name = self.operator.rpartition(":")
        if name == "Null":
            return (self.values[0] == "true") == (not given)
        if name.endswith(_IF_EXISTS) and not given:
            return True
        matches = [self._matches(name.removesuffix(_IF_EXISTS), one) for one in given]
        return all(matches) if quantifier == _FOR_ALL else any(matches)

    def _matches(self, name: str, given: str) -> bool:
        return any(_OPERATORS[name](wanted, given) for wanted in self.values)


def parse_conditions(document: object) -> tuple[Condition, ...]:
    """Return a statement's conditions. Raises UnknownToIamError for what is not modelled, or means nothing."""
    if not isinstance(document, Mapping):
        raise UnknownToIamError(f"a Condition is an object, not {document!r}")
    return tuple(
        _checked(Condition(operator, key, _values(key, values)))
        for operator, keys in document.items()
        for key, values in keys.items()
    )


def _checked(condition: Condition) -> Condition:
    quantifier, colon, name = condition.operator.rpartition(":")
    if colon and quantifier not in (_FOR_ALL, _FOR_ANY):
        raise UnknownToIamError(f"the condition operator {condition.operator} is not modelled")
    many = has_many_values(condition.key)
    if name == "Null":
        if colon or condition.values not in (("true",), ("false",)):
            raise UnknownToIamError(f"Null of {condition.key} is true or false, not {condition.values}")
        return condition
    if name.removesuffix(_IF_EXISTS) not in _OPERATORS:
        raise UnknownToIamError(f"the condition operator {condition.operator} is not modelled")
    if many != bool(colon):
        needs = "needs" if many else "has no use for"
        raise UnknownToIamError(f"{condition.operator}: {condition.key} {needs} ForAllValues or ForAnyValue")
    return condition


def _values(key: str, given: Any) -> Values:
    values = given if isinstance(given, list) else [given]
    if not values or any(not isinstance(value, str | bool | int) for value in values):
        raise UnknownToIamError(f"the values of {key} are text, true, false or numbers, not {given!r}")
    texts = tuple(str(value).lower() if isinstance(value, bool) else str(value) for value in values)
    if any("${" in text for text in texts):
        raise UnknownToIamError(f"policy variables are not modelled: {texts}")
    return texts
