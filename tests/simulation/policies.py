"""The policies between which the simulation changes."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import yaml

SIZES: Mapping[str, Mapping[str, Any]] = {
    "two": {"addresses": 2},
    "three": {"addresses": 3},
    "five": {"addresses": 5},
    "nine": {"addresses": 9},
    "max": {"addresses": "max"},
    "elastic": {"addresses": {"min": 2, "warm": 2, "max": 7}},
    "prefix": {"prefixes": 1},
}
IPV6: Mapping[str, Mapping[str, Any] | None] = {
    "": None,
    "addresses": {"addresses": 2},
    "prefix": {"prefixes": 1, "perPrefix": 4},
}
ROLE = {"spiderpool-aws/role": "secondary-nic"}


@cache
def policy_text(size: str = "five", *, nics: int = 2, ipv6: str = "", reserve: int = 0, mode: str = "apply") -> str:
    """Return a policy's file; a second NIC is created where it is missing."""
    interfaces = [_interface(index, size, ipv6, reserve) for index in range(nics)]
    groups = [{"name": "workers", "interfaces": interfaces}]
    return yaml.safe_dump({"version": 1, "cluster": "prod", "mode": mode, "groups": groups})


def _interface(index: int, size: str, ipv6: str, reserve: int) -> dict[str, Any]:
    host = f"ens{5 + index}"
    interface = {"deviceIndex": index, "host": host, "multus": f"kube-system/ipvlan-{host}", "ipv4": dict(SIZES[size])}
    wanted = IPV6[ipv6]
    if wanted:
        interface["ipv6"] = dict(wanted)
    if index:
        interface["subnets"] = {"tags": dict(ROLE), "reserve": reserve}
    return interface
