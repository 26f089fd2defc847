"""How the VPC's addresses are divided: the subnets, and within them what is kept for prefixes. Pure."""

from dataclasses import dataclass
from ipaddress import IPv4Network

MAX_ZONES = 3
LARGEST_VPC = 16
"""AWS's limit for a VPC's CIDR (VPC guide, "VPC CIDR blocks")."""
SMALLEST_VPC = 23
"""Gives public subnets of /27, the smallest that an Application Load Balancer takes (its guide, "Subnets")."""

_PRIVATE_BITS = 3
_PUBLIC_BITS = 4


@dataclass(frozen=True, slots=True)
class Layout:
    """The subnets' sizes: always those of three zones, so that a zone that is added later moves no subnet.

    Six eighths of the VPC are private (per zone one for the nodes' first NIC, one for the second), three sixteenths are
    public, one sixteenth stays free.
    """

    vpc: IPv4Network

    @property
    def private_length(self) -> int:
        """Return the prefix length of a subnet for nodes."""
        return self.vpc.prefixlen + _PRIVATE_BITS

    @property
    def public_length(self) -> int:
        """Return the prefix length of a public subnet."""
        return self.vpc.prefixlen + _PUBLIC_BITS


def kept_for_prefixes(subnet: IPv4Network, *, also_singles: bool) -> tuple[IPv4Network, ...]:
    """Return what of a subnet is reserved for prefixes: the upper three quarters, or the upper half.

    AWS takes prefixes from the reservation only, where there is one (EC2 guide, "Prefix delegation"), so it is large.
    The first quarter has room for what takes single addresses: the NICs' primary ones, load balancers, endpoints, the
    functions. With `also_singles` there are NICs that hold single addresses for pods, too, and they get the lower half.
    """
    lower, upper = subnet.subnets(prefixlen_diff=1)
    return (upper,) if also_singles else (list(lower.subnets(prefixlen_diff=1))[1], upper)
