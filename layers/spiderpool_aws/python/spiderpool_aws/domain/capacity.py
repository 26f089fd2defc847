"""How many addresses or prefixes a NIC should hold, and how many it lacks."""

from dataclasses import dataclass

from spiderpool_aws.domain.addresses import AddressSet, IPFamily
from spiderpool_aws.domain.instance import Eni, InstanceTypeLimits, Subnet
from spiderpool_aws.domain.policy import Elastic, Interface, Size


@dataclass(frozen=True, slots=True)
class Shortage:
    """What a NIC lacks: so many to assign, and what stands in the way of the rest."""

    count: int = 0
    prefixes: bool = False
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Holding:
    """What a NIC has of one family for pods."""

    usable: AddressSet
    """What EC2 showed, without the host's own address."""
    unseen: AddressSet
    """What EC2 did not show at this look and still counts as assigned: a describe may be stale."""
    used: int
    """How many addresses pods use."""

    def blocks(self, family: IPFamily) -> int:
        """Return how many prefixes the unseen addresses lie in."""
        bits = 4 if family is IPFamily.IPV4 else 48
        spans = ((first >> bits, last >> bits) for first, last in self.unseen.spans)
        return len({block for first, last in spans for block in range(first, last + 1)})


def room(
    interface: Interface, family: IPFamily, eni: Eni, unseen: int, limits: InstanceTypeLimits, subnet: Subnet
) -> int:
    """Return how many single addresses the NIC may still get: slots of its type, and what its subnet may give."""
    free_slots = _free_slots(family, eni, unseen, limits)
    reserve, free = interface.subnets.reserve, subnet.available_ipv4
    if family is IPFamily.IPV4 and reserve and free is not None:
        return min(free_slots, max(0, free - reserve))
    return free_slots


def _free_slots(family: IPFamily, eni: Eni, unseen: int, limits: InstanceTypeLimits) -> int:
    # Every single address takes a slot, the host's own too, and so does every prefix (EC2 guide, prefix delegation).
    taken = len(eni.addresses(family)) + len(eni.prefixes(family)) + (family is IPFamily.IPV4) + unseen
    return max(0, limits.per_eni(family) - taken)


def shortage(
    interface: Interface, family: IPFamily, eni: Eni, holding: Holding, limits: InstanceTypeLimits, subnet: Subnet
) -> Shortage:
    """Return what the NIC lacks of a family.

    The limits of the type and the reserve of the subnet cut the answer; the problem then says by how much and why.
    """
    size = interface.size(family)
    if size is None:
        return Shortage()
    prefixes = size.prefixes is not None
    if prefixes and not limits.nitro:
        return Shortage(problem=f"{limits.instance_type} cannot carry prefixes (not a Nitro type): use addresses")
    unseen = holding.blocks(family) if prefixes else len(holding.unseen)
    have = unseen + (len(eni.prefixes(family)) if prefixes else len(holding.usable))
    free_slots = _free_slots(family, eni, unseen, limits)
    wanted = _wanted(size, have, holding.used, free_slots)
    count, problem = max(0, wanted - have), ""
    if count > free_slots:
        count = free_slots
        problem = (
            f"{eni.eni_id} should hold {wanted} {family} {'prefixes' if prefixes else 'addresses'}, but "
            f"{limits.instance_type} allows {limits.per_eni(family)} a NIC: lower the policy or take a larger type"
        )
    reserve, free = interface.subnets.reserve, subnet.available_ipv4
    if family is IPFamily.IPV4 and reserve and free is not None:
        room = max(0, free - reserve) // (16 if prefixes else 1)
        if count > room:
            problem = (
                f"{subnet.subnet_id} has {free} free addresses and keeps {reserve}: {eni.eni_id} gets {room} of {count}"
            )
            count = room
    return Shortage(count, prefixes, problem)


def _wanted(size: Size, have: int, used: int, free_slots: int) -> int:
    if size.prefixes is not None:
        return size.prefixes
    match size.addresses:
        case Elastic() as elastic:
            return min(max(elastic.min, used + elastic.warm), elastic.max)
        case "max":
            return have + free_slots
        case int() as count:
            return count
        case None:
            return 0
