"""Taking addresses and prefixes for a NIC: by name or by count, all or nothing."""

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_network
from typing import Literal

from spiderpool_aws.local.ec2.addressing import Ipv4Pool, Standing
from spiderpool_aws.local.ec2.addressing6 import Ipv6Pool
from spiderpool_aws.local.ec2.errors import (
    Ec2Error,
    full_subnet,
    full_subnet_at_create,
    no_free_block,
    too_many_addresses,
    value_error,
)
from spiderpool_aws.local.ec2.instance_types import limits
from spiderpool_aws.local.ec2.state import Eni, Subnet
from spiderpool_aws.local.ec2.world import World

_PREFIX_SIZE = 16

# The calls that take addresses word the same refusals differently.
CallStyle = Literal["create", "run", "assign"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a call asks for, for one family of one NIC."""

    addresses: tuple[str, ...] = ()
    count: int = 0
    prefixes: tuple[str, ...] = ()
    prefix_count: int = 0

    @property
    def slots(self) -> int:
        """Return how much of the type's limit this takes."""
        return len(self.addresses) + self.count + self.prefix_slots

    @property
    def prefix_slots(self) -> int:
        """Return how many prefixes are asked for."""
        return len(self.prefixes) + self.prefix_count


@dataclass(slots=True)
class Taken:
    """What a NIC got."""

    addresses: list[str] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)


def check_limits(instance_type: str, ipv4_slots: int, ipv6_slots: int, *, prefixes: bool, style: CallStyle) -> None:
    """Refuse more addresses than the type allows on one NIC, and prefixes on a type that is not Nitro."""
    allowed = limits(instance_type)
    if prefixes and not allowed.nitro:
        raise Ec2Error("UnsupportedOperation", f"The instance type {instance_type} does not support prefixes.")
    if ipv4_slots > allowed.ipv4_addresses or ipv6_slots > allowed.ipv6_addresses:
        if style == "run":
            raise Ec2Error(
                "InvalidInterface.IpAddressLimitExceeded",
                f"The number of addresses of an interface exceeds the limit for {instance_type}.",
            )
        raise too_many_addresses()


class Taker:
    """Takes addresses of one subnet for one NIC; what was taken goes back when `undo` unwinds."""

    def __init__(self, world: World, subnet: Subnet, eni_id: str, undo: ExitStack, style: CallStyle) -> None:
        self._world = world
        self._subnet = subnet
        self._eni_id = eni_id
        self._undo = undo
        self._style = style

    def ipv4(self, asked: Asked) -> Taken:
        """Take IPv4 addresses and /28 prefixes."""
        pool = self._subnet.ipv4
        if min(asked.count, asked.prefix_count) < 0:
            raise value_error("An address or prefix count may not be negative")
        self._check_room(pool, asked)
        taken = Taken()
        for address in _distinct(_ipv4_text(address) for address in asked.addresses):
            self._check_address(pool.standing(address), address)
            pool.take(address)
            taken.addresses.append(self._hold(address, pool.release))
        for prefix in _distinct(_network_text(prefix, 4) for prefix in asked.prefixes):
            self._check_prefix(pool.prefix_standing(prefix), prefix)
            pool.take_prefix(prefix)
            taken.prefixes.append(self._hold(prefix, pool.release_prefix))
        for _ in range(asked.prefix_count):
            taken.prefixes.append(self._hold(_found(pool.choose_prefix()), pool.release_prefix))
        for _ in range(asked.count):
            chosen = pool.choose()
            if chosen is None:
                raise full_subnet()
            taken.addresses.append(self._hold(chosen, pool.release))
        return taken

    def ipv6(self, asked: Asked) -> Taken:
        """Take IPv6 addresses and /80 prefixes."""
        if min(asked.count, asked.prefix_count) < 0:
            raise value_error("An address or prefix count may not be negative")
        if not asked.slots:
            return Taken()
        pool = self._subnet.ipv6
        if pool is None:
            raise value_error(f"The subnet '{self._subnet.id}' does not have an IPv6 CIDR block")
        return self._take_ipv6(pool, asked)

    def _take_ipv6(self, pool: Ipv6Pool, asked: Asked) -> Taken:
        taken = Taken()
        for address in _distinct(_ipv6_text(address) for address in asked.addresses):
            self._check_address(pool.standing(address), address)
            pool.take(address)
            taken.addresses.append(self._hold(address, pool.release))
        for prefix in _distinct(_network_text(prefix, 6) for prefix in asked.prefixes):
            self._check_prefix(pool.prefix_standing(prefix), prefix)
            pool.take_prefix(prefix)
            taken.prefixes.append(self._hold(prefix, pool.release_prefix))
        for _ in range(asked.prefix_count):
            taken.prefixes.append(self._hold(_found(pool.choose_prefix()), pool.release_prefix))
        taken.addresses += [self._hold(pool.choose(), pool.release) for _ in range(asked.count)]
        return taken

    def _hold(self, address_or_prefix: str, release: Callable[[str], None]) -> str:
        self._undo.callback(release, address_or_prefix)
        self._world.hold(self._subnet.vpc_id, address_or_prefix, self._eni_id, self._undo)
        return address_or_prefix

    def _check_room(self, pool: Ipv4Pool, asked: Asked) -> None:
        if asked.prefix_count and pool.free_count < asked.prefix_count * _PREFIX_SIZE:
            raise full_subnet_at_create()
        if asked.count > pool.free_count:
            raise full_subnet_at_create() if self._style == "create" and asked.count > 1 else full_subnet()

    def _check_address(self, standing: Standing, address: str) -> None:
        if standing is Standing.OUTSIDE:
            raise value_error(f"Address {address} does not fall within the subnet's address range")
        if standing is Standing.RESERVED:
            raise value_error(f"Address {address} is in subnet's reserved address range")
        if standing is Standing.USED and self._style == "assign":
            raise value_error(f"[{address}] assigned, but move is not allowed.")
        if standing is Standing.USED:
            raise Ec2Error("InvalidIPAddress.InUse", f"Address {address} is in use.")

    def _check_prefix(self, standing: Standing, prefix: str) -> None:
        if standing in (Standing.OUTSIDE, Standing.RESERVED):
            raise value_error(f"Prefix {prefix} does not fall within the subnet's address range")
        if standing is Standing.USED:
            raise no_free_block()


def give_back(world: World, subnet: Subnet, addresses: Iterable[str], prefixes: Iterable[str] = ()) -> None:
    """Free addresses and prefixes of either family; others may get them at once."""
    for address in addresses:
        _pool(subnet, address).release(address)
        world.let_go(subnet.vpc_id, address)
    for prefix in prefixes:
        _pool(subnet, prefix).release_prefix(prefix)
        world.let_go(subnet.vpc_id, prefix)


def give_back_all(world: World, eni: Eni) -> None:
    """Free everything that a NIC holds."""
    addresses = [eni.primary_ip, *eni.secondary_ips, *(held.address for held in eni.ipv6_addresses)]
    give_back(world, world.subnets[eni.subnet_id], addresses, [*eni.ipv4_prefixes, *eni.ipv6_prefixes])


def _pool(subnet: Subnet, address_or_prefix: str) -> Ipv4Pool | Ipv6Pool:
    if ":" not in address_or_prefix or subnet.ipv6 is None:
        return subnet.ipv4
    return subnet.ipv6


def _found(prefix: str | None) -> str:
    if prefix is None:
        raise no_free_block()
    return prefix


def _distinct(values: Iterable[str]) -> list[str]:
    result = list(values)
    if len(set(result)) != len(result):
        raise value_error("An address or prefix is given twice")
    return result


def _ipv4_text(text: str) -> str:
    try:
        return str(IPv4Address(text))
    except ValueError as error:
        raise value_error(f"invalid value for parameter address: {text}") from error


def _ipv6_text(text: str) -> str:
    try:
        return str(IPv6Address(text))
    except ValueError as error:
        raise value_error(f"invalid value for parameter address: {text}") from error


def _network_text(text: str, version: int) -> str:
    try:
        network = ip_network(text)
    except ValueError as error:
        raise value_error(f"invalid value for parameter prefix: {text}") from error
    if isinstance(network, IPv6Network) != (version == 6):
        raise value_error(f"invalid value for parameter prefix: {text}")
    return str(network)
