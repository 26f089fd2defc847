"""The smallest EC2 and cluster that behave: enough for the reconciler's rules, without limits or admission."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from spiderpool_aws.about import About
from spiderpool_aws.domain.actions.nics import CreateNic
from spiderpool_aws.domain.addresses import EMPTY, AddressSet, IPFamily, Network
from spiderpool_aws.domain.cluster.multus import MultusConfig
from spiderpool_aws.domain.cluster.node import Node, PodRef
from spiderpool_aws.domain.cluster.pool import Pool
from spiderpool_aws.domain.cluster.reservation import Reservation
from spiderpool_aws.domain.control import Control
from spiderpool_aws.domain.errors import Code, Refused, RetryLater
from spiderpool_aws.domain.fuse import Fuse
from spiderpool_aws.domain.instance import Eni, InstanceTypeLimits, ObservedInstance, Subnet
from spiderpool_aws.domain.lifecycle import Lifecycle
from spiderpool_aws.domain.node_events import NodeEvent
from spiderpool_aws.domain.request import ReconcileRequest
from spiderpool_aws.ports import Assigned, InstanceListing
from tests.unit import build


@dataclass
class SmallClock:
    time: datetime = build.NOW

    def now(self) -> datetime:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@dataclass
class SmallEc2:
    """Holds observed instances; an assignment takes the lowest number that no NIC of the subnet has."""

    known: dict[str, ObservedInstance] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    refuse: dict[str, Code] = field(default_factory=dict)
    """ENI id -> the code with which an assignment to it is refused."""
    room: int = 200
    """How many addresses EC2 counts as free in each subnet."""
    counted: list[str] = field(default_factory=list)
    """The subnets that were counted."""
    no_unassign: Refused | None = None
    limits: InstanceTypeLimits = build.M5_LARGE
    known_subnets: dict[str, Subnet] = field(
        default_factory=lambda: {"subnet-0": build.SUBNET_0, "subnet-1": build.SUBNET_1}
    )

    def put(self, instance: ObservedInstance) -> None:
        self.known[instance.instance_id] = instance

    def change_eni(self, changed: Eni) -> None:
        for instance in self.known.values():
            enis = tuple(changed if eni.eni_id == changed.eni_id else eni for eni in instance.enis)
            self.known[instance.instance_id] = replace(instance, enis=enis)

    def eni(self, eni_id: str) -> Eni:
        return next(eni for instance in self.known.values() for eni in instance.enis if eni.eni_id == eni_id)

    def observe_instances(self, instance_ids: Sequence[str]) -> Mapping[str, ObservedInstance]:
        self.calls.append("observe")
        return {i: self.known[i] for i in instance_ids if i in self.known}

    def list_instances(self, cluster: str) -> InstanceListing:
        self.calls.append("list")
        return InstanceListing([i for i in self.known.values() if i.tags.get("spiderpool-aws/cluster") == cluster], {})

    def namesakes(self, names: Sequence[str], addresses: Sequence[str], cluster: str) -> Sequence[ObservedInstance]:
        self.calls.append("namesakes")
        live = (i for i in self.known.values() if i.state != "terminated")
        return [i for i in live if i.private_dns_name in names or i.private_ipv4 in addresses]

    def instances_of_enis(self, eni_ids: Sequence[str]) -> Mapping[str, str]:
        return {e.eni_id: i.instance_id for i in self.known.values() for e in i.enis if e.eni_id in eni_ids}

    def type_limits(self, instance_types: Sequence[str]) -> Mapping[str, InstanceTypeLimits]:
        return dict.fromkeys(instance_types, self.limits)

    def subnets(self, subnet_ids: Sequence[str], *, fresh: bool = False) -> Mapping[str, Subnet]:
        room = self.room if fresh else None
        self.counted += [*subnet_ids] if fresh else []
        return {i: replace(self.known_subnets[i], available_ipv4=room) for i in subnet_ids}

    def _free(self, eni: Eni, family: IPFamily) -> Iterator[int]:
        cidr = self.known_subnets[eni.subnet_id].cidr(family)
        assert cidr is not None
        held = [e.addresses(family) for i in self.known.values() for e in i.enis]
        for number in range(int(cidr.network_address) + 20, int(cidr.broadcast_address)):
            if not any(str(family.address(number)) in addresses for addresses in held):
                yield number

    def assign(self, eni_id: str, family: IPFamily, count: int, *, prefixes: bool) -> Assigned:
        self.calls.append("assign")
        if eni_id in self.refuse:
            raise Refused("no", self.refuse[eni_id])
        eni, addresses = self.eni(eni_id), EMPTY[family]
        networks = tuple(self._prefixes(eni, family, count)) if prefixes else ()
        if not prefixes:
            free = self._free(eni, family)
            addresses = AddressSet.of(family, [str(family.address(next(free))) for _ in range(count)])
        self.change_eni(eni.with_assigned(addresses, networks))
        return Assigned(addresses, networks)

    def _prefixes(self, eni: Eni, family: IPFamily, count: int) -> Iterator[Network]:
        cidr = self.known_subnets[eni.subnet_id].cidr(family)
        assert cidr is not None
        blocks = cidr.subnets(new_prefix=28 if family is IPFamily.IPV4 else 80)
        next(blocks)
        enis = [e for i in self.known.values() for e in i.enis]
        taken = {p for e in enis for p in e.prefixes(family)}
        singles = EMPTY[family]
        for other in enis:
            singles = singles | other.addresses(family)
        free = (b for b in blocks if b not in taken and not AddressSet.from_networks(family, [b]) & singles)
        for _ in range(count):
            yield next(free)

    def unassign(self, eni_id: str, addresses: AddressSet, prefixes: Sequence[Network]) -> None:
        self.calls.append("unassign")
        if self.no_unassign is not None:
            raise self.no_unassign
        self.change_eni(self.eni(eni_id).without(addresses, tuple(prefixes)))

    def own_nics(self, instance_ids: Sequence[str], cluster: str) -> Mapping[str, Sequence[Eni]]:
        return {}

    def find_subnets(self, vpc_id: str, tags: Mapping[str, str], ids: Sequence[str]) -> Sequence[Subnet]:
        return []

    def create_nic(self, nic: CreateNic) -> Eni:
        raise NotImplementedError("NICs are created on the EC2 model only")

    def attach_nic(self, eni_id: str, instance_id: str, device_index: int) -> str:
        raise NotImplementedError("NICs are attached on the EC2 model only")

    def keep_with_instance(self, eni_id: str, attachment_id: str) -> None:
        raise NotImplementedError("NICs are attached on the EC2 model only")

    def mark_primary_ipv6(self, eni_id: str) -> None:
        self.calls.append("mark")
        self.change_eni(self.eni(eni_id).with_primary_ipv6())

    def tag_nic(self, eni_id: str, tags: Mapping[str, str]) -> None:
        raise NotImplementedError("NICs are tagged on the EC2 model only")

    def delete_nic(self, eni_id: str, *, at_once: bool = False) -> None:
        raise NotImplementedError("NICs are deleted on the EC2 model only")

    def reassign(self, eni_id: str, addresses: AddressSet) -> Assigned:
        self.calls.append("reassign")
        self.change_eni(self.eni(eni_id).with_assigned(addresses, ()))
        return Assigned(addresses)

    def holders(self, addresses: AddressSet, vpc_id: str) -> Mapping[str, str]:
        enis = [eni for instance in self.known.values() for eni in instance.enis]
        return {a: e.eni_id for e in enis for a in addresses if a in e.addresses(addresses.family)}


@dataclass
class SmallCluster:
    """Stores what is written and counts it."""

    pools: dict[str, Pool] = field(default_factory=dict)
    multus: dict[str, MultusConfig] = field(default_factory=lambda: dict(build.MULTUS))
    nodes: dict[str, Node] = field(default_factory=dict)
    pods: dict[str, list[PodRef]] = field(default_factory=dict)
    reservations: dict[str, Reservation] = field(default_factory=dict)
    writes: list[str] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)
    unavailable: bool = False
    versions: int = 0
    refused_notes: dict[str, Refused | RetryLater] = field(default_factory=dict)
    """Instance id -> what a note on one of its pools answers."""
    events: list[NodeEvent] = field(default_factory=list)
    no_events: Refused | RetryLater | None = None

    def post_event(self, event: NodeEvent) -> None:
        if self.no_events is not None:
            raise self.no_events
        self.events.append(event)

    def list_pools(self) -> Sequence[Pool]:
        if self.unavailable:
            raise RetryLater("the API server cannot be reached")
        self.reads.append("list pools")
        return list(self.pools.values())

    def apply_pool(self, pool: Pool) -> Pool:
        self.writes.append(f"apply {pool.name}")
        stored = replace(pool, uid=pool.uid or f"uid-{pool.name}")
        if not pool.memory.disabled and pool.uid and self.pools[pool.name].memory.disabled:
            stored = replace(stored, spec=replace(stored.spec, disable=False))
        self.versions += 1
        stored = replace(stored, resource_version=str(self.versions))
        self.pools[pool.name] = stored
        return stored

    def note_pool(self, pool: Pool) -> None:
        if pool.identity and pool.identity.instance_id in self.refused_notes:
            raise self.refused_notes[pool.identity.instance_id]
        known = self.pools.get(pool.name)
        if known is None or known.resource_version != pool.resource_version:
            raise Refused("the object has been modified", Code.CONFLICT)
        self.apply_pool(pool)

    def delete_pool(self, pool: Pool) -> None:
        self.writes.append(f"delete {pool.name}")
        if pool.allocated:
            self.pools[pool.name] = replace(pool, terminating=True)
        else:
            self.pools.pop(pool.name, None)

    def list_reservations(self) -> Sequence[Reservation]:
        return list(self.reservations.values())

    def apply_reservation(self, reservation: Reservation) -> Reservation:
        self.writes.append(f"reserve {reservation.addresses}")
        self.reservations[reservation.name] = replace(reservation, uid=f"uid-{reservation.name}")
        return self.reservations[reservation.name]

    def delete_reservation(self, reservation: Reservation) -> None:
        self.writes.append(f"release {reservation.addresses}")
        self.reservations.pop(reservation.name, None)

    def list_multus(self) -> Mapping[str, MultusConfig]:
        return self.multus

    def apply_multus(self, config: MultusConfig, cluster: str) -> MultusConfig:
        self.writes.append(f"apply multus {config.key} {cluster}")
        self.multus[config.key] = config
        return config

    def get_node(self, name: str) -> Node | None:
        self.reads.append(f"get node {name}")
        return self.nodes.get(name)

    def list_nodes(self) -> Sequence[Node]:
        self.reads.append("list nodes")
        return list(self.nodes.values())

    def prepare_node(self, node_name: str, node_uid: str, *, provider_id: str = "", taint: str = "") -> None:
        self.writes.append(f"prepare {node_name}")
        self.nodes[node_name] = self.nodes[node_name].prepared(provider_id, taint)

    def taint_node(self, node_name: str, node_uid: str, taint: str) -> None:
        self.writes.append(f"taint {node_name}")
        self.nodes[node_name] = self.nodes[node_name].tainted(taint)

    def note_gone(self, node_name: str, node_uid: str, instance_id: str, heir: str) -> None:
        self.writes.append(f"note on {node_name} that {instance_id} is gone")
        self.nodes[node_name] = self.nodes[node_name].noted(instance_id, heir)

    def delete_node(self, node_name: str, node_uid: str) -> None:
        self.writes.append(f"delete node {node_name}")
        del self.nodes[node_name]

    def list_pods(self, node_name: str) -> Sequence[PodRef]:
        return self.pods.get(node_name, [])

    def delete_pod(self, pod: PodRef) -> None:
        self.writes.append(f"delete pod {pod.name}")
        for pods in self.pods.values():
            if pod in pods:
                pods.remove(pod)


@dataclass
class SmallControl:
    control: Control = field(default_factory=lambda: Control(build.policy()).judged())
    unreadable: bool = False
    unwritable: bool = False

    def read(self) -> Control:
        if self.unreadable:
            raise RetryLater("the parameters cannot be read")
        return self.control

    def write_fuse(self, fuse: Fuse, *, instead_of: Fuse) -> bool:
        if self.unwritable:
            raise RetryLater("the fuse cannot be written")
        if self.control.fuse != instead_of:
            return False
        self.control = replace(self.control, fuse=fuse)
        return True


@dataclass
class SmallQueue:
    sent: list[ReconcileRequest] = field(default_factory=list)

    def send(self, requests: Sequence[ReconcileRequest]) -> None:
        self.sent.extend(requests)


@dataclass
class SmallReporter:
    lines: list[str] = field(default_factory=list)
    metrics: dict[str, int] = field(default_factory=dict)
    figures: dict[tuple[str, str], float] = field(default_factory=dict)

    def about(self, _: About) -> AbstractContextManager[None]:
        return nullcontext()

    def measure(self, metric: str, value: float, *, of: str = "") -> None:
        self.figures[metric, of] = value

    def info(self, message: str, **fields: object) -> None:
        self.lines.append(message)

    def warning(self, message: str, **fields: object) -> None:
        self.lines.append(message)

    def count(self, metric: str, value: int = 1, *, of: str = "") -> None:
        self.metrics[metric] = self.metrics.get(metric, 0) + value


@dataclass
class SmallScaling:
    """Auto Scaling: where instances stand, and which life-cycle actions were completed."""

    known: dict[str, Lifecycle] = field(default_factory=dict)
    completed: list[tuple[str, str, str]] = field(default_factory=list)
    prolonged: list[str] = field(default_factory=list)
    reads: int = 0
    down: bool = False

    def lifecycles(self, instance_ids: Sequence[str]) -> Mapping[str, Lifecycle]:
        self.reads += 1
        if self.down:
            raise RetryLater("Auto Scaling does not answer")
        return {i: self.known[i] for i in instance_ids if i in self.known}

    def complete_hook(self, group: str, instance_id: str, hook: str, result: str) -> None:
        self.completed.append((instance_id, hook, result))
        self.known[instance_id] = Lifecycle(group, "InService" if hook.endswith("launch") else "Terminating:Proceed")

    def prolong_hook(self, group: str, instance_id: str, hook: str) -> None:
        self.prolonged.append(instance_id)
