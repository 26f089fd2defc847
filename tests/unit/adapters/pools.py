"""A pool of ours, as the product writes it."""

from spiderpool_aws.domain.addresses import EMPTY, AddressSet, IPFamily
from spiderpool_aws.domain.cluster.pool import Pool, PoolIdentity, PoolSpec

V4, V6 = IPFamily.IPV4, IPFamily.IPV6
SUBNETS = {V4: ("10.0.0.0/24", "10.0.0.1"), V6: ("2001:db8:1:1::/64", None)}
RANGES = {V4: "10.0.0.11-10.0.0.13", V6: "2001:db8:1:1:a::-2001:db8:1:1:a::ff"}


def pool(name: str = "n-ens5-v4-0000000a", *ranges: str, family: IPFamily = V4) -> Pool:
    """Return a pool of a NIC's ranges in the family, which is not stored yet; of some ranges when none are given."""
    subnet, gateway = SUBNETS[family]
    addresses = AddressSet.parse(family, ranges or (RANGES[family],))
    return Pool(
        name=name,
        identity=PoolIdentity("prod", "i-0a", "eni-0a", "eni-attach-0a", family),
        spec=PoolSpec(subnet, addresses, gateway, ("n",), ("kube-system/ipvlan-ens5",), True),
        allocated=EMPTY[family],
        excluded=EMPTY[family],
    )
