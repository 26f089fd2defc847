"""What a NIC holds before a pod runs on the node, for the checks of the context and for the launch template. Pure."""

from spiderpool_aws.domain.addresses import IPFamily
from spiderpool_aws.domain.policy.model import Interface, Size


def own_addresses(interface: Interface, family: IPFamily) -> int:
    """Return how many addresses the host itself takes on a NIC: the primary one, in IPv6 where the NIC has one.

    A NIC with prefixes only needs no IPv6 address of its own, but index 0 has the Node's.
    """
    if family is IPFamily.IPV4 or interface.device_index == 0:
        return 1
    return 1 if interface.ipv6 is not None and interface.ipv6.prefixes is None else 0


def at_launch(size: Size, *, max_is: int) -> int:
    """Return how many addresses or prefixes a NIC begins with; elastic: what the reconciler gives one without pods."""
    return size.prefixes if size.prefixes is not None else size.at_first(max_is)
