"""The cluster's Node, and when it is proved to be an instance's."""

from dataclasses import dataclass, replace
from datetime import datetime

from spiderpool_aws.domain.instance import ObservedInstance
from spiderpool_aws.domain.policy import Policy


@dataclass(frozen=True, slots=True)
class Node:
    """What we read of a Node."""

    name: str
    uid: str
    created: datetime
    provider_id: str = ""
    """`aws:///<zone>/<instance id>`; empty where no cloud controller runs."""
    internal_ips: tuple[str, ...] = ()
    taints: tuple[str, ...] = ()
    """The taints' keys."""

    def prepared(self, provider_id: str, taint: str) -> "Node":
        """Return the Node with a providerID set and the taints of a key gone; what is empty is left as it is."""
        taints = tuple(key for key in self.taints if key != taint)
        return replace(self, provider_id=provider_id or self.provider_id, taints=taints)

    def tainted(self, taint: str) -> "Node":
        """Return the Node with one more taint."""
        return replace(self, taints=(*self.taints, taint))

    @property
    def provider_instance_id(self) -> str:
        """The instance that an AWS providerID names; empty when there is none."""
        return self.provider_id.rsplit("/", 1)[-1] if self.provider_id.startswith("aws:") else ""

    def belongs_to(self, instance: ObservedInstance, known_uid: str = "") -> bool:
        """Tell whether the Node is proved to be the instance's.

        A providerID decides alone. While it is empty, the Node that was proved before (`known_uid`) is, and so is one
        that has the instance's primary address and was created after the launch: AWS gives a dead node's address to
        the next instance, so the address of an older Node proves nothing.
        """
        if self.provider_id:
            return self.provider_id.rsplit("/", 1)[-1] == instance.instance_id
        if known_uid and self.uid == known_uid:
            return True
        return bool(
            instance.private_ipv4
            and instance.private_ipv4 in self.internal_ips
            and self.created >= instance.launch_time
        )


@dataclass(frozen=True, slots=True)
class PodRef:
    """A pod of a dead node."""

    namespace: str
    name: str
    uid: str
    created: datetime


def provider_id(instance: ObservedInstance) -> str:
    """Return the providerID that the AWS cloud provider would set."""
    return f"aws:///{instance.availability_zone}/{instance.instance_id}"


def fixed_node_name(policy: Policy, instance: ObservedInstance) -> str | None:
    """Return the node name that the policy's strategy gives; None for `discover`, and when the tag is not there."""
    match policy.node_name:
        case "discover":
            return None
        case "private-dns-name":
            return instance.private_dns_name or None
        case "instance-id":
            return instance.instance_id
        case strategy:
            return instance.tags.get(strategy.removeprefix("tag:")) or None
