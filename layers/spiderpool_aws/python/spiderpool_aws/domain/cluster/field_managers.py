"""Who set which field of an object: what we read of `metadata.managedFields`."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class FieldsOfManager(BaseModel):
    """What we read of an entry of `managedFields`."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)

    manager: str = ""
    operation: str = ""
    fields_v1: dict[str, Any] = Field(default_factory=dict)

    @property
    def spec(self) -> frozenset[str]:
        """The fields of the spec that it has set."""
        return frozenset(key.removeprefix("f:") for key in self.fields_v1.get("f:spec", {}))


@dataclass(frozen=True, slots=True)
class FieldOwner:
    """A field manager of somebody else, and what it has set of some fields of the spec."""

    name: str
    applies: bool
    """By server-side apply: it says again what it wants at its next apply, and is then in conflict with us."""
    fields: frozenset[str]


def taken_fields(entries: Iterable[FieldsOfManager], manager: str, fields: frozenset[str]) -> frozenset[str]:
    """Return those of some fields of the spec that a manager has applied and whose entry no longer has them."""
    applied = (entry for entry in entries if (entry.manager, entry.operation) == (manager, "Apply"))
    entry = next(applied, None)
    return frozenset() if entry is None else fields - entry.spec


def owners_of(entries: Iterable[FieldsOfManager], manager: str, fields: frozenset[str]) -> tuple[FieldOwner, ...]:
    """Return who has set some of the fields of the spec, beside one manager's applies."""
    others = (entry for entry in entries if (entry.manager, entry.operation) != (manager, "Apply"))
    found = (FieldOwner(entry.manager, entry.operation == "Apply", entry.spec & fields) for entry in others)
    return tuple(owner for owner in found if owner.fields)
