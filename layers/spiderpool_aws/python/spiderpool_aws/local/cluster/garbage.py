"""When addresses come back without a CNI DEL: Spiderpool's garbage collection and Kubernetes' node life cycle.

The times are those that were measured on a real cluster with default settings; each constant says which.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from spiderpool_aws.local.clock import Clock
from spiderpool_aws.local.cluster.allocator import Allocator
from spiderpool_aws.local.cluster.answers import Json
from spiderpool_aws.local.cluster.double import ClusterDouble
from spiderpool_aws.local.cluster.resources import NODES, PODS, RESOURCES, Target
from spiderpool_aws.local.cluster.writes import Caller, ClusterWrite

TICK_SECONDS = 5.0  # pods whose objects are gone are looked at this often
FULL_SCAN_SECONDS = 600.0  # everything that is recorded in any pool is compared with the pods that there are
NODE_GONE_SECONDS = 59.0  # the pods of a Node object that is gone are deleted: 40 s of quarantine, then the next check
NOT_READY_SECONDS = 50.0  # no heartbeat for so long: the Node is NotReady
EVICTION_SECONDS = 350.0  # and 300 s of toleration later its pods are deleted, with 30 s of grace
OUT_OF_SERVICE_SECONDS = 10.0  # the pods of a Node with this taint are deleted by force; a tick later they are released
OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"
UNREACHABLE = {"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"}
_KUBERNETES = Caller("kube-controller-manager", "kube-controller-manager")


@dataclass(frozen=True, slots=True)
class _GonePod:
    namespace: str
    name: str
    uid: str


class GarbageCollector:
    """Releases what pods held that are gone. Nothing is scheduled while nothing is owed."""

    def __init__(self, double: ClusterDouble, allocator: Allocator, is_running: Callable[[str, str], bool]) -> None:
        self._double = double
        self._clock: Clock = double.clock
        self._allocator = allocator
        self._is_running = is_running
        self._start = self._clock.now()
        self._gone: list[_GonePod] = []
        self._scan_is_due = False
        double.watch(self._on_write)

    def _on_write(self, write: ClusterWrite) -> None:
        if write.resource == PODS and write.after is None and write.before is not None:
            if not self._gone:
                self._clock.call_later(self._until_next(TICK_SECONDS), self._tick)
            self._gone.append(_GonePod(write.namespace, write.name, write.before["metadata"]["uid"]))
        elif write.resource == PODS and write.after is not None:
            self._on_terminating(write)
        elif write.subresource == "status" and self._double.pools.get(write.name) is not None:
            self._expect_scan()

    def _on_terminating(self, write: ClusterWrite) -> None:
        """A pod that its kubelet never finishes is traced: its address comes back after twice its grace period."""
        if (write.before or {}).get("metadata", {}).get("deletionTimestamp") or write.after is None:
            return
        metadata = write.after["metadata"]
        if "deletionTimestamp" in metadata:
            seconds = 2 * metadata["deletionGracePeriodSeconds"]
            self._clock.call_later(seconds, lambda: self._release_stuck(metadata["uid"], write))

    def _release_stuck(self, uid: str, write: ClusterWrite) -> None:
        pod = self._double.store.get(PODS, (write.namespace, write.name))
        if pod is None or pod.obj["metadata"]["uid"] != uid:
            return
        if self._double.controller_up:
            self._allocator.release(uid)
        else:
            self._clock.call_later(TICK_SECONDS, lambda: self._release_stuck(uid, write))

    def _until_next(self, period: float) -> float:
        """Return the seconds to the next beat: the collector's clock runs whether or not there is something to do."""
        elapsed = (self._clock.now() - self._start).total_seconds()
        return period - elapsed % period

    def _tick(self) -> None:
        if not self._double.controller_up:
            # The collector is a part of the controller: it goes on where it was when that comes back.
            self._clock.call_later(TICK_SECONDS, self._tick)
            return
        gone, self._gone = self._gone, []
        for pod in gone:
            # A pod of the same name hides that this one is gone: then only the full scan finds what it held.
            if self._double.store.get(PODS, (pod.namespace, pod.name)) is None:
                self._allocator.release(pod.uid)

    def _expect_scan(self) -> None:
        if not self._scan_is_due and self._double.pools.in_use():
            self._scan_is_due = True
            self._clock.call_later(self._until_next(FULL_SCAN_SECONDS), self._scan)

    def _scan(self) -> None:
        self._scan_is_due = False
        if not self._double.controller_up:
            self._expect_scan()
            return
        uids = {pod["metadata"]["uid"] for pod in self._double.store.objects(PODS)}
        for entry in self._double.pools.in_use():
            lost = [
                text
                for text, record in entry.allocations.items()
                if record.get("podUid") not in uids or not self._is_running(str(record["podUid"]), text)
            ]
            if lost:
                self._allocator.forget(entry.name, lost)
        self._expect_scan()


class NodeLifecycle:
    """What kube-controller-manager does to nodes that fall silent, are put out of service, or are deleted."""

    def __init__(self, double: ClusterDouble) -> None:
        self._double = double
        self._clock: Clock = double.clock
        self._silent: dict[str, datetime] = {}
        double.watch(self._on_write)

    def is_silent(self, node: str) -> bool:
        """Say whether the node's kubelet is down."""
        return node in self._silent

    def stop(self, node: str) -> None:
        """The node sends no heartbeat any more, from now on."""
        if node not in self._silent:
            since = self._silent[node] = self._clock.now()
            self._clock.call_later(NOT_READY_SECONDS, lambda: self._mark_not_ready(node, since))
            self._clock.call_later(EVICTION_SECONDS, lambda: self._evict(node, since))

    def start(self, node: str) -> None:
        """The node is back, and ready."""
        if self._silent.pop(node, None) is not None and self._node(node) is not None:
            self._report(node, "True", lambda taints: [one for one in taints if one["key"] != UNREACHABLE["key"]])

    def _on_write(self, write: ClusterWrite) -> None:
        if write.resource != NODES:
            return
        if write.after is None:
            self._clock.call_later(NODE_GONE_SECONDS, lambda: self._collect_orphans(write.name))
        elif _is_out_of_service(write.after) and not _is_out_of_service(write.before or {}):
            self._clock.call_later(OUT_OF_SERVICE_SECONDS, lambda: self._force_out(write.name))

    def _node(self, name: str) -> Json | None:
        record = self._double.store.get(NODES, ("", name))
        return record.obj if record else None

    def _mark_not_ready(self, name: str, since: datetime) -> None:
        if self._silent.get(name) == since and self._node(name) is not None:
            self._report(name, "Unknown", lambda taints: [*taints, UNREACHABLE])

    def _report(self, name: str, ready: str, change: Callable[[list[Json]], list[Json]]) -> None:
        """Write the Ready condition and the taint that goes with it."""
        target = Target(RESOURCES[NODES], name=name)

        def with_taints(obj: Json) -> Json:
            spec = obj.get("spec", {})
            return {**obj, "spec": {**spec, "taints": change(spec.get("taints", []))}}

        self._double.writes.patch(target, with_taints, _KUBERNETES)
        endpoint = Target(target.resource, name=name, subresource="status")
        condition = {"type": "Ready", "status": ready}
        self._double.writes.patch(endpoint, lambda obj: {**obj, "status": _with_condition(obj, condition)}, _KUBERNETES)

    def _evict(self, node: str, since: datetime) -> None:
        if self._silent.get(node) == since and self._node(node) is not None:
            self._delete_pods(node, {})

    def _force_out(self, name: str) -> None:
        """Kubernetes believes the taint only of a node that is not ready."""
        node = self._node(name)
        if node is None or not _is_out_of_service(node):
            return
        if _is_ready(node):
            self._clock.call_later(OUT_OF_SERVICE_SECONDS, lambda: self._force_out(name))
        else:
            self._delete_pods(name, {"gracePeriodSeconds": 0})

    def _collect_orphans(self, node: str) -> None:
        if self._node(node) is None:
            self._delete_pods(node, {"gracePeriodSeconds": 0})

    def _delete_pods(self, node: str, options: Json) -> None:
        for pod in self._double.store.objects(PODS):
            if pod.get("spec", {}).get("nodeName") == node:
                metadata = pod["metadata"]
                target = Target(RESOURCES[PODS], metadata["namespace"], metadata["name"])
                self._double.writes.delete(target, options, _KUBERNETES)


def _is_out_of_service(node: Json) -> bool:
    return any(taint["key"] == OUT_OF_SERVICE for taint in node.get("spec", {}).get("taints", ()))


def _is_ready(node: Json) -> bool:
    """A node is ready unless it says otherwise: those of tests often say nothing."""
    conditions = node.get("status", {}).get("conditions", ())
    return all(one.get("status") == "True" for one in conditions if one.get("type") == "Ready")


def _with_condition(node: Json, condition: Json) -> Json:
    status = node.get("status", {})
    others = [one for one in status.get("conditions", ()) if one.get("type") != condition["type"]]
    return {**status, "conditions": [*others, condition]}
