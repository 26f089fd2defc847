"""Structural schemas as CRDs have them: pruning, defaults, validation, and the strict reading of an apply patch."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from spiderpool_aws.local.cluster.answers import Cause, quoted, required_value, unsupported_value

_ABSENT = object()
_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "boolean": (bool,),
    "number": (int, float),
}


@dataclass(frozen=True, slots=True)
class Schema:
    """One node of a schema. `any` takes everything; a list is one value (atomic), a set, or a map by `keys`."""

    type: str
    properties: Mapping[str, "Schema"] = field(default_factory=dict)
    values: "Schema | None" = None
    items: "Schema | None" = None
    required: tuple[str, ...] = ()
    enum: tuple[object, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    default: Any = _ABSENT
    list_type: str = "atomic"
    keys: tuple[str, ...] = ()
    atomic: bool = False

    def child(self, name: str) -> "Schema | None":
        """Return the schema of a field; None when it is not declared."""
        if self.type == "any":
            return self
        return self.properties.get(name, self.values)

    def has_type(self, value: object) -> bool:
        """Say whether a value is of this node's type (a boolean is not an integer)."""
        if self.type == "any":
            return True
        if isinstance(value, bool):
            return self.type == "boolean"
        return isinstance(value, _TYPES[self.type])


def struct(properties: Mapping[str, Schema] | None = None, /, **options: Any) -> Schema:
    """Return an object with the fields named."""
    return Schema("object", properties=properties or {}, **options)


def mapping(values: Schema, **options: Any) -> Schema:
    """Return an object with free keys."""
    return Schema("object", values=values, **options)


def array(items: Schema, **options: Any) -> Schema:
    """Return a list; atomic unless `list_type` says otherwise, as in a CRD that does not say."""
    return Schema("array", items=items, **options)


def string(**options: Any) -> Schema:
    """Return a string."""
    return Schema("string", **options)


def integer(**options: Any) -> Schema:
    """Return an integer."""
    return Schema("integer", **options)


def boolean(**options: Any) -> Schema:
    """Return a boolean."""
    return Schema("boolean", **options)


ANY = Schema("any")


def prune(schema: Schema, value: Any) -> Any:
    """Return a copy without undeclared fields and nulls; what has the wrong type stays, for validation to find."""
    if isinstance(value, dict):
        if schema.type != "any" and not schema.has_type(value):
            return value
        kept = {name: (schema.child(name), item) for name, item in value.items() if item is not None}
        return {name: prune(child, item) for name, (child, item) in kept.items() if child is not None}
    if isinstance(value, list):
        items = schema if schema.type == "any" else schema.items
        return [prune(items, item) if items else item for item in value]
    return value


def add_defaults(schema: Schema, value: Any) -> Any:
    """Return the value with the defaults of declared fields that are absent; shares what did not change."""
    if isinstance(value, list) and schema.items is not None:
        return [add_defaults(schema.items, item) for item in value]
    if not isinstance(value, dict) or schema.type == "any":
        return value
    filled = {name: _default_child(schema, name, item) for name, item in value.items()}
    for name, child in schema.properties.items():
        if name not in filled and child.default is not _ABSENT:
            filled[name] = child.default
    return filled


def _default_child(schema: Schema, name: str, item: Any) -> Any:
    child = schema.child(name)
    return add_defaults(child, item) if child is not None else item


def violations(schema: Schema, value: Any, path: str = "") -> Iterator[Cause]:
    """Yield what breaks the schema: types, required fields, enums, bounds; in the order of the fields."""
    if not schema.has_type(value):
        actual = _type_name(value)
        text = f'Invalid value: "{actual}": {path} in body must be of type {schema.type}: "{actual}"'
        yield Cause(path, "FieldValueTypeInvalid", text)
        return
    if schema.enum and value not in schema.enum:
        yield unsupported_value(path, value, schema.enum)
    if isinstance(value, int) and not isinstance(value, bool):
        yield from _out_of_bounds(schema, value, path)
    if isinstance(value, list) and schema.items is not None:
        for number, item in enumerate(value):
            yield from violations(schema.items, item, f"{path}[{number}]")
    if isinstance(value, dict):
        yield from (required_value(_join(path, name)) for name in schema.required if name not in value)
        for name, item in value.items():
            if (child := schema.child(name)) is not None and child.type != "any":
                yield from violations(child, item, _join(path, name))


def _out_of_bounds(schema: Schema, value: int, path: str) -> Iterator[Cause]:
    if schema.minimum is not None and value < schema.minimum:
        text = f"Invalid value: {value}: {path} in body should be greater than or equal to {schema.minimum}"
        yield Cause(path, "FieldValueInvalid", text)
    if schema.maximum is not None and value > schema.maximum:
        text = f"Invalid value: {value}: {path} in body should be less than or equal to {schema.maximum}"
        yield Cause(path, "FieldValueInvalid", text)


def undeclared(schema: Schema, value: Any, path: str = "") -> Iterator[str]:
    """Yield why an apply patch cannot be read as this type: an apply is typed before anything is merged."""
    if value is None or schema.type == "any":
        return
    if not schema.has_type(value):
        yield f"{path}: expected {_MERGE_TYPES.get(schema.type, schema.type)}, got {quoted(value)}"
        return
    if isinstance(value, dict):
        for name, item in value.items():
            if (child := schema.child(name)) is None:
                yield f"{path}.{name}: field not declared in schema"
            else:
                yield from undeclared(child, item, f"{path}.{name}")
    elif isinstance(value, list) and schema.items is not None:
        for number, item in enumerate(value):
            yield from undeclared(schema.items, item, f"{path}[{number}]")
            yield from (f"{path}: missing key {key}" for key in schema.keys if key not in item)


_MERGE_TYPES = {"array": "list", "object": "map", "integer": "numeric (int or float)"}


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _type_name(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    return next(name for name, types in _TYPES.items() if isinstance(value, types))
