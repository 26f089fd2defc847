"""Observe: read EC2 and the cluster once for many nodes, and put together what each node's plan depends on."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from spiderpool_aws.domain.claims import Claims
from spiderpool_aws.domain.control import Control
from spiderpool_aws.domain.instance import CLUSTER_TAG, GROUP_TAG, MANAGED_TAG, InstanceState, ObservedInstance, Subnet
from spiderpool_aws.domain.node import Node, PodRef, fixed_node_name
from spiderpool_aws.domain.observed import LiveClaim, ObservedNode
from spiderpool_aws.domain.policy import Interface, Policy
from spiderpool_aws.domain.pool import Pool
from spiderpool_aws.domain.reservation import Reservation
from spiderpool_aws.ports import Clock, ClusterPort, Systems

DYING = {InstanceState.SHUTTING_DOWN, InstanceState.TERMINATED}


@dataclass(slots=True)
class NodeDirectory:
    """Finds the Node of an instance: by name first, and by one listing of all Nodes when no name fits."""

    cluster: ClusterPort
    listed: Sequence[Node] | None = None
    """All Nodes, where they have been listed already; then none is read by name."""
    _by_name: dict[str, Node] = field(default_factory=dict)
    _by_instance: dict[str, Node] = field(default_factory=dict)

    def get(self, name: str) -> Node | None:
        """Return the Node of a name."""
        if self.listed is None:
            return self.cluster.get_node(name)
        if not self._by_name:
            self._by_name = {node.name: node for node in self.listed}
        return self._by_name.get(name)

    def of_terminated(self, instance: ObservedInstance, policy: Policy) -> Node | None:
        """Return the Node whose providerID names an instance of this cluster that died before it had a pool.

        EC2 tells no name or address of it any more, so the Nodes are listed, once for all of a batch.
        """
        ours = instance.tags.get(CLUSTER_TAG) == policy.cluster and instance.tags.get(MANAGED_TAG) != "false"
        if not ours or not policy.nodes.delete_terminated:
            return None
        if self.listed is None:
            self.listed = self.cluster.list_nodes()
        if not self._by_instance:
            self._by_instance = {node.provider_instance_id: node for node in self.listed}
        return self._by_instance.get(instance.instance_id)

    def find(self, instance: ObservedInstance, pools: Iterable[Pool], policy: Policy) -> Node | None:
        """Return the Node that is, or by its name should be, the instance's; the planner asks for the proof."""
        fixed = fixed_node_name(policy, instance)
        if policy.node_name != "discover":
            return self.get(fixed) if fixed else None
        known_uid = next((pool.memory.node_uid for pool in pools if pool.memory.node_uid), "")
        names = [name for pool in pools for name in pool.spec.node_name] + [instance.private_dns_name]
        candidates = [node for name in dict.fromkeys(names) if name and (node := self.get(name)) is not None]
        if not any(node.belongs_to(instance, known_uid) for node in candidates):
            if self.listed is None:
                self.listed = self.cluster.list_nodes()
            candidates = [*(node for node in self.listed if node.belongs_to(instance, known_uid)), *candidates]
        proved = (node for node in candidates if node.belongs_to(instance, known_uid))
        return next(proved, candidates[0] if candidates else None)


@dataclass(frozen=True, slots=True)
class PoolListing:
    """All pools of the cluster, sorted by whose they are."""

    everyone: Sequence[Pool]
    ours: Mapping[str, tuple[Pool, ...]]
    """Instance id -> our pools."""
    strangers: frozenset[str]
    """Names of other clusters on our labels: then the policy's `cluster` is not this cluster's."""
    reserved: Mapping[str, tuple[Reservation, ...]] = field(default_factory=dict)
    """Instance id -> our reservations, also those whose pools are gone."""

    @classmethod
    def of(cls, pools: Sequence[Pool], reservations: Iterable[Reservation], cluster: str) -> "PoolListing":
        """Sort a listing."""
        ours: dict[str, tuple[Pool, ...]] = {}
        strangers = set()
        for pool in pools:
            if pool.identity is None:
                continue
            if pool.identity.cluster == cluster:
                ours[pool.identity.instance_id] = (*ours.get(pool.identity.instance_id, ()), pool)
            else:
                strangers.add(pool.identity.cluster)
        reserved: dict[str, tuple[Reservation, ...]] = {}
        for known in reservations:
            if known.identity.cluster == cluster:
                reserved[known.identity.instance_id] = (*reserved.get(known.identity.instance_id, ()), known)
        return cls(pools, ours, frozenset(strangers), reserved)

    def instances_of(self, subject: str) -> frozenset[str]:
        """Return the instances whose pools carry an ENI or attachment id."""
        owners = (pool.identity for pools in self.ours.values() for pool in pools if pool.identity is not None)
        return frozenset(o.instance_id for o in owners if subject in (o.eni_id, o.attachment_id))


class Observer:
    """Reads for a batch or for the whole cluster; what is common to all nodes is read once."""

    def __init__(self, systems: Systems, clock: Clock) -> None:
        self._ec2 = systems.ec2
        self._cluster = systems.cluster
        self._scaling = systems.scaling
        self._clock = clock

    def list_pools(self, policy: Policy) -> PoolListing:
        """Read all pools, and what is reserved.

        They are read before EC2: a pool is never newer than the addresses that it is compared with.
        """
        return PoolListing.of(self._cluster.list_pools(), self._cluster.list_reservations(), policy.cluster)

    def observe(
        self,
        instances: Mapping[str, ObservedInstance | None],
        pools: PoolListing,
        control: Control,
        policy: Policy,
        nodes: NodeDirectory,
    ) -> dict[str, ObservedNode]:
        """Return the model of each instance id; None stands for an instance that EC2 does not know."""
        cared_for = {
            instance_id: instance
            for instance_id, instance in instances.items()
            if instance and instance.state is not InstanceState.TERMINATED and policy.group_of(instance) is not None
        }
        limits = self._ec2.type_limits(sorted({i.instance_type for i in cared_for.values()}))
        subnets = self._subnets(cared_for.values(), policy)
        multus = self._cluster.list_multus() if cared_for else {}
        claims, now = Claims(pools.everyone), self._clock.now()
        observed = {}
        for instance_id, instance in instances.items():
            own = pools.ours.get(instance_id, ())
            observed[instance_id] = ObservedNode(
                instance_id=instance_id,
                now=now,
                instance=instance,
                pools=own,
                claims=claims,
                limits=limits.get(instance.instance_type) if instance else None,
                subnets=subnets,
                node=nodes.find(cared_for[instance_id], own, policy)
                if instance_id in cared_for
                else _old(nodes, instance, own, policy),
                multus=multus,
                removals_held=control.fuse.held,
                reservations=pools.reserved.get(instance_id, ()),
            )
        return observed

    def _subnets(self, instances: Iterable[ObservedInstance], policy: Policy) -> Mapping[str, Subnet]:
        """Read the subnets of the NICs that are there, and those in which a missing one may be created."""
        instances = list(instances)
        subnet_ids = sorted({eni.subnet_id for i in instances for eni in i.enis})
        reserved = any(nic.subnets.reserve for group in policy.groups for nic in group.interfaces)
        subnets = dict(self._ec2.subnets(subnet_ids, fresh=reserved))
        choices = {
            (subnets[first.subnet_id].vpc_id, tuple(sorted(nic.subnets.tags.items())), nic.subnets.ids)
            for instance in instances
            if (first := instance.eni_at(0)) is not None and first.subnet_id in subnets
            for nic in missing_nics(instance, policy)
        }
        for vpc_id, tags, ids in sorted(choices):
            subnets |= {subnet.subnet_id: subnet for subnet in self._ec2.find_subnets(vpc_id, dict(tags), ids)}
        return subnets

    def with_spares(
        self, models: Mapping[str, ObservedNode], policy: Policy, suspected: Container[str] = ()
    ) -> dict[str, ObservedNode]:
        """Add the NICs that we created and that are attached to nothing, where one may be: one read for all.

        Where a NIC is missing (created, and then the worker was stopped), where the instance is gone, and where the
        resync has seen one.
        """
        asked = [i for i, model in models.items() if i in suspected or _may_have_spares(model, policy)]
        spares = self._ec2.spare_nics(asked, policy.cluster) if asked else {}
        return {i: replace(model, spares=tuple(spares.get(i, ()))) for i, model in models.items()}

    def with_lifecycles(self, models: Mapping[str, ObservedNode]) -> dict[str, ObservedNode]:
        """Add where the instances stand in their Auto Scaling groups: one read for all that belong to one."""
        scaled = [i for i, m in models.items() if m.instance is not None and GROUP_TAG in m.instance.tags]
        found = self._scaling.lifecycles(scaled) if scaled else {}
        return {i: replace(model, lifecycle=found.get(i)) for i, model in models.items()}

    def recount(self, model: ObservedNode, subnet_id: str) -> ObservedNode:
        """Return the model with the free addresses of a subnet counted anew."""
        return replace(model, subnets={**model.subnets, **self._ec2.subnets([subnet_id], fresh=True)})

    def with_remains(self, models: Mapping[str, ObservedNode], policy: Policy) -> dict[str, ObservedNode]:
        """Add, for instances that are gone, the pods of their Nodes and who may have taken the Nodes over.

        Pods first, then EC2, which is asked once for all: an instance that appears in between has no pods among those.
        """
        remains: dict[str, tuple[PodRef, ...]] = {}
        for instance_id, model in models.items():
            names = _names_of(model) if is_gone(model) else []
            pods = tuple(pod for name in names for pod in self._cluster.list_pods(name))
            if pods or (names and model.node is not None):
                remains[instance_id] = pods
        if not remains:
            return dict(models)
        names = sorted({name for i in remains for name in _names_of(models[i])})
        addresses = sorted({ip for i in remains for ip in _node_ipv4(models[i])})
        live = [*self._ec2.live_instances(names, addresses, policy.cluster)]
        # A Node that is proved another's says itself whose it is; its name and address may tell EC2 nothing.
        if others := sorted({other for i in remains if (other := _proved_other(models[i]))}):
            live += [i for i in self._ec2.observe_instances(others).values() if i.state not in DYING]
        return {
            instance_id: replace(model, pods=remains[instance_id], live_claim=_claim(model, live, policy))
            if instance_id in remains
            else model
            for instance_id, model in models.items()
        }


def missing_nics(instance: ObservedInstance, policy: Policy) -> list[Interface]:
    """Return the interfaces of the policy that an instance lacks and for which one may be created."""
    group = policy.group_of(instance)
    if group is None or instance.state is InstanceState.TERMINATED:
        return []
    return [
        nic
        for nic in group.interfaces
        if instance.eni_at(nic.device_index) is None and (nic.subnets.tags or nic.subnets.ids)
    ]


def _may_have_spares(model: ObservedNode, policy: Policy) -> bool:
    if model.instance is None:
        # Without a pool nothing says that it was ever ours, or is yet.
        return bool(model.pools)
    return is_gone(model) or bool(missing_nics(model.instance, policy))


def is_gone(observed: ObservedNode) -> bool:
    """Tell whether EC2 calls the instance terminated, or does not know it."""
    return observed.instance is None or observed.instance.state is InstanceState.TERMINATED


def _node_names(pools: Iterable[Pool]) -> list[str]:
    return list(dict.fromkeys(name for pool in pools for name in pool.spec.node_name))


def _names_of(model: ObservedNode) -> list[str]:
    """Return the node names of an instance that is gone: those that its pools have, or that of the Node found."""
    return _node_names(model.pools) or ([model.node.name] if model.node is not None else [])


def _old(nodes: NodeDirectory, instance: ObservedInstance | None, pools: Sequence[Pool], policy: Policy) -> Node | None:
    """Return the Node that the pools of an instance name: EC2 tells no name of an instance that is gone."""
    if not pools and instance is not None and instance.state is InstanceState.TERMINATED:
        return nodes.of_terminated(instance, policy)
    return next((node for name in _node_names(pools) if (node := nodes.get(name)) is not None), None)


def _node_ipv4(model: ObservedNode) -> list[str]:
    return [ip for ip in model.node.internal_ips if ":" not in ip] if model.node else []


def _proved_other(model: ObservedNode) -> str:
    """Return the other instance that the Node's providerID names; empty when it names none."""
    named = model.node.provider_instance_id if model.node is not None else ""
    return named if named != model.instance_id else ""


def _claim(model: ObservedNode, live: Iterable[ObservedInstance], policy: Policy) -> LiveClaim | None:
    """Return the oldest live instance that has the dead one's node name or primary address; None when none has."""
    names, addresses, proved = _names_of(model), _node_ipv4(model), _proved_other(model)
    claims = [
        LiveClaim(other.instance_id, other.launch_time)
        for other in live
        if other.instance_id != model.instance_id
        and (
            (fixed_node_name(policy, other) or other.private_dns_name) in names
            or other.private_ipv4 in addresses
            or other.instance_id == proved
        )
    ]
    return min(claims, key=lambda claim: claim.launch_time, default=None)
