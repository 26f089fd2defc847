"""Which IPv6 addresses and /80 prefixes of a subnet are free, and which one comes next."""

import heapq
from collections import Counter
from ipaddress import IPv6Address, IPv6Network
from random import Random

from spiderpool_aws.local.ec2.addressing import Standing

_PREFIX_LENGTH = 80
_BLOCK_BITS = 128 - _PREFIX_LENGTH
_RESERVED_AT_START = 4


class Ipv6Pool:
    """The IPv6 side of one subnet. Single addresses are chosen from its first /80, prefixes from the others."""

    def __init__(self, network: IPv6Network, random: Random | None) -> None:
        self._base = int(network.network_address)
        self._size = network.num_addresses
        self._blocks = self._size >> _BLOCK_BITS
        self._random = random
        self._used: set[int] = set()
        self._used_in_block: Counter[int] = Counter()
        self._prefixes: set[int] = set()
        self._freed: list[int] = []
        self._next = _RESERVED_AT_START
        self._freed_blocks: list[int] = []
        self._next_block = 1
        self._reserved_for_prefixes: list[range] = []
        self._not_automatic: list[range] = []

    def standing(self, address: str) -> Standing:
        """Say whether this address could be assigned by name."""
        offset = int(IPv6Address(address)) - self._base
        if not 0 <= offset < self._size:
            return Standing.OUTSIDE
        if offset < _RESERVED_AT_START or offset == self._size - 1:
            return Standing.RESERVED
        taken = offset in self._used or offset >> _BLOCK_BITS in self._prefixes
        return Standing.USED if taken else Standing.FREE

    def take(self, address: str) -> None:
        """Mark a free address as used."""
        offset = int(IPv6Address(address)) - self._base
        self._used.add(offset)
        self._used_in_block[offset >> _BLOCK_BITS] += 1

    def release(self, address: str) -> None:
        """Free an address; it may be chosen again at once."""
        offset = int(IPv6Address(address)) - self._base
        self._used.discard(offset)
        self._used_in_block[offset >> _BLOCK_BITS] -= 1
        if offset < self._next:
            heapq.heappush(self._freed, offset)

    def choose(self) -> str:
        """Take and return an address that EC2 picks; a /64 never runs out of them."""
        offset = self._random_offset(self._random) if self._random else self._lowest_offset()
        address = str(IPv6Address(self._base + offset))
        self.take(address)
        return address

    def prefix_standing(self, prefix: str) -> Standing:
        """Say whether this /80 could be assigned by name."""
        network = IPv6Network(prefix)
        offset = int(network.network_address) - self._base
        if network.prefixlen != _PREFIX_LENGTH or not 0 <= offset < self._size:
            return Standing.OUTSIDE
        block = offset >> _BLOCK_BITS
        if block in (0, self._blocks - 1):
            return Standing.RESERVED
        return Standing.USED if self._block_taken(block) else Standing.FREE

    def take_prefix(self, prefix: str) -> None:
        """Mark a free /80 as used."""
        self._prefixes.add((int(IPv6Network(prefix).network_address) - self._base) >> _BLOCK_BITS)

    def release_prefix(self, prefix: str) -> None:
        """Free a whole /80."""
        block = (int(IPv6Network(prefix).network_address) - self._base) >> _BLOCK_BITS
        self._prefixes.discard(block)
        if block < self._next_block:
            heapq.heappush(self._freed_blocks, block)

    def choose_prefix(self) -> str | None:
        """Take and return a free /80: from the ranges reserved for prefixes first; None when there is none."""
        candidates = (block for blocks in self._reserved_for_prefixes for block in blocks)
        block = next((block for block in candidates if not self._block_taken(block)), None)
        if block is None:
            block = self._lowest_block()
        if block is None:
            return None
        prefix = f"{IPv6Address(self._base + (block << _BLOCK_BITS))}/{_PREFIX_LENGTH}"
        self.take_prefix(prefix)
        return prefix

    def reserve(self, cidr: IPv6Network, *, for_prefixes: bool) -> None:
        """Keep a range of the subnet out of automatic choice."""
        first = int(cidr.network_address) - self._base
        self._not_automatic.append(range(first, first + cidr.num_addresses))
        if for_prefixes:
            blocks = range(first >> _BLOCK_BITS, (first + cidr.num_addresses) >> _BLOCK_BITS)
            self._reserved_for_prefixes.append(range(max(blocks.start, 1), min(blocks.stop, self._blocks - 1)))

    def _block_taken(self, block: int) -> bool:
        return block in self._prefixes or self._used_in_block[block] > 0

    def _kept(self, offset: int) -> bool:
        return any(offset in kept for kept in self._not_automatic)

    def _lowest_offset(self) -> int:
        while self._freed:
            offset = heapq.heappop(self._freed)
            if offset not in self._used and not self._kept(offset):
                return offset
        while self._next in self._used or self._next >> _BLOCK_BITS in self._prefixes or self._kept(self._next):
            self._next += 1
        self._next += 1
        return self._next - 1

    def _random_offset(self, random: Random) -> int:
        while True:
            offset = random.randrange(_RESERVED_AT_START, self._size - 1)
            if offset not in self._used and offset >> _BLOCK_BITS not in self._prefixes and not self._kept(offset):
                return offset

    def _lowest_block(self) -> int | None:
        while self._freed_blocks:
            block = heapq.heappop(self._freed_blocks)
            if not self._block_taken(block):
                return block
        while self._next_block < self._blocks - 1:
            self._next_block += 1
            block = self._next_block - 1
            if not self._block_taken(block) and not self._kept(block << _BLOCK_BITS):
                return block
        return None
