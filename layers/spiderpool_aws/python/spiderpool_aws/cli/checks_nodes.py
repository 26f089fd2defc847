"""The doctor's checks of the nodes: types, names, tags of NICs, subnets. Each reads EC2 and the cluster once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from spiderpool_aws.cli.condition import interfaces_of
from spiderpool_aws.cli.findings import Check, Result, ok, untried, wrong
from spiderpool_aws.cli.planning import make_plan
from spiderpool_aws.domain.addresses import IPFamily
from spiderpool_aws.domain.cluster.node import fixed_node_name
from spiderpool_aws.domain.instance import CLUSTER_TAG, InstanceState
from spiderpool_aws.domain.policy.model import Elastic

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from spiderpool_aws.cli.planning import PlannedInstance
    from spiderpool_aws.cli.world import World
    from spiderpool_aws.domain.instance import InstanceTypeLimits
    from spiderpool_aws.domain.policy.model import Interface, Policy, Size

SHOWN = 5
JOINS_WITHIN = timedelta(minutes=10)


def nodes(world: World) -> Iterator[Result]:
    """Yield the results of all checks of nodes."""
    plan = make_plan(world)
    served = [p for p in plan.instances if _is_served(p, plan.policy)]
    if not served:
        said = f"EC2 lists no live instance of the policy's groups with the tag {CLUSTER_TAG}={plan.policy.cluster}"
        yield untried("nodes", said, "launch one, or correct its tags")
        return
    yield from instance_types(served, plan.policy)
    yield from node_names(served, plan.policy)
    yield from untagged_nics(served, plan.policy)
    yield from subnets(served, plan.policy, world)


def _is_served(planned: PlannedInstance, policy: Policy) -> bool:
    instance = planned.model.instance
    alive = instance is not None and instance.state in (InstanceState.PENDING, InstanceState.RUNNING)
    return alive and bool(interfaces_of(planned, policy))


def instance_types(served: Sequence[PlannedInstance], policy: Policy) -> Iterator[Result]:
    """Say of each instance type whether it carries the NICs and addresses of the policy."""
    seen: dict[str, list[str]] = {}
    for planned in served:
        limits, instance = planned.model.limits, planned.model.instance
        if instance is None or limits is None:
            continue
        problems = seen.setdefault(instance.instance_type, [])
        wanted = interfaces_of(planned, policy)
        if max(wanted) >= limits.enis:
            problems.append(f"it has {limits.enis} NICs, and the policy wants device index {max(wanted)}")
        problems += [p for nic in wanted.values() for family in nic.families if (p := _problem(nic, family, limits))]
    for name, problems in sorted(seen.items()):
        if problems:
            said = f"{name} cannot carry the policy: {'; '.join(dict.fromkeys(problems))}"
            yield wrong("instance types", said, "lower the policy, or take a larger type")
        else:
            yield ok("instance types", f"{name} carries the policy")


def _problem(nic: Interface, family: IPFamily, limits: InstanceTypeLimits) -> str:
    size = nic.size(family)
    if size is None:
        return ""
    if size.prefixes is not None and not limits.nitro:
        return f"{nic.host} should hold prefixes, and it is no Nitro type"
    # The primary IPv4 address takes a slot; of IPv6 the host has one as well.
    needed, slots = _slots(size) + 1, limits.per_eni(family)
    said = f"{nic.host} should hold {needed} of {family}, the host's own included, and a NIC has {slots} slots"
    return said if needed > slots else ""


def _slots(size: Size) -> int:
    if size.prefixes is not None:
        return size.prefixes
    if isinstance(size.addresses, Elastic):
        return size.addresses.max
    return size.addresses if isinstance(size.addresses, int) else 0


def node_names(served: Sequence[PlannedInstance], policy: Policy) -> Iterator[Result]:
    """Say whether the strategy `nodeName` of the policy finds the Node of each instance."""
    late = []
    for planned in served:
        instance = planned.model.instance
        if instance is None or planned.model.now - instance.launch_time < JOINS_WITHIN:
            continue
        node, fixed = planned.model.proved_node, fixed_node_name(policy, instance)
        if node is None or (fixed is not None and fixed != node.name):
            late.append(instance.instance_id)
    if late:
        said = f"nodeName: {policy.node_name} finds no Node of {', '.join(late)}"
        yield wrong("node names", said, "see that they have joined (docs/nodes.md), or choose another nodeName")
    else:
        yield ok("node names", f"nodeName: {policy.node_name} finds the Node of every instance that has had the time")


def untagged_nics(served: Sequence[PlannedInstance], policy: Policy) -> Iterator[Result]:
    """Say which NICs of the policy lack the cluster's tag."""
    bare = [
        eni.eni_id
        for planned in served
        if planned.model.instance is not None
        for eni in planned.model.instance.enis
        if eni.device_index in interfaces_of(planned, policy) and eni.tags.get(CLUSTER_TAG) != policy.cluster
    ]
    if bare:
        more = " and others" if len(bare) > SHOWN else ""
        said = f"{len(bare)} NICs lack the tag {CLUSTER_TAG}={policy.cluster}: {', '.join(bare[:SHOWN])}{more}"
        remedy = f"aws ec2 create-tags --resources {bare[0]} … --tags Key={CLUSTER_TAG},Value={policy.cluster}"
        yield wrong("NIC tags", said, f"{remedy}, and have the launch template tag network-interface")
    else:
        yield ok("NIC tags", f"every NIC of the policy has the tag {CLUSTER_TAG}={policy.cluster}")


def subnets(served: Sequence[PlannedInstance], policy: Policy, world: World) -> Iterator[Result]:
    """Say whether the subnets have the families that the policy wants, and one for new NICs is in every zone."""
    problems: dict[str, str] = {}
    for planned in served:
        instance = planned.model.instance
        for index, nic in interfaces_of(planned, policy).items():
            eni = instance.eni_at(index) if instance is not None else None
            subnet = planned.model.subnets.get(eni.subnet_id) if eni is not None else None
            if subnet is not None and nic.ipv6 is not None and subnet.ipv6 is None:
                said = f"{subnet.subnet_id} has no IPv6, and the policy gives {nic.host} IPv6"
                call = f"aws ec2 associate-subnet-cidr-block --subnet-id {subnet.subnet_id}"
                problems[said] = f"{call} --ipv6-cidr-block …, or take ipv6 out of the policy"
    problems |= _zones_without(served, policy, world)
    for said, remedy in problems.items():
        yield wrong("subnets", said, remedy)
    if not problems:
        yield ok("subnets", "they have every family and zone that the policy needs")


def _zones_without(served: Sequence[PlannedInstance], policy: Policy, world: World) -> dict[str, str]:
    """Return, for NICs that may have to be created, the zones of instances that have no subnet of the choice."""
    found: dict[tuple[str, tuple[tuple[str, str], ...], tuple[str, ...]], set[str]] = {}
    problems = {}
    for planned in served:
        instance = planned.model.instance
        first = instance.eni_at(0) if instance is not None else None
        home = planned.model.subnets.get(first.subnet_id) if first is not None else None
        for nic in interfaces_of(planned, policy).values():
            choice = nic.subnets
            if instance is None or home is None or not (choice.tags or choice.ids):
                continue
            key = (home.vpc_id, tuple(sorted(choice.tags.items())), choice.ids)
            if key not in found:
                fitting = world.core.systems.ec2.find_subnets(home.vpc_id, choice.tags, choice.ids)
                found[key] = {subnet.availability_zone for subnet in fitting}
            if instance.availability_zone not in found[key]:
                said = f"no subnet of the policy's choice for {nic.host} is in {instance.availability_zone}"
                problems[said] = "tag one there as the policy's `subnets` say, or name it in `ids`"
    return problems


CHECKS = (Check("nodes", nodes),)
