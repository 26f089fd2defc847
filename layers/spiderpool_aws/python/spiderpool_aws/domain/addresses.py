"""Addresses, ranges and prefixes of one IP family, as canonical sets.

Spiderpool stores sorted, merged ranges (`10.0.1.11-10.0.1.13`, a single address stays single) and accepts a backward
range without a word; so everything that we read or write goes through `AddressSet`, which has one form only.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class IPFamily(IntEnum):
    """An IP family; its value is Spiderpool's `ipVersion`."""

    IPV4 = 4
    IPV6 = 6

    def __str__(self) -> str:
        return f"IPv{int(self)}"

    def address(self, number: int) -> Address:
        """Return the address that a number stands for."""
        return IPv4Address(number) if self is IPFamily.IPV4 else IPv6Address(number)


class AddressError(ValueError):
    """A text is not an address, a range or a prefix of the family that was asked for."""


@lru_cache(maxsize=65536)
def parse_address(text: str, family: IPFamily) -> int:
    """Return an address as a number. Raises AddressError with the text in it."""
    try:
        address = ip_address(text)
    except ValueError:
        raise AddressError(f"{text!r} is not an IP address") from None
    if address.version != family:
        raise AddressError(f"{text!r} is not an {family} address")
    return int(address)


def is_address(text: str) -> bool:
    """Tell whether a text is an IP address, of whichever family."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def parse_network(text: str) -> Network:
    """Return a subnet or prefix. Raises AddressError when it is none, or has host bits."""
    try:
        return ip_network(text)
    except ValueError as error:
        raise AddressError(str(error)) from None


def _merge(spans: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    merged: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if merged and first <= merged[-1][1] + 1:
            if last > merged[-1][1]:
                merged[-1] = (merged[-1][0], last)
        else:
            merged.append((first, last))
    return tuple(merged)


@dataclass(frozen=True, slots=True)
class AddressSet:
    """An immutable set of addresses of one family, kept as sorted spans that neither touch nor overlap.

    `spans` holds (first, last) as numbers, both included: a /80 costs two numbers. Build one with `of`, `parse` or
    `from_networks`; two sets with the same addresses are equal.
    """

    family: IPFamily
    spans: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, family: IPFamily, addresses: Iterable[str]) -> "AddressSet":
        """Return the set of single addresses."""
        return cls(family, _merge((number, number) for number in (parse_address(text, family) for text in addresses)))

    @classmethod
    def parse(cls, family: IPFamily, ranges: Iterable[str], *, strict: bool = True) -> "AddressSet":
        """Return the set of Spiderpool's `ips`: addresses and `first-last` ranges.

        A backward range is an AddressError, or is turned round when not `strict` (to read what others wrote).
        """
        return cls(family, _merge(_parse_range(text, family, strict=strict) for text in ranges))

    @classmethod
    def from_networks(
        cls, family: IPFamily, networks: Iterable[Network], limit_each: int | None = None
    ) -> "AddressSet":
        """Return the addresses of prefixes, of each at most the first `limit_each`."""
        spans = []
        for network in networks:
            first, last = int(network.network_address), int(network.broadcast_address)
            spans.append((first, last if limit_each is None else min(last, first + limit_each - 1)))
        return cls(family, _merge(spans))

    def to_ranges(self) -> list[str]:
        """Return Spiderpool's canonical `ips`."""
        texts = []
        for first, last in self.spans:
            text = str(self.family.address(first))
            texts.append(text if first == last else f"{text}-{self.family.address(last)}")
        return texts

    def __iter__(self) -> Iterator[str]:
        for first, last in self.spans:
            for number in range(first, last + 1):
                yield str(self.family.address(number))

    def count(self) -> int:
        """Return how many addresses there are. There is no `len()`: it fails on a /64, which anybody may list."""
        return sum([last - first + 1 for first, last in self.spans])

    def highest(self, count: int) -> "AddressSet":
        """Return the highest addresses, at most so many."""
        spans: list[tuple[int, int]] = []
        for first, last in reversed(self.spans):
            if count <= 0:
                break
            spans.append((max(first, last - count + 1), last))
            count -= last - first + 1
        return AddressSet(self.family, tuple(reversed(spans)))

    def blocks(self, bits: int) -> int:
        """Return in how many aligned blocks of 2^bits addresses the addresses lie, without walking through them."""
        return sum(last - first + 1 for first, last in _merge((a >> bits, b >> bits) for a, b in self.spans))

    def __bool__(self) -> bool:
        return bool(self.spans)

    def __str__(self) -> str:
        return ", ".join(self.to_ranges()) or "none"

    def __contains__(self, text: object) -> bool:
        if not isinstance(text, str):
            return False
        number = parse_address(text, self.family)
        place = bisect_right(self.spans, number, key=lambda span: span[0])
        return place > 0 and number <= self.spans[place - 1][1]

    def __or__(self, other: "AddressSet") -> "AddressSet":
        self._check(other)
        if not other.spans or self.spans == other.spans:
            return self
        return AddressSet(self.family, _merge(self.spans + other.spans)) if self.spans else other

    def __sub__(self, other: "AddressSet") -> "AddressSet":
        self._check(other)
        if not self.spans or not other.spans:
            return self
        if self.spans == other.spans:
            return EMPTY[self.family]
        rest: list[tuple[int, int]] = []
        cuts, index = other.spans, 0
        for first, last in self.spans:
            # Spans are sorted: what ends before this one cuts no later one either.
            while index < len(cuts) and cuts[index][1] < first:
                index += 1
            while index < len(cuts) and cuts[index][0] <= last:
                cut_first, cut_last = cuts[index]
                if cut_first > first:
                    rest.append((first, cut_first - 1))
                first = cut_last + 1
                if first > last:
                    # It may reach into the next span, too.
                    break
                index += 1
            if first <= last:
                rest.append((first, last))
        return AddressSet(self.family, tuple(rest))

    def __and__(self, other: "AddressSet") -> "AddressSet":
        self._check(other)
        if not self.spans or self.spans == other.spans:
            return self
        if not other.spans:
            return other
        both: list[tuple[int, int]] = []
        index, others = 0, other.spans
        for first, last in self.spans:
            while index < len(others) and others[index][1] < first:
                index += 1
            while index < len(others) and others[index][0] <= last:
                both.append((max(first, others[index][0]), min(last, others[index][1])))
                if others[index][1] > last:
                    # It reaches beyond this span, perhaps into the next one.
                    break
                index += 1
        return AddressSet(self.family, tuple(both))

    def __le__(self, other: "AddressSet") -> bool:
        return not self - other

    def _check(self, other: "AddressSet") -> None:
        if self.family is not other.family:
            raise AddressError(f"a set of {self.family} addresses cannot be combined with one of {other.family}")


EMPTY = {family: AddressSet(family) for family in IPFamily}
NO_IPV4, NO_IPV6 = EMPTY[IPFamily.IPV4], EMPTY[IPFamily.IPV6]


def _parse_range(text: str, family: IPFamily, *, strict: bool) -> tuple[int, int]:
    first_text, dash, last_text = text.partition("-")
    first = parse_address(first_text, family)
    last = parse_address(last_text, family) if dash else first
    if last < first and strict:
        raise AddressError(f"the range {text!r} runs backwards")
    return min(first, last), max(first, last)


AWS_RESERVED = 5
"""The first four addresses and the last of each subnet, which nobody gets (VPC guide, "Subnet sizing")."""


@lru_cache(maxsize=4096)
def vpc_gateway(subnet: Network) -> str:
    """Return the address of the VPC router in a subnet: the network address plus one.

    For IPv4 AWS reserves it (VPC guide, "Subnet sizing"); for IPv6 it is what the Spiderpool guide writes.
    """
    return str(subnet.network_address + 1)
