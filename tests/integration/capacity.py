"""What the tests of capacity share: policies whose NICs may be created, and what became of the NICs in EC2."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import yaml

from spiderpool_aws.domain.addresses import AddressSet, IPFamily
from spiderpool_aws.local.ec2.fixtures import SubnetPlan
from spiderpool_aws.local.ec2.state import Eni
from spiderpool_aws.local.invariants.history import assigned
from tests.integration.scene import Scene

ROLE = {"spiderpool-aws/role": "secondary-nic"}
PLANS = {
    "nodes": SubnetPlan("10.0.0.0/24"),
    "pods": SubnetPlan("10.0.1.0/24", tags=ROLE),
    "small": SubnetPlan("10.0.2.0/27", tags=ROLE),
    "zone-b": SubnetPlan("10.0.4.0/23", "b", ROLE),
}
V4, V6 = IPFamily.IPV4, IPFamily.IPV6


def interface(index: int = 0, **changes: Any) -> dict[str, Any]:
    """Return a NIC of the policy with five IPv4 addresses; one beside the first may be created."""
    host = f"ens{5 + index}"
    known = {"deviceIndex": index, "host": host, "multus": f"kube-system/ipvlan-{host}", "ipv4": {"addresses": 5}}
    return known | ({"subnets": {"tags": ROLE}} if index else {}) | changes


def policy_of(*interfaces: dict[str, Any], **changes: Any) -> str:
    """Return the file of a policy with these NICs."""
    groups = [{"name": "workers", "interfaces": list(interfaces)}]
    return yaml.safe_dump({"version": 1, "cluster": "prod", "groups": groups} | changes)


def dual(index: int = 0, **changes: Any) -> dict[str, Any]:
    """Return a NIC of the policy with five addresses of each family."""
    return interface(index, ipv6={"addresses": 5}, **changes)


def calls(s: Scene, *, reads: bool = False) -> Counter[str]:
    """Return what the product asked of EC2 since the calls were cleared: mutations, or describes."""
    ours = (call.operation for call in s.stack.model.calls if call.caller in s.stack.role_arns)
    return Counter(name for name in ours if name.startswith("Describe") == reads)


def nic_of(s: Scene, instance_id: str, index: int = 0) -> Eni:
    """Return an instance's NIC at a device index."""
    found = (e for e in s.stack.model.enis.values() if e.attachment and e.attachment.instance_id == instance_id)
    return next(eni for eni in found if eni.attachment and eni.attachment.device_index == index)


def indexes(s: Scene, instance_id: str) -> list[int]:
    """Return at which device indexes an instance has NICs."""
    attachments = (eni.attachment for eni in s.stack.model.enis.values() if eni.attachment)
    return sorted(a.device_index for a in attachments if a.instance_id == instance_id)


def listed(s: Scene, instance_id: str = "", family: IPFamily = V4) -> AddressSet:
    """Return all that the pools of an instance list of a family."""
    found = AddressSet.of(family, [])
    for pool in s.pools(instance_id):
        if pool.family is family:
            found = found | pool.spec.ips
    return found


def held(eni: Eni, family: IPFamily = V4) -> AddressSet:
    """Return what a NIC has of a family beside its primary IPv4 address."""
    return assigned(eni, family)


def by_hand(s: Scene, operation: str, **params: Any) -> Mapping[str, Any]:
    """Call EC2 as a person."""
    return s.stack.model.call(operation, params)


def node_name(s: Scene, instance_id: str) -> str:
    """Return the name of an instance's Node."""
    return s.stack.model.instances[instance_id].private_dns_name


def run_pods(s: Scene, instance_id: str, count: int, network: str = "kube-system/ipvlan-ens5") -> list[str]:
    """Run so many pods on a node; return their addresses, of which none may be missing."""
    node, known = node_name(s, instance_id), len(s.stack.cluster.objects("pods"))
    given = []
    for number in range(known, known + count):
        pod = s.stack.agent.run_pod("default", f"pod-{number}", node, network)
        assert not pod.error, pod.error
        given += pod.addresses
    return given


def events(s: Scene, reason: str = "") -> list[dict[str, Any]]:
    """Return the Events of Nodes, of one reason when it is given."""
    return [event for event in s.stack.cluster.objects("events") if not reason or event["reason"] == reason]
