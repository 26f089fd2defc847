"""The things of EC2 networking, as the model keeps them. To be read by anyone, written by the model only."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

from spiderpool_aws.local.ec2.addressing import Ipv4Pool
from spiderpool_aws.local.ec2.addressing6 import Ipv6Pool

Tags = dict[str, str]
InstanceState = Literal["pending", "running", "stopping", "stopped", "shutting-down", "terminated"]
EniStatus = Literal["pending", "available", "in-use"]
AttachmentStatus = Literal["attaching", "attached", "detaching"]


@dataclass(slots=True)
class Vpc:
    """A network; a subnet's blocks lie within its blocks."""

    id: str
    cidrs: list[str]
    ipv6_cidr: str | None
    default_group_id: str
    tags: Tags


@dataclass(slots=True)
class Subnet:
    """A range of the VPC in one availability zone."""

    id: str
    vpc_id: str
    availability_zone: str
    cidr: str
    ipv6_cidr: str | None
    tags: Tags
    ipv4: Ipv4Pool
    ipv6: Ipv6Pool | None
    reservations: list[dict[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class SecurityGroup:
    """A security group; the model knows no rules."""

    id: str
    name: str
    description: str
    vpc_id: str
    tags: Tags


class Ipv6Address(NamedTuple):
    """An IPv6 address of a NIC. The primary one can neither be removed nor unmarked while attached."""

    address: str
    is_primary: bool = False


@dataclass(slots=True)
class Attachment:
    """What ties a NIC to an instance."""

    id: str
    instance_id: str
    device_index: int
    network_card_index: int
    status: AttachmentStatus
    delete_on_termination: bool
    attach_time: datetime


@dataclass(slots=True)
class Eni:
    """A network interface with all that is assigned to it."""

    id: str
    subnet_id: str
    vpc_id: str
    availability_zone: str
    primary_ip: str
    groups: list[str]
    description: str
    mac: str
    tags: Tags
    created_at: datetime
    status: EniStatus = "pending"
    secondary_ips: list[str] = field(default_factory=list)
    ipv4_prefixes: list[str] = field(default_factory=list)
    ipv6_addresses: list[Ipv6Address] = field(default_factory=list)
    ipv6_prefixes: list[str] = field(default_factory=list)
    attachment: Attachment | None = None
    interface_type: str = "interface"
    requester_managed: bool = False
    source_dest_check: bool = True

    @property
    def ipv4_slots(self) -> int:
        """Return how much of the instance type's IPv4 limit is used; a prefix costs one."""
        return 1 + len(self.secondary_ips) + len(self.ipv4_prefixes)

    @property
    def ipv6_slots(self) -> int:
        """Return how much of the instance type's IPv6 limit is used; a prefix costs one."""
        return len(self.ipv6_addresses) + len(self.ipv6_prefixes)


@dataclass(slots=True)
class Instance:
    """An instance, from pending until an hour after it was terminated."""

    id: str
    instance_type: str
    image_id: str
    availability_zone: str
    subnet_id: str
    vpc_id: str
    launch_time: datetime
    tags: Tags
    client_token: str
    launch_index: int
    attributes: dict[str, Any]
    hibernation: bool = False
    state: InstanceState = "pending"
    has_run: bool = False
    private_ip: str = ""
    private_dns_name: str = ""
    transition_reason: str = ""
    state_reason: dict[str, str] | None = None
    eni_ids: list[str] = field(default_factory=list)


@dataclass(slots=True)
class LaunchTemplate:
    """A launch template and the data of each of its versions, the first being version 1."""

    id: str
    name: str
    create_time: datetime
    versions: list[dict[str, Any]]
    tags: Tags
    default_version: int = 1
