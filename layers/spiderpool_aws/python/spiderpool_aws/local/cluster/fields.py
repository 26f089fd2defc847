"""Sets of field paths, as server-side apply tracks them, and their `fieldsV1` form.

A path is a tuple of elements: `("f", name)` a field, `("k", json)` an item of a list by its keys, `("v", json)` a value
of a set. A list that is atomic (every list of these CRDs' specs) is one field.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from spiderpool_aws.local.cluster.schema import ANY, Schema

Element = tuple[str, str]
Path = tuple[Element, ...]
Fields = frozenset[Path]

_MISSING = object()
# What identifies an object, or what only the server sets, is nobody's field.
_NOBODYS_METADATA = (
    "name", "namespace", "creationTimestamp", "selfLink", "uid", "generation", "managedFields", "resourceVersion",
    "deletionTimestamp", "deletionGracePeriodSeconds", "generateName",
)  # fmt: skip
_NOBODYS: frozenset[Path] = frozenset(
    {(("f", "apiVersion"),), (("f", "kind"),), (("f", "metadata"),)}
    | {(("f", "metadata"), ("f", name)) for name in _NOBODYS_METADATA}
)


def owned(paths: Iterable[Path]) -> Fields:
    """Return the paths without those that nobody can own."""
    return frozenset(path for path in paths if path[:2] not in _NOBODYS and path not in _NOBODYS)


def leaves(schema: Schema, value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the paths that an apply patch sets: leaves, empty containers, and the items of keyed lists."""
    children = list(children_of(schema, value)) if _descends(schema, value) else []
    if not children and path:
        yield path
    for element, child_schema, child in children:
        if element[0] != "f" and isinstance(child, dict):
            yield (*path, element)
        yield from leaves(child_schema, child, (*path, element))


def changed(schema: Schema, old: Any, new: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the paths that are new or have another value, containers that are new included."""
    if old == new:
        return
    if not (_descends(schema, old) and _descends(schema, new)):
        if new is not _MISSING and path:
            yield path
        if not _descends(schema, new):
            return
        old = _MISSING
    before = dict(_by_element(schema, old))
    for element, child_schema, child in children_of(schema, new):
        yield from changed(child_schema, before.get(element, _MISSING), child, (*path, element))


def removed(schema: Schema, old: Any, new: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the paths that are no longer there."""
    if not _descends(schema, old):
        return
    after = dict(_by_element(schema, new)) if _descends(schema, new) else {}
    for element, child_schema, child in children_of(schema, old):
        if element not in after:
            yield (*path, element)
            yield from removed(child_schema, child, _MISSING, (*path, element))
        else:
            yield from removed(child_schema, child, after[element], (*path, element))


def merge(schema: Schema, live: Any, applied: Any) -> Any:
    """Return the live value with what the applied one sets."""
    if not (_descends(schema, live) and _descends(schema, applied)):
        return applied
    if isinstance(live, dict):
        merged = dict(live)
        for name, item in applied.items():
            merged[name] = merge(schema.child(name) or ANY, live[name], item) if name in live else item
        return merged
    items = dict(_by_element(schema, live))
    for element, child_schema, item in children_of(schema, applied):
        items[element] = merge(child_schema, items[element], item) if element in items else item
    return list(items.values())


def without(schema: Schema, value: Any, paths: Iterable[Path]) -> Any:
    """Return the value without the fields at these paths; a container that this empties goes too."""
    for path in sorted(paths, key=len, reverse=True):
        value = _drop(schema, value, path)
    return value


def _drop(schema: Schema, value: Any, path: Path) -> Any:
    kept: list[tuple[Element, Any]] = []
    touched = False
    for element, child_schema, child in children_of(schema, value) if _descends(schema, value) else ():
        if element != path[0]:
            kept.append((element, child))
        elif len(path) > 1:
            touched = True
            smaller = _drop(child_schema, child, path[1:])
            if smaller != child and smaller in ({}, []):
                continue
            kept.append((element, smaller))
        else:
            touched = True
    if not touched:
        return value
    return {element[1]: child for element, child in kept} if isinstance(value, dict) else [item for _, item in kept]


def value_at(schema: Schema, value: Any, path: Path) -> Any:
    """Return the value at a path; a private marker, equal to nothing else, when there is none."""
    for element in path:
        if not _descends(schema, value):
            return _MISSING
        for candidate, child_schema, child in children_of(schema, value):
            if candidate == element:
                schema, value = child_schema, child
                break
        else:
            return _MISSING
    return value


def _descends(schema: Schema, value: Any) -> bool:
    if isinstance(value, dict):
        return not schema.atomic
    return isinstance(value, list) and schema.list_type != "atomic"


def children_of(schema: Schema, value: Any) -> Iterator[tuple[Element, Schema, Any]]:
    """Yield element, schema and value of each child of a container that is not atomic."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield ("f", name), schema.child(name) or ANY, item
    elif isinstance(value, list):
        for item in value:
            if schema.list_type == "set":
                yield ("v", _text(item)), schema.items or ANY, item
            else:
                yield ("k", _text({key: item.get(key) for key in schema.keys})), schema.items or ANY, item


def _by_element(schema: Schema, value: Any) -> Iterator[tuple[Element, Any]]:
    return ((element, child) for element, _, child in children_of(schema, value))


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def to_fields_v1(fields: Fields) -> dict[str, Any]:
    """Return the set as `fieldsV1` has it."""
    root: dict[str, Any] = {}
    for path in sorted(fields):
        node = root
        for kind, text in path:
            node = node.setdefault(f"{kind}:{text}", {})
    _mark_members(root, fields, ())
    return root


def _mark_members(node: dict[str, Any], fields: Fields, path: Path) -> None:
    """Put the `.` into containers that are themselves members of the set."""
    for key, child in list(node.items()):
        here = (*path, (key[0], key[2:]))
        if child:
            _mark_members(child, fields, here)
            if here in fields:
                child["."] = {}


def path_text(path: Path) -> str:
    """Return a path as conflict texts print it: `.spec.ips`."""
    return "".join(_element_text(kind, text) for kind, text in path)


def _element_text(kind: str, text: str) -> str:
    if kind == "f":
        return f".{text}"
    if kind == "v":
        return f"[={text}]"
    pairs = ",".join(f"{key}={_text(value)}" for key, value in json.loads(text).items())
    return f"[{pairs}]"
