"""The rules of one NIC and one IP family: what its pool should list, and what EC2 still has to assign.

An address is listed only when EC2 showed it on the NIC and no other pool lists it; it leaves the pool only when two
looks 30 s apart did not show it and no pod uses it (DESIGN §2, §6).
"""

from dataclasses import dataclass, replace

from spiderpool_aws.domain.addresses import EMPTY, AddressSet, IPFamily, vpc_gateway
from spiderpool_aws.domain.capacity import Holding, room, shortage
from spiderpool_aws.domain.draft import Draft
from spiderpool_aws.domain.instance import Eni, InstanceTypeLimits, Subnet
from spiderpool_aws.domain.lost import Lost, lost_addresses, nothing_lost
from spiderpool_aws.domain.memory import PoolMemory
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.plan import ApplyPool, Assign, PoolChange, Reassign, Wait
from spiderpool_aws.domain.policy import Interface, Policy
from spiderpool_aws.domain.pool import Pool, PoolIdentity, PoolSpec
from spiderpool_aws.metrics import Metric

NAME_LIMIT = 253


@dataclass(frozen=True, slots=True)
class NicFamily:
    """One NIC and family of a node, with what the rules need of their surroundings."""

    observed: ObservedNode
    policy: Policy
    interface: Interface
    eni: Eni
    family: IPFamily
    subnet: Subnet
    limits: InstanceTypeLimits
    node_name: str | None
    """None while the Node is not known: then EC2 is served, and the pool waits."""

    @property
    def pool(self) -> Pool | None:
        """The live pool of this NIC and family."""
        for pool in self.observed.pools:
            known = pool.identity
            if known and known.eni_id == self.eni.eni_id and known.family is self.family and not pool.terminating:
                return pool
        return None

    @property
    def identity(self) -> PoolIdentity:
        """Whose the pool is."""
        eni, instance_id = self.eni, self.observed.instance_id
        return PoolIdentity(self.policy.cluster, instance_id, eni.eni_id, eni.attachment_id, self.family)


def pool_name(node_name: str, host: str, family: IPFamily, eni_id: str) -> str:
    """Return `<node>-<host NIC>-v<family>-<last 8 of the ENI id>`, cut at the node's end to what Kubernetes allows."""
    tail = f"-{host}-v{int(family)}-{eni_id[-8:]}"
    return node_name[: NAME_LIMIT - len(tail)].rstrip("-.") + tail


def host_ipv6(nic: NicFamily) -> AddressSet:
    """Return the host's own IPv6 address on the NIC: the one marked primary, else the Node's InternalIP, else none."""
    if nic.eni.primary_ipv6:
        return AddressSet.of(IPFamily.IPV6, [nic.eni.primary_ipv6])
    node = nic.observed.node
    known = AddressSet.of(IPFamily.IPV6, [ip for ip in node.internal_ips if ":" in ip] if node else [])
    return known & nic.eni.ipv6


def usable_addresses(nic: NicFamily, host: AddressSet) -> AddressSet:
    """Return what pods may use: secondary addresses without the host's own, and the prefixes' addresses."""
    size = nic.interface.size(nic.family)
    per_prefix = size.per_prefix if size is not None and nic.family is IPFamily.IPV6 else None
    singles = nic.eni.addresses(nic.family)
    if nic.family is IPFamily.IPV6:
        # Without knowing the host's own address, none of the single ones is safe (invariant 4).
        singles = singles - host if host else EMPTY[IPFamily.IPV6]
    return singles | AddressSet.from_networks(nic.family, nic.eni.prefixes(nic.family), limit_each=per_prefix)


def plan_nic_family(nic: NicFamily, draft: Draft) -> None:
    """Add to the draft what one NIC and family lack."""
    cidr = nic.subnet.cidr(nic.family)
    if cidr is None:
        draft.refuse(
            Metric.SUBNET_WITHOUT_FAMILY,
            f"{nic.subnet.subnet_id} of {nic.eni.eni_id} has no {nic.family} CIDR: add one, or drop "
            f"{str(nic.family).lower()} from the policy",
        )
        return
    host = host_ipv6(nic) if nic.family is IPFamily.IPV6 else EMPTY[nic.family]
    size = nic.interface.size(nic.family)
    if nic.family is IPFamily.IPV6 and not host and size is not None and size.prefixes is None:
        draft.refuse(
            Metric.HOST_ADDRESS_UNKNOWN,
            f"{nic.eni.eni_id} has no address marked as primary IPv6 and none that is the Node's InternalIP: launch "
            "with PrimaryIpv6, or use ipv6 prefixes",
        )
        return
    usable, pool = usable_addresses(nic, host), nic.pool
    listed = pool.spec.ips if pool else EMPTY[nic.family]
    assigned = nic.eni.assigned(nic.family)
    lost = lost_addresses(pool, assigned, nic.observed.now) if pool else nothing_lost(nic.family)
    assigning = _plan_assignments(nic, usable, listed - assigned - lost.confirmed, lost, draft)
    if nic.node_name is not None:
        # What is assigned and not for pods (the host's own, beyond `perPrefix`) leaves when no pod uses it.
        unwanted = (listed & assigned) - usable - (pool.allocated if pool else EMPTY[nic.family])
        ips = (listed - lost.dropped - unwanted) | _unclaimed(nic, usable - listed, draft)
        _plan_pool(nic, str(cidr), ips, lost, draft, hold_growth=assigning)


def _plan_assignments(nic: NicFamily, usable: AddressSet, unseen: AddressSet, lost: Lost, draft: Draft) -> bool:
    """Plan what EC2 has to assign; tell whether the pool had better wait for it, to be written once.

    What is unseen may be there at the next look: it counts, so that a stale answer assigns nothing twice.
    """
    pool, planned = nic.pool, False
    if lost.in_use and pool is not None:
        users = ", ".join(sorted({pool.users.get(address, "a pod") for address in lost.in_use}))
        why = f"{users} still uses it, and {nic.eni.eni_id} has lost it"
        free = room(nic.interface, nic.family, nic.eni, len(unseen), nic.limits, nic.subnet)
        if len(lost.in_use) > free:
            draft.report(
                Metric.CAPACITY_LIMITED, f"{lost.in_use} cannot be assigned again ({why}): there is room for {free}"
            )
        elif draft.add(draft.assignments, Reassign(nic.eni.eni_id, lost.in_use, why, nic.subnet.vpc_id)):
            unseen, planned = unseen | lost.in_use, True
    used = len(pool.allocated) if pool else 0
    holding = Holding(usable, unseen, used)
    lack = shortage(nic.interface, nic.family, nic.eni, holding, nic.limits, nic.subnet)
    if lack.problem:
        draft.report(Metric.CAPACITY_LIMITED, lack.problem)
    if lack.count:
        planned |= draft.add(draft.assignments, Assign(nic.eni.eni_id, nic.family, lack.count, lack.prefixes))
    return planned


def _unclaimed(nic: NicFamily, new: AddressSet, draft: Draft) -> AddressSet:
    """Return the new addresses that no other pool lists, and say what becomes of the others."""
    for name, (other, addresses) in sorted(nic.observed.claims.listed(new, _name(nic.pool)).items()):
        new = new - addresses
        if other.identity is None:
            draft.report(
                Metric.FOREIGN_POOL,
                f"pool {name} is not ours and lists {addresses}, which EC2 assigned to {nic.eni.eni_id}: delete it, or "
                "take the addresses out of it",
            )
            continue
        draft.waits.append(Wait(f"{addresses} of {nic.eni.eni_id}: pool {name} still lists it"))
        if not other.terminating and other.identity.instance_id != nic.observed.instance_id:
            draft.nudges.add(other.identity.instance_id)
    return new


def _name(pool: Pool | None) -> str:
    return pool.name if pool else ""


def _plan_pool(nic: NicFamily, subnet: str, ips: AddressSet, lost: Lost, draft: Draft, *, hold_growth: bool) -> None:
    pool = nic.pool
    if pool is None:
        _plan_create(nic, subnet, ips, draft, hold=hold_growth)
        return
    if pool.spec.subnet != subnet:
        draft.refuse(
            Metric.SUBNET_CHANGED,
            f"pool {pool.name} has subnet {pool.spec.subnet}, its NIC is in {subnet}, and Spiderpool lets no subnet "
            "change: delete the pool when its pods are gone",
        )
        return
    if lost.next_look_seconds is not None:
        draft.waits.append(
            Wait(f"{pool.name}: EC2 does not show all its addresses, look again", lost.next_look_seconds)
        )
    for address in lost.in_use:
        user = pool.users.get(address, "a pod")
        draft.report(Metric.ADDRESS_LOST, f"{user} uses {address}, which {nic.eni.eni_id} has lost")
    dropped = pool.spec.ips - ips
    if dropped and nic.observed.removals_held:
        draft.report(Metric.REMOVAL_HELD, f"{pool.name} keeps {dropped}: {nic.observed.removals_held}")
        ips, dropped = ips | dropped, EMPTY[nic.family]
    memory = _memory(nic, pool, lost, dropped)
    target = replace(pool, identity=nic.identity, spec=_spec(nic, subnet, ips), memory=memory)
    if dropped:
        shrunk = replace(target, spec=replace(target.spec, ips=pool.spec.ips - dropped))
        gone = dropped - nic.eni.assigned(nic.family)
        why = f"{nic.eni.eni_id} has lost {gone}" if gone else "the policy keeps them from pods"
        draft.add(draft.removals, ApplyPool(PoolChange.SHRINK, shrunk, why, dropped))
    elif not hold_growth and _differs(pool, target):
        change, why = _describe(pool, target, lost)
        draft.add(draft.growth, ApplyPool(change, target, why))
    elif not hold_growth and pool.spec.ips:
        return
    draft.incomplete = True


def _plan_create(nic: NicFamily, subnet: str, ips: AddressSet, draft: Draft, *, hold: bool) -> None:
    draft.incomplete = True
    if hold or not ips or nic.node_name is None:
        return
    name = pool_name(nic.node_name, nic.interface.host, nic.family, nic.eni.eni_id)
    if any(pool.name == name for pool in nic.observed.pools):
        draft.wait(f"the old pool {name} is still being deleted")
        return
    if nic.observed.claims.is_foreign(name):
        draft.report(
            Metric.FOREIGN_POOL, f"pool {name} has the name of ours and is not ours: delete it, or name it otherwise"
        )
        return
    node = nic.observed.node
    pool = Pool(
        name=name,
        identity=nic.identity,
        spec=_spec(nic, subnet, ips),
        allocated=EMPTY[nic.family],
        excluded=EMPTY[nic.family],
        memory=PoolMemory(node_uid=node.uid if node else ""),
    )
    draft.add(draft.growth, ApplyPool(PoolChange.CREATE, pool, f"{nic.eni.eni_id} has no pool"))


def _spec(nic: NicFamily, subnet: str, ips: AddressSet) -> PoolSpec:
    cidr = nic.subnet.cidr(nic.family)
    with_gateway = nic.family is IPFamily.IPV4 or nic.policy.pools.ipv6_gateway == "first"
    return PoolSpec(
        subnet=subnet,
        ips=ips,
        gateway=vpc_gateway(cidr) if cidr is not None and with_gateway else None,
        node_name=(nic.node_name,) if nic.node_name else (),
        multus_name=(nic.interface.multus,),
        default=nic.policy.pools.default,
    )


def _memory(nic: NicFamily, pool: Pool, lost: Lost, dropped: AddressSet) -> PoolMemory:
    node = nic.observed.node
    return PoolMemory(missing=lost.without(dropped), node_uid=node.uid if node else pool.memory.node_uid)


def _differs(pool: Pool, target: Pool) -> bool:
    # A `disable` that we did not set is the operator's: only our own (in the memory) is undone.
    return not _same_spec(pool.spec, target.spec) or pool.memory != target.memory or pool.identity != target.identity


def _same_spec(one: PoolSpec, other: PoolSpec) -> bool:
    return replace(one, disable=other.disable) == other if one.disable != other.disable else one == other


def _describe(pool: Pool, target: Pool, lost: Lost) -> tuple[PoolChange, str]:
    new = target.spec.ips - pool.spec.ips
    if new:
        return PoolChange.GROW, f"EC2 assigned {new}"
    if pool.memory.disabled and not target.memory.disabled:
        return PoolChange.UPDATE, "the instance runs again: enable"
    if _same_spec(pool.spec, target.spec):
        return (
            PoolChange.REMEMBER,
            "EC2 does not show all its addresses" if lost.memory else "nothing is missing any more",
        )
    return PoolChange.UPDATE, "somebody changed it, or the policy did"
