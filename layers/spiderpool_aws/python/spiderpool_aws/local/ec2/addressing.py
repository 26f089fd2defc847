"""Which IPv4 addresses of a subnet are free, and which one comes next.

EC2 keeps the first four addresses and the last one of every subnet. A prefix is a whole aligned /28 that nothing
else uses. A CIDR reservation keeps its range out of automatic choice: type `prefix` serves prefixes only, type
`explicit` only addresses that are asked for by name.
"""

import heapq
from collections.abc import Iterator
from enum import Enum
from ipaddress import IPv4Address, IPv4Network
from random import Random

_BLOCK = 16
_FULL = 0xFFFF


class Standing(Enum):
    """What a subnet says about one address."""

    FREE = "free"
    USED = "used"
    RESERVED = "reserved"
    OUTSIDE = "outside"


class Ipv4Pool:
    """The addresses of one subnet, as one bit mask for each aligned block of sixteen."""

    def __init__(self, network: IPv4Network, random: Random | None) -> None:
        self._network = network
        self._base = int(network.network_address)
        self._random = random
        self._reserved = {0: 0x000F}
        blocks = network.num_addresses // _BLOCK
        self._reserved[blocks - 1] = self._reserved.get(blocks - 1, 0) | 0x8000
        self._masks = [self._reserved.get(block, 0) for block in range(blocks)]
        self._not_automatic: dict[int, int] = {}
        self._prefix_blocks: list[int] = []
        self._prefixes: set[int] = set()
        # Heaps of blocks that may have room; what is there no more is dropped when it comes up.
        self._with_room = list(range(blocks))
        self._empty = [block for block in range(blocks) if not self._masks[block]]
        self.free_count = network.num_addresses - 5

    def standing(self, address: str) -> Standing:
        """Say whether this address could be assigned by name."""
        offset = int(IPv4Address(address)) - self._base
        if not 0 <= offset < self._network.num_addresses:
            return Standing.OUTSIDE
        block, bit = offset // _BLOCK, 1 << offset % _BLOCK
        if self._reserved.get(block, 0) & bit:
            return Standing.RESERVED
        return Standing.USED if self._masks[block] & bit else Standing.FREE

    def take(self, address: str) -> None:
        """Mark a free address as used."""
        offset = int(IPv4Address(address)) - self._base
        self._masks[offset // _BLOCK] |= 1 << offset % _BLOCK
        self.free_count -= 1

    def release(self, address: str) -> None:
        """Free an address; it may be chosen again at once, as in EC2."""
        offset = int(IPv4Address(address)) - self._base
        block = offset // _BLOCK
        self._masks[block] &= ~(1 << offset % _BLOCK)
        self.free_count += 1
        self._freed(block)

    def choose(self) -> str | None:
        """Take and return an address that EC2 picks; None when there is none left."""
        offset = self._random_offset(self._random) if self._random else self._lowest_offset()
        if offset is None:
            return None
        address = str(IPv4Address(self._base + offset))
        self.take(address)
        return address

    def prefix_standing(self, prefix: str) -> Standing:
        """Say whether this /28 could be assigned by name."""
        network = IPv4Network(prefix)
        offset = int(network.network_address) - self._base
        if network.prefixlen != 28 or not 0 <= offset < self._network.num_addresses:
            return Standing.OUTSIDE
        block = offset // _BLOCK
        if block in self._reserved:
            return Standing.RESERVED
        return Standing.USED if self._masks[block] else Standing.FREE

    def take_prefix(self, prefix: str) -> None:
        """Mark a free /28 as used."""
        block = (int(IPv4Network(prefix).network_address) - self._base) // _BLOCK
        self._masks[block] = _FULL
        self._prefixes.add(block)
        self.free_count -= _BLOCK

    def release_prefix(self, prefix: str) -> None:
        """Free a whole /28."""
        block = (int(IPv4Network(prefix).network_address) - self._base) // _BLOCK
        self._masks[block] = 0
        self._prefixes.discard(block)
        self.free_count += _BLOCK
        self._freed(block)

    def choose_prefix(self) -> str | None:
        """Take and return a free /28: from the ranges reserved for prefixes first; None when there is none."""
        block = next((block for block in self._prefix_blocks if not self._masks[block]), None)
        if block is None:
            block = self._empty_block()
        if block is None:
            return None
        prefix = f"{IPv4Address(self._base + block * _BLOCK)}/28"
        self.take_prefix(prefix)
        return prefix

    def reserve(self, cidr: IPv4Network, *, for_prefixes: bool) -> None:
        """Keep a range of the subnet out of automatic choice."""
        first = int(cidr.network_address) - self._base
        for offset in range(first, first + cidr.num_addresses):
            block = offset // _BLOCK
            self._not_automatic[block] = self._not_automatic.get(block, 0) | 1 << offset % _BLOCK
        if for_prefixes:
            self._prefix_blocks += range(first // _BLOCK, (first + cidr.num_addresses) // _BLOCK)

    def _freed(self, block: int) -> None:
        heapq.heappush(self._with_room, block)
        if not self._masks[block]:
            heapq.heappush(self._empty, block)

    def _taken(self, block: int) -> int:
        return self._masks[block] | self._not_automatic.get(block, 0)

    def _lowest_offset(self) -> int | None:
        while self._with_room and self._taken(self._with_room[0]) == _FULL:
            heapq.heappop(self._with_room)
        if not self._with_room:
            return None
        block = self._with_room[0]
        return block * _BLOCK + next(_free_bits(self._taken(block)))

    def _random_offset(self, random: Random) -> int | None:
        for _ in range(32):
            offset = random.randrange(self._network.num_addresses)
            if not self._taken(offset // _BLOCK) & 1 << offset % _BLOCK:
                return offset
        free = [block * _BLOCK + bit for block in range(len(self._masks)) for bit in _free_bits(self._taken(block))]
        return random.choice(free) if free else None

    def _empty_block(self) -> int | None:
        if self._random:
            empty = [block for block in range(len(self._masks)) if not self._taken(block)]
            return self._random.choice(empty) if empty else None
        while self._empty and self._taken(self._empty[0]):
            heapq.heappop(self._empty)
        return self._empty[0] if self._empty else None


def _free_bits(mask: int) -> Iterator[int]:
    return (bit for bit in range(_BLOCK) if not mask >> bit & 1)
