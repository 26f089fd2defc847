"""Who lists an address: an index over all pools of a listing."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator

from spiderpool_aws.domain.addresses import AddressSet, IPFamily
from spiderpool_aws.domain.cluster.pool import Pool


class Claims:
    """Answers, for some addresses, which pools list them; O(log n) a span. Immutable once made."""

    def __init__(self, pools: Iterable[Pool] = ()) -> None:
        spans: dict[IPFamily, list[tuple[int, int, Pool]]] = {IPFamily.IPV4: [], IPFamily.IPV6: []}
        foreign: set[str] = set()
        named: dict[str, set[str]] = {}
        nics: dict[IPFamily, set[tuple[str, str]]] = {IPFamily.IPV4: set(), IPFamily.IPV6: set()}
        defaults: dict[IPFamily, list[Pool]] = {IPFamily.IPV4: [], IPFamily.IPV6: []}
        withheld = False
        for pool in pools:
            if pool.spec.default and not pool.terminating:
                defaults[pool.family].append(pool)
            if pool.identity is None:
                foreign.add(pool.name)
            elif not pool.terminating:
                for name in pool.spec.node_name:
                    named.setdefault(name, set()).add(pool.identity.instance_id)
            if pool.identity is not None and pool.serves:
                withheld |= pool.family is IPFamily.IPV6 and not pool.spec.default
                nics[pool.family].add((pool.identity.instance_id, pool.identity.eni_id))
            # An address that a pool excludes may be listed by another (recorded answer: accepted).
            for first, last in (pool.spec.ips - pool.excluded).spans:
                spans[pool.family].append((first, last, pool))
        self._spans = {family: sorted(entries, key=lambda e: e[:2]) for family, entries in spans.items()}
        self._firsts = {family: [entry[0] for entry in entries] for family, entries in self._spans.items()}
        self._reach = {family: list(_running_max(entries)) for family, entries in self._spans.items()}
        self._foreign = frozenset(foreign)
        self._named = {name: frozenset(instance_ids) for name, instance_ids in named.items()}
        self.has_default_ipv6 = bool(defaults[IPFamily.IPV6])
        """One default IPv6 pool makes Spiderpool refuse every pod on a NIC without one (recorded behaviour)."""
        self.has_withheld_ipv6 = withheld
        """Whether a pool of ours that serves is one of IPv6 and not default."""
        self.foreign_default_ipv6 = sorted(pool.name for pool in defaults[IPFamily.IPV6] if pool.identity is None)
        """The names of the default IPv6 pools that are not ours."""
        self.foreign_ipv4 = tuple(p for p in defaults[IPFamily.IPV4] if p.identity is None and p.serves)
        """The default IPv4 pools that are not ours."""
        self.has_ipv6 = bool(nics[IPFamily.IPV6])
        """Whether a pool of ours that serves is one of IPv6."""
        self._ipv4_only = frozenset(nic for nic in nics[IPFamily.IPV4] if nic not in nics[IPFamily.IPV6])

    def is_foreign(self, name: str) -> bool:
        """Tell whether there is a pool of that name that carries no identity of ours."""
        return name in self._foreign

    def lacks_ipv6(self, except_instance: str = "") -> bool:
        """Tell whether a NIC, of another instance than one, has an IPv4 pool of ours and no IPv6 pool, or may have.

        Nothing says whose a hand-made pool is, so one that is default counts as that of a NIC without IPv6.
        """
        return bool(self.foreign_ipv4) or any(instance_id != except_instance for instance_id, _ in self._ipv4_only)

    def instances_named(self, node_name: str) -> frozenset[str]:
        """Return the instances of which a pool of ours has a node name."""
        return self._named.get(node_name, frozenset())

    def listed(self, addresses: AddressSet, except_pool: str = "") -> dict[str, tuple[Pool, AddressSet]]:
        """Return, by name, each pool but one that lists some of the addresses, with those."""
        family = addresses.family
        spans, reach = self._spans[family], self._reach[family]
        found: dict[str, tuple[Pool, AddressSet]] = {}
        for first, last in addresses.spans:
            index = bisect_right(self._firsts[family], last) - 1
            # Spans may overlap (two creates at once are both accepted), so go on while one further left reaches here.
            while index >= 0 and reach[index] >= first:
                other_first, other_last, pool = spans[index]
                if other_last >= first and pool.name != except_pool:
                    both = AddressSet(family, ((max(first, other_first), min(last, other_last)),))
                    found[pool.name] = (pool, found[pool.name][1] | both if pool.name in found else both)
                index -= 1
        return found


def _running_max(entries: list[tuple[int, int, Pool]]) -> Iterator[int]:
    reach = -1
    for _, last, _ in entries:
        reach = max(reach, last)
        yield reach
