"""Invariants 7 and 10: what the system writes to the cluster beside pools."""

from datetime import datetime
from typing import Any

from spiderpool_aws.domain.cluster.node import GONE_ANNOTATION
from spiderpool_aws.domain.cluster.pool import CLUSTER_LABEL
from spiderpool_aws.local.cluster import ClusterWrite
from spiderpool_aws.local.invariants.truth import Truth, internal_ips

MAY_BE_WRITTEN = {
    "nodes": {"patch", "delete"},
    "pods": {"delete"},
    "spidermultusconfigs": {"patch"},
    "events": {"create"},
}


class ObjectRules:
    """Judges one write of anything but a pool at a time."""

    def __init__(self, truth: Truth) -> None:
        self._truth = truth
        self._broken = truth.report

    def judge(self, write: ClusterWrite) -> None:
        """Report what a write broke."""
        if write.verb not in MAY_BE_WRITTEN.get(write.resource, set()) or write.subresource:
            path = "/".join(part for part in (write.resource, write.subresource) if part)
            self._broken(7, f"{path} {write.name} is not ours to {write.verb}")
        elif write.resource == "nodes":
            (self._judge_node_deletion if write.verb == "delete" else self._judge_node_change)(write)
        elif write.resource == "pods":
            self._judge_pod_deletion(write)
        elif write.before is not None and CLUSTER_LABEL not in write.before["metadata"].get("labels", {}):
            self._broken(7, f"{write.resource} {write.name} is not ours and was written")

    def _judge_node_deletion(self, write: ClusterWrite) -> None:
        node = write.before or {}
        provider_id = _provider_id(node)
        for instance in self._truth.model.instances.values():
            if self._truth.is_gone(instance.id):
                continue
            if provider_id.endswith(f"/{instance.id}"):
                self._broken(7, f"Node {write.name} was deleted, and its instance {instance.id} is {instance.state}")
            if self._truth.is_new(instance):
                continue
            if instance.private_ip in internal_ips(node) or instance.private_dns_name == write.name:
                self._broken(7, f"Node {write.name} was deleted, and {instance.id} has its name or address")
        if not provider_id and not self._was_of_a_gone_instance(write.name, node):
            self._broken(7, f"Node {write.name} was deleted, and nothing says that it was ours")

    def _judge_node_change(self, write: ClusterWrite) -> None:
        if write.before is None or write.after is None:
            self._broken(7, f"Node {write.name} came or went by a {write.verb}")
            return
        before, after = write.before, write.after
        taint = self._truth.policy().nodes.startup_taint
        if _rest(before, taint) != _rest(after, taint):
            self._broken(7, f"Node {write.name} was changed beyond its providerID, its startup taint and our note")
        if _noted(before) != _noted(after):
            self._judge_note(write.name, after)
        written = _provider_id(after)
        if _provider_id(before) == written:
            return
        owners = (i for i in self._truth.model.instances.values() if self._truth.proves(before, i))
        if not any(written.endswith(f"/{instance.id}") for instance in owners):
            self._broken(7, f"Node {write.name} got {written or 'no providerID'}, and is not proved to be its")

    def _judge_note(self, node_name: str, node: dict[str, Any]) -> None:
        """Judge a note that a Node's instance is gone: it makes the Node ours to delete when EC2 has forgotten that."""
        noted, named = _noted(node), _provider_id(node).rsplit("/", 1)[-1]
        if not noted:
            return
        if not self._truth.is_gone(noted):
            self._broken(10, f"Node {node_name} says that {noted} is gone, and it is not")
        if noted != named if named else not self._pools_prove(node_name):
            self._broken(7, f"Node {node_name} says that it was that of {noted}, and nothing proves it")

    def _judge_pod_deletion(self, write: ClusterWrite) -> None:
        pod = write.before or {}
        node = str(pod.get("spec", {}).get("nodeName", ""))
        created = datetime.fromisoformat(pod["metadata"]["creationTimestamp"])
        there = (i for i in self._truth.model.instances.values() if not self._truth.is_gone(i.id))
        claims = [i for i in there if node == i.private_dns_name or self._truth.is_named(i, node)]
        # Its name may have been a dead node's, whose pods are older than the launch.
        heir = next((instance for instance in claims if created >= self._truth.launched(instance)), None)
        if heir is not None:
            self._broken(10, f"pod {write.name} was deleted, and {heir.id}, on which it runs, is {heir.state}")
            return
        stored = self._truth.double.store.get("nodes", ("", node))
        if not self._was_of_a_gone_instance(node, stored.obj if stored is not None else {}):
            self._broken(10, f"pod {write.name} was deleted, and no instance that is gone was {node or 'its node'}")

    def _was_of_a_gone_instance(self, node_name: str, node: dict[str, Any]) -> bool:
        """Say whether a pool, or the Node by its providerID or note, proves that it was that of one which is gone."""
        noted, named = _noted(node), self._truth.model.instances.get(_provider_id(node).rsplit("/", 1)[-1])
        if named is not None and named.state == "terminated":
            return True
        return self._pools_prove(node_name) or (bool(noted) and self._truth.is_gone(noted))

    def _pools_prove(self, node_name: str) -> bool:
        ours = (pool for pool in self._truth.pools() if pool.identity and node_name in pool.spec.node_name)
        return any(pool.identity and self._truth.is_gone(pool.identity.instance_id) for pool in ours)


def _provider_id(node: dict[str, Any]) -> str:
    return str(node.get("spec", {}).get("providerID", ""))


def _noted(node: dict[str, Any]) -> str:
    return str((node.get("metadata", {}).get("annotations") or {}).get(GONE_ANNOTATION, "")).partition("/")[0]


def _rest(node: dict[str, Any], startup_taint: str | None) -> dict[str, Any]:
    """Return the Node without what we may change and what the API server changes at each write."""
    servers = ("resourceVersion", "managedFields", "generation")
    metadata = {key: value for key, value in node["metadata"].items() if key not in servers}
    noted = metadata.pop("annotations", None) or {}
    metadata["annotations"] = {key: value for key, value in noted.items() if key != GONE_ANNOTATION}
    spec = {key: value for key, value in node.get("spec", {}).items() if key not in ("providerID", "taints")}
    taints = [taint for taint in node.get("spec", {}).get("taints", []) if taint["key"] != startup_taint]
    return {**node, "metadata": metadata, "spec": {**spec, "taints": taints}}
