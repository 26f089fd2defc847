"""The rules of one NIC and one IP family: what EC2 has to assign, and what goes back to the subnet. Pure."""

from dataclasses import dataclass, replace

from spiderpool_aws.domain.actions.nics import Amount, Assign, Reassign, Unassign
from spiderpool_aws.domain.actions.plan import Tried
from spiderpool_aws.domain.addresses import EMPTY, AddressSet
from spiderpool_aws.domain.errors import Code
from spiderpool_aws.domain.memory import Surplus
from spiderpool_aws.domain.policy.model import Elastic, Size
from spiderpool_aws.domain.rules.desired import (
    PREFIX_ADDRESSES,
    RELEASE_AFTER,
    Bounds,
    Excess,
    Holding,
    Wanted,
    cooling_key,
    excess,
    is_exhausted,
    lack,
    no_excess,
    surplus_note,
    wanted,
)
from spiderpool_aws.domain.rules.draft import Draft
from spiderpool_aws.domain.rules.lost import Lost, taken_addresses
from spiderpool_aws.domain.rules.nic_family import NicFamily
from spiderpool_aws.metrics import Metric


@dataclass(frozen=True, slots=True)
class Release:
    """What leaves the pool because the NIC has too much, and what the pool remembers of it."""

    excess: Excess
    released: AddressSet
    """Of what leaves the pool, the single addresses that go by the size's own nature: no removal to the fuse."""
    surplus: Surplus | None = None
    """The note of an elastic size that is too large: forgotten when what is too much has left the pool."""


def plan_amounts(draft: Draft, nic: NicFamily, size: Size, holding: Holding, lost: Lost) -> Release:
    """Plan what EC2 has to assign or take back; return what has to leave the pool first.

    What is unseen may be there at the next look: it counts, so that a stale answer assigns nothing twice. Nothing is
    released while something lacks: a policy that changes from addresses to prefixes gets the prefix first.
    """
    holding = _plan_reassign(draft, nic, holding, lost)
    bounds = Bounds(nic.limits, draft.left_of(nic.subnet), nic.reserve)
    unseen = holding.unseen_blocks(nic.family) if size.prefixes is not None else holding.unseen.count()
    slots = bounds.free_slots(nic.family, nic.eni, unseen)
    prefix_refused = _prefix_refused(nic)
    want = wanted(size, holding, slots, prefix_refused=prefix_refused)
    need = lack(size, nic.family, nic.eni, holding, bounds, want)
    if need.problem:
        draft.report(Metric.CAPACITY_LIMITED, need.problem)
        draft.may_pass |= need.of_subnet
    _report_fallback(draft, nic, size, holding)
    if need.amount.count:
        _owe(draft, nic, size, holding, want, no_excess(nic.family))
        _plan_assign(draft, nic, Assign(nic.eni.eni_id, nic.family, need.amount.count, need.amount.prefixes))
        return Release(no_excess(nic.family), EMPTY[nic.family], _kept_note(nic))
    in_the_way = 0 if prefix_refused else need.slots
    return _plan_release(draft, nic, size, holding, want, in_the_way if need.short else None)


def _report_fallback(draft: Draft, nic: NicFamily, size: Size, holding: Holding) -> None:
    missing = (size.prefixes or 0) - len(holding.prefixes)
    if size.fallback == "addresses" and missing > 0 and holding.singles and nic.limits.nitro:
        draft.report(
            Metric.PREFIX_FALLBACK,
            f"{nic.eni.eni_id} has single {nic.family} addresses in place of {Amount(missing, prefixes=True)}: "
            f"{nic.subnet.subnet_id} had no whole block free",
        )


def _kept_note(nic: NicFamily) -> Surplus | None:
    # Not rewritten for a moment of growth: the pool is written anyway when the addresses are there.
    return nic.pool.memory.surplus if nic.pool is not None else None


def _plan_reassign(draft: Draft, nic: NicFamily, holding: Holding, lost: Lost) -> Holding:
    """Plan to assign again what pods use and the NIC has lost; what is planned counts as held."""
    pool = nic.pool
    if not lost.in_use or pool is None:
        return holding
    users = ", ".join(sorted({pool.users.get(address, "a pod") for address in lost.in_use}))
    why = f"{users} still uses it, and {nic.eni.eni_id} has lost it"
    bounds = Bounds(nic.limits, draft.left_of(nic.subnet), nic.reserve)
    free = bounds.room(nic.family, nic.eni, holding.unseen.count())
    for addresses in _to_reassign(nic, lost, free):
        action = Reassign(nic.eni.eni_id, addresses, why, nic.subnet.vpc_id)
        has_room = addresses.count() <= free and not _is_cooling(draft, nic, action.key, action)
        # Without room it is looked up who holds it: then it is quarantined.
        if draft.add(replace(action, has_room=has_room)) and has_room:
            holding = replace(holding, unseen=holding.unseen | addresses)
            free -= addresses.count()
    return holding


def _to_reassign(nic: NicFamily, lost: Lost, free: int) -> list[AddressSet]:
    """Return what is asked for together: all of it, or each by itself when one is taken or there is no room for all.

    What somebody holds is left out of the latter: it takes no room from the others, and is not asked for twice.
    """
    together, taken = Reassign(nic.eni.eni_id, lost.in_use, ""), taken_addresses(nic.family, nic.observed)
    code, cooling = nic.observed.outcome_of(together), nic.cooling_until(together.key)
    known = bool(taken) or code == Code.ADDRESS_TAKEN or is_exhausted(code or "") or cooling is not None
    if lost.in_use.count() <= free and not known:
        return [lost.in_use]
    return [AddressSet.of(nic.family, [address]) for address in lost.in_use - taken]


def _plan_assign(draft: Draft, nic: NicFamily, action: Assign) -> None:
    key = cooling_key(nic.subnet.subnet_id, nic.family, prefixes=action.prefixes)
    if not _is_cooling(draft, nic, key, action):
        draft.add(action)


def _is_cooling(draft: Draft, nic: NicFamily, key: str, action: Assign | Reassign) -> bool:
    """Tell whether EC2 said a moment ago that the subnet has no room for it; report it, and wait."""
    until = nic.cooling_until(key)
    if until is None:
        return False
    # Somebody was told that the subnet is full: asking again would only use up the request rate.
    draft.report(
        Code.SUBNET_EXHAUSTED,
        f"{nic.subnet.subnet_id} had no room: {action} is tried again when it has more, or in half an hour",
    )
    draft.wait_for_room(f"{nic.subnet.subnet_id} has no room", until)
    return True


def _prefix_refused(nic: NicFamily) -> bool:
    """Tell whether EC2 said, in this pass or a moment ago, that the subnet has no room for a prefix."""
    until = nic.cooling_until(cooling_key(nic.subnet.subnet_id, nic.family, prefixes=True))
    return until is not None or any(_is_refused_prefix(nic, tried) for tried in nic.observed.tried)


def _is_refused_prefix(nic: NicFamily, tried: Tried) -> bool:
    action = tried.action
    if not isinstance(action, Assign) or not action.prefixes or not is_exhausted(tried.code):
        return False
    return (action.eni_id, action.family) == (nic.eni.eni_id, nic.family)


def _plan_release(
    draft: Draft, nic: NicFamily, size: Size, holding: Holding, want: Wanted, most: int | None
) -> Release:
    pool, now = nic.pool, nic.observed.now
    pending = _pending(nic, holding, want) if most is None else EMPTY[nic.family]
    kept = replace(holding, singles=holding.singles - pending)
    known = pool.memory.surplus if pool is not None else None
    note = surplus_note(size, kept, want, known, Surplus(now, str(size.addresses)))
    over = excess(nic.family, kept, want, due=note is not None and now - note.since >= RELEASE_AFTER, most=most)
    over = replace(over, unassign=over.unassign | pending)
    if over.unassign:
        draft.add(Unassign(nic.eni.eni_id, over.unassign, "the NIC holds more than the policy asks for"))
    if over.unassign_prefixes:
        why = "the NIC holds more prefixes than the policy asks for"
        draft.add(Unassign(nic.eni.eni_id, EMPTY[nic.family], why, over.unassign_prefixes))
    _owe(draft, nic, size, kept, want, over, too_large=note is not None)
    return Release(over, _by_nature(size, holding, over.listed), note)


def _by_nature(size: Size, holding: Holding, leaving: AddressSet) -> AddressSet:
    """Return, of what leaves the pool, what goes by the size's own nature."""
    elastic = isinstance(size.addresses, Elastic) or size.fallback == "addresses"
    return leaving & holding.singles if elastic else EMPTY[leaving.family]


def _owe(
    draft: Draft, nic: NicFamily, size: Size, holding: Holding, want: Wanted, now: Excess, *, too_large: bool = False
) -> None:
    """Note what the size takes out of the pool in the end, beside what is dropped now.

    It waits for pods that use it, for what the NIC lacks, or until an elastic size was `too_large` long enough. Single
    addresses that stood in for prefixes are none of it: in their place come as many others.
    """
    if nic.pool is None or (size.prefixes is not None and not nic.limits.nitro):
        # Without a pool no pod has any of it; and where no prefix can be had, no address goes.
        return
    later = excess(nic.family, replace(holding, used=EMPTY[nic.family]), want, due=too_large).listed
    elastic, released = _by_nature(size, holding, later), _by_nature(size, holding, now.listed)
    replaced = PREFIX_ADDRESSES * (size.prefixes or 0)
    draft.owe(nic.pool.name, elastic.count() - replaced, elastic=True)
    draft.owe(nic.pool.name, (later - elastic).count() - (now.listed - released).count())


def owe_all(draft: Draft, nic: NicFamily, size: Size, holding: Holding) -> None:
    """Note what the size takes out of the pool in the end, where something else has to come first."""
    slots = Bounds(nic.limits, nic.subnet, 0).free_slots(nic.family, nic.eni, 0)
    want = wanted(size, holding, slots, prefix_refused=False)
    _owe(draft, nic, size, holding, want, no_excess(nic.family))


def _pending(nic: NicFamily, holding: Holding, want: Wanted) -> AddressSet:
    """Return what a shrink released and nobody has unassigned yet: the worker was stopped in between."""
    released = EMPTY[nic.family]
    for _, addresses in nic.pool.memory.released if nic.pool is not None else ():
        released = released | addresses
    left = (released & holding.singles) - holding.listed - holding.claimed
    enough = (holding.singles - holding.claimed).count() - left.count() >= want.singles
    return left if enough else EMPTY[nic.family]
