"""The patch formats other than apply: JSON merge patch, JSON patch, and strategic merge patch for core resources."""

from typing import Any

from spiderpool_aws.local.cluster.answers import ApiError, Json, bad_request, failure

# Lists that a strategic merge patch merges by key; every other list is replaced whole. `spec.taints` is one of those:
# its type has no patch strategy, so whoever patches taints sends all of them, with the resourceVersion that he read.
_MERGE_KEYS = {
    ("metadata", "ownerReferences"): "uid",
    ("status", "conditions"): "type",
    ("status", "addresses"): "type",
    ("spec", "containers"): "name",
}
_SETS = {("metadata", "finalizers"), ("spec", "podCIDRs")}


def merge_patch(target: Any, patch: Any) -> Any:
    """Apply an RFC 7386 merge patch: null removes a field, a list replaces a list."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def strategic_merge_patch(target: Any, patch: Any, path: tuple[str, ...] = ()) -> Any:
    """Apply a strategic merge patch of a Node, Pod, Namespace or Event: keyed lists merge, `$patch: delete` removes."""
    if not isinstance(patch, dict):
        return patch
    merged = {} if patch.get("$patch") == "replace" or not isinstance(target, dict) else dict(target)
    for name, value in patch.items():
        here = (*path, name)
        if name == "$patch" or name.startswith(("$setElementOrder/", "$retainKeys")):
            continue
        if name.startswith("$deleteFromPrimitiveList/"):
            field = name.split("/", 1)[1]
            merged[field] = [item for item in merged.get(field, []) if item not in value]
        elif value is None:
            merged.pop(name, None)
        elif here in _SETS:
            merged[name] = list(dict.fromkeys([*merged.get(name, []), *value]))
        elif here in _MERGE_KEYS and isinstance(value, list):
            merged[name] = _merge_items(merged.get(name, []), value, _MERGE_KEYS[here])
        else:
            merged[name] = strategic_merge_patch(merged.get(name), value, here)
    return merged


def _merge_items(live: list[Json], patch: list[Json], key: str) -> list[Json]:
    items = {item.get(key): item for item in live}
    for item in patch:
        if key not in item:
            raise bad_request(f"map: {item} does not contain declared merge key: {key}")
        if item.get("$patch") == "delete":
            items.pop(item[key], None)
        else:
            items[item[key]] = strategic_merge_patch(items.get(item[key]), item)
    return list(items.values())


def json_patch(target: Json, operations: Any) -> Json:
    """Apply an RFC 6902 patch. A failed `test`, or a path that is not there, is the 422 that the API server gives."""
    if not isinstance(operations, list):
        raise bad_request("error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch")
    document: Any = target
    for operation in operations:
        try:
            document = _operate(document, operation)
        except (KeyError, IndexError, ValueError, TypeError):
            raise rejected_patch() from None
    if not isinstance(document, dict):
        raise rejected_patch()
    return document


def rejected_patch() -> ApiError:
    """422: a JSON patch that does not fit the object."""
    text = "the server rejected our request due to an error in our request"
    return failure(422, "Invalid", text, {})


def _operate(document: Any, operation: Json) -> Any:
    kind, path = operation["op"], _pointer(operation["path"])
    if kind == "test":
        if _at(document, path) != operation.get("value"):
            raise ValueError(path)
        return document
    if kind == "remove":
        return _edit(document, path, "remove", None)
    if kind in ("move", "copy"):
        source = _pointer(operation["from"])
        value = _at(document, source)
        if kind == "move":
            document = _edit(document, source, "remove", None)
        return _edit(document, path, "add", value)
    if kind in ("add", "replace"):
        return _edit(document, path, kind, operation["value"])
    raise ValueError(kind)


def _pointer(text: str) -> list[str]:
    if text and not text.startswith("/"):
        raise ValueError(text)
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]


def _at(document: Any, path: list[str]) -> Any:
    for part in path:
        document = document[int(part)] if isinstance(document, list) else document[part]
    return document


def _edit(document: Any, path: list[str], kind: str, value: Any) -> Any:
    """Return a copy of the document, of which only what lies on the path is copied."""
    if not path:
        return value
    head, rest = path[0], path[1:]
    if isinstance(document, dict):
        copy = dict(document)
        if rest:
            copy[head] = _edit(copy[head], rest, kind, value)
        elif kind == "add":
            copy[head] = value
        else:
            copy.pop(head)
            if kind == "replace":
                copy[head] = value
        return copy
    items = list(document)
    index = len(items) if head == "-" else int(head)
    if index < 0 or (index >= len(items) and not (kind == "add" and not rest and index == len(items))):
        raise IndexError(head)
    if rest:
        items[index] = _edit(items[index], rest, kind, value)
    elif kind == "add":
        items.insert(index, value)
    else:
        items[index : index + 1] = [value] if kind == "replace" else []
    return items
