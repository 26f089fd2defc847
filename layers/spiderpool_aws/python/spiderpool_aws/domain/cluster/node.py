"""The cluster's Node, and when it is proved to be an instance's."""

import re
from dataclasses import dataclass, field, replace
from datetime import datetime

from spiderpool_aws.domain.instance import ObservedInstance, is_instance_id
from spiderpool_aws.domain.policy.model import Policy

GONE_ANNOTATION = "spiderpool-aws/gone-instance"
"""On a Node that another instance has adopted: `<whose it was>/<who has it>`, noted when the first was surely gone."""
NAME_LIMIT = 253
_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_TAG = "tag:"
_SHOWN = 60


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
    gone_instance: str = ""
    """Whose Node it was, noted when that instance was sure to be gone (`GONE_ANNOTATION`)."""
    heir: str = ""
    """Who had its name or address then: until EC2 calls that one terminated the Node stays."""

    def prepared(self, provider_id: str, taint: str) -> "Node":
        """Return the Node with a providerID set and the taints of a key gone; what is empty is left as it is."""
        taints = tuple(key for key in self.taints if key != taint)
        return replace(self, provider_id=provider_id or self.provider_id, taints=taints)

    def tainted(self, taint: str) -> "Node":
        """Return the Node with one more taint."""
        return replace(self, taints=(*self.taints, taint))

    def noted(self, gone_instance: str, heir: str) -> "Node":
        """Return the Node with a note that its instance is gone, or without one."""
        return replace(self, gone_instance=gone_instance, heir=heir)

    @property
    def named_instance_id(self) -> str:
        """The last part of the providerID, of whatever provider; empty when there is none."""
        return self.provider_id.rsplit("/", 1)[-1]

    @property
    def provider_instance_id(self) -> str:
        """The instance that an AWS providerID names; empty when there is none."""
        named = self.named_instance_id
        return named if self.provider_id.startswith("aws:") and is_instance_id(named) else ""


@dataclass(frozen=True, slots=True)
class NodeProof:
    """What proves a Node to be an instance's."""

    instance_id: str
    uids: frozenset[str] = frozenset()
    """The Nodes that were proved before; the pools remember them."""
    address: str = ""
    """The instance's primary address; empty when it is dead, for AWS gives it to the next one."""
    launched: datetime | None = None
    """None when it is dead."""

    def holds(self, node: Node) -> bool:
        """Tell whether the Node is the instance's.

        A providerID decides alone. While it is empty, the Node that was proved before is (the pools or the Node say
        so), and so is one that has the instance's primary address and was created after the launch: AWS gives a dead
        node's address to the next instance, so the address of an older Node proves nothing.
        """
        if node.provider_id:
            return node.named_instance_id == self.instance_id
        if node.uid in self.uids:
            return True
        if self.launched is None:
            return node.gone_instance == self.instance_id
        return bool(self.address) and self.address in node.internal_ips and node.created >= self.launched


@dataclass(frozen=True, slots=True)
class PodRef:
    """A pod of a dead node."""

    namespace: str
    name: str
    uid: str
    created: datetime
    """When it was bound to the node, or created where the cluster does not say."""
    node_name: str = field(default="", compare=False)
    """Under which node name it was listed."""


def provider_id(instance: ObservedInstance) -> str:
    """Return the providerID that the AWS cloud provider would set."""
    return f"aws:///{instance.availability_zone}/{instance.instance_id}"


def is_node_name(text: str) -> bool:
    """Tell whether a Node can have the name: an RFC 1123 subdomain."""
    return len(text) <= NAME_LIMIT and _SUBDOMAIN.fullmatch(text) is not None


def fixed_node_name(policy: Policy, instance: ObservedInstance) -> str | None:
    """Return the node name that the policy's strategy gives; None for `discover`, and when it gives no node name.

    In lower case, as the kubelet registers it.
    """
    name = _given_name(policy, instance).lower()
    return name if is_node_name(name) else None


def why_no_name(policy: Policy, instance: ObservedInstance) -> str:
    """Return what keeps the policy's strategy from giving a node name; empty when time will bring one."""
    given, strategy = _given_name(policy, instance), policy.node_name
    if given and fixed_node_name(policy, instance) is None:
        return (
            f"nodeName {strategy} gives {given[:_SHOWN]!r} for {instance.instance_id}, and no Node can have that name: "
            "letters, digits, `-` and `.` only, at most 253"
        )
    if not given and strategy.startswith(_TAG):
        return f"{instance.instance_id} lacks the tag {strategy.removeprefix(_TAG)}"
    return ""


def _given_name(policy: Policy, instance: ObservedInstance) -> str:
    match policy.node_name:
        case "discover":
            return ""
        case "private-dns-name":
            return instance.private_dns_name
        case "instance-id":
            return instance.instance_id
        case strategy:
            return instance.tags.get(strategy.removeprefix(_TAG), "")
