"""What EC2 says of an instance: the instance, its NICs, their subnets, the limits of its type."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from spiderpool_aws.domain.addresses import NO_IPV4, NO_IPV6, AddressSet, IPFamily, Network

CLUSTER_TAG = "spiderpool-aws/cluster"
INSTANCE_TAG = "spiderpool-aws/instance"
"""On a NIC that we created: for which instance."""
INDEX_TAG = "spiderpool-aws/device-index"
"""On a NIC that we created: at which device index it belongs."""
ORPHAN_TAG = "spiderpool-aws/orphan-since"
"""On a NIC that we created: when it was first seen to belong to nobody."""
GROUP_TAG = "aws:autoscaling:groupName"
"""On an instance: its Auto Scaling group; written by AWS."""
MANAGED_TAG = "spiderpool-aws/managed"


_INSTANCE_ID = re.compile(r"i-[0-9a-f]{1,17}")


def is_instance_id(text: str) -> bool:
    """Tell whether EC2 may have given an id: what others write (labels, tags, a providerID) may be anything.

    A filter of EC2 takes `*` for every instance.
    """
    return _INSTANCE_ID.fullmatch(text) is not None


class InstanceState(StrEnum):
    """The states of an instance (EC2 user guide, "Instance lifecycle")."""

    PENDING = "pending"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    SHUTTING_DOWN = "shutting-down"
    TERMINATED = "terminated"

    @property
    def is_live(self) -> bool:
        """Tell whether the instance runs, or may run again."""
        return self not in (InstanceState.SHUTTING_DOWN, InstanceState.TERMINATED)

    @property
    def is_resting(self) -> bool:
        """Tell whether no new pod can start on the instance, which EC2 does not call terminated."""
        return self in (InstanceState.STOPPING, InstanceState.STOPPED, InstanceState.SHUTTING_DOWN)


@dataclass(frozen=True, slots=True)
class Eni:
    """One network interface (NIC): of an instance, or a spare one that is attached to nothing yet."""

    eni_id: str
    attachment_id: str
    device_index: int
    attached: bool
    """False while EC2 says `attaching` or `detaching`."""
    subnet_id: str
    primary_ipv4: str
    ipv4: AddressSet = NO_IPV4
    """Secondary private IPv4 addresses, the primary left out."""
    ipv4_prefixes: tuple[Network, ...] = ()
    ipv6: AddressSet = NO_IPV6
    """All single IPv6 addresses, the primary one included."""
    primary_ipv6: str | None = None
    """The address marked `IsPrimaryIpv6`; None when the NIC has no such mark."""
    marked_ipv6: bool = False
    """EC2 was asked in this pass to mark one of several, and has not shown yet which."""
    ipv6_prefixes: tuple[Network, ...] = ()
    groups: tuple[str, ...] = ()
    """Security group ids."""
    delete_on_termination: bool = True
    network_card: int = 0
    interface_type: str = "interface"
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_ours(self) -> bool:
        """Tell whether we created it: only then its attachment is changed, and it may be deleted."""
        return INSTANCE_TAG in self.tags and CLUSTER_TAG in self.tags

    @property
    def why_left_alone(self) -> str:
        """Return why nothing is done for the NIC (EFA, trunk and branch serve others); empty when it is served."""
        if self.interface_type != "interface":
            return f"it is of type {self.interface_type}"
        return f"it carries the tag {MANAGED_TAG}=false" if self.tags.get(MANAGED_TAG) == "false" else ""

    def addresses(self, family: IPFamily) -> AddressSet:
        """Return the single addresses of a family that are not its IPv4 primary."""
        return self.ipv4 if family is IPFamily.IPV4 else self.ipv6

    def prefixes(self, family: IPFamily) -> tuple[Network, ...]:
        """Return the delegated prefixes of a family."""
        return self.ipv4_prefixes if family is IPFamily.IPV4 else self.ipv6_prefixes

    def assigned(self, family: IPFamily) -> AddressSet:
        """Return all that the NIC has of a family beside its IPv4 primary, prefixes whole."""
        addresses, prefixes = self.addresses(family), self.prefixes(family)
        return addresses | AddressSet.from_networks(family, prefixes) if prefixes else addresses

    def with_assigned(self, addresses: AddressSet, prefixes: tuple[Network, ...]) -> "Eni":
        """Return the NIC after EC2 answered an assignment.

        The documented answer is what was assigned; servers that list the whole NIC name the primary address, too.
        """
        if addresses.family is IPFamily.IPV4:
            new = addresses - AddressSet.of(IPFamily.IPV4, [self.primary_ipv4])
            return replace(self, ipv4=self.ipv4 | new, ipv4_prefixes=(*self.ipv4_prefixes, *prefixes))
        return replace(self, ipv6=self.ipv6 | addresses, ipv6_prefixes=(*self.ipv6_prefixes, *prefixes))

    def with_primary_ipv6(self) -> "Eni":
        """Return the NIC after EC2 was asked to mark its first IPv6 address: which one that is only EC2 knows."""
        return replace(self, marked_ipv6=True, primary_ipv6=next(iter(self.ipv6)) if self.ipv6.count() == 1 else None)

    def without(self, addresses: AddressSet, prefixes: tuple[Network, ...]) -> "Eni":
        """Return the NIC after addresses or prefixes were unassigned."""
        if addresses.family is IPFamily.IPV4:
            left = tuple(prefix for prefix in self.ipv4_prefixes if prefix not in prefixes)
            return replace(self, ipv4=self.ipv4 - addresses, ipv4_prefixes=left)
        left = tuple(prefix for prefix in self.ipv6_prefixes if prefix not in prefixes)
        return replace(self, ipv6=self.ipv6 - addresses, ipv6_prefixes=left)


@dataclass(frozen=True, slots=True)
class ObservedInstance:
    """One EC2 instance as DescribeInstances and DescribeNetworkInterfaces show it."""

    instance_id: str
    instance_type: str
    state: InstanceState
    availability_zone: str
    launch_time: datetime
    """The first launch: the attach time of the primary NIC, for `LaunchTime` is renewed by every start (EC2 API)."""
    started: datetime | None = None
    """`LaunchTime`: when this run began."""
    private_dns_name: str = ""
    private_ipv4: str = ""
    """The primary address of device index 0; empty once the instance is terminated."""
    platform: str = ""
    """`windows`, or empty."""
    tags: Mapping[str, str] = field(default_factory=dict)
    enis: tuple[Eni, ...] = ()

    @property
    def is_managed(self) -> bool:
        """Tell whether nobody has said that the instance is to be left alone."""
        return self.tags.get(MANAGED_TAG) != "false"

    def is_of(self, cluster: str) -> bool:
        """Tell whether the instance carries the cluster's tag."""
        return self.tags.get(CLUSTER_TAG) == cluster

    def eni_at(self, device_index: int) -> Eni | None:
        """Return the NIC at a device index of network card 0."""
        return next((eni for eni in self.enis if eni.device_index == device_index and eni.network_card == 0), None)


@dataclass(frozen=True, slots=True)
class InstanceTypeLimits:
    """What an instance type can carry (DescribeInstanceTypes, network card 0). The primary address counts."""

    instance_type: str
    enis: int
    ipv4_per_eni: int
    ipv6_per_eni: int
    nitro: bool

    def per_eni(self, family: IPFamily) -> int:
        """Return the slots of a NIC: each takes one address or one prefix."""
        return self.ipv4_per_eni if family is IPFamily.IPV4 else self.ipv6_per_eni


@dataclass(frozen=True, slots=True)
class Subnet:
    """A subnet; `ipv4` or `ipv6` is None where it has no CIDR of that family."""

    subnet_id: str
    vpc_id: str
    availability_zone: str
    ipv4: Network | None
    ipv6: Network | None
    available_ipv4: int | None = None
    """`AvailableIpAddressCount`, when it was read for this pass."""
    tags: Mapping[str, str] = field(default_factory=dict)
    taken_lately: int = 0
    """How many were taken before it was read, and so shortly before that `available_ipv4` may still have them."""

    def cidr(self, family: IPFamily) -> Network | None:
        """Return the subnet's CIDR of a family."""
        return self.ipv4 if family is IPFamily.IPV4 else self.ipv6

    def room(self, reserve: int) -> int | None:
        """Return how many IPv4 addresses it may still give and keep so many; None when nobody has counted them.

        Without a reserve nothing is taken off for an old count: EC2 itself refuses what it does not have.
        """
        if self.available_ipv4 is None:
            return None
        return max(0, self.available_ipv4 - reserve - (self.taken_lately if reserve else 0))

    def without(self, count: int) -> "Subnet":
        """Return it with so many fewer free IPv4 addresses; what nobody has counted stays so."""
        free = self.available_ipv4
        return replace(self, available_ipv4=free - count) if free is not None else self
