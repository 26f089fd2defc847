"""What the core needs of the world: small Protocols. Their errors are `RetryLater` and `Refused`, nothing else."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    # For the annotations only: `route_event` starts without the policy's and the pools' models.
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from spiderpool_aws.about import About
    from spiderpool_aws.domain.actions.nics import CreateNic
    from spiderpool_aws.domain.addresses import AddressSet, IPFamily, Network
    from spiderpool_aws.domain.cluster.multus import MultusConfig
    from spiderpool_aws.domain.cluster.node import Node, PodRef
    from spiderpool_aws.domain.cluster.pool import Pool
    from spiderpool_aws.domain.cluster.reservation import Reservation
    from spiderpool_aws.domain.control import Control
    from spiderpool_aws.domain.fuse import Fuse
    from spiderpool_aws.domain.instance import Eni, InstanceTypeLimits, ObservedInstance, Subnet
    from spiderpool_aws.domain.lifecycle import Lifecycle
    from spiderpool_aws.domain.node_events import NodeEvent
    from spiderpool_aws.domain.request import ReconcileRequest


@dataclass(frozen=True, slots=True)
class Assigned:
    """EC2's answer to an assignment: only what is new."""

    addresses: AddressSet
    prefixes: tuple[Network, ...] = ()


@dataclass(frozen=True, slots=True)
class InstanceListing:
    """What one complete listing found."""

    instances: Sequence[ObservedInstance]
    spares: Mapping[str, Sequence[Eni]]
    """Instance id -> NICs of ours that are attached to nothing; the instance may be long gone."""


class Ec2Reads(Protocol):
    """What is read from EC2. It may be stale by some seconds."""

    def observe_instances(self, instance_ids: Sequence[str]) -> Mapping[str, ObservedInstance]:
        """Return those that EC2 knows, whatever their tags: one DescribeInstances and one DescribeNetworkInterfaces.

        By filter, never by id: with ids, one that is gone fails the others.
        """

    def list_instances(self, cluster: str) -> InstanceListing:
        """Return all instances with the cluster's tag, terminated ones included while EC2 lists them; or raise."""

    def own_nics(self, instance_ids: Sequence[str], cluster: str) -> Mapping[str, Sequence[Eni]]:
        """Return instance id -> NICs that we created for it, loose or attached to it (`ObservedNode.with_own_nics`)."""

    def namesakes(self, names: Sequence[str], addresses: Sequence[str], cluster: str) -> Sequence[ObservedInstance]:
        """Return the instances, none terminated, with one of the private DNS names or primary IPv4 addresses.

        Only those with the cluster's tag or in a VPC of the cluster: another VPC may have the same addresses.
        """

    def instances_of_enis(self, eni_ids: Sequence[str]) -> Mapping[str, str]:
        """Return ENI id -> instance id for those that are attached."""

    def type_limits(self, instance_types: Sequence[str]) -> Mapping[str, InstanceTypeLimits]:
        """Return the limits of types; cached."""

    def subnets(self, subnet_ids: Sequence[str], *, fresh: bool = False) -> Mapping[str, Subnet]:
        """Return subnets; cached unless `fresh`, and only then `available_ipv4` is set."""

    def find_subnets(self, vpc_id: str, tags: Mapping[str, str], ids: Sequence[str]) -> Sequence[Subnet]:
        """Return the subnets of a VPC that have all the tags and, when ids are given, are among them; counted anew."""

    def holders(self, addresses: AddressSet, vpc_id: str) -> Mapping[str, str]:
        """Return address -> ENI id for those that a NIC of the VPC holds."""


class Ec2Writes(Protocol):
    """What is changed in EC2. Never retried blindly: all but a create have no client token."""

    def assign(self, eni_id: str, family: IPFamily, count: int, *, prefixes: bool) -> Assigned:
        """Assign secondary addresses or prefixes; EC2 chooses. No client token exists: called once, never retried."""

    def reassign(self, eni_id: str, addresses: AddressSet) -> Assigned:
        """Assign these very addresses. Refused when somebody holds one; `AllowReassignment` is never used."""

    def unassign(self, eni_id: str, addresses: AddressSet, prefixes: Sequence[Network]) -> None:
        """Give addresses, or prefixes, back; not assigned to the NIC (any more) is success."""

    def create_nic(self, nic: CreateNic) -> Eni:
        """Create a NIC with its addresses and tags in one call, under its client token."""

    def attach_nic(self, eni_id: str, instance_id: str, device_index: int) -> str:
        """Attach a NIC at a device index of network card 0; return the attachment's id."""

    def keep_with_instance(self, eni_id: str, attachment_id: str) -> None:
        """Have the NIC deleted with its instance (DeleteOnTermination)."""

    def mark_primary_ipv6(self, eni_id: str) -> None:
        """Have the first IPv6 address of a NIC marked as primary; one that is marked stays so."""

    def tag_nic(self, eni_id: str, tags: Mapping[str, str]) -> None:
        """Write tags of a NIC of ours."""

    def delete_nic(self, eni_id: str, *, at_once: bool = False) -> None:
        """Delete a NIC that is attached to nothing; gone already is success. `at_once`: a launch waits for it."""


class Ec2Port(Ec2Reads, Ec2Writes, Protocol):
    """EC2, as far as addresses need it."""


class ClusterPort(Protocol):
    """The cluster's API server. Server-side apply as `spiderpool-aws`; reads in pages of 500."""

    def list_pools(self) -> Sequence[Pool]:
        """Return every SpiderIPPool, of whomever."""

    def apply_pool(self, pool: Pool) -> Pool:
        """Create (empty uid) or write (that uid, or Refused `Conflict`) a pool; return it as stored."""

    def note_pool(self, pool: Pool) -> None:
        """Write a pool as `apply_pool` does, unless anything of it changed since it was read: Refused `Conflict`."""

    def delete_pool(self, pool: Pool) -> None:
        """Delete the pool of that uid; gone already is success."""

    def list_multus(self) -> Mapping[str, MultusConfig]:
        """Return `namespace/name` -> SpiderMultusConfig, of whomever."""

    def apply_multus(self, config: MultusConfig, cluster: str) -> MultusConfig:
        """Create or mend a SpiderMultusConfig."""

    def list_reservations(self) -> Sequence[Reservation]:
        """Return our SpiderReservedIPs."""

    def apply_reservation(self, reservation: Reservation) -> Reservation:
        """Create or change a SpiderReservedIP; return it as stored. Refused when one of that name is not ours."""

    def delete_reservation(self, reservation: Reservation) -> None:
        """Delete the SpiderReservedIP of that uid; gone already is success."""

    def get_node(self, name: str) -> Node | None:
        """Return a Node; None when there is none of that name."""

    def list_nodes(self) -> Sequence[Node]:
        """Return all Nodes."""

    def prepare_node(self, node_name: str, node_uid: str, *, provider_id: str = "", taint: str = "") -> None:
        """Set an empty providerID and remove every taint of a key, in one write; what is empty is left as it is.

        Refused when the Node is another one, or has another providerID.
        """

    def taint_node(self, node_name: str, node_uid: str, taint: str) -> None:
        """Add a taint (NoSchedule) that is not there yet. Refused when the Node is another one."""

    def note_gone(self, node_name: str, node_uid: str, instance_id: str, heir: str) -> None:
        """Note on a Node that its instance is gone and who has it; empty: take the note off.

        Refused when the Node is another one.
        """

    def delete_node(self, node_name: str, node_uid: str) -> None:
        """Delete the Node of that uid; gone already is success, another of the name is left alone."""

    def list_pods(self, node_name: str) -> Sequence[PodRef]:
        """Return the pods bound to a node."""

    def delete_pod(self, pod: PodRef) -> None:
        """Delete the pod of that uid with grace 0; gone already is success."""

    def post_event(self, event: NodeEvent) -> None:
        """Create an Event on a Node; there already is success."""


class ScalingPort(Protocol):
    """Auto Scaling groups, as far as life-cycle actions need them."""

    def lifecycles(self, instance_ids: Sequence[str]) -> Mapping[str, Lifecycle]:
        """Return where those instances stand that belong to a group: one call per 50."""

    def complete_hook(self, group: str, instance_id: str, hook: str, result: str) -> None:
        """Complete a life-cycle action; no action that waits under that name (any more) is success."""

    def prolong_hook(self, group: str, instance_id: str, hook: str) -> None:
        """Record a heartbeat; no action that waits under that name (any more) is success."""


@dataclass(frozen=True, slots=True)
class Systems:
    """The three systems that a reconcile reads and changes."""

    ec2: Ec2Port
    cluster: ClusterPort
    scaling: ScalingPort


class ControlPort(Protocol):
    """The policy and the fuse (SSM parameters)."""

    def read(self) -> Control:
        """Return what is in force. Raises RetryLater when the parameters cannot be read: then nothing is changed."""

    def write_fuse(self, fuse: Fuse, *, instead_of: Fuse) -> bool:
        """Store the fuse; tell whether it was done: not when it is no longer the one that it should replace.

        Raises RetryLater when it cannot be read or written.
        """


class QueuePort(Protocol):
    """The FIFO queue of requests, as a sender."""

    def send(self, requests: Sequence[ReconcileRequest]) -> None:
        """Enqueue all of them (in batches of ten), or raise RetryLater: sending again is harmless (deduplication)."""


@dataclass(frozen=True, slots=True)
class Message:
    """One SQS message of the FIFO queue, as Lambda's event source mapping hands it over."""

    message_id: str
    receipt_handle: str
    body: str
    group: str
    receives: int
    """`ApproximateReceiveCount`, 1 at the first."""
    first_received_at: datetime


class InboxPort(Protocol):
    """The same queue, as its consumer."""

    def delay(self, messages: Sequence[Message], seconds: float) -> None:
        """Make messages visible again after so many seconds (whole seconds, at most 12 hours)."""

    def delete(self, messages: Sequence[Message]) -> None:
        """Delete messages before the function returns, so that a crash cannot bring them back."""

    def dead_letter(self, message: Message, reason: str) -> None:
        """Put a message into the FIFO dead-letter queue with the reason beside it; the caller acknowledges it after."""


class DeadLetterPort(Protocol):
    """The standard dead-letter queue: events that never reached the FIFO queue."""

    def put(self, event: object, reason: str) -> None:
        """Keep an event that nobody understands, with the reason."""


class Reporter(Protocol):
    """Structured logs and metrics."""

    def about(self, about: About) -> AbstractContextManager[None]:
        """Have the lines inside of the block be about this, beside what the block around it is about."""

    def info(self, message: str, **fields: object) -> None:
        """Say what was done."""

    def warning(self, message: str, **fields: object) -> None:
        """Say what a person should know."""

    def count(self, metric: str, value: int = 1, *, of: str = "") -> None:
        """Add to a metric. The names are in `docs/operations.md`. `of` is the value of its further dimension."""

    def measure(self, metric: str, value: float, *, of: str = "") -> None:
        """Add a figure that is not summed up: a duration, or how much there is at this moment."""


class Deadline(Protocol):
    """How long this invocation may still run."""

    def seconds_left(self) -> float:
        """Return the seconds until it is stopped, whatever it is doing then."""


@dataclass(frozen=True, slots=True)
class Unlimited:
    """The deadline of a process that nobody stops."""

    def seconds_left(self) -> float:
        """Return more than anything takes."""
        return math.inf


UNLIMITED = Unlimited()


class Clock(Protocol):
    """What time it is."""

    def now(self) -> datetime:
        """Return the time, aware, in UTC."""
