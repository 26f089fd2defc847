"""What an instance type can carry, known at synthesis: the table `instance_types.txt`."""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from spiderpool_aws.domain.instance import InstanceTypeLimits

TABLE = Path(__file__).with_name("instance_types.txt")


@dataclass(frozen=True, slots=True)
class KnownType:
    """One instance type of the table."""

    architecture: str
    """As EC2 writes it: `arm64`, `x86_64`."""
    limits: InstanceTypeLimits


def known_type(name: str) -> KnownType | None:
    """Return what is known of a type; None for one that the table does not have: it may be newer."""
    return _table().get(name)


def nearest_type(name: str) -> str:
    """Return the name in the table that is most like this one."""
    return difflib.get_close_matches(name, _table(), n=1, cutoff=0)[0]


@cache
def _table() -> dict[str, KnownType]:
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    return dict(entry for line in lines if not line.startswith("#") for entry in _entries(line))


def _entries(line: str) -> Iterator[tuple[str, KnownType]]:
    family, architecture, hypervisor, *sizes = line.split()
    for size in sizes:
        label, _, numbers = size.partition(":")
        nics, ipv4, *others = map(int, numbers.split("/"))
        name = f"{family}.{label}"
        ipv6 = others[0] if others else ipv4
        limits = InstanceTypeLimits(name, nics, ipv4, ipv6, nitro=hypervisor == "nitro")
        yield name, KnownType(architecture, limits)
