"""One NIC and IP family of a node, with what the rules need of their surroundings. Pure."""

from dataclasses import dataclass
from datetime import datetime

from spiderpool_aws.domain.addresses import EMPTY, AddressSet, IPFamily
from spiderpool_aws.domain.cluster.pool import Pool, PoolIdentity
from spiderpool_aws.domain.instance import Eni, InstanceTypeLimits, Subnet
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.policy.model import Interface, Policy
from spiderpool_aws.domain.rules.desired import Holding
from spiderpool_aws.domain.rules.lost import Lost

NAME_LIMIT = 253


@dataclass(frozen=True, slots=True)
class NicFamily:
    """One NIC and family of a node, with what the rules need of their surroundings."""

    observed: ObservedNode
    policy: Policy
    interface: Interface
    eni: Eni
    family: IPFamily
    subnet: Subnet
    limits: InstanceTypeLimits
    node_name: str | None
    """None while the Node is not known: then EC2 is served, and the pool waits."""

    @property
    def pool(self) -> Pool | None:
        """The live pool of this NIC and family."""
        for pool in self.observed.pools:
            known = pool.identity
            if known and known.eni_id == self.eni.eni_id and known.family is self.family and not pool.terminating:
                return pool
        return None

    @property
    def reserve(self) -> int:
        """How many IPv4 addresses its subnet keeps."""
        instance = self.observed.instance
        return self.policy.reserve_of(self.subnet, instance) if instance is not None else 0

    def cooling_until(self, key: str) -> datetime | None:
        """Return until when something is not asked again; None when it may be asked."""
        until = self.observed.cooling.get(key)
        return until if until is not None and until > self.observed.now else None

    @property
    def identity(self) -> PoolIdentity:
        """Whose the pool is."""
        eni, instance_id = self.eni, self.observed.instance_id
        return PoolIdentity(self.policy.cluster, instance_id, eni.eni_id, eni.attachment_id, self.family)


def pool_name(node_name: str, host: str, family: IPFamily, eni_id: str) -> str:
    """Return `<node>-<host NIC>-v<family>-<last 8 of the ENI id>`, cut at the node's end to what Kubernetes allows."""
    tail = f"-{host}-v{int(family)}-{eni_id[-8:]}"
    return node_name[: NAME_LIMIT - len(tail)].rstrip("-.") + tail


def is_named_for(pool: Pool, node_name: str, policy: Policy) -> bool:
    """Tell whether a pool was made for a node of this name: its own name says so, which nobody can change."""
    known = pool.identity
    hosts = {nic.host for group in policy.groups for nic in group.interfaces}
    return known is not None and any(
        pool.name == pool_name(node_name, host, known.family, known.eni_id) for host in hosts
    )


def host_ipv6(nic: NicFamily) -> AddressSet:
    """Return the host's own IPv6 address on the NIC: the one marked primary, else the Node's InternalIP, else none."""
    if nic.eni.primary_ipv6:
        return AddressSet.of(IPFamily.IPV6, [nic.eni.primary_ipv6])
    node = nic.observed.node
    known = AddressSet.of(IPFamily.IPV6, [ip for ip in node.internal_ips if ":" in ip] if node else [])
    return known & nic.eni.ipv6


def holding_of(nic: NicFamily, host: AddressSet, lost: Lost) -> Holding:
    """Return what the NIC has for pods: secondary addresses without the host's own, and the prefixes' addresses."""
    family, pool = nic.family, nic.pool
    size = nic.interface.size(family)
    per_prefix = size.per_prefix if size is not None and family is IPFamily.IPV6 else None
    singles = nic.eni.addresses(family)
    if family is IPFamily.IPV6:
        # Without knowing the host's own address, none of the single ones is safe (invariant 4).
        singles = singles - host if host else EMPTY[IPFamily.IPV6]
    listed = pool.spec.ips if pool else EMPTY[family]
    claimed = EMPTY[family]
    for _, addresses in nic.observed.claims.listed(nic.eni.assigned(family), pool.name if pool else "").values():
        claimed = claimed | addresses
    return Holding(
        singles=singles,
        prefixes=nic.eni.prefixes(family),
        offered=AddressSet.from_networks(family, nic.eni.prefixes(family), limit_each=per_prefix),
        listed=listed,
        used=pool.allocated if pool else EMPTY[family],
        excluded=(pool.excluded & listed) - lost.confirmed if pool else EMPTY[family],
        unseen=listed - nic.eni.assigned(family) - lost.confirmed,
        claimed=claimed,
    )
