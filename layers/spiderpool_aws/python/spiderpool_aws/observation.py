"""Observe: read EC2 and the cluster once for many nodes, and put together what each node's plan depends on."""

from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from spiderpool_aws.domain.cluster.claims import Claims
from spiderpool_aws.domain.cluster.node import PodRef
from spiderpool_aws.domain.cluster.pool_listing import PoolListing
from spiderpool_aws.domain.control import Control
from spiderpool_aws.domain.instance import GROUP_TAG, InstanceState, ObservedInstance, Subnet
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.policy.model import Interface, Policy
from spiderpool_aws.domain.rules.desired import PREFIX_ADDRESSES
from spiderpool_aws.domain.rules.nodes import others_of
from spiderpool_aws.domain.rules.remains import (
    Remains,
    claim_of,
    heirs_of,
    node_ipv4,
    proved_others,
)
from spiderpool_aws.node_directory import NodeDirectory, with_nodes
from spiderpool_aws.ports import Clock, Systems
from spiderpool_aws.takings import Takings

CROWDED = timedelta(hours=1)
"""How long a subnet that had no room is counted at every look: longer than any pause between two tries."""


def in_group(model: ObservedNode) -> bool:
    """Tell whether the instance belongs to an Auto Scaling group."""
    return model.instance is not None and GROUP_TAG in model.instance.tags


class Observer:
    """Reads for a batch or for the whole cluster; what is common to all nodes is read once."""

    def __init__(self, systems: Systems, clock: Clock) -> None:
        self._ec2 = systems.ec2
        self._cluster = systems.cluster
        self._scaling = systems.scaling
        self._clock = clock
        self._crowded: dict[str, datetime] = {}
        self._claims = Claims()
        self._takings = Takings()

    def list_pools(self, policy: Policy) -> PoolListing:
        """Read all pools, and what is reserved.

        They are read before EC2: a pool is never newer than the addresses that it is compared with.
        """
        now = self._clock.now()
        pools = [pool.as_of(now) for pool in self._cluster.list_pools()]
        return PoolListing.of(pools, self._cluster.list_reservations(), policy.cluster)

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
        self._claims = claims = self._claims.updated(pools.everyone)
        now, observed = self._clock.now(), {}
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
                multus=multus,
                removals_held=control.removals_held,
                reservations=pools.reserved.get(instance_id, ()),
            )
            if instance_id in cared_for:
                live = nodes.of_live(cared_for[instance_id], own, policy)
                observed[instance_id] = with_nodes(observed[instance_id], Remains(live))
            elif observed[instance_id].seems_gone:
                observed[instance_id] = with_nodes(observed[instance_id], nodes.of_gone(observed[instance_id], policy))
        return self._with_others(observed, policy)

    def _with_others(self, models: Mapping[str, ObservedNode], policy: Policy) -> dict[str, ObservedNode]:
        """Add the state of the instances that have the Nodes or the names of these: at most one read for all."""
        asked = {i: others_of(model, policy) for i, model in models.items()}
        known = {i: model.instance.state for i, model in models.items() if model.instance is not None}
        if unknown := sorted({other for others in asked.values() for other in others} - models.keys()):
            known |= {i: instance.state for i, instance in self._ec2.observe_instances(unknown).items()}
        return {
            i: replace(model, others={o: known[o] for o in asked[i] if o in known}) if asked[i] else model
            for i, model in models.items()
        }

    def _subnets(self, instances: Iterable[ObservedInstance], policy: Policy) -> Mapping[str, Subnet]:
        """Read the subnets of the NICs that are there, and those in which a missing one may be created."""
        instances = list(instances)
        subnet_ids = sorted({eni.subnet_id for i in instances for eni in i.enis})
        reserved = any(nic.subnets.reserve for group in policy.groups for nic in group.interfaces)
        if reserved or not self._known_crowded().isdisjoint(subnet_ids):
            subnets = self._counted(subnet_ids)
        else:
            subnets = dict(self._ec2.subnets(subnet_ids))
        choices = {
            (subnets[first.subnet_id].vpc_id, tuple(sorted(nic.subnets.tags.items())), nic.subnets.ids)
            for instance in instances
            if (first := instance.eni_at(0)) is not None and first.subnet_id in subnets
            for nic in missing_nics(instance, policy)
        }
        for vpc_id, tags, ids in sorted(choices):
            found = self._ec2.find_subnets(vpc_id, dict(tags), ids)
            subnets |= {subnet.subnet_id: self._takings.beside(subnet, self._clock.now()) for subnet in found}
        return subnets

    def with_spares(
        self, models: Mapping[str, ObservedNode], policy: Policy, suspected: Container[str] = ()
    ) -> dict[str, ObservedNode]:
        """Add the NICs that we created, where one may be attached to nothing: one read for all.

        Where a NIC is missing (created, and then the worker was stopped), where the instance is gone, and where the
        resync has seen one.
        """
        asked = [i for i, model in models.items() if i in suspected or _may_have_spares(model, policy)]
        own = self._ec2.own_nics(asked, policy.cluster) if asked else {}
        return {i: model.with_own_nics(own.get(i, ())) for i, model in models.items()}

    def with_lifecycles(self, models: Mapping[str, ObservedNode]) -> dict[str, ObservedNode]:
        """Add where the instances stand in their Auto Scaling groups: one read for all that belong to one."""
        scaled = [i for i, model in models.items() if in_group(model)]
        found = self._scaling.lifecycles(scaled) if scaled else {}
        return {i: replace(model, lifecycle=found.get(i)) for i, model in models.items()}

    def took(self, subnet_id: str, count: int) -> None:
        """Remember what was taken out of a subnet: its count may not show it for a moment."""
        self._takings.note(subnet_id, count, self._clock.now())

    def recount(self, subnet_id: str) -> Subnet:
        """Return a subnet with its free addresses counted anew: it had no room a moment ago."""
        self._crowded[subnet_id] = self._clock.now()
        return self._counted([subnet_id])[subnet_id]

    def counted(self, models: Mapping[str, ObservedNode], subnet_ids: Collection[str]) -> dict[str, ObservedNode]:
        """Return the models with the free addresses of these subnets counted: one read for all."""
        subnets = self._counted(sorted(subnet_ids)) if subnet_ids else {}
        return {i: replace(model, subnets={**model.subnets, **subnets}) for i, model in models.items()}

    def _counted(self, subnet_ids: Sequence[str]) -> dict[str, Subnet]:
        """Read subnets with their free addresses; one that is nearly full is counted at the next look, too."""
        read, now = self._ec2.subnets(subnet_ids, fresh=True), self._clock.now()
        subnets = {name: self._takings.beside(subnet, now) for name, subnet in read.items()}
        full = [name for name, subnet in subnets.items() if (subnet.available_ipv4 or 0) < PREFIX_ADDRESSES]
        self._crowded |= dict.fromkeys(full, now)
        return subnets

    def _known_crowded(self) -> set[str]:
        """Return the subnets whose free addresses are counted at every look: they had no room lately."""
        now = self._clock.now()
        self._crowded = {name: moment for name, moment in self._crowded.items() if now - moment < CROWDED}
        return set(self._crowded)

    def with_remains(self, models: Mapping[str, ObservedNode], policy: Policy) -> dict[str, ObservedNode]:
        """Add, for instances that are gone, the pods of their Nodes and who may have taken the Nodes over.

        Pods first, then EC2, which is asked once for all: an instance that appears in between has no pods among those.
        """
        remains: dict[str, tuple[PodRef, ...]] = {}
        for instance_id, model in models.items():
            pods = tuple(
                replace(pod, node_name=name) for name in model.left_names for pod in self._cluster.list_pods(name)
            )
            if pods or (model.left_names and model.nodes):
                remains[instance_id] = pods
        if not remains:
            return dict(models)
        names = sorted({name for i in remains for name in models[i].left_names})
        addresses = sorted({ip for i in remains for ip in node_ipv4(models[i])})
        there = [*self._ec2.namesakes(names, addresses, policy.cluster)]
        # A Node that is proved another's says itself whose it is; its name and address may tell EC2 nothing.
        heirs = {heir for i in remains for heir in heirs_of(models[i])}
        if others := sorted(heirs.union(*(proved_others(models[i]) for i in remains))):
            named = self._ec2.observe_instances(others)
            there += [i for i in named.values() if i.state is not InstanceState.TERMINATED]
            heirs -= named.keys()
        return {
            instance_id: replace(model, pods=remains[instance_id], live_claim=claim_of(model, there, heirs, policy))
            if instance_id in remains
            else model
            for instance_id, model in models.items()
        }


def missing_nics(instance: ObservedInstance, policy: Policy) -> list[Interface]:
    """Return the interfaces of the policy that an instance lacks and for which one may be created."""
    group = policy.group_of(instance)
    if group is None or instance.state is InstanceState.TERMINATED:
        return []
    return [nic for nic in group.interfaces if instance.eni_at(nic.device_index) is None and nic.subnets.names_any]


def _may_have_spares(model: ObservedNode, policy: Policy) -> bool:
    if model.instance is None:
        # Without a pool nothing says that it was ever ours, or is yet.
        return bool(model.pools)
    return model.seems_gone or bool(missing_nics(model.instance, policy))
