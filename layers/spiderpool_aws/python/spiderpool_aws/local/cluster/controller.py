"""Spiderpool's controller: totals in the status, finalizers of deleted pools, NetworkAttachmentDefinitions."""

from collections.abc import Callable
from dataclasses import dataclass

from spiderpool_aws.local.clock import Clock
from spiderpool_aws.local.cluster.answers import Json
from spiderpool_aws.local.cluster.multus import attachment, attachment_name
from spiderpool_aws.local.cluster.pool_index import parse_pool
from spiderpool_aws.local.cluster.pool_rules import FINALIZER
from spiderpool_aws.local.cluster.resources import ATTACHMENTS, MULTUS, POOLS, RESOURCES, Target
from spiderpool_aws.local.cluster.store import Store
from spiderpool_aws.local.cluster.writes import Caller, ClusterWrite, Writes

CONTROLLER = "spiderpool-controller"
_CALLER = Caller(CONTROLLER, CONTROLLER)


@dataclass(frozen=True, slots=True)
class Delays:
    """How long the controller takes, in seconds, as observed on a real one."""

    status: float = 0.02
    finalizer: float = 1.0
    attachment: float = 0.5


class Controller:
    """Watches the writes and does its own after a delay, on the clock. While it is down nothing of this happens."""

    def __init__(self, store: Store, writes: Writes, clock: Clock, delays: Delays, is_up: Callable[[], bool]) -> None:
        self._store = store
        self._writes = writes
        self._clock = clock
        self._delays = delays
        self._is_up = is_up

    def watch(self, write: ClusterWrite) -> None:
        """Take note of a write that concerns the controller."""
        if write.resource == POOLS and write.after is not None:
            self._watch_pool(write.name, write.before, write.after)
        elif write.resource == MULTUS:
            self._clock.call_later(self._delays.attachment, lambda: self._sync_attachment(write))

    def catch_up(self) -> None:
        """Look at everything again, as a controller does that comes back."""
        for pool in self._store.objects(POOLS):
            self._watch_pool(pool["metadata"]["name"], None, pool)

    def _watch_pool(self, name: str, before: Json | None, after: Json) -> None:
        if before is None or before["spec"] != after["spec"]:
            self._clock.call_later(self._delays.status, lambda: self._count(name))
        if "deletionTimestamp" in after["metadata"] and not after.get("status", {}).get("allocatedIPs"):
            self._clock.call_later(self._delays.finalizer, lambda: self._finish(name))

    def _pool(self, name: str) -> tuple[Target, Json | None]:
        record = self._store.get(POOLS, ("", name))
        return Target(RESOURCES[POOLS], name=name), record.obj if record and self._is_up() else None

    def _count(self, name: str) -> None:
        target, pool = self._pool(name)
        if pool is None:
            return
        total = sum(len(one) for one in parse_pool(pool).ranges)
        status = {"allocatedIPCount": 0, **pool.get("status", {}), "totalIPCount": total}
        endpoint = Target(target.resource, name=name, subresource="status")
        self._writes.patch(endpoint, lambda obj: {**obj, "status": status}, _CALLER)

    def _finish(self, name: str) -> None:
        """Take the finalizer away, if the pool is still going and nothing holds an address of it."""
        target, pool = self._pool(name)
        if pool is None or "deletionTimestamp" not in pool["metadata"] or pool.get("status", {}).get("allocatedIPs"):
            return
        kept = [name for name in pool["metadata"].get("finalizers", ()) if name != FINALIZER]
        self._writes.patch(target, lambda obj: {**obj, "metadata": {**obj["metadata"], "finalizers": kept}}, _CALLER)

    def _sync_attachment(self, write: ClusterWrite) -> None:
        if not self._is_up():
            return
        record = self._store.get(MULTUS, (write.namespace, write.name))
        source = record.obj if record else write.before
        if source is None:
            return
        target = Target(RESOURCES[ATTACHMENTS], write.namespace, attachment_name(source))
        existing = self._store.get(ATTACHMENTS, target.key)
        if record is None:
            # What the informer leaves the garbage collector of Kubernetes takes: the owner is gone.
            owners = existing.obj["metadata"].get("ownerReferences", ()) if existing else ()
            if any(owner["uid"] == source["metadata"]["uid"] for owner in owners):
                self._writes.delete(target, {}, _CALLER)
        elif existing is None:
            self._writes.create(target, attachment(source), _CALLER)
        else:
            wanted = attachment(source)
            self._writes.patch(target, lambda obj: {**obj, "spec": wanted["spec"]}, _CALLER)
