"""Who lists an address: an index over all pools of a listing."""

from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate

from spiderpool_aws.domain.addresses import AddressSet, IPFamily
from spiderpool_aws.domain.cluster.ipv6_state import Ipv6State
from spiderpool_aws.domain.cluster.pool import Pool


class Claims:
    """Answers, for some addresses, which pools list them; O(log n) a span. Immutable once made."""

    def __init__(self, pools: Iterable[Pool] = ()) -> None:
        self._pools = tuple(pools)
        spans: dict[IPFamily, list[tuple[int, int, int]]] = {IPFamily.IPV4: [], IPFamily.IPV6: []}
        foreign: set[str] = set()
        named: dict[str, set[str]] = {}
        for number, pool in enumerate(self._pools):
            family, identity = pool.spec.ips.family, pool.identity
            if identity is None:
                foreign.add(pool.name)
            elif not pool.terminating:
                for name in pool.spec.node_name:
                    named.setdefault(name, set()).add(identity.instance_id)
            listed = pool.offered if pool.excluded else pool.spec.ips
            spans[family] += [(first, last, number) for first, last in listed.spans]
        # Plain numbers sort many times faster than spans with their pools: of 20,000 pools this is most of the index.
        self._spans = {family: sorted(entries) for family, entries in spans.items()}
        self._firsts = {family: [first for first, _, _ in entries] for family, entries in self._spans.items()}
        self._reach = {
            family: list(accumulate((last for _, last, _ in entries), max)) for family, entries in self._spans.items()
        }
        self._foreign = frozenset(foreign)
        self._named = named
        self.ipv6 = Ipv6State.of(self._pools)
        """Where the cluster stands with IPv6."""

    def is_foreign(self, name: str) -> bool:
        """Tell whether there is a pool of that name that carries no identity of ours."""
        return name in self._foreign

    def instances_named(self, node_name: str) -> frozenset[str]:
        """Return the instances of which a pool of ours has a node name."""
        return frozenset(self._named.get(node_name, ()))

    def listed(self, addresses: AddressSet, except_pool: str = "") -> dict[str, tuple[Pool, AddressSet]]:
        """Return, by name, each pool but one that lists some of the addresses, with those."""
        family = addresses.family
        spans, reach = self._spans[family], self._reach[family]
        found: dict[str, tuple[Pool, AddressSet]] = {}
        for first, last in addresses.spans:
            index = bisect_right(self._firsts[family], last) - 1
            # Spans may overlap (two creates at once are both accepted), so go on while one further left reaches here.
            while index >= 0 and reach[index] >= first:
                other_first, other_last, number = spans[index]
                pool = self._pools[number]
                if other_last >= first and pool.name != except_pool:
                    both = AddressSet(family, ((max(first, other_first), min(last, other_last)),))
                    found[pool.name] = (pool, found[pool.name][1] | both if pool.name in found else both)
                index -= 1
        return found
