"""The NICs of a launch template: what the policy wants of each, as far as one RunInstances can give it.

    addresses: n                so many at launch; IPv6: the host's own beside them
    addresses: max              as many as the smallest of the types allows; of an unknown type: left to the reconciler
    addresses: {min,warm,max}   what the reconciler would give a NIC that no pod uses yet
    prefixes: n                 so many at launch; IPv6 at index 0: left to the reconciler (see `_ipv6`)

So a launch needs no EC2 call of ours, but for the cases that say otherwise.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import aws_ec2 as ec2

from spiderpool_aws.domain.addresses import IPFamily
from spiderpool_aws.domain.instance import InstanceTypeLimits
from spiderpool_aws.domain.policy.model import Interface, Size
from stacks.at_launch import at_launch, own_addresses
from stacks.instance_types import known_type

Nic = ec2.CfnLaunchTemplate.NetworkInterfaceProperty


def template_nics(
    interfaces: Sequence[Interface],
    instance_types: Sequence[str],
    *,
    subnets: Mapping[bool, str],
    security_group: str,
) -> list[Nic]:
    """Return the NICs in the order of their device index. `subnets[True]` is that of index 0, `[False]` of others.

    The policy's security groups come beside the nodes' own at index 0, and instead of it elsewhere.
    """
    limits = _limits(instance_types)
    found = {interface.device_index: interface for interface in interfaces}
    nics = []
    for index in sorted({0, *found}):
        interface = found.get(index)
        given = interface.security_groups if interface else ()
        groups = [security_group, *given] if index == 0 or not given else list(given)
        amounts = _ipv4(interface.ipv4, limits) | _ipv6(interface, limits) if interface else {}
        nics.append(
            Nic(
                device_index=index,
                network_card_index=0,
                subnet_id=subnets[index == 0],
                groups=groups,
                delete_on_termination=True,
                description=f"NIC {index} of a node" + (f" ({interface.host})" if interface else ""),
                **amounts,
            )
        )
    return nics


def _ipv4(size: Size, limits: Sequence[InstanceTypeLimits] | None) -> dict[str, Any]:
    count = at_launch(size, max_is=_all_but_own(IPFamily.IPV4, limits))
    key = "ipv4_prefix_count" if size.prefixes is not None else "secondary_private_ip_address_count"
    return {key: count} if count else {}


def _ipv6(interface: Interface, limits: Sequence[InstanceTypeLimits] | None) -> dict[str, Any]:
    """Return the IPv6 part; EC2 takes addresses or prefixes of a NIC in one RunInstances, never both.

    Single addresses come with one for the host that is marked as primary: without the mark nobody knows which is the
    host's own, and the reconciler lists none. With prefixes there is nothing to mix up, so a second NIC gets them and
    no address. The first NIC gets the host's own address instead, because a node of a dual-stack cluster needs one;
    its prefixes cost the reconciler one AssignIpv6Addresses.
    """
    size = interface.ipv6
    if size is None:
        return {}
    own = own_addresses(interface, IPFamily.IPV6)
    if not own:
        return {"ipv6_prefix_count": size.prefixes}
    singles = 0 if size.prefixes is not None else at_launch(size, max_is=_all_but_own(IPFamily.IPV6, limits))
    return {"ipv6_address_count": own + singles, "primary_ipv6": True}


def _all_but_own(family: IPFamily, limits: Sequence[InstanceTypeLimits] | None) -> int:
    """Return what `max` is on the smallest of the types; nothing where one is not known."""
    return min(limit.per_eni(family) for limit in limits) - 1 if limits else 0


def _limits(instance_types: Sequence[str]) -> Sequence[InstanceTypeLimits] | None:
    known = [known_type(name) for name in instance_types]
    found = [entry.limits for entry in known if entry is not None]
    return found if len(found) == len(known) else None
