"""Label and field selectors of list requests, and the label selectors inside objects."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from spiderpool_aws.local.cluster.answers import Json, bad_request
from spiderpool_aws.local.cluster.resources import EVENTS, NODES, PODS, Resource

_SET = re.compile(r"^(?P<key>\S+)\s+(?P<operator>in|notin)\s*\((?P<values>[^()]*)\)$")
_PLAIN = re.compile(r"^(?P<key>[^\s=!(),]+)\s*(?:(?P<operator>==|!=|=)\s*(?P<value>[^\s=!(),]*))?$")
_ABSENT = re.compile(r"^!\s*(?P<key>[^\s=!(),]+)$")
_FIELDS: dict[str, tuple[str, ...]] = {
    PODS: ("spec.nodeName", "status.phase", "spec.restartPolicy", "spec.serviceAccountName", "status.podIP"),
    NODES: ("spec.unschedulable",),
    EVENTS: ("involvedObject.kind", "involvedObject.name", "involvedObject.namespace", "involvedObject.uid",
             "reason", "type"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition on a label: `in` or `notin` the values, `exists` or `absent`."""

    key: str
    operator: str
    values: frozenset[str] = frozenset()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Say whether the labels meet the condition; a label that is absent is not in any set."""
        if self.operator in ("exists", "absent"):
            return (self.key in labels) == (self.operator == "exists")
        return (labels.get(self.key) in self.values) == (self.operator == "in")


def parse_labels(text: str) -> list[Requirement]:
    """Read a `labelSelector`. Raises the 400 for what cannot be read."""
    return [_requirement(part.strip()) for part in re.split(r",(?![^()]*\))", text) if part.strip()]


def _requirement(text: str) -> Requirement:
    if match := _ABSENT.match(text):
        return Requirement(match["key"], "absent")
    if match := _SET.match(text):
        return Requirement(match["key"], match["operator"], frozenset(v.strip() for v in match["values"].split(",")))
    if match := _PLAIN.match(text):
        if match["operator"] is None:
            return Requirement(match["key"], "exists")
        return Requirement(match["key"], "notin" if match["operator"] == "!=" else "in", frozenset({match["value"]}))
    raise bad_request(f"unable to parse requirement: {text!r}")


def parse_fields(resource: Resource, text: str) -> list[tuple[str, bool, str]]:
    """Read a `fieldSelector` into (field, equal or not, value). Raises the 400 for a field that it does not support."""
    parsed = []
    for part in filter(None, text.split(",")):
        match = re.match(r"^([^=!]+)(==|!=|=)(.*)$", part)
        if match is None:
            raise bad_request(f"invalid field selector: {part!r}; can't understand '{part}'")
        name, operator, value = match[1].strip(), match[2], match[3].strip()
        if name not in ("metadata.name", "metadata.namespace", *_FIELDS.get(resource.plural, ())):
            raise bad_request(f"field label not supported: {name}")
        parsed.append((name, operator != "!=", value))
    return parsed


def fields_match(requirements: list[tuple[str, bool, str]], obj: Json) -> bool:
    """Say whether an object meets the conditions of a field selector; an absent field is the empty string."""
    return all((_field(obj, name) == value) == equal for name, equal, value in requirements)


def _field(obj: Json, name: str) -> str:
    value: object = obj
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def selector_matches(selector: Json, labels: Mapping[str, str]) -> bool:
    """Say whether labels meet a LabelSelector (`matchLabels`, `matchExpressions`) as objects hold it."""
    operators = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "absent"}
    requirements = [
        Requirement(key, "in", frozenset({value})) for key, value in selector.get("matchLabels", {}).items()
    ]
    for expression in selector.get("matchExpressions", []):
        operator = operators.get(expression["operator"], "in")
        requirements.append(Requirement(expression["key"], operator, frozenset(expression.get("values", []))))
    return all(requirement.matches(labels) for requirement in requirements)
