"""Address ranges as Spiderpool's webhook reads them: its own parsing, its own error texts, its own leniency."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from itertools import pairwise

Network = IPv4Network | IPv6Network


class RangeError(ValueError):
    """A range that the webhook refuses; the text is its own."""


@dataclass(frozen=True, slots=True, order=True)
class Range:
    """Addresses first to last as numbers, and the text that they were written as."""

    first: int
    last: int
    raw: str

    def __len__(self) -> int:
        return self.last - self.first + 1


def cidr(version: int, text: str) -> Network:
    """Read a subnet, host bits allowed. Raises RangeError when it is none of that version."""
    try:
        network = ip_network(text, strict=False) if "/" in text else None
    except ValueError:
        network = None
    if network is None or network.version != version or not text.rpartition("/")[2].isdigit():
        raise RangeError(f"invalid CIDR format in IPv{version} '{text}'")
    return network


def address(version: int, text: str) -> int:
    """Read an address. Raises RangeError when it is none of that version."""
    number = _number(text, version)
    if number is None:
        raise RangeError(f"invalid IP format in IPv{version} '{text}'")
    return number


def address_text(version: int, number: int) -> str:
    """Return the canonical text of an address."""
    return str(IPv4Address(number) if version == 4 else IPv6Address(number))


def _number(text: str, version: int | None = None) -> int | None:
    try:
        parsed = ip_address(text)
    except ValueError:
        return None
    return int(parsed) if version in (None, parsed.version) and "%" not in text else None


def parse_ranges(subnet: Network, included: Sequence[str], excluded: Sequence[str]) -> tuple[Range, ...]:
    """Return what `ips` less `excludeIPs` is, in the order of `ips`.

    A backward range is turned round without a word; two items that share an address are refused.
    """
    ranges: list[Range] = []
    for text in included:
        one = _parse(subnet, text)
        for other in ranges:
            if one.first <= other.last and other.first <= one.last:
                raise RangeError(f"range {one.raw} overlaps with {other.raw}")
        ranges.append(one)
    for text in excluded:
        hole = _parse(subnet, text)
        ranges = [part for one in ranges for part in _cut(one, hole)]
    return tuple(ranges)


def _parse(subnet: Network, text: str) -> Range:
    ends = text.split("-")
    if len(ends) > 2 or (len(ends) == 1 and "/" in text):
        raise RangeError(f"invalid range: {text}")
    numbers = sorted(_in_subnet(subnet, end) for end in ends)
    return Range(numbers[0], numbers[-1], text)


def _in_subnet(subnet: Network, text: str) -> int:
    if _number(text) is None:
        raise RangeError(f"invalid IP address: {text}")
    number = _number(text, subnet.version)
    if number is None or not int(subnet.network_address) <= number <= int(subnet.broadcast_address):
        raise RangeError(f"not match base subnet: {text}")
    return number


def _cut(one: Range, hole: Range) -> Iterable[Range]:
    if one.last < hole.first or one.first > hole.last:
        yield one
        return
    if one.first < hole.first:
        yield Range(one.first, hole.first - 1, one.raw)
    if one.last > hole.last:
        yield Range(hole.last + 1, one.last, one.raw)


def plain_range(version: int, text: str) -> tuple[int, int]:
    """Read a range without its subnet, as the mutating webhook, the agent and SpiderReservedIP do: never backward."""
    ends = [_number(end, version) for end in text.split("-")]
    if len(ends) > 2 or None in ends or ends[0] > ends[-1]:  # type: ignore[operator]
        raise RangeError(f"invalid IP range format in IPv{version} '{text}'")
    return ends[0], ends[-1]  # type: ignore[return-value]


def merged(version: int, texts: Sequence[str]) -> list[str]:
    """Return ranges sorted and merged, a single address single. Raises RangeError for one that cannot be read."""
    spans = sorted(plain_range(version, text) for text in texts)
    joined: list[tuple[int, int]] = spans[:1]
    for _, (first, last) in pairwise(spans):
        if first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return [_span_text(version, first, last) for first, last in joined]


def _span_text(version: int, first: int, last: int) -> str:
    start = address_text(version, first)
    return start if first == last else f"{start}-{address_text(version, last)}"
