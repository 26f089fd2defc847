"""The nodes' side: kubelets that run pods, and Spiderpool's agent that gives them addresses."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from spiderpool_aws.local.cluster.allocator import AllocationError, Allocator, Candidates, PodNetwork
from spiderpool_aws.local.cluster.answers import ApiError, Json
from spiderpool_aws.local.cluster.double import ClusterDouble
from spiderpool_aws.local.cluster.garbage import GarbageCollector, NodeLifecycle
from spiderpool_aws.local.cluster.resources import ATTACHMENTS, NODES, PODS, RESOURCES, Target
from spiderpool_aws.local.cluster.writes import Caller, ClusterWrite

KUBELET_SECONDS = 1.0
# Requests that wait in the agent's queue when a pool is disabled or deleted still get its addresses for so long.
QUEUE_SECONDS = 1.1
DEFAULT_NETWORK = "v1.multus-cni.io/default-network"
_KUBELET = Caller("kubelet", "kubelet")


@dataclass(slots=True)
class PodResult:
    """What became of a pod: its addresses in the order of its networks, IPv4 before IPv6; or why it got none."""

    namespace: str
    name: str
    uid: str
    addresses: list[str] = field(default_factory=list)
    error: str = ""
    done: bool = False


class SpiderpoolAgent:
    """Runs pods on the double's nodes, and releases their addresses as a real cluster does.

    A pod that is deleted through the API on a node that is there and not silent gets its CNI DEL from the kubelet
    after a second; everything else is garbage collection, on the double's clock.
    """

    def __init__(self, double: ClusterDouble, *, seed: int = 0, needs_networks: bool = True) -> None:
        """`needs_networks`: as with Multus, a pod fails whose NetworkAttachmentDefinition does not exist."""
        self._double = double
        self._clock = double.clock
        self._needs_networks = needs_networks
        self._allocator = Allocator(double, seed)
        self._held: dict[str, set[str]] = {}
        self._hung: set[str] = set()
        self.nodes = NodeLifecycle(double)
        self._collector = GarbageCollector(double, self._allocator, lambda uid, ip: ip in self._held.get(uid, ()))
        double.watch(self._on_write)

    def run_pod(
        self, namespace: str, name: str, node: str, network: str | Sequence[str] = "kube-system/ipvlan-ens5"
    ) -> PodResult:
        """Create a Pod bound to a node and give it an address of each family on each network.

        A pod that is there already without addresses tries again, as its kubelet would.
        """
        with self._double.lock:
            result, networks = self._pod(namespace, name, node, network)
            self._serve(result, node, [self._network(result, node, one) for one in networks])
            return result

    def queue_pod(
        self, namespace: str, name: str, node: str, network: str | Sequence[str] = "kube-system/ipvlan-ens5",
        seconds: float = QUEUE_SECONDS,
    ) -> PodResult:  # fmt: skip
        """Create a Pod whose request waits in the agent's queue; `done` turns true when it was served.

        The pools are chosen now: one that is disabled or deleted meanwhile is still used, one that shrank is not.
        """
        with self._double.lock:
            result, networks = self._pod(namespace, name, node, network)
            try:
                chosen = [self._network(result, node, one) for one in networks]
                pools = [self._allocator.candidates(one) for one in chosen]
            except AllocationError as error:
                result.error, result.done = str(error), True
                return result
            pairs = list(zip(chosen, pools, strict=True))
            self._clock.call_later(min(seconds, QUEUE_SECONDS), lambda: self._finish(result, pairs))
            return result

    def allocate(
        self, namespace: str, name: str, network: str | Sequence[str] = "kube-system/ipvlan-ens5"
    ) -> PodResult:
        """CNI ADD for a Pod that exists: what its kubelet does again and again while the pod has no addresses."""
        record = self._double.store.get(PODS, (namespace, name))
        if record is None:
            raise LookupError(f"there is no Pod {namespace}/{name}")
        return self.run_pod(namespace, name, record.obj["spec"]["nodeName"], network)

    def release(self, namespace: str, name: str) -> None:
        """CNI DEL: the Pod's addresses are free at once; its object stays."""
        with self._double.lock:
            record = self._double.store.get(PODS, (namespace, name))
            if record is not None:
                self._cni_del(record.obj["metadata"]["uid"])

    def delete_pod(self, namespace: str, name: str) -> None:
        """Delete a Pod the ordinary way: the kubelet stops it, CNI DEL releases its addresses, the object goes."""
        with self._double.lock:
            target = Target(RESOURCES[PODS], namespace, name)
            pod = self._double.writes.delete(target, {}, _KUBELET).body
            self._cni_del(pod["metadata"]["uid"])
            if self._double.store.get(PODS, target.key) is not None:
                self._double.writes.delete(target, {"gracePeriodSeconds": 0}, _KUBELET)

    def hang_pod(self, namespace: str, name: str) -> None:
        """From now on the kubelet cannot stop this Pod: deleted, it stays terminating."""
        record = self._double.store.get(PODS, (namespace, name))
        if record is not None:
            self._hung.add(record.obj["metadata"]["uid"])

    def stop_node(self, node: str) -> None:
        """The node falls silent: no heartbeat, no kubelet, no CNI DEL."""
        self.nodes.stop(node)

    def start_node(self, node: str) -> None:
        """The node is back."""
        self.nodes.start(node)

    def _pod(self, namespace: str, name: str, node: str, network: str | Sequence[str]) -> tuple[PodResult, list[str]]:
        networks = [network] if isinstance(network, str) else list(network)
        record = self._double.store.get(PODS, (namespace, name))
        pod = record.obj if record else self._create(namespace, name, node, networks)
        return PodResult(namespace, name, pod["metadata"]["uid"]), networks

    def _create(self, namespace: str, name: str, node: str, networks: Sequence[str]) -> Json:
        annotations = {DEFAULT_NETWORK: networks[0]}
        if len(networks) > 1:
            annotations["k8s.v1.cni.cncf.io/networks"] = ",".join(networks[1:])
        body = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "annotations": annotations},
            "spec": {
                "nodeName": node,
                "terminationGracePeriodSeconds": 30,
                "containers": [{"name": "main", "image": "app"}],
            },
        }
        return self._double.writes.create(Target(RESOURCES[PODS], namespace), body, _KUBELET).body

    @staticmethod
    def _network(result: PodResult, node: str, network: str) -> PodNetwork:
        return PodNetwork(result.namespace, result.name, result.uid, node, network)

    def _serve(self, result: PodResult, node: str, networks: Sequence[PodNetwork]) -> None:
        try:
            if self.nodes.is_silent(node):
                raise AllocationError(f"node {node} does not answer")
            pairs = [(one, self._allocator.candidates(one)) for one in networks]
        except AllocationError as error:
            result.error, result.done = str(error), True
            return
        self._finish(result, pairs)

    def _finish(self, result: PodResult, pairs: Sequence[tuple[PodNetwork, Candidates]]) -> None:
        """Take the addresses; only a pod that got all of them has an endpoint that the full scan respects."""
        result.done = True
        record = self._double.store.get(PODS, (result.namespace, result.name))
        if record is None or record.obj["metadata"]["uid"] != result.uid:
            result.error = f'pods "{result.name}" not found'
            return
        try:
            for pod, candidates in pairs:
                self._require_network(pod.network)
                result.addresses += [text for _, text in self._allocator.take(pod, candidates)]
        except AllocationError as error:
            result.error, result.addresses = str(error), []
            return
        self._held[result.uid] = set(result.addresses)
        target = Target(RESOURCES[PODS], result.namespace, result.name, "status")
        ips = [{"ip": text} for text in result.addresses]
        status = {"phase": "Running", "podIP": result.addresses[0], "podIPs": ips}
        self._double.writes.patch(target, lambda obj: {**obj, "status": {**obj["status"], **status}}, _KUBELET)

    def _require_network(self, network: str) -> None:
        namespace, _, name = network.partition("/")
        if self._needs_networks and self._double.store.get(ATTACHMENTS, (namespace, name)) is None:
            raise AllocationError(f"cannot find a network-attachment-definition ({name}) in namespace ({namespace})")

    def _on_write(self, write: ClusterWrite) -> None:
        """Let the kubelet stop a Pod that somebody deletes."""
        if write.resource != PODS or write.user == _KUBELET.user:
            return
        if write.after is None:
            self._held.pop((write.before or {})["metadata"]["uid"], None)
        elif "deletionTimestamp" in write.after["metadata"]:
            self._clock.call_later(KUBELET_SECONDS, lambda: self._stop_pod(write))

    def _stop_pod(self, write: ClusterWrite) -> None:
        record = self._double.store.get(PODS, (write.namespace, write.name))
        if record is None or write.after is None:
            return
        uid, node = record.obj["metadata"]["uid"], record.obj["spec"]["nodeName"]
        runs = self._double.store.get(NODES, ("", node)) is not None and not self.nodes.is_silent(node)
        if uid == write.after["metadata"]["uid"] and runs and uid not in self._hung:
            self._cni_del(uid)
            self._double.writes.delete(
                Target(RESOURCES[PODS], *record_key(record.obj)), {"gracePeriodSeconds": 0}, _KUBELET
            )

    def _cni_del(self, uid: str) -> None:
        self._held.pop(uid, None)
        try:
            self._allocator.release(uid)
        except ApiError as error:
            raise AssertionError(f"the agent's own write was refused: {error}") from error


def record_key(obj: Json) -> tuple[str, str]:
    """Return namespace and name of an object."""
    return obj["metadata"]["namespace"], obj["metadata"]["name"]
