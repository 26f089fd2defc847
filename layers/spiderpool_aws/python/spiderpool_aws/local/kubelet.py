"""Nodes join and fall silent: what the kubelets and the cloud-init of real instances do, as the product sees it."""

from collections.abc import Mapping
from typing import Any

from spiderpool_aws.local.clock import Clock
from spiderpool_aws.local.cluster import ClusterDouble, SpiderpoolAgent
from spiderpool_aws.local.ec2 import Ec2Model
from spiderpool_aws.local.ec2.state import Instance

JOIN_SECONDS = 25.0
STARTUP_TAINT = "spiderpool-aws/not-ready"
_SILENT = ("stopping", "stopped", "shutting-down", "terminated")


class Kubelets:
    """Puts a Node into the cluster some time after an instance runs, named as EC2 names the host, and tainted.

    An instance that is no longer running by then joins nothing. A Node of the same name is adopted, as a kubelet does:
    it stays what it is, only its addresses are the new host's. An instance that stops or dies takes its kubelet along:
    nothing stops its pods any more, and the Node becomes NotReady, until an instance joins under its name.

    Source: Kubernetes, "Nodes", section "Node heartbeats"; "Pod Lifecycle", section "Pod Termination": the kubelet of
    the node ends a pod that was deleted with grace; only grace 0 removes the object without it.
    """

    def __init__(
        self, model: Ec2Model, double: ClusterDouble, agent: SpiderpoolAgent, join_seconds: float = JOIN_SECONDS
    ) -> None:
        self._model = model
        self._double = double
        self._agent = agent
        self._clock: Clock = double.clock
        self.join_seconds = join_seconds
        """How long after it runs an instance joins; holds for those that run from now on."""
        # Node name -> the instance whose kubelet has it: a name comes back with the next instance.
        self._hosts: dict[str, str] = {}
        model.subscribe(self._on_event)

    def _on_event(self, event: Mapping[str, Any]) -> None:
        if event["detail-type"] != "EC2 Instance State-change Notification":
            return
        instance_id, state = event["detail"]["instance-id"], event["detail"]["state"]
        if state == "running":
            self._clock.call_later(self.join_seconds, lambda: self._join(instance_id))
        elif state in _SILENT:
            for name in [name for name, host in self._hosts.items() if host == instance_id]:
                del self._hosts[name]
                self._agent.stop_node(name)

    def _join(self, instance_id: str) -> None:
        instance = self._model.instances.get(instance_id)
        if instance is None or instance.state != "running":
            return
        self._put_node(instance)
        self._hosts[instance.private_dns_name] = instance_id
        self._agent.start_node(instance.private_dns_name)

    def _put_node(self, instance: Instance) -> None:
        name = instance.private_dns_name
        addresses = [
            {"type": "InternalIP", "address": instance.private_ip},
            {"type": "Hostname", "address": name},
        ]
        taints = [{"key": STARTUP_TAINT, "effect": "NoSchedule"}]
        fresh: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": name},
            "spec": {"taints": taints},
        }
        known = self._double.store.get("nodes", ("", name))
        node = known.obj if known is not None else fresh
        self._double.put({**node, "status": {**node.get("status", {}), "addresses": addresses}})
