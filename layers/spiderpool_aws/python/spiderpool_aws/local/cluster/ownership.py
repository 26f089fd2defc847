"""Field managers: who owns which field, server-side apply with its conflicts, and what plain updates take over."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from spiderpool_aws.local.cluster.answers import ApiError, Json, failure
from spiderpool_aws.local.cluster.fields import (
    Fields,
    Path,
    changed,
    leaves,
    merge,
    owned,
    path_text,
    removed,
    to_fields_v1,
    value_at,
    without,
)
from spiderpool_aws.local.cluster.resources import Resource
from spiderpool_aws.local.cluster.schema import undeclared

APPLY = "Apply"
UPDATE = "Update"


@dataclass(frozen=True, slots=True)
class Manager:
    """One entry of `managedFields`: a manager with an operation and sub-resource, and the fields that it owns."""

    name: str
    operation: str
    subresource: str
    api_version: str
    time: str
    fields: Fields

    @property
    def identity(self) -> tuple[str, str, str]:
        """Entries with the same identity are one entry."""
        return self.name, self.operation, self.subresource

    def to_json(self) -> Json:
        """Return the entry as `metadata.managedFields` lists it."""
        entry: Json = {"manager": self.name, "operation": self.operation, "apiVersion": self.api_version,
                       "time": self.time, "fieldsType": "FieldsV1", "fieldsV1": to_fields_v1(self.fields)}  # fmt: skip
        return {**entry, **({"subresource": self.subresource} if self.subresource else {})}

    def __str__(self) -> str:
        text = f'"{self.name}"' + (f' with subresource "{self.subresource}"' if self.subresource else "")
        return text if self.operation == APPLY else f"{text} using {self.api_version} at {self.time}"


Managers = tuple[Manager, ...]


def timestamp(moment: datetime) -> str:
    """Return a time as the API writes it: UTC, whole seconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def typed(resource: Resource, name: str, namespace: str, applied: Json) -> None:
    """Refuse an apply patch that names undeclared fields or has wrong types. The real server answers 500 here."""
    errors = list(undeclared(resource.schema, applied))
    if errors:
        listed = errors[0] if len(errors) == 1 else "errors:\n" + "\n".join(f"  {error}" for error in errors)
        what = f"{namespace}/{name}; {resource.api_version}, Kind={resource.kind}"
        raise failure(500, "", f"failed to create typed patch object ({what}): {listed}")


def _selected(paths: Fields, subresource: str, has_status: bool) -> Fields:
    """Drop the fields that this endpoint resets: status from the main one, everything else from the sub-resource."""
    if not has_status:
        return paths
    wants_status = subresource == "status"
    return frozenset(path for path in paths if (path[0] == ("f", "status")) == wants_status)


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes now: the field manager, the endpoint, and the time for its entry."""

    manager: str
    subresource: str
    moment: datetime

    def entry(self, operation: str, resource: Resource, fields: Fields) -> Manager:
        """Return this writer's entry with these fields."""
        when = timestamp(self.moment)
        return Manager(self.manager, operation, self.subresource, resource.api_version, when, fields)


def after_update(resource: Resource, old: Json, new: Json, managers: Managers, writer: Writer) -> Managers:
    """Return the managers after a plain write: the writer owns what it changed, and others no longer do."""
    gained = _selected(owned(changed(resource.schema, old, new)), writer.subresource, resource.has_status)
    lost = gained | owned(removed(resource.schema, old, new))
    if not lost:
        return managers
    mine = writer.entry(UPDATE, resource, gained)
    kept = [
        replace(entry, fields=entry.fields - (lost - gained if entry.identity == mine.identity else lost))
        for entry in managers
    ]
    return _with_entry(kept, replace(mine, fields=_fields_of(kept, mine) | gained))


def _fields_of(managers: Sequence[Manager], mine: Manager) -> Fields:
    return next((entry.fields for entry in managers if entry.identity == mine.identity), frozenset())


def _with_entry(managers: Sequence[Manager], mine: Manager) -> Managers:
    others = tuple(entry for entry in managers if entry.identity != mine.identity and entry.fields)
    return (*others, mine) if mine.fields else others


def apply(
    resource: Resource, live: Json, applied: Json, managers: Managers, writer: Writer, force: bool
) -> tuple[Json, Managers]:
    """Merge an apply patch into the live object; return it and who owns what then. Raises the 409 of conflicts."""
    schema = resource.schema
    wanted = _selected(owned(leaves(schema, applied)), writer.subresource, resource.has_status)
    mine = writer.entry(APPLY, resource, wanted)
    others = [entry for entry in managers if entry.identity != mine.identity]
    moved = {path for path in wanted if value_at(schema, live, path) != value_at(schema, applied, path)}
    conflicts = [(entry, path) for entry in others for path in sorted(_touched(entry.fields, moved))]
    if conflicts and not force:
        raise _conflict_error(conflicts)
    taken = {path for _, path in conflicts}
    others = [replace(entry, fields=entry.fields - taken) for entry in others]
    dropped = _fields_of(managers, mine) - wanted
    gone = {path for path in dropped if not any(_keeps(entry.fields, path) for entry in [*others, mine])}
    merged = merge(schema, without(schema, live, gone), applied)
    previous = next((entry for entry in managers if entry.identity == mine.identity), None)
    if previous is not None and previous.fields == wanted and merged == live:
        mine = previous
    return merged, _with_entry(others, mine)


def _touched(fields: Fields, moved: set[Path]) -> Fields:
    """Return the owned fields that a change of these paths concerns: themselves, what is in them, what they are in."""
    direct = fields & moved
    nested = {path for path in fields for other in moved if len(path) > len(other) and path[: len(other)] == other}
    return direct | nested


def _keeps(fields: Fields, path: Path) -> bool:
    return any(other[: len(path)] == path for other in fields)


def _conflict_error(conflicts: Sequence[tuple[Manager, Path]]) -> ApiError:
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {entry}", "field": path_text(path)}
        for entry, path in conflicts
    ]
    if len(conflicts) == 1:
        message = f"Apply failed with 1 conflict: conflict with {conflicts[0][0]}: {path_text(conflicts[0][1])}"
    else:
        by_manager: dict[str, list[str]] = {}
        for entry, path in conflicts:
            by_manager.setdefault(str(entry), []).append(f"- {path_text(path)}")
        lines = [line for name in sorted(by_manager) for line in (f"conflicts with {name}:", *by_manager[name])]
        message = f"Apply failed with {len(conflicts)} conflicts: " + "\n".join(lines)
    return failure(409, "Conflict", message, {"causes": causes})
