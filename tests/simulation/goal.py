"""Where everything should be when faults have stopped (invariant 8), said anew, not by the planner.

Of a running instance: each NIC of the policy, its pools with just what EC2 assigned, in the number that is asked for
where the subnet has room, and a Node that is ready to be used. Of a dead one: nothing.
"""

from collections.abc import Iterator

from spiderpool_aws.domain.addresses import AddressSet, IPFamily, parse_network
from spiderpool_aws.domain.cluster.pool import Pool, SpiderIPPool
from spiderpool_aws.domain.instance import MANAGED_TAG
from spiderpool_aws.domain.policy.model import Elastic, Interface, Policy, Size
from spiderpool_aws.local.ec2.instance_types import limits
from spiderpool_aws.local.ec2.state import Eni, Instance, Subnet
from spiderpool_aws.local.invariants.history import assigned
from spiderpool_aws.local.invariants.truth import is_chosen
from spiderpool_aws.local.stack import LocalStack

GONE = ("shutting-down", "terminated")


def unmet(stack: LocalStack, policy: Policy) -> Iterator[str]:
    """Say what is not as it should be."""
    pools = [SpiderIPPool.model_validate(stored).to_pool() for stored in stack.cluster.objects("spiderippools")]
    for pool in pools:
        instance = stack.model.instances.get(pool.identity.instance_id) if pool.identity else None
        if pool.identity and (instance is None or instance.state in GONE):
            yield f"{pool.name} is still there, and its instance is gone"
    yield from _nodes_of_the_dead(stack)
    for instance in stack.model.instances.values():
        states = [group.state_of(instance.id) for group in stack.autoscaling.groups]
        if any(state.startswith(("Warmed:", "Terminating")) for state in states):
            continue
        if instance.state == "running" and instance.tags.get(MANAGED_TAG) != "false":
            yield from _of_instance(stack, policy, instance, pools)


def _nodes_of_the_dead(stack: LocalStack) -> Iterator[str]:
    running = {instance.id for instance in stack.model.instances.values() if instance.state not in GONE}
    for node in stack.cluster.objects("nodes"):
        named = str(node["spec"].get("providerID", "")).rpartition("/")[2]
        if named and named not in running:
            yield f"Node {node['metadata']['name']} is still there, and its instance {named} is gone"


def _of_instance(stack: LocalStack, policy: Policy, instance: Instance, pools: list[Pool]) -> Iterator[str]:
    group = policy.groups[0]
    by_index = {}
    for eni_id in instance.eni_ids:
        eni = stack.model.enis[eni_id]
        if eni.attachment is not None:
            by_index[eni.attachment.device_index] = eni
    is_complete = True
    for interface in group.interfaces:
        found = by_index.get(interface.device_index)
        if found is None:
            is_complete = False
            if _has_room(stack, interface):
                yield f"{instance.id} has no NIC at device index {interface.device_index}"
            continue
        for family in interface.families:
            own = _own(found, family)
            is_complete &= bool(assigned(found, family) - own) and (family is IPFamily.IPV4 or bool(own))
            yield from _of_nic(stack, interface, found, family, pools)
    if is_complete:
        yield from _of_node(stack, instance)


def _of_node(stack: LocalStack, instance: Instance) -> Iterator[str]:
    nodes = [n for n in stack.cluster.objects("nodes") if n["metadata"]["name"] == instance.private_dns_name]
    for node in nodes:
        if not str(node["spec"].get("providerID", "")).endswith(f"/{instance.id}"):
            yield f"Node {node['metadata']['name']} is not marked as that of {instance.id}"
        taints = [t["key"] for t in node["spec"].get("taints", ()) if t["key"].startswith("spiderpool-aws/")]
        if taints:
            yield f"Node {node['metadata']['name']} still has its startup taint"


def _of_nic(stack: LocalStack, interface: Interface, eni: Eni, family: IPFamily, pools: list[Pool]) -> Iterator[str]:
    size = interface.size(family)
    own, prefixes = _own(eni, family), eni.ipv4_prefixes if family is IPFamily.IPV4 else eni.ipv6_prefixes
    has = assigned(eni, family) - own
    if family is IPFamily.IPV6 and not own and (eni.ipv6_addresses or (size and size.addresses is not None)):
        # Nothing says which address is the host's own: refused, with a reason (invariant 4).
        return
    pool = next((p for p in pools if p.identity and (p.identity.eni_id, p.family) == (eni.id, family)), None)
    if not has:
        if _has_room(stack, interface, eni):
            yield f"{eni.id} has nothing of {family.name}"
        return
    if pool is None:
        yield f"{eni.id} has {has}, and no pool of {family.name}"
        return
    outside = pool.spec.ips - has - pool.allocated
    if outside:
        yield f"{pool.name} lists {outside}, which {eni.id} does not hold"
    if pool.terminating or pool.spec.disable:
        yield f"{pool.name} is terminating or disabled"
    unused = [p for p in prefixes if not AddressSet.from_networks(family, [parse_network(p)]) & pool.allocated]
    asked = size.prefixes or 0 if size is not None else 0
    if len(prefixes) > asked and unused and _has_room(stack, interface, eni):
        yield f"{eni.id} holds {len(prefixes)} {family.name} prefixes, {len(unused)} of them unused; {asked} are wanted"
    if size is not None:
        yield from _of_size(stack, interface, size, eni, pool)


def _of_size(stack: LocalStack, interface: Interface, size: Size, eni: Eni, pool: Pool) -> Iterator[str]:
    """Say what is amiss of a size in single addresses; where there are prefixes, pods may hold what is too much."""
    family, prefixes = pool.family, eni.ipv4_prefixes if pool.family is IPFamily.IPV4 else eni.ipv6_prefixes
    has = (assigned(eni, family) - _own(eni, family)).count()
    if isinstance(size.addresses, Elastic) and not prefixes:
        most = _most(size.addresses, pool.allocated.count())
        if has > most:
            yield f"{eni.id} holds {has} {family.name} addresses, an elastic size gives back what is above {most}"
    if isinstance(size.addresses, int):
        count, wanted = pool.spec.ips.count(), size.addresses
        if count < wanted and _has_room(stack, interface, eni) and not _is_full(stack, eni, family):
            yield f"{pool.name} has {count} addresses, the policy says {wanted}"
        if not prefixes and has > max(wanted, pool.allocated.count()):
            yield f"{eni.id} holds {has} {family.name} addresses, the policy says {wanted}"


def _most(size: Elastic, used: int) -> int:
    """Return what an elastic size tolerates for long: what is used and kept warm, and half as much again."""
    return max(used, min(max(size.min, used + size.warm), size.max) + max(2, size.warm // 2))


def _own(eni: Eni, family: IPFamily) -> AddressSet:
    own = [known.address for known in eni.ipv6_addresses if known.is_primary] if family is IPFamily.IPV6 else []
    return AddressSet.of(family, own)


def _has_room(stack: LocalStack, interface: Interface, eni: Eni | None = None) -> bool:
    """Say whether a subnet could give all that a NIC is to have: one that is nearly full excuses what it lacks."""
    subnets = stack.model.subnets.values()
    choices = [stack.model.subnets[eni.subnet_id]] if eni else [s for s in subnets if is_chosen(s, interface.subnets)]
    wanted = interface.ipv4.addresses
    # A NIC's own address and its pods'; a prefix is a whole block, and other sizes have no number.
    needs = 1 + wanted if isinstance(wanted, int) else 20
    return any(subnet.ipv4.free_count >= _reserve(stack, subnet, interface) + needs for subnet in choices)


def _reserve(stack: LocalStack, subnet: Subnet, interface: Interface) -> int:
    """Return what a subnet keeps: the most that is said of it."""
    others = (other for group in stack.policy().groups for other in group.interfaces)
    beside = (other.subnets.reserve for other in others if is_chosen(subnet, other.subnets))
    return max((interface.subnets.reserve, *beside))


def _is_full(stack: LocalStack, eni: Eni, family: IPFamily) -> bool:
    """Say whether the type allows no more: prefixes and addresses that pods use may take the slots."""
    if eni.attachment is None:
        return True
    allowed = limits(stack.model.instances[eni.attachment.instance_id].instance_type)
    if family is IPFamily.IPV4:
        return eni.ipv4_slots >= allowed.ipv4_addresses
    return eni.ipv6_slots >= allowed.ipv6_addresses
