"""`spiderpool-aws explain`: why a node is as it is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from spiderpool_aws.cli.condition import interfaces_of, nics_of, pools_of
from spiderpool_aws.cli.connect import Where, connected
from spiderpool_aws.cli.errors import Mistake
from spiderpool_aws.cli.options import OUTPUT, Output
from spiderpool_aws.cli.planning import INSTANCE, make_plan
from spiderpool_aws.cli.shown import console
from spiderpool_aws.domain.policy.model import Elastic
from spiderpool_aws.domain.rules.overrides import override_tag

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spiderpool_aws.adapters.cluster_facts import ToldEvent
    from spiderpool_aws.cli.condition import Nic
    from spiderpool_aws.cli.planning import ClusterPlan, PlannedInstance
    from spiderpool_aws.cli.world import World
    from spiderpool_aws.domain.instance import ObservedInstance, Subnet
    from spiderpool_aws.domain.memory import PoolMemory
    from spiderpool_aws.domain.policy.model import Group, Policy, Size


def run(
    where: Where,
    node: Annotated[
        str, typer.Argument(help="The name of a Node, or its part before the first dot; or an instance id.")
    ],
    output: OUTPUT = Output.TABLE,
) -> None:
    """Say why a node is as it is: policy, sizes, limits, room in its subnets, what it waits for, and its Events."""
    with connected(where) as world:
        plan = make_plan(world, (node,)) if INSTANCE.fullmatch(node) else make_plan(world)
        document = explanation(find(plan, node), plan, world)
    if output is Output.JSON:
        print(json.dumps(document, indent=2))
        return
    terminal = console(soft_wrap=True)
    for title, lines in document.items():
        terminal.print(Text(f"{title[:1].upper()}{title[1:]}", "bold"))
        for line in lines or ["nothing"]:
            terminal.print(Text(f"  {line}"))


def find(plan: ClusterPlan, named: str) -> PlannedInstance:
    """Return the instance of a Node's name or of an id. Raises Mistake when there is none, or more than one."""
    found = [planned for planned in plan.instances if named in (planned.plan.instance_id, *_names(planned))]
    found = found or [p for p in plan.instances if named in {name.partition(".")[0] for name in _names(p)}]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(planned.plan.instance_id for planned in found)
        raise Mistake(f"{named} may be any of {ids}: give one of these")
    raise Mistake(
        f"no instance of the cluster {plan.policy.cluster} has a Node {named}: `spiderpool-aws status` lists them; one "
        "that has not joined is found by its instance id"
    )


def _names(planned: PlannedInstance) -> set[str]:
    model = planned.model
    names = {name for pool in model.pools for name in pool.spec.node_name}
    names |= {model.node.name} if model.node is not None else set()
    return names | ({model.instance.private_dns_name} - {""} if model.instance is not None else set())


def explanation(planned: PlannedInstance, plan: ClusterPlan, world: World) -> dict[str, list[str]]:
    """Return what there is to say, by topic."""
    nics, policy = nics_of(planned, plan.policy), plan.policy
    counted = world.core.systems.ec2.subnets(sorted({nic.subnet_id for nic in nics}), fresh=True)
    node = planned.model.node.name if planned.model.node is not None else next(iter(sorted(_names(planned))), "")
    return {
        "instance": list(_instance(planned, policy)),
        **{_title(nic): list(_nic(planned, nic, policy, counted.get(nic.subnet_id))) for nic in nics},
        "to do": [f"{change.kind.sign} {change.what}: {change.why}" for change in planned.changes],
        "waits for": [wait.reason for wait in planned.plan.waits],
        "findings": [f"{finding.code}: {finding.message}" for finding in planned.plan.findings],
        "events": [_event(event) for event in world.facts.events_of(node)] if node else [],
    }


def _title(nic: Nic) -> str:
    return f"NIC {nic.device_index} ({nic.host or 'not in the policy'}, {nic.eni_id})"


def _event(event: ToldEvent) -> str:
    return f"{event.at} {'Warning' if event.is_warning else 'Normal'} {event.reason}: {event.message} ({event.source})"


def _instance(planned: PlannedInstance, policy: Policy) -> Iterator[str]:
    model, instance = planned.model, planned.model.instance
    if instance is None:
        yield f"{model.instance_id}: EC2 does not know it"
        return
    yield f"{instance.instance_id}, {instance.instance_type} in {instance.availability_zone}, {instance.state}"
    if model.node is None:
        yield "it has not joined the cluster: there is no Node of it"
    else:
        taints = f", taints {', '.join(model.node.taints)}" if model.node.taints else ""
        yield f"Node {model.node.name}, providerID {model.node.provider_id or 'empty'}{taints}"
    if model.lifecycle is not None:
        yield f"Auto Scaling group {model.lifecycle.group}, {model.lifecycle.state}"
    group = policy.group_of(instance)
    if group is None:
        yield f"no group of the policy matches its type and its tags ({_tags(instance)}): it is left alone"
    else:
        yield f"group {group.name} of the policy, the first that matches ({_match(group)})"
    if model.limits is not None:
        limits = model.limits
        prefixes = "prefixes are possible" if limits.nitro else "no prefixes, for it is no Nitro type"
        yield (
            f"a {limits.instance_type} carries {limits.enis} NICs with {limits.ipv4_per_eni} IPv4 and "
            f"{limits.ipv6_per_eni} IPv6 slots each; {prefixes}"
        )


def _nic(planned: PlannedInstance, nic: Nic, policy: Policy, subnet: Subnet | None) -> Iterator[str]:
    yield from _sizes(planned, nic, policy)
    for family, has in nic.families.items():
        prefixes = f", {has.prefixes} of them prefixes" if has.prefixes else ""
        yield (
            f"{family}: EC2 has assigned {has.assigned}{prefixes}; its pool lists {has.listed}, pods use {has.used}, "
            f"{has.free} are free; {has.slots} of {has.limit or 'an unknown number of'} slots are taken"
        )
        for pool in pools_of(planned, nic.eni_id, family):
            yield f"pool {pool.name}{' (terminating)' if pool.terminating else ''}: {pool.spec.ips}"
            yield from (f"  {address} is used by {user}" for address, user in sorted(pool.users.items()))
            yield from (f"  remembers: {line}" for line in remembered(pool.memory))
    yield from _room(planned, nic, policy, subnet)


def _sizes(planned: PlannedInstance, nic: Nic, policy: Policy) -> Iterator[str]:
    instance = planned.model.instance
    wanted = interfaces_of(planned, policy).get(nic.device_index)
    if wanted is None or instance is None:
        yield "the policy has no such NIC: it is left alone"
        return
    for family in wanted.families:
        size, tag = wanted.size(family), override_tag(nic.device_index, family)
        if size is not None:
            by = f", by the instance's tag {tag}={instance.tags[tag]}" if tag in instance.tags else ", by the policy"
            yield f"{family}: {_size(size)}{by}"


def _size(size: Size) -> str:
    if size.prefixes is not None:
        return f"{size.prefixes} prefix{'es' if size.prefixes > 1 else ''}"
    if isinstance(size.addresses, Elastic):
        elastic = size.addresses
        return f"{elastic.min} to {elastic.max} addresses, {elastic.warm} of them free"
    return "as many addresses as the type allows" if size.addresses == "max" else f"{size.addresses} addresses"


def _room(planned: PlannedInstance, nic: Nic, policy: Policy, subnet: Subnet | None) -> Iterator[str]:
    if subnet is None:
        yield f"subnet {nic.subnet_id} could not be read"
        return
    instance = planned.model.instance
    reserve = policy.reserve_of(subnet, instance) if instance is not None else 0
    free = "not counted" if subnet.available_ipv4 is None else f"{subnet.available_ipv4} free IPv4 addresses"
    ipv6 = f", {subnet.ipv6}" if subnet.ipv6 is not None else ", no IPv6"
    yield f"subnet {subnet.subnet_id} ({subnet.ipv4}{ipv6}): {free}, {reserve} are kept free"


def remembered(memory: PoolMemory) -> Iterator[str]:
    """Yield what a pool's annotation holds, in words."""
    for since, addresses in memory.missing:
        yield f"EC2 has not shown {addresses} since {since:%H:%M:%S} UTC; a second look decides"
    for since, addresses in memory.released:
        yield f"{addresses} left the pool at {since:%H:%M:%S} UTC to be unassigned, and rests for a minute"
    if memory.surplus is not None:
        yield f"larger than its elastic size ({memory.surplus.size}) since {memory.surplus.since:%H:%M:%S} UTC"
    if memory.absent is not None:
        again = f", and again at {memory.absent.confirmed:%H:%M:%S} UTC" if memory.absent.confirmed else ""
        yield f"EC2's listing lacks the instance since {memory.absent.since:%Y-%m-%d %H:%M:%S} UTC{again}"
    if memory.disabled:
        yield "we disabled it (stopped, leaving or detached), and enable it again"
    if memory.interrupted or memory.undated:
        at = f" at {memory.interrupted:%H:%M:%S} UTC" if memory.interrupted else ""
        yield f"EC2 has announced{at} that it takes the Spot instance back"
    if memory.leaving is not None:
        yield f"its Auto Scaling group waits to terminate the instance since {memory.leaving:%H:%M:%S} UTC"
    if memory.detached is not None:
        yield f"its NIC is not on the instance since {memory.detached:%H:%M:%S} UTC; a second look decides"
    if memory.node_uid:
        yield f"its Node is proved to be the one of uid {memory.node_uid}"


def _match(group: Group) -> str:
    wanted = [*(f"{key}={value}" for key, value in group.match.tags.items()), *group.match.instance_types]
    return ", ".join(wanted) or "every instance"


def _tags(instance: ObservedInstance) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted(instance.tags.items())) or "none"
