"""What the rules judge by: EC2 and the cluster as they are, the policy in force, and where findings go."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from spiderpool_aws.domain.addresses import AddressSet, IPFamily
from spiderpool_aws.domain.cluster.node import fixed_node_name
from spiderpool_aws.domain.cluster.pool import Pool, SpiderIPPool
from spiderpool_aws.domain.instance import CLUSTER_TAG, MANAGED_TAG, InstanceState, ObservedInstance
from spiderpool_aws.domain.policy.model import Interface, Policy, Size, SubnetChoice
from spiderpool_aws.domain.rules.overrides import override_tag
from spiderpool_aws.local.cluster import ClusterDouble
from spiderpool_aws.local.ec2 import Ec2Model
from spiderpool_aws.local.ec2.state import Eni, Instance, Subnet
from spiderpool_aws.local.invariants.history import STALENESS, History
from spiderpool_aws.local.invariants.violations import Report

LIVE = {"pending", "running", "stopping", "stopped"}
Json = Mapping[str, Any]


def read_pool(stored: Json | None) -> Pool | None:
    """Return a stored pool as the planner sees it."""
    return None if stored is None else SpiderIPPool.model_validate(stored).to_pool()


@dataclass(frozen=True, slots=True)
class Truth:
    """Both sides as they truly are at the moment of a write."""

    model: Ec2Model
    double: ClusterDouble
    policy: Callable[[], Policy]
    history: History
    report: Report

    def pools(self) -> list[Pool]:
        """Return every pool of the cluster, whosever it is."""
        return [pool for stored in self.double.objects("spiderippools") if (pool := read_pool(stored)) is not None]

    def is_gone(self, instance_id: str) -> bool:
        """Say whether EC2 calls the instance terminated, or has forgotten it since."""
        instance = self.model.instances.get(instance_id)
        return instance is None or instance.state == "terminated"

    def is_cared_for(self, instance: Instance) -> bool:
        """Say whether the instance is of our cluster, runs, and nobody has said to leave it alone."""
        ours = instance.tags.get(CLUSTER_TAG) == self.policy().cluster
        return ours and instance.state == "running" and instance.tags.get(MANAGED_TAG) != "false"

    def interface_of(self, eni: Eni) -> Interface | None:
        """Return what the policy says of a NIC; None when it is not to be touched.

        A tag that says so counts from when every describe shows it.
        """
        if eni.attachment is None:
            return None
        instance = self.model.instances[eni.attachment.instance_id]
        unshown = self.history.retagged_lately
        others = instance.tags.get(CLUSTER_TAG) != self.policy().cluster and not unshown(instance.id, CLUSTER_TAG)
        marked = (t for t in (instance, eni) if t.tags.get(MANAGED_TAG) == "false" and not unshown(t.id, MANAGED_TAG))
        if others or any(marked):
            return None
        index = eni.attachment.device_index
        return next((known for known in self.interfaces_of(instance) if known.device_index == index), None)

    def interfaces_of(self, instance: Instance) -> Iterable[Interface]:
        """Return the NICs that the policy wants of an instance."""
        group = self.policy().group_of(_observed(instance))
        return group.interfaces if group else ()

    def reserve(self, subnet: Subnet, eni: Eni | None) -> int:
        """Return how many addresses the policy keeps free in the subnet of a NIC, attached or still to be.

        The most that anybody asks for who names the subnet, or whose NIC of the same instance is in it.
        """
        own = self.model.instances[eni.attachment.instance_id].eni_ids if eni and eni.attachment else ()
        beside = (self.interface_of(nic) for i in own if (nic := self.model.enis[i]).subnet_id == subnet.id)
        reserves = [0, *(interface.subnets.reserve for interface in beside if interface is not None)]
        choices = (i.subnets for group in self.policy().groups for i in group.interfaces)
        return max([*reserves, *(choice.reserve for choice in choices if is_chosen(subnet, choice))])

    def size(self, eni: Eni, family: IPFamily) -> Size | None:
        """Return what the policy asks for; None where it does not, or where the instance's own tags say it."""
        interface = self.interface_of(eni)
        if interface is None or eni.attachment is None:
            return None
        tags = self.model.instances[eni.attachment.instance_id].tags
        return None if override_tag(interface.device_index, family) in tags else interface.size(family)

    def singles(self, eni: Eni, family: IPFamily) -> AddressSet:
        """Return the single addresses that pods may have."""
        if family is IPFamily.IPV4:
            return AddressSet.of(family, eni.secondary_ips)
        own = self.host_addresses(eni, family)
        return AddressSet.of(family, [known.address for known in eni.ipv6_addresses]) - own

    def is_named(self, instance: Instance, name: str) -> bool:
        """Say whether a pool of the instance may carry this node name: what the policy fixes, else a proved Node's."""
        policy = self.policy()
        if policy.node_name != "discover":
            return name == fixed_node_name(policy, _observed(instance))
        record = self.double.store.get("nodes", ("", name))
        return record is not None and self.proves(record.obj, instance)

    def nodes_of(self, instance: Instance) -> Iterable[Json]:
        """Return the Nodes that are proved to be the instance's: by providerID, else by an address and their age."""
        return [node for node in self.double.objects("nodes") if self.proves(node, instance)]

    def proves(self, node: Json, instance: Instance) -> bool:
        """Say whether a Node is the instance's. AWS reuses addresses, so an older Node's address proves nothing."""
        provider_id = node.get("spec", {}).get("providerID")
        if provider_id:
            return bool(provider_id.endswith(f"/{instance.id}"))
        own = {instance.private_ip} if instance.private_ip else self.history.last_addresses(instance.id)
        if own.isdisjoint(internal_ips(node)):
            return False
        return datetime.fromisoformat(node["metadata"]["creationTimestamp"]) >= self.launched(instance)

    def is_new(self, instance: Instance) -> bool:
        """Say whether a describe may not show the instance yet; its kubelet has not joined by then."""
        return self.model.clock.now() - self.launched(instance) < STALENESS

    def launched(self, instance: Instance) -> datetime:
        """Return when the instance was first launched: every start renews its launch time, not its first NIC's."""
        attachments = (self.model.enis[eni_id].attachment for eni_id in instance.eni_ids)
        times = [attachment.attach_time for attachment in attachments if attachment and attachment.device_index == 0]
        return min([*times, instance.launch_time])

    def host_addresses(self, eni: Eni, family: IPFamily) -> AddressSet:
        """Return what is the host's own on a NIC; all its single IPv6 addresses while nothing says which."""
        if family is IPFamily.IPV4:
            return AddressSet.of(family, [eni.primary_ip])
        singles = AddressSet.of(family, [known.address for known in eni.ipv6_addresses])
        marked = AddressSet.of(family, [known.address for known in eni.ipv6_addresses if known.is_primary])
        if marked or eni.attachment is None:
            return marked
        nodes = self.nodes_of(self.model.instances[eni.attachment.instance_id])
        known = AddressSet.of(family, [ip for node in nodes for ip in internal_ips(node) if ":" in ip])
        return (known & singles) or singles


def is_chosen(subnet: Subnet, choice: SubnetChoice) -> bool:
    """Say whether the policy names a subnet: by an id and by all tags, where it gives them, and it gives one."""
    has_id = not choice.ids or subnet.id in choice.ids
    return choice.names_any and has_id and choice.tags.items() <= subnet.tags.items()


def internal_ips(node: Json) -> list[str]:
    """Return a Node's own addresses."""
    addresses = node.get("status", {}).get("addresses", [])
    return [item["address"] for item in addresses if item["type"] == "InternalIP"]


def _observed(instance: Instance) -> ObservedInstance:
    return ObservedInstance(
        instance_id=instance.id,
        instance_type=instance.instance_type,
        state=InstanceState(instance.state),
        availability_zone=instance.availability_zone,
        launch_time=instance.launch_time,
        private_dns_name=instance.private_dns_name,
        private_ipv4=instance.private_ip,
        tags=instance.tags,
    )
