"""Values to test the rules with: a policy, an instance, its surroundings."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from spiderpool_aws.domain.addresses import AddressSet, IPFamily, parse_network
from spiderpool_aws.domain.cluster.multus import MultusConfig
from spiderpool_aws.domain.cluster.node import Node
from spiderpool_aws.domain.instance import Eni, InstanceState, InstanceTypeLimits, ObservedInstance, Subnet
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.policy.model import Policy

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LAUNCHED = datetime(2026, 3, 1, 11, 0, tzinfo=UTC)
V4, V6 = IPFamily.IPV4, IPFamily.IPV6

M5_LARGE = InstanceTypeLimits("m5.large", enis=3, ipv4_per_eni=10, ipv6_per_eni=10, nitro=True)
SUBNET_0 = Subnet("subnet-0", "vpc-1", "eu-west-1a", parse_network("10.0.0.0/24"), parse_network("2001:db8:0:100::/64"))
SUBNET_1 = Subnet("subnet-1", "vpc-1", "eu-west-1a", parse_network("10.0.1.0/24"), parse_network("2001:db8:0:101::/64"))
MULTUS = {
    "kube-system/ipvlan-ens5": MultusConfig("kube-system", "ipvlan-ens5", "ens5"),
    "kube-system/ipvlan-ens6": MultusConfig("kube-system", "ipvlan-ens6", "ens6"),
}


def policy(
    *, ipv4: Any = None, ipv6: Any = None, nics: int = 2, match: dict[str, Any] | None = None, **changes: Any
) -> Policy:
    """Return a policy with so many NICs, each with the sizes given (5 IPv4 addresses when none is)."""
    interfaces = [
        {"deviceIndex": i, "host": f"ens{5 + i}", "multus": f"kube-system/ipvlan-ens{5 + i}"}
        | {"ipv4": ipv4 or {"addresses": 5}}
        | ({"ipv6": ipv6} if ipv6 else {})
        for i in range(nics)
    ]
    group = {"name": "workers", "match": match or {}, "interfaces": interfaces}
    document = {"version": 1, "cluster": "prod", "groups": [group]}
    return Policy.model_validate(document | changes)


def v4(*ranges: str) -> AddressSet:
    return AddressSet.parse(V4, ranges)


def v6(*ranges: str) -> AddressSet:
    return AddressSet.parse(V6, ranges)


def eni(index: int = 0, **changes: Any) -> Eni:
    """Return NIC `index` in its subnet: primary .10, no secondary address, a primary IPv6 address."""
    host = AddressSet.of(V6, [f"2001:db8:0:10{index}::a"])
    built = Eni(
        eni_id=f"eni-0000000000000000{index}",
        attachment_id=f"eni-attach-{index}",
        device_index=index,
        attached=True,
        subnet_id=f"subnet-{index}",
        primary_ipv4=f"10.0.{index}.10",
        ipv6=host,
        primary_ipv6=next(iter(host)),
    )
    return replace(built, **changes)


def instance(*enis: Eni, **changes: Any) -> ObservedInstance:
    built = ObservedInstance(
        instance_id="i-1",
        instance_type="m5.large",
        state=InstanceState.RUNNING,
        availability_zone="eu-west-1a",
        launch_time=LAUNCHED,
        private_dns_name="ip-10-0-0-10.eu-west-1.compute.internal",
        private_ipv4="10.0.0.10",
        tags={"spiderpool-aws/cluster": "prod"},
        enis=enis or (eni(0), eni(1)),
    )
    return replace(built, **changes)


def node(**changes: Any) -> Node:
    built = Node(
        name="ip-10-0-0-10.eu-west-1.compute.internal",
        uid="uid-node-1",
        created=datetime(2026, 3, 1, 11, 1, tzinfo=UTC),
        provider_id="aws:///eu-west-1a/i-1",
        internal_ips=("10.0.0.10",),
    )
    return replace(built, **changes)


def observed(**changes: Any) -> ObservedNode:
    built = ObservedNode(
        instance_id="i-1",
        now=NOW,
        instance=instance(),
        limits=M5_LARGE,
        subnets={"subnet-0": SUBNET_0, "subnet-1": SUBNET_1},
        node=node(),
        multus=MULTUS,
    )
    return replace(built, **changes)


def prefix_addresses(nic: Eni, family: IPFamily) -> AddressSet:
    return AddressSet.from_networks(family, nic.prefixes(family))
