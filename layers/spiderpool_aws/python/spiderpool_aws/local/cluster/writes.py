"""The way of a write: read it, merge it, admission, validation, store. The order is the API server's own."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from spiderpool_aws.local.clock import Clock
from spiderpool_aws.local.cluster import metadata as meta
from spiderpool_aws.local.cluster.admission import Admission
from spiderpool_aws.local.cluster.answers import (
    Answer,
    Json,
    already_exists,
    conflict,
    invalid,
    invalid_value,
    not_found,
)
from spiderpool_aws.local.cluster.ownership import Managers, Writer, after_update, apply, timestamp, typed
from spiderpool_aws.local.cluster.resources import NAMESPACES, PODS, RESOURCES, Target
from spiderpool_aws.local.cluster.schema import add_defaults, prune, violations
from spiderpool_aws.local.cluster.store import Record, Store

_POD_GRACE_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Caller:
    """Who writes, as which field manager, and whether it is only a rehearsal."""

    user: str
    manager: str
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class ClusterWrite:
    """A write, also one that changed nothing or, with a status from 400, was refused. An apply is a `patch`.

    `before` and `after` are the stored states: read them, never change them.
    """

    verb: str
    resource: str
    namespace: str
    name: str
    subresource: str
    user: str
    field_manager: str
    before: Json | None
    after: Json | None
    status: int


class Writes:
    """Creates, updates, applies and deletes on the store. `notify` hears of every write, after it is stored."""

    def __init__(
        self, store: Store, admission: Admission, clock: Clock, notify: Callable[[ClusterWrite], None]
    ) -> None:
        self._store = store
        self._admission = admission
        self._clock = clock
        self._notify = notify
        self._names = itertools.count(1)

    def create(self, target: Target, body: Json, caller: Caller) -> Answer:
        """Create an object from a POST; its uid and resourceVersion are the server's."""
        meta.check_body(target, body)
        fresh = self._new(target, body)
        obj = self._readable(target, fresh)
        managers = after_update(target.resource, {}, obj, (), self._writer(target, caller))
        return self._create(target, obj, managers, caller, "create")

    def replace(self, target: Target, body: Json, caller: Caller) -> Answer:
        """Replace an object (PUT). Custom resources must say which version they replace."""
        meta.check_body(target, body)
        record = self._existing(target)
        sent = {**body, "metadata": {**body.get("metadata", {}), "name": target.name}}
        version, uid = sent["metadata"].get("resourceVersion"), sent["metadata"].get("uid")
        if uid and uid != record.obj["metadata"]["uid"]:
            raise meta.replaced_uid(target.resource, record.obj, uid)
        if not version and target.resource.custom:
            cause = invalid_value("metadata.resourceVersion", "0x0", "must be specified for an update")
            raise invalid(target.resource.kind_name, target.name, [cause])
        return self._update(target, record, sent, caller, "update")

    def patch(self, target: Target, change: Callable[[Json], Json], caller: Caller) -> Answer:
        """Change an existing object by a merge, JSON or strategic patch."""
        record = self._existing(target)
        changed = change(record.obj)
        patched = {**changed, "metadata": changed.get("metadata") or {}}
        meta.check_body(target, patched)
        return self._update(target, record, patched, caller, "patch")

    def apply(self, target: Target, body: Json, caller: Caller, force: bool) -> Answer:
        """Server-side apply: create or merge, with the fields that the caller then owns."""
        meta.check_body(target, body)
        resource = target.resource
        typed(resource, target.name, target.namespace, body)
        writer = self._writer(target, caller)
        record = self._store.get(resource.plural, target.key)
        complete = {
            "apiVersion": resource.api_version, "kind": resource.kind, "metadata": {}, **prune(resource.schema, body)
        }  # fmt: skip
        if record is None:
            if uid := complete["metadata"].get("uid"):
                why = f"uid mismatch: the provided object specified uid {uid}, and no existing object was found"
                raise conflict(resource.resource_name, target.name, why)
            if target.subresource:
                raise not_found(resource.resource_name, target.name)
            obj, managers = apply(resource, {}, complete, (), writer, force)
            return self._create(target, self._readable(target, self._new(target, obj)), managers, caller, "patch")
        live = meta.unmanaged(record.obj)
        merged, managers = apply(resource, live, complete, record.managers, writer, force)
        obj = self._writable(target, record, merged)
        return self._store_update(target, record, obj, (managers, "patch"), caller)

    def delete(self, target: Target, options: Json, caller: Caller) -> Answer:
        """Delete an object, or mark it as terminating while finalizers or a grace period hold it."""
        record = self._existing(target)
        obj = record.obj
        meta.check_preconditions(target.resource, obj, options.get("preconditions") or {})
        self._admission.validate_delete(target.resource, obj)
        grace = self._grace_seconds(target, obj, options.get("gracePeriodSeconds"))
        if obj["metadata"].get("finalizers") or grace:
            return self._terminate(target, record, grace, caller)
        if not caller.dry_run:
            self._remove(target, record, caller, "delete")
        if target.resource.plural == PODS:
            return Answer(200, obj)
        details = {**target.resource.resource_name.details(target.name), "uid": obj["metadata"]["uid"]}
        return Answer(
            200, {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
        )

    def _existing(self, target: Target) -> Record:
        record = self._store.get(target.resource.plural, target.key)
        if record is None:
            raise not_found(target.resource.resource_name, target.name)
        return record

    def _writer(self, target: Target, caller: Caller) -> Writer:
        return Writer(caller.manager, target.subresource, self._clock.now())

    def _new(self, target: Target, body: Json) -> Json:
        now, resource = self._clock.now(), target.resource
        metadata = meta.new_metadata(target, body, self._store.new_uid(), now, next(self._names))
        obj = {"apiVersion": resource.api_version, "kind": resource.kind, **body, "metadata": metadata}
        if resource.custom and resource.has_status:
            obj.pop("status", None)
        if resource.plural == PODS:
            obj["status"] = {"phase": "Pending", "qosClass": "BestEffort"}
        return obj

    @staticmethod
    def _readable(target: Target, obj: Json) -> Json:
        pruned: Json = add_defaults(target.resource.schema, prune(target.resource.schema, obj))
        return pruned

    def _create(self, target: Target, obj: Json, managers: Managers, caller: Caller, verb: str) -> Answer:
        resource = target.resource
        if resource.namespaced and self._store.get(NAMESPACES, ("", target.namespace)) is None:
            raise not_found(RESOURCES[NAMESPACES].resource_name, target.namespace)
        obj = self._admitted(target, obj)
        self._admission.validate_create(resource, obj)
        name = obj["metadata"]["name"]
        key = (obj["metadata"].get("namespace", ""), name)
        if self._store.get(resource.plural, key) is not None:
            raise already_exists(resource.resource_name, name)
        if caller.dry_run:
            return Answer(201, obj)
        record = meta.sealed(obj, managers, self._store.next_version())
        self._store.put(resource.plural, key, record)
        self._tell(replace(target, name=name), verb, caller, (None, record.obj), 201)
        return Answer(201, record.obj)

    def _update(self, target: Target, record: Record, proposed: Json, caller: Caller, verb: str) -> Answer:
        obj = self._writable(target, record, prune(target.resource.schema, proposed))
        old = meta.unmanaged(record.obj)
        managers = after_update(target.resource, old, obj, record.managers, self._writer(target, caller))
        return self._store_update(target, record, obj, (managers, verb), caller)

    @staticmethod
    def _writable(target: Target, record: Record, proposed: Json) -> Json:
        """Return the state that the endpoint lets through: status by its sub-resource only, and it nothing else."""
        old = meta.unmanaged(record.obj)
        new = meta.keep_identity(target.resource, old, proposed)
        if not target.resource.has_status:
            return new
        body, status = (old, new) if target.subresource else (new, old)
        obj = {key: value for key, value in body.items() if key != "status"}
        return {**obj, "status": status["status"]} if "status" in status else obj

    def _store_update(
        self, target: Target, record: Record, obj: Json, managed: tuple[Managers, str], caller: Caller
    ) -> Answer:
        resource, old = target.resource, record.obj
        managers, verb = managed
        obj = self._admitted(target, self._readable(target, obj))
        if not target.subresource:
            self._admission.validate_update(resource, old, obj)
        if meta.raises_generation(resource, old, obj):
            obj = {**obj, "metadata": {**obj["metadata"], "generation": old["metadata"]["generation"] + 1}}
        if meta.content(obj) == meta.content(old) and meta.same_fields(record.managers, managers):
            if not caller.dry_run:
                self._tell(target, verb, caller, (old, old), 200)
            return Answer(200, old)
        if caller.dry_run:
            return Answer(200, obj)
        fresh = meta.sealed(obj, managers, self._store.next_version())
        if _is_done(fresh.obj):
            self._remove(target, record, caller, verb)
            return Answer(200, fresh.obj)
        self._store.put(resource.plural, target.key, fresh)
        self._tell(target, verb, caller, (old, fresh.obj), 200)
        return Answer(200, fresh.obj)

    def _terminate(self, target: Target, record: Record, grace: int, caller: Caller) -> Answer:
        metadata = dict(record.obj["metadata"])
        if "deletionTimestamp" in metadata and metadata["deletionGracePeriodSeconds"] <= grace:
            self._tell(target, "delete", caller, (record.obj, record.obj), 200)
            return Answer(200, record.obj)
        if "generation" in metadata and "deletionTimestamp" not in metadata:
            metadata["generation"] += 1
        metadata["deletionTimestamp"] = timestamp(self._clock.now() + timedelta(seconds=grace))
        metadata["deletionGracePeriodSeconds"] = grace
        obj = {**record.obj, "metadata": metadata}
        if caller.dry_run:
            return Answer(200, obj)
        fresh = meta.sealed(obj, record.managers, self._store.next_version())
        self._store.put(target.resource.plural, target.key, fresh)
        self._tell(target, "delete", caller, (record.obj, fresh.obj), 200)
        return Answer(200, fresh.obj)

    @staticmethod
    def _grace_seconds(target: Target, obj: Json, asked: int | None) -> int:
        """Return how long the kubelet has: only a Pod that a node has, and that is not finished, needs any time."""
        spec, phase = obj.get("spec") or {}, obj.get("status", {}).get("phase")
        if target.resource.plural != PODS or not spec.get("nodeName") or phase in ("Succeeded", "Failed"):
            return 0
        return asked if asked is not None else int(spec.get("terminationGracePeriodSeconds", _POD_GRACE_SECONDS))

    def _admitted(self, target: Target, obj: Json) -> Json:
        """Return the object as the mutating webhook leaves it, valid by its schema; the webhook never sees other types.

        The webhooks are registered for the objects, not for their status.
        """
        self._check(target, obj)
        if target.subresource:
            return obj
        admitted = self._readable(target, self._admission.mutate(target.resource, obj))
        self._check(target, admitted)
        return admitted

    @staticmethod
    def _check(target: Target, obj: Json) -> None:
        causes = list(violations(target.resource.schema, obj)) or meta.metadata_violations(obj["metadata"])
        if causes:
            raise invalid(target.resource.kind_name, obj["metadata"].get("name", ""), causes)

    def _remove(self, target: Target, record: Record, caller: Caller, verb: str) -> None:
        self._store.next_version()
        self._store.remove(target.resource.plural, target.key)
        self._tell(target, verb, caller, (record.obj, None), 200)

    def _tell(
        self, target: Target, verb: str, caller: Caller, states: tuple[Json | None, Json | None], status: int
    ) -> None:
        self._notify(
            ClusterWrite(
                verb, target.resource.plural, target.namespace, target.name, target.subresource,
                caller.user, caller.manager, *states, status,
            )
        )  # fmt: skip


def _is_done(obj: Json) -> bool:
    """Say whether an object that is being deleted has nothing left to wait for."""
    metadata = obj["metadata"]
    return (
        "deletionTimestamp" in metadata
        and not metadata.get("finalizers")
        and not metadata.get("deletionGracePeriodSeconds")
    )
