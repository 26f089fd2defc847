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


def shortage(
    interface: Interface,
    family: IPFamily,
    eni: Eni,
    held: AddressSet,
    used: int,
    limits: InstanceTypeLimits,
    subnet: Subnet,
) -> Shortage:
    """Return what the NIC lacks of a family.

    `held` is what counts as assigned for pods (not the host's own address), `used` how many of it pods use. The
    limits of the type and the reserve of the subnet cut the answer; the problem then says by how much and why.
    """
    size = interface.size(family)
    if size is None:
        return Shortage()
    if size.prefixes is not None and not limits.nitro:
        return Shortage(problem=f"{limits.instance_type} cannot carry prefixes (not a Nitro type): use addresses")
    have = len(eni.prefixes(family)) if size.prefixes is not None else len(held)
    # Every single address takes a slot, the host's own too, and so does every prefix (EC2 guide, prefix delegation).
    taken = len(eni.addresses(family)) + len(eni.prefixes(family)) + (family is IPFamily.IPV4)
    if size.prefixes is None:
        taken = max(taken, len(held) + (family is IPFamily.IPV4) + len(eni.prefixes(family)))
    free_slots = max(0, limits.per_eni(family) - taken)
    wanted = _wanted(size, have, used, free_slots)
    lacking = max(0, wanted - have)
    count, problem = lacking, ""
    if lacking > free_slots:
        count = free_slots
        problem = (
            f"{eni.eni_id} should hold {wanted} {family} {'prefixes' if size.prefixes else 'addresses'}, but "
            f"{limits.instance_type} allows {limits.per_eni(family)} a NIC: lower the policy or take a larger type"
        )
    if family is IPFamily.IPV4 and interface.subnets.reserve and subnet.available_ipv4 is not None:
        each = 16 if size.prefixes is not None else 1
        room = max(0, subnet.available_ipv4 - interface.subnets.reserve) // each
        if count > room:
            count = room
            problem = (
                f"{subnet.subnet_id} has {subnet.available_ipv4} free addresses and keeps {interface.subnets.reserve}: "
                f"{eni.eni_id} gets {room} of {lacking}"
            )
    return Shortage(count=count, prefixes=size.prefixes is not None, problem=problem)


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
