"""What a plan would take away, and what one more look might: invariant 10 judges both."""

from collections.abc import Iterable, Sequence
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
class Removals:
    """Pools, addresses (ranges, and how many) and nodes that would go."""

    pools: frozenset[str] = field(default_factory=frozenset)
    addresses: frozenset[str] = field(default_factory=frozenset)
    address_count: int = 0
    nodes: frozenset[str] = field(default_factory=frozenset)

    @classmethod
    def of(cls, pools: Sequence[Pool], shrunk: Sequence[AddressSet] = (), nodes: Iterable[str] = ()) -> "Removals":
        """Return what goes with whole pools, with parts of others, and with Nodes."""
        lost = [*(pool.spec.ips for pool in pools), *shrunk]
        return cls(
            pools=frozenset(pool.name for pool in pools),
            addresses=frozenset(text for addresses in lost for text in addresses.to_ranges()),
            address_count=sum(addresses.count() for addresses in lost),
            nodes=frozenset(nodes),
        )

    @classmethod
    def of_instance(cls, pools: Sequence[Pool]) -> "Removals":
        """Return what goes with an instance: its pools, and the Nodes that they name."""
        return cls.of(pools, nodes=(name for pool in pools for name in pool.spec.node_name))

    def __or__(self, other: "Removals") -> "Removals":
        return Removals(
            self.pools | other.pools,
            self.addresses | other.addresses,
            self.address_count + other.address_count,
            self.nodes | other.nodes,
        )

    def __bool__(self) -> bool:
        return bool(self.pools or self.addresses or self.nodes)
