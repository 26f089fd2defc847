"""What one NIC should hold and offer of one IP family: what it lacks, what it has in excess, what its pool lists. Pure.

An address is kept in this order: one that a pod uses, one that the pool lists, one that is merely assigned. What is in
excess leaves the pool first (Spiderpool refuses that while a pod uses it), and only what no pool lists is unassigned.
"""

from dataclasses import dataclass
from datetime import timedelta

from spiderpool_aws.domain.actions.nics import Amount
from spiderpool_aws.domain.addresses import EMPTY, AddressSet, IPFamily, Network
from spiderpool_aws.domain.errors import Code
from spiderpool_aws.domain.instance import Eni, InstanceTypeLimits, Subnet
from spiderpool_aws.domain.memory import Surplus
from spiderpool_aws.domain.policy.model import Elastic, Size

RELEASE_AFTER = timedelta(minutes=5)
"""How long an elastic size stays too large before it shrinks: pods that are replaced come back sooner."""
PREFIX_ADDRESSES = 16
"""Addresses of an IPv4 prefix, a /28; a pool lists all of them."""
PREFIX_BITS = {IPFamily.IPV4: 4, IPFamily.IPV6: 48}


NOTHING = Amount(0)


@dataclass(frozen=True, slots=True)
class Holding:
    """What a NIC has of one family for pods, and what is known of it."""

    singles: AddressSet
    """Single addresses without the host's own."""
    prefixes: tuple[Network, ...]
    offered: AddressSet
    """The addresses of the prefixes that a pool may list."""
    listed: AddressSet
    """What its pool lists; empty when there is none."""
    used: AddressSet
    """What pods use of that."""
    excluded: AddressSet
    """What its pool lists and excludes (`excludeIPs`, a user's field): no pod gets it, and it is not free."""
    unseen: AddressSet
    """What EC2 did not show at this look and still counts as assigned: a describe may be stale."""
    claimed: AddressSet
    """What other pools list: it joins, or may be unassigned, when they have let it go."""

    @property
    def usable(self) -> AddressSet:
        """Return all that pods may use."""
        return self.singles | self.offered

    def unseen_blocks(self, family: IPFamily) -> int:
        """Return how many prefixes the unseen addresses lie in."""
        return self.unseen.blocks(PREFIX_BITS[family])


@dataclass(frozen=True, slots=True)
class Bounds:
    """What limits a NIC: the slots of its type, and what its subnet may give."""

    limits: InstanceTypeLimits
    subnet: Subnet
    reserve: int
    """How many IPv4 addresses the subnet keeps free."""

    def free_slots(self, family: IPFamily, eni: Eni, unseen: int) -> int:
        """Return how many more addresses or prefixes the NIC can carry.

        Every single address takes a slot, the host's own too, and so does every prefix (EC2 guide, prefix delegation).
        """
        taken = eni.addresses(family).count() + len(eni.prefixes(family)) + (family is IPFamily.IPV4) + unseen
        return max(0, self.limits.per_eni(family) - taken)

    def subnet_room(self, family: IPFamily) -> int | None:
        """Return how many addresses may still be taken out of the subnet; None when nobody has counted them."""
        return self.subnet.room(self.reserve) if family is IPFamily.IPV4 else None

    def room(self, family: IPFamily, eni: Eni, unseen: int) -> int:
        """Return how many single addresses the NIC may still get."""
        slots, subnet = self.free_slots(family, eni, unseen), self.subnet_room(family)
        return slots if subnet is None else min(slots, subnet)


@dataclass(frozen=True, slots=True)
class Lack:
    """What is to be assigned, and what stands in the way of the rest."""

    amount: Amount = NOTHING
    problem: str = ""
    slots: int = 0
    """How many slots the lack needs that something else takes: so many single addresses may go, and no more."""
    of_subnet: bool = False
    """It is the subnet that has no room for all of it."""
    short: bool = False
    """Something lacks, whether or not it can be had now."""


@dataclass(frozen=True, slots=True)
class Excess:
    """What is to go: out of the pool first, then back to the subnet."""

    listed: AddressSet
    """No pod uses it and the pool lists it."""
    unassign: AddressSet
    """Single addresses that no pool lists."""
    unassign_prefixes: tuple[Network, ...] = ()


def no_excess(family: IPFamily) -> Excess:
    """Return the answer for a NIC that has nothing too much."""
    return Excess(EMPTY[family], EMPTY[family])


@dataclass(frozen=True, slots=True)
class Wanted:
    """How much a NIC should hold, and from how much on it holds too much."""

    singles: int
    prefixes: int = 0
    singles_limit: int | None = None
    """Above it an elastic size shrinks; None: above `singles`."""


def wanted(size: Size, holding: Holding, free_slots: int, *, prefix_refused: bool) -> Wanted:
    """Return how much of each kind the NIC should hold."""
    have = holding.singles.count() + holding.unseen.count()
    if size.prefixes is not None:
        missing = max(0, size.prefixes - len(holding.prefixes))
        instead = PREFIX_ADDRESSES * missing if size.fallback == "addresses" else 0
        # The last slots stay free for the prefixes, so that they can come back.
        reachable = max(0, have + free_slots - missing)
        return Wanted(min(instead, reachable if prefix_refused else min(have, reachable)), size.prefixes)
    match size.addresses:
        case Elastic() as elastic:
            # What the user excludes comes on top: it serves no pod, and whatever it is kept for may use it.
            withheld = (holding.excluded - holding.used).count()
            target = elastic.target(holding.used.count(), withheld)
            return Wanted(target, singles_limit=target + max(2, elastic.warm // 2))
        case "max":
            return Wanted(have + free_slots)
        case int() as count:
            return Wanted(count)
        case None:
            return Wanted(0)


def lack(size: Size, family: IPFamily, eni: Eni, holding: Holding, bounds: Bounds, want: Wanted) -> Lack:
    """Return what the NIC lacks; the type's slots and the subnet's room cut it, and the problem says by how much."""
    prefixes = size.prefixes is not None and want.singles <= holding.singles.count()
    if size.prefixes is not None and not bounds.limits.nitro:
        said = f"{bounds.limits.instance_type} cannot carry prefixes (not a Nitro type): use addresses"
        return Lack(problem=said, short=True)
    unseen = holding.unseen_blocks(family) if size.prefixes is not None else holding.unseen.count()
    have = unseen + (len(holding.prefixes) if prefixes else holding.singles.count())
    target = want.prefixes if prefixes else want.singles
    count, problem = max(0, target - have), ""
    missing, in_the_way = count, 0
    slots = bounds.free_slots(family, eni, unseen)
    if count > slots:
        problem = (
            f"{eni.eni_id} should hold {target} {family} {'prefixes' if prefixes else 'addresses'}, but "
            f"{bounds.limits.instance_type} allows {bounds.limits.per_eni(family)} a NIC: lower the policy or take a "
            "larger type"
        )
        in_the_way, count = count - slots, slots
    room = bounds.subnet_room(family)
    of_subnet = room is not None and missing > room // (PREFIX_ADDRESSES if prefixes else 1)
    if room is not None and of_subnet:
        room //= PREFIX_ADDRESSES if prefixes else 1
        lately = bounds.subnet.taken_lately if bounds.reserve else 0
        less = f", less {lately} that were taken a moment ago," if lately else ""
        problem = (
            f"{bounds.subnet.subnet_id} has {bounds.subnet.available_ipv4} free addresses{less} and keeps "
            f"{bounds.reserve}: {eni.eni_id} gets {room} of {missing}"
        )
        count = min(count, room)
        # A slot that is freed for what the subnet does not have would stay empty.
        in_the_way = min(in_the_way, room - count)
    return Lack(Amount(count, prefixes), problem, in_the_way, of_subnet, short=missing > 0)


def excess(family: IPFamily, holding: Holding, want: Wanted, *, due: bool, most: int | None = None) -> Excess:
    """Return what the NIC holds too much; `due` says that an elastic size has been too large for long enough.

    What other pools list is not counted: it cannot be given back yet. With `most` no more than so many addresses and so
    many prefixes go: something lacks, and only the slots that it needs are freed.
    """
    singles, listed = EMPTY[family], EMPTY[family]
    own = holding.singles - holding.claimed
    if own.count() > want.singles and (due or want.singles_limit is None):
        unlisted, count = own - holding.listed, _at_most(own.count() - want.singles, most)
        singles = unlisted.highest(count)
        listed = _unused(own & holding.listed, holding, count - singles.count())
    blocks = _spare_prefixes(family, holding, _at_most(len(holding.prefixes) - want.prefixes, most))
    unlisted_blocks = tuple(b for b in blocks if not AddressSet.from_networks(family, [b]) & holding.listed)
    return Excess(
        listed | (AddressSet.from_networks(family, blocks) & holding.listed),
        singles,
        unlisted_blocks,
    )


def _unused(listed: AddressSet, holding: Holding, count: int) -> AddressSet:
    """Return so many addresses that no pod uses, the excluded ones last: pods get the lowest, so the highest go."""
    free = (listed - holding.used - holding.excluded).highest(count)
    return free | (listed & (holding.excluded - holding.used)).highest(count - free.count())


def _at_most(count: int, most: int | None) -> int:
    return count if most is None else min(count, most)


def _spare_prefixes(family: IPFamily, holding: Holding, count: int) -> tuple[Network, ...]:
    """Return up to so many prefixes of which no pod uses and no other pool lists an address; unlisted ones first."""
    if count <= 0:
        return ()
    free = [
        (bool(addresses & holding.listed), -int(prefix.network_address), prefix)
        for prefix in holding.prefixes
        if not (addresses := AddressSet.from_networks(family, [prefix])) & (holding.used | holding.claimed)
    ]
    return tuple(prefix for *_, prefix in sorted(free, key=lambda entry: entry[:2])[:count])


def surplus_note(size: Size, holding: Holding, want: Wanted, known: Surplus | None, fresh: Surplus) -> Surplus | None:
    """Return what the pool should remember of an elastic size that is too large: since when, under which policy."""
    if want.singles_limit is None or (holding.singles - holding.claimed).count() <= want.singles_limit:
        return None
    return known if known is not None and known.size == str(size.addresses) else fresh


def cooling_key(subnet_id: str, family: IPFamily, *, prefixes: bool) -> str:
    """Return under which key a subnet that has no room is remembered."""
    return f"{subnet_id} {family} {'prefixes' if prefixes else 'addresses'}"


def is_exhausted(code: str) -> bool:
    """Tell whether a refusal says that the subnet has no room for what was asked."""
    return code == Code.SUBNET_EXHAUSTED
