"""What an instance type allows, from the data that moto took from DescribeInstanceTypes."""

import gzip
import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from spiderpool_aws.local.ec2.errors import Ec2Error


@dataclass(frozen=True, slots=True)
class TypeLimits:
    """The limits that networking knows: NICs for each card, addresses for each NIC (the primary counts)."""

    interfaces: int
    interfaces_of_card: tuple[int, ...]
    ipv4_addresses: int
    ipv6_addresses: int
    nitro: bool


@cache
def descriptions() -> dict[str, dict[str, Any]]:
    """Return DescribeInstanceTypes' element of each type, by name."""
    compressed = files("moto").joinpath("ec2/resources/instance_types.json.gz").read_bytes()
    types: dict[str, dict[str, Any]] = json.loads(gzip.decompress(compressed))
    return dict(sorted(types.items()))


@cache
def limits(instance_type: str) -> TypeLimits:
    """Return the limits of a type; a type that does not exist is InvalidParameterValue."""
    description = descriptions().get(instance_type)
    if description is None:
        raise Ec2Error("InvalidParameterValue", f"Invalid value '{instance_type}' for InstanceType.")
    network = description["NetworkInfo"]
    cards = sorted(network["NetworkCards"], key=lambda card: int(card["NetworkCardIndex"]))
    return TypeLimits(
        interfaces=network["MaximumNetworkInterfaces"],
        interfaces_of_card=tuple(card["MaximumNetworkInterfaces"] for card in cards),
        ipv4_addresses=network["Ipv4AddressesPerInterface"],
        ipv6_addresses=network["Ipv6AddressesPerInterface"],
        # Bare metal has no hypervisor; those that EC2 sells run on Nitro cards.
        nitro=description.get("Hypervisor", "nitro") == "nitro",
    )
