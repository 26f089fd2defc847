"""Ids that look like EC2's, and are the same in every run."""

from collections import defaultdict
from zlib import crc32

_LOW_FACTOR = 0x9E3779B1  # odd, so that multiplying modulo 2**32 never maps two numbers to one
_HIGH_FACTOR = 0x85EBCA6B
_MASK = 0xFFFFFFFF


class Identifiers:
    """Counts per kind. The last eight hex digits of an id are unique within its kind (pool names use them)."""

    def __init__(self) -> None:
        self._counts: defaultdict[str, int] = defaultdict(int)

    def new(self, prefix: str) -> str:
        """Return a new id such as `eni-0` and sixteen hex digits."""
        self._counts[prefix] += 1
        number = self._counts[prefix]
        # The kind is mixed in, so that the first instance and the first NIC do not look alike.
        low = (number * _LOW_FACTOR ^ crc32(prefix.encode())) & _MASK
        return f"{prefix}-0{(number * _HIGH_FACTOR) & _MASK:08x}{low:08x}"

    def uuid(self) -> str:
        """Return a new request or event id."""
        self._counts["uuid"] += 1
        number = self._counts["uuid"]
        low = (number * _LOW_FACTOR) & _MASK
        return f"{low:08x}-{number >> 16 & 0xFFFF:04x}-4{number & 0xFFF:03x}-8000-{number:012x}"

    def mac(self) -> str:
        """Return a new locally administered MAC address."""
        self._counts["mac"] += 1
        low = (self._counts["mac"] * _LOW_FACTOR) & _MASK
        return "06:00:" + ":".join(f"{low >> shift & 0xFF:02x}" for shift in (24, 16, 8, 0))

    def ipv6_subnet_of_amazon(self) -> str:
        """Return the next /56 of the kind that Amazon gives to a VPC."""
        self._counts["ipv6"] += 1
        return f"2a05:d018:{self._counts['ipv6']:x}::/56"
