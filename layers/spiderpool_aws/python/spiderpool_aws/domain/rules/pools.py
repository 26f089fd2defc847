"""The rules of one NIC and one IP family: what its pool should list.

An address is listed only when EC2 showed it on the NIC and no other pool lists it; it leaves the pool only when two
looks 30 s apart did not show it, or it is more than the NIC should hold, and no pod uses it (invariants 1 to 3 and
ADR 14).
"""

from dataclasses import dataclass, replace
from datetime import datetime

from spiderpool_aws.domain.actions.plan import Wait
from spiderpool_aws.domain.actions.pools import ApplyPool, PoolChange
from spiderpool_aws.domain.addresses import EMPTY, AddressSet, IPFamily, vpc_gateway
from spiderpool_aws.domain.cluster.pool import Pool, PoolSpec
from spiderpool_aws.domain.memory import REST, PoolMemory
from spiderpool_aws.domain.rules.amounts import Release, owe_all, plan_amounts
from spiderpool_aws.domain.rules.desired import Holding
from spiderpool_aws.domain.rules.draft import Draft
from spiderpool_aws.domain.rules.host_ipv6 import needs_slot, plan_host_ipv6
from spiderpool_aws.domain.rules.ipv6_default import wanted_default
from spiderpool_aws.domain.rules.lost import Lost, lost_addresses, nothing_lost
from spiderpool_aws.domain.rules.nic_family import NicFamily, holding_of, host_ipv6, pool_name
from spiderpool_aws.domain.rules.quarantine import plan_quarantine
from spiderpool_aws.metrics import Metric


def plan_nic_family(draft: Draft, nic: NicFamily) -> None:
    """Add to the draft what one NIC and family lack, and what they have too much."""
    cidr, size = nic.subnet.cidr(nic.family), nic.interface.size(nic.family)
    if cidr is None or size is None:
        draft.refuse(
            Metric.SUBNET_WITHOUT_FAMILY,
            f"{nic.subnet.subnet_id} of {nic.eni.eni_id} has no {nic.family} CIDR: add one, or drop "
            f"{str(nic.family).lower()} from the policy",
        )
        return
    host = host_ipv6(nic) if nic.family is IPFamily.IPV6 else EMPTY[nic.family]
    pool, now = nic.pool, nic.observed.now
    lost = lost_addresses(pool, nic.eni.assigned(nic.family), now) if pool else nothing_lost(nic.family)
    holding = holding_of(nic, host, lost)
    if nic.family is IPFamily.IPV6 and not host and size.prefixes is None and not needs_slot(nic):
        owe_all(draft, nic, size, holding)
        plan_host_ipv6(draft, nic)
        return
    release = plan_amounts(draft, nic, size, holding, lost)
    if nic.node_name is not None:
        _plan_pool(draft, nic, str(cidr), holding, release, lost)
    elif pool is not None:
        _plan_nameless(draft, nic, pool, holding, release, lost)


def _unclaimed(draft: Draft, nic: NicFamily, new: AddressSet) -> AddressSet:
    """Return the new addresses that no other pool lists, and say what becomes of the others."""
    for name, (other, addresses) in sorted(nic.observed.claims.listed(new, _name(nic.pool)).items()):
        new = new - addresses
        if other.identity is None:
            draft.report(
                Metric.FOREIGN_POOL,
                f"pool {name} is not ours and lists {addresses}, which EC2 assigned to {nic.eni.eni_id}: have it "
                "adopted (spiderpool-aws adopt), or take the addresses out of it",
            )
            continue
        draft.waits.append(Wait(f"{addresses} of {nic.eni.eni_id}: pool {name} still lists it"))
        if not other.terminating and other.identity.instance_id != nic.observed.instance_id:
            draft.nudges.add(other.identity.instance_id)
    return new


def _name(pool: Pool | None) -> str:
    return pool.name if pool else ""


@dataclass(frozen=True, slots=True)
class Leaving:
    """What leaves a pool."""

    dropped: AddressSet
    """A removal to the fuse."""
    released: AddressSet
    """What an elastic size gives back."""

    @property
    def all(self) -> AddressSet:
        """Both."""
        return self.dropped | self.released


def _plan_pool(draft: Draft, nic: NicFamily, subnet: str, holding: Holding, release: Release, lost: Lost) -> None:
    pool = nic.pool
    new = _new_addresses(draft, nic, holding, release)
    if pool is None:
        _plan_create(draft, nic, subnet, new)
        return
    if pool.spec.subnet != subnet:
        draft.refuse(
            Metric.SUBNET_CHANGED,
            f"pool {pool.name} has subnet {pool.spec.subnet}, its NIC is in {subnet}, and Spiderpool lets no subnet "
            "change: delete the pool when its pods are gone",
        )
        return
    report_losses(draft, nic, pool, lost)
    plan_quarantine(draft, pool, lost)
    leaving = leaving_of(draft, nic, pool, holding, release, lost)
    memory = memory_of(nic, pool, release, lost, leaving.all)
    if leaving.all:
        # What takes its place is there already: a pool that is empty in between is a pod without an address.
        spec = pool_spec(nic, subnet, (pool.spec.ips - leaving.all) | new)
        target = replace(pool, identity=nic.identity, spec=spec, memory=memory)
        why = _why_leaving(nic, leaving, release)
        draft.add(ApplyPool(PoolChange.SHRINK, target, why, leaving.dropped or None, leaving.released or None))
        draft.incomplete = True
        return
    target = replace(pool, identity=nic.identity, spec=pool_spec(nic, subnet, pool.spec.ips | new), memory=memory)
    if _differs(pool, target, nic.observed.now):
        change, why = _describe(pool, target, lost)
        draft.add(ApplyPool(change, target, why))
        draft.incomplete = True
    draft.incomplete |= not pool.offered
    if pool.spec.ips and not pool.offered:
        draft.refuse(
            Metric.POOL_DISABLED, f"pool {pool.name} excludes all its addresses (excludeIPs): no pod gets one of them"
        )
    if pool.spec.disable and not pool.memory.disabled:
        draft.refuse(Metric.POOL_DISABLED, f"somebody has disabled pool {pool.name}: no pod gets an address of it")


def _plan_nameless(draft: Draft, nic: NicFamily, pool: Pool, holding: Holding, release: Release, lost: Lost) -> None:
    """A pool whose Node is not there, or not proved: it gets nothing, and still loses what it should not list.

    The Node may have been deleted while its pods run on; what EC2 took from the NIC is given to another host.
    """
    report_losses(draft, nic, pool, lost)
    plan_quarantine(draft, pool, lost)
    leaving = leaving_of(draft, nic, pool, holding, release, lost)
    noted = memory_of(nic, pool, release, lost, leaving.all)
    memory = replace(pool.memory, missing=noted.missing, released=noted.released, surplus=noted.surplus)
    target = replace(pool, spec=replace(pool.spec, ips=pool.spec.ips - leaving.all), memory=memory)
    if leaving.all:
        why = _why_leaving(nic, leaving, release)
        draft.add(ApplyPool(PoolChange.SHRINK, target, why, leaving.dropped or None, leaving.released or None))
    elif memory != replace(pool.memory, released=pool.memory.resting(nic.observed.now)):
        draft.add(ApplyPool(PoolChange.REMEMBER, target, "what EC2 shows of its addresses changed"))


def _new_addresses(draft: Draft, nic: NicFamily, holding: Holding, release: Release) -> AddressSet:
    """Return what joins the pool: assigned, listed by nobody, not about to go, and rested."""
    new = holding.usable - holding.listed - release.excess.unassign
    new = new - AddressSet.from_networks(nic.family, release.excess.unassign_prefixes)
    resting = nic.pool.memory.resting(nic.observed.now) if nic.pool is not None else ()
    for since, addresses in resting:
        if back := new & addresses:
            rested_in = (since + REST - nic.observed.now).total_seconds()
            draft.waits.append(Wait(f"{back} of {nic.eni.eni_id} were released a moment ago and rest", rested_in))
            new = new - addresses
    return _unclaimed(draft, nic, new)


def report_losses(draft: Draft, nic: NicFamily, pool: Pool, lost: Lost) -> None:
    """Report what pods use and the NIC has lost; wait for a second look at what may be lost."""
    if lost.next_look_seconds is not None:
        draft.waits.append(
            Wait(f"{pool.name}: EC2 does not show all its addresses, look again", lost.next_look_seconds)
        )
    for address in lost.in_use:
        user = pool.users.get(address, "a pod")
        draft.report(Metric.ADDRESS_LOST, f"{user} uses {address}, which {nic.eni.eni_id} has lost")


def leaving_of(draft: Draft, nic: NicFamily, pool: Pool, holding: Holding, release: Release, lost: Lost) -> Leaving:
    """Return what has to leave a pool: nothing while the fuse holds it."""
    # What is assigned and not for pods (the host's own, beyond `perPrefix`) leaves when no pod uses it.
    kept_from_pods = (pool.spec.ips & nic.eni.assigned(nic.family)) - holding.usable
    unwanted = kept_from_pods - pool.allocated
    draft.owe(pool.name, (kept_from_pods - unwanted).count())
    excess = release.excess.listed
    dropped = (lost.dropped | unwanted | (excess - release.released)) & pool.spec.ips
    leaving = Leaving(dropped, release.released - dropped)
    if leaving.all and nic.observed.removals_held:
        draft.report(Metric.REMOVAL_HELD, f"{pool.name} keeps {leaving.all}: {nic.observed.removals_held}")
        return Leaving(EMPTY[nic.family], EMPTY[nic.family])
    return leaving


def _why_leaving(nic: NicFamily, leaving: Leaving, release: Release) -> str:
    gone = leaving.dropped - nic.eni.assigned(nic.family)
    if gone:
        return f"{nic.eni.eni_id} has lost {gone}"
    if release.excess.listed:
        return f"{nic.eni.eni_id} holds more than it should: {release.excess.listed} go back to the subnet"
    return "the policy keeps them from pods"


def _plan_create(draft: Draft, nic: NicFamily, subnet: str, ips: AddressSet) -> None:
    draft.incomplete = True
    if not ips or nic.node_name is None:
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
        spec=pool_spec(nic, subnet, ips),
        allocated=EMPTY[nic.family],
        excluded=EMPTY[nic.family],
        memory=PoolMemory(node_uid=node.uid if node else ""),
    )
    draft.add(ApplyPool(PoolChange.CREATE, pool, f"{nic.eni.eni_id} has no pool"))


def pool_spec(nic: NicFamily, subnet: str, ips: AddressSet) -> PoolSpec:
    """Return the pool's spec as the policy wants it."""
    cidr = nic.subnet.cidr(nic.family)
    with_gateway = nic.family is IPFamily.IPV4 or nic.policy.pools.ipv6_gateway == "first"
    return PoolSpec(
        subnet=subnet,
        ips=ips,
        gateway=vpc_gateway(cidr) if cidr is not None and with_gateway else None,
        node_name=_node_name(nic),
        multus_name=(nic.interface.multus,),
        default=_default(nic),
    )


def _default(nic: NicFamily) -> bool:
    if nic.family is IPFamily.IPV4:
        return nic.policy.pools.default
    return wanted_default(nic.observed, nic.policy, nic.pool)


def _node_name(nic: NicFamily) -> tuple[str, ...]:
    # A name that no Node has proved is for new pools: a running node whose tag, or policy, changed keeps its own.
    pool = nic.pool
    if pool is not None and pool.spec.node_name and nic.observed.proved_node is None and "nodeName" not in pool.taken:
        return pool.spec.node_name
    return (nic.node_name,) if nic.node_name else ()


def memory_of(nic: NicFamily, pool: Pool, release: Release, lost: Lost, leaving: AddressSet) -> PoolMemory:
    """Return what a pool should remember when some addresses leave it."""
    node, now = nic.observed.node, nic.observed.now
    released = pool.memory.resting(now)
    if back := leaving & nic.eni.assigned(nic.family):
        released = (*released, (now, back))
    return PoolMemory(
        missing=lost.without(leaving),
        released=released,
        surplus=None if leaving & release.excess.listed else release.surplus,
        node_uid=node.uid if node else pool.memory.node_uid,
    )


def _differs(pool: Pool, target: Pool, now: datetime) -> bool:
    # A `disable` that we did not set is the operator's: only our own (in the memory) is undone. What has rested long
    # enough is forgotten with the next write and is no reason for one.
    memory = replace(pool.memory, released=pool.memory.resting(now))
    return not _same_spec(pool, target.spec) or memory != target.memory or pool.identity != target.identity


def _same_spec(pool: Pool, wanted: PoolSpec) -> bool:
    # Where the policy gives no gateway the field is the users'; one that we set ourselves goes with the next write.
    theirs = wanted.gateway is None and "gateway" in pool.taken
    kept = replace(wanted, disable=pool.spec.disable, gateway=pool.spec.gateway if theirs else wanted.gateway)
    return pool.spec == kept


def _describe(pool: Pool, target: Pool, lost: Lost) -> tuple[PoolChange, str]:
    new = target.spec.ips - pool.spec.ips
    if new:
        return PoolChange.GROW, f"EC2 assigned {new}"
    if pool.memory.disabled and not target.memory.disabled:
        return PoolChange.UPDATE, "the instance runs again: enable"
    if _same_spec(pool, target.spec):
        return (
            PoolChange.REMEMBER,
            "EC2 does not show all its addresses" if lost.memory else "nothing is missing any more",
        )
    return PoolChange.UPDATE, "somebody changed it, or the policy did"
