"""What a plan would take away, now or later: invariant 10 judges it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from spiderpool_aws.domain.addresses import AddressSet
from spiderpool_aws.domain.cluster.pool import Pool


@dataclass(frozen=True, slots=True)
class Doubt:
    """What EC2 did not show at the last look of a pool: the next look may confirm it, and then it goes."""

    pool: Pool
    addresses: AddressSet
    whole: bool = False
    """The pool's NIC is not there: then the whole pool goes."""


@dataclass(frozen=True, slots=True)
class Owed:
    """So many listed addresses of a pool that the NIC's size has no place for, beside those that are dropped now."""

    pool: str
    count: int
    elastic: bool = False
    """They go by the size's own nature, when it was too large for a while; else when no pod uses them."""

    def __str__(self) -> str:
        what = f"{self.count} address{'' if self.count == 1 else 'es'} of pool {self.pool}"
        return f"{what} when {'the size was too large for a while' if self.elastic else 'no pod uses them'}"


@dataclass(frozen=True, slots=True)
class Removals:
    """Pools, addresses (how many of which pool) and nodes that would go."""

    pools: frozenset[str] = field(default_factory=frozenset)
    addresses: Mapping[str, int] = field(default_factory=dict)
    nodes: frozenset[str] = field(default_factory=frozenset)

    @classmethod
    def of(
        cls, pools: Sequence[Pool], shrunk: Mapping[str, int] | None = None, nodes: Iterable[str] = ()
    ) -> "Removals":
        """Return what goes with whole pools, with parts of others, and with Nodes."""
        whole = {pool.name: pool.spec.ips.count() for pool in pools}
        return cls(frozenset(whole), {**(shrunk or {}), **whole}, frozenset(nodes))

    @classmethod
    def of_instance(cls, pools: Sequence[Pool]) -> "Removals":
        """Return what goes with an instance: its pools, and the Nodes that they name."""
        return cls.of(pools, nodes=(name for pool in pools for name in pool.spec.node_name))

    @classmethod
    def of_owed(cls, owed: Iterable[Owed]) -> "Removals":
        """Return what goes later."""
        addresses: Counter[str] = Counter()
        for one in owed:
            addresses[one.pool] += one.count
        return cls(addresses=dict(addresses))

    @classmethod
    def sum(cls, several: Iterable["Removals"]) -> "Removals":
        """Return all of them together; no two of them count the same address."""
        pools: set[str] = set()
        nodes: set[str] = set()
        addresses: Counter[str] = Counter()
        for removals in several:
            pools |= removals.pools
            nodes |= removals.nodes
            addresses.update(removals.addresses)
        return cls(frozenset(pools), dict(addresses), frozenset(nodes))

    @property
    def address_count(self) -> int:
        """How many addresses would go."""
        return sum(self.addresses.values())

    def __or__(self, other: "Removals") -> "Removals":
        return Removals.sum((self, other))

    def __bool__(self) -> bool:
        return bool(self.pools or self.addresses or self.nodes)
