"""Who lists an address: an index over all pools of a listing."""

from collections.abc import Iterable, Sequence

from spiderpool_aws.domain.addresses import AddressSet
from spiderpool_aws.domain.cluster.ipv6_state import Ipv6State, Ipv6Tally
from spiderpool_aws.domain.cluster.pool import Pool
from spiderpool_aws.domain.cluster.span_index import SpanIndex


class Claims:
    """Answers, for some addresses, which pools list them; O(log n) a span. Immutable.

    A listing has each name once, and differs little from the one before: `updated` costs what has changed, and one look
    at each pool whether it is still the same.
    """

    def __init__(self, pools: Iterable[Pool] = ()) -> None:
        self._pools: dict[str, Pool] = {}
        self._spans = SpanIndex()
        self._named: dict[str, frozenset[str]] = {}
        self._tally = Ipv6Tally()
        self._change((), tuple(pools))

    def updated(self, pools: Sequence[Pool]) -> "Claims":
        """Return the index of another listing, as if made anew. A pool that did not change is the same object."""
        listed, known = {pool.name: pool for pool in pools}, self._pools
        gone = [pool for name, pool in known.items() if listed.get(name) is not pool]
        come = [pool for name, pool in listed.items() if known.get(name) is not pool]
        if not gone and not come:
            return self
        claims = Claims()
        claims._pools, claims._spans, claims._named, claims._tally = known, self._spans, self._named, self._tally
        claims._change(gone, come)
        return claims

    def _change(self, gone: Sequence[Pool], come: Sequence[Pool]) -> None:
        """Take over what changed; what another index has, too, is copied and not changed."""
        self._pools, self._named = dict(self._pools), dict(self._named)
        for pool in gone:
            del self._pools[pool.name]
            for node in _nodes(pool):
                self._named[node] -= {pool.name}
                if not self._named[node]:
                    del self._named[node]
        for pool in come:
            self._pools[pool.name] = pool
            for node in _nodes(pool):
                self._named[node] = self._named.get(node, frozenset()) | {pool.name}
        self._spans = self._spans.changed(
            ((pool.name, _listed(pool)) for pool in gone), ((pool.name, _listed(pool)) for pool in come)
        )
        self._tally = self._tally.changed(gone, come)

    @property
    def ipv6(self) -> Ipv6State:
        """Where the cluster stands with IPv6."""
        return self._tally.state

    def is_foreign(self, name: str) -> bool:
        """Tell whether there is a pool of that name that carries no identity of ours."""
        pool = self._pools.get(name)
        return pool is not None and pool.identity is None

    def instances_named(self, node_name: str) -> frozenset[str]:
        """Return the instances of which a pool of ours has a node name."""
        owners = (self._pools[name].identity for name in self._named.get(node_name, ()))
        return frozenset(owner.instance_id for owner in owners if owner is not None)

    def listed(self, addresses: AddressSet, except_pool: str = "") -> dict[str, tuple[Pool, AddressSet]]:
        """Return, by name, each pool but one that lists some of the addresses, with those."""
        names = self._spans.overlapping(addresses) - {except_pool}
        pools = (self._pools[name] for name in sorted(names))
        return {pool.name: (pool, _listed(pool) & addresses) for pool in pools}


def _listed(pool: Pool) -> AddressSet:
    return pool.offered if pool.excluded else pool.spec.ips


def _nodes(pool: Pool) -> Iterable[str]:
    """Return the node names that a pool of ours claims for its instance."""
    return dict.fromkeys(pool.spec.node_name) if pool.identity is not None and not pool.terminating else ()
