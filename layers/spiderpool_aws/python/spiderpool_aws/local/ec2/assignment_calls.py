"""AssignPrivateIpAddresses, AssignIpv6Addresses and their opposites.

None of the four has a client token. The answers list what this call assigned, never what was there before: AWS's
reference says so of IPv6 ("Existing IPv6 addresses … are not included"), and AWS's own amazon-vpc-resource-controller
takes the IPv4 answer for the new addresses.
"""

from contextlib import ExitStack
from ipaddress import ip_address, ip_network

from spiderpool_aws.local.ec2.assigning import Asked, Taken, Taker, check_limits, give_back
from spiderpool_aws.local.ec2.errors import Ec2Error, combination_error, missing, value_error
from spiderpool_aws.local.ec2.nic_requests import required
from spiderpool_aws.local.ec2.registry import Answer, Params, operation
from spiderpool_aws.local.ec2.state import Eni, Ipv6Address
from spiderpool_aws.local.ec2.world import World


@operation(
    "AssignPrivateIpAddresses",
    "NetworkInterfaceId PrivateIpAddresses SecondaryPrivateIpAddressCount Ipv4Prefixes Ipv4PrefixCount"
    " AllowReassignment",
)
def assign_private_ip_addresses(world: World, params: Params) -> Answer:
    """Assign secondary IPv4 addresses or /28 prefixes; with AllowReassignment also such as another NIC holds."""
    eni = world.eni(required(params, "NetworkInterfaceId"))
    asked = Asked(
        tuple(params.get("PrivateIpAddresses", ())),
        params.get("SecondaryPrivateIpAddressCount", 0),
        tuple(params.get("Ipv4Prefixes", ())),
        params.get("Ipv4PrefixCount", 0),
    )
    _check_asked(asked, "privateIpAddress", "secondaryPrivateIpAddressCount")
    _check_room_on_nic(world, eni, ipv4=asked)
    moved = _movable(world, eni, asked.addresses) if params.get("AllowReassignment") else []
    with ExitStack() as undo:
        for address, other in moved:
            other.secondary_ips.remove(address)
            undo.callback(other.secondary_ips.append, address)
        taker = Taker(world, world.subnets[eni.subnet_id], eni.id, undo, "assign")
        named = tuple(address for address in asked.addresses if address not in dict(moved))
        taken = taker.ipv4(Asked(named, asked.count, asked.prefixes, asked.prefix_count))
        for address, _ in moved:
            world.hold(eni.vpc_id, address, eni.id, undo)
        undo.pop_all()
    taken.addresses += [address for address, _ in moved]
    eni.secondary_ips += taken.addresses
    eni.ipv4_prefixes += taken.prefixes
    for changed in (eni, *(other for _, other in moved)):
        world.changed(changed)
    return _ipv4_answer(eni, taken)


def _ipv4_answer(eni: Eni, taken: Taken) -> Answer:
    answer: Answer = {"NetworkInterfaceId": eni.id}
    if taken.addresses:
        answer["AssignedPrivateIpAddresses"] = [{"PrivateIpAddress": address} for address in taken.addresses]
    if taken.prefixes:
        answer["AssignedIpv4Prefixes"] = [{"Ipv4Prefix": prefix} for prefix in taken.prefixes]
    return answer


def _movable(world: World, eni: Eni, addresses: tuple[str, ...]) -> list[tuple[str, Eni]]:
    """Return which of the addresses are secondary ones of another NIC of the subnet; a primary one cannot move."""
    moved = []
    for address in addresses:
        holder = world.enis.get(world.holder(eni.vpc_id, address) or "")
        if holder and holder is not eni and address in holder.secondary_ips and holder.subnet_id == eni.subnet_id:
            moved.append((address, holder))
    return moved


@operation("AssignIpv6Addresses", "NetworkInterfaceId Ipv6Addresses Ipv6AddressCount Ipv6Prefixes Ipv6PrefixCount")
def assign_ipv6_addresses(world: World, params: Params) -> Answer:
    """Assign IPv6 addresses or /80 prefixes."""
    eni = world.eni(required(params, "NetworkInterfaceId"))
    asked = Asked(
        tuple(params.get("Ipv6Addresses", ())),
        params.get("Ipv6AddressCount", 0),
        tuple(params.get("Ipv6Prefixes", ())),
        params.get("Ipv6PrefixCount", 0),
    )
    _check_asked(asked, "ipv6Addresses", "ipv6AddressCount")
    _check_room_on_nic(world, eni, ipv6=asked)
    with ExitStack() as undo:
        taken = Taker(world, world.subnets[eni.subnet_id], eni.id, undo, "assign").ipv6(asked)
        undo.pop_all()
    eni.ipv6_addresses += [Ipv6Address(address) for address in taken.addresses]
    eni.ipv6_prefixes += taken.prefixes
    world.changed(eni)
    answer: Answer = {"NetworkInterfaceId": eni.id, "AssignedIpv6Addresses": taken.addresses}
    if taken.prefixes:
        answer["AssignedIpv6Prefixes"] = taken.prefixes
    return answer


def _check_asked(asked: Asked, list_name: str, count_name: str) -> None:
    if asked.addresses and asked.count:
        raise combination_error(f"The parameter {list_name} cannot be used with the parameter {count_name}")
    if asked.prefixes and asked.prefix_count:
        raise combination_error("A list of prefixes cannot be used with a prefix count")
    if (asked.addresses or asked.count) and asked.prefix_slots:
        raise combination_error("Addresses and prefixes cannot be assigned in one call")
    if asked.slots == 0:
        raise missing(f"{list_name} or {count_name}")


def _check_room_on_nic(world: World, eni: Eni, ipv4: Asked | None = None, ipv6: Asked | None = None) -> None:
    """Check the type's limits; a NIC that is not attached has none until it is attached."""
    ipv4, ipv6 = ipv4 or Asked(), ipv6 or Asked()
    if eni.attachment is None:
        return
    check_limits(
        world.instances[eni.attachment.instance_id].instance_type,
        eni.ipv4_slots + ipv4.slots,
        eni.ipv6_slots + ipv6.slots,
        prefixes=bool(ipv4.prefix_slots or ipv6.prefix_slots),
        style="assign",
    )


@operation("UnassignPrivateIpAddresses", "NetworkInterfaceId PrivateIpAddresses Ipv4Prefixes")
def unassign_private_ip_addresses(world: World, params: Params) -> Answer:
    """Take secondary IPv4 addresses or prefixes away; whatever uses them is not asked."""
    eni = world.eni(required(params, "NetworkInterfaceId"))
    addresses = list(dict.fromkeys(params.get("PrivateIpAddresses", ())))
    prefixes = list(dict.fromkeys(params.get("Ipv4Prefixes", ())))
    if not addresses and not prefixes:
        raise missing("privateIpAddress")
    if eni.primary_ip in addresses:
        raise value_error(
            f"Value ({eni.primary_ip}) for parameter privateIpAddress is invalid. The primary IP address of an"
            " interface cannot be unassigned."
        )
    if not set(addresses) <= set(eni.secondary_ips) or not set(prefixes) <= set(eni.ipv4_prefixes):
        raise value_error(f"Some of the specified addresses are not assigned to interface {eni.id}")
    give_back(world, world.subnets[eni.subnet_id], addresses, prefixes)
    eni.secondary_ips = [address for address in eni.secondary_ips if address not in addresses]
    eni.ipv4_prefixes = [prefix for prefix in eni.ipv4_prefixes if prefix not in prefixes]
    world.changed(eni)
    return {}


@operation("UnassignIpv6Addresses", "NetworkInterfaceId Ipv6Addresses Ipv6Prefixes")
def unassign_ipv6_addresses(world: World, params: Params) -> Answer:
    """Take IPv6 addresses or prefixes away; the primary one stays."""
    eni = world.eni(required(params, "NetworkInterfaceId"))
    addresses = [str(ip_address(address)) for address in dict.fromkeys(params.get("Ipv6Addresses", ()))]
    prefixes = [str(ip_network(prefix)) for prefix in dict.fromkeys(params.get("Ipv6Prefixes", ()))]
    if not addresses and not prefixes:
        raise missing("ipv6Addresses")
    held = {address.address: address for address in eni.ipv6_addresses}
    if not set(addresses) <= set(held) or not set(prefixes) <= set(eni.ipv6_prefixes):
        raise value_error(f"Some of the specified addresses are not assigned to interface {eni.id}")
    if any(held[address].is_primary for address in addresses):
        raise Ec2Error("OperationNotPermitted", "The primary IPv6 address of an interface cannot be unassigned.")
    give_back(world, world.subnets[eni.subnet_id], addresses, prefixes)
    eni.ipv6_addresses = [address for address in eni.ipv6_addresses if address.address not in addresses]
    eni.ipv6_prefixes = [prefix for prefix in eni.ipv6_prefixes if prefix not in prefixes]
    world.changed(eni)
    answer: Answer = {"NetworkInterfaceId": eni.id, "UnassignedIpv6Addresses": addresses}
    if prefixes:
        answer["UnassignedIpv6Prefixes"] = prefixes
    return answer
