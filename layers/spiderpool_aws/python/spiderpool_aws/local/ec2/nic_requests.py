"""What CreateNetworkInterface, RunInstances and launch templates say about a NIC, and the NIC made from it."""

from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from spiderpool_aws.local.ec2.assigning import Asked, CallStyle, Taker
from spiderpool_aws.local.ec2.errors import combination_error, missing, value_error
from spiderpool_aws.local.ec2.registry import Params
from spiderpool_aws.local.ec2.state import Eni, Ipv6Address, Subnet, Tags
from spiderpool_aws.local.ec2.world import World

_MAX_GROUPS = 16


@dataclass(frozen=True, slots=True)
class NicRequest:
    """A NIC to be made: which addresses, which groups. The primary address is part of neither count."""

    primary_ip: str | None
    ipv4: Asked
    ipv6: Asked
    primary_ipv6: bool
    groups: tuple[str, ...]
    description: str
    interface_type: str


def parse(params: Params, groups: list[str], *, primary_ipv6: bool) -> NicRequest:
    """Read the address parameters, which are the same in all calls that make a NIC."""
    listed = params.get("PrivateIpAddresses", ())
    primary = params.get("PrivateIpAddress")
    marked = [given["PrivateIpAddress"] for given in listed if given.get("Primary")]
    if len(marked) > 1 or (marked and primary and marked != [primary]):
        raise combination_error("Only one primary private IP address can be specified")
    if listed and not marked and not primary:
        raise value_error("One of the private IP addresses must be the primary one")
    secondary = [given["PrivateIpAddress"] for given in listed if not given.get("Primary")]
    ipv4 = Asked(
        addresses=tuple(address for address in secondary if address != primary),
        count=params.get("SecondaryPrivateIpAddressCount", 0),
        prefixes=tuple(given["Ipv4Prefix"] for given in params.get("Ipv4Prefixes", ())),
        prefix_count=params.get("Ipv4PrefixCount", 0),
    )
    ipv6 = Asked(
        addresses=tuple(given["Ipv6Address"] for given in params.get("Ipv6Addresses", ())),
        count=params.get("Ipv6AddressCount", 0),
        prefixes=tuple(given["Ipv6Prefix"] for given in params.get("Ipv6Prefixes", ())),
        prefix_count=params.get("Ipv6PrefixCount", 0),
    )
    _check_one_way(ipv4, ipv6)
    return NicRequest(
        primary_ip=primary or (marked[0] if marked else None),
        ipv4=ipv4,
        ipv6=ipv6,
        primary_ipv6=primary_ipv6,
        groups=tuple(groups),
        description=params.get("Description", ""),
        interface_type=params.get("InterfaceType", "interface"),
    )


def _check_one_way(ipv4: Asked, ipv6: Asked) -> None:
    # EC2 takes one way of asking in each family when it makes a NIC; a prefix next to addresses needs an Assign.
    if sum(map(bool, (ipv4.addresses, ipv4.count, ipv4.prefixes, ipv4.prefix_count))) > 1:
        raise combination_error(
            "Only one of secondary addresses, a secondary address count, IPv4 prefixes and an IPv4 prefix count"
        )
    if ipv6.addresses and ipv6.count:
        raise combination_error("IPv6 addresses and IPv6 address count may not be specified on the same request")
    if sum(map(bool, (ipv6.addresses, ipv6.count, ipv6.prefixes, ipv6.prefix_count))) > 1:
        raise value_error(
            "You can and can only specify one of ipv6-addresses or ipv6-addresses-count  ipv6-prefix and "
            "ipv6-prefix-count."
        )


def make_eni(world: World, subnet: Subnet, request: NicRequest, tags: Tags, style: CallStyle, undo: ExitStack) -> Eni:
    """Return a new NIC with its addresses; `undo` takes everything back if the call fails later."""
    groups = checked_groups(world, subnet.vpc_id, list(request.groups))
    identifier = world.ids.new("eni")
    taker = Taker(world, subnet, identifier, undo, style)
    named = Asked(addresses=(request.primary_ip,)) if request.primary_ip else Asked()
    primary = taker.ipv4(named).addresses
    # Secondary addresses by name need a primary one by name; else EC2 chooses all, and the first is the primary.
    rest = replace(request.ipv4, count=request.ipv4.count + (not primary))
    ipv4 = taker.ipv4(rest)
    addresses = [*primary, *ipv4.addresses]
    ipv6 = taker.ipv6(request.ipv6)
    if request.primary_ipv6 and not ipv6.addresses:
        raise value_error("A primary IPv6 address needs an IPv6 address on the interface")
    eni = Eni(
        id=identifier,
        subnet_id=subnet.id,
        vpc_id=subnet.vpc_id,
        availability_zone=subnet.availability_zone,
        primary_ip=addresses[0],
        groups=groups,
        description=request.description,
        mac=world.ids.mac(),
        tags=tags,
        created_at=world.clock.now(),
        secondary_ips=addresses[1:],
        ipv4_prefixes=ipv4.prefixes,
        ipv6_addresses=[
            Ipv6Address(address, request.primary_ipv6 and place == 0) for place, address in enumerate(ipv6.addresses)
        ],
        ipv6_prefixes=ipv6.prefixes,
        interface_type=request.interface_type,
    )
    world.enis[eni.id] = eni
    undo.callback(world.enis.pop, eni.id, None)
    return eni


def checked_groups(world: World, vpc_id: str, groups: list[str]) -> list[str]:
    """Return the groups to use: those given, which must be of this VPC, or the VPC's default one."""
    if not groups:
        return [world.vpcs[vpc_id].default_group_id]
    if len(groups) > _MAX_GROUPS:
        raise value_error(f"More than {_MAX_GROUPS} security groups on one interface")
    for identifier in groups:
        if world.group(identifier).vpc_id != vpc_id:
            raise value_error(f"Security group {identifier} and the subnet belong to different networks.")
    return list(dict.fromkeys(groups))


def required(params: Params, name: str) -> Any:
    """Return a parameter that the call cannot do without."""
    if params.get(name) in (None, ""):
        raise missing(name[0].lower() + name[1:])
    return params[name]
