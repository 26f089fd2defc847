"""Nodes join: what the kubelets and the cloud-init of real instances do, as far as the product sees it."""

from collections.abc import Mapping
from typing import Any

from spiderpool_aws.local.clock import Clock
from spiderpool_aws.local.cluster import ClusterDouble
from spiderpool_aws.local.ec2 import Ec2Model

JOIN_SECONDS = 25.0
STARTUP_TAINT = "spiderpool-aws/not-ready"


class Kubelets:
    """Puts a Node into the cluster some time after an instance runs, named as EC2 names the host, and tainted.

    An instance that is no longer running by then joins nothing. A Node of the same name is adopted, as a kubelet does:
    it stays what it is, only its addresses are the new host's.
    """

    def __init__(
        self, model: Ec2Model, double: ClusterDouble, clock: Clock, join_seconds: float = JOIN_SECONDS
    ) -> None:
        self._model = model
        self._double = double
        self._clock = clock
        self._join_seconds = join_seconds
        model.subscribe(self._on_event)

    def _on_event(self, event: Mapping[str, Any]) -> None:
        if event["detail-type"] != "EC2 Instance State-change Notification" or event["detail"]["state"] != "running":
            return
        instance_id = event["detail"]["instance-id"]
        self._clock.call_later(self._join_seconds, lambda: self._join(instance_id))

    def _join(self, instance_id: str) -> None:
        instance = self._model.instances.get(instance_id)
        if instance is None or instance.state != "running":
            return
        name = instance.private_dns_name
        addresses = [
            {"type": "InternalIP", "address": instance.private_ip},
            {"type": "Hostname", "address": name},
        ]
        known = (node for node in self._double.objects("nodes") if node["metadata"]["name"] == name)
        taints = [{"key": STARTUP_TAINT, "effect": "NoSchedule"}]
        fresh: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": name},
            "spec": {"taints": taints},
        }
        node = next(known, fresh)
        self._double.put({**node, "status": {**node.get("status", {}), "addresses": addresses}})
