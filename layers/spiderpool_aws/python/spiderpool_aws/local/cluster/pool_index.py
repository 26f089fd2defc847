"""What the webhook and the agent look up about pools, kept by subnet, node and pod: no look-up reads every pool."""

import bisect
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from spiderpool_aws.local.cluster.answers import Json
from spiderpool_aws.local.cluster.ranges import Network, Range, cidr, parse_ranges


@dataclass(frozen=True, slots=True)
class PoolEntry:
    """What a stored pool says, parsed."""

    name: str
    version: int
    subnet: str
    network: Network
    ranges: tuple[Range, ...]
    allocations: Mapping[str, Mapping[str, Any]]
    obj: Json

    @property
    def is_default(self) -> bool:
        """Whether pods without a pool annotation may use it."""
        return bool(self.obj["spec"].get("default"))

    @property
    def nodes(self) -> Sequence[str]:
        """The nodes that it fits; none means every node."""
        nodes: Sequence[str] = self.obj["spec"].get("nodeName") or ()
        return nodes


def parse_pool(obj: Json) -> PoolEntry:
    """Return the parsed form of a pool that admission let in."""
    spec = obj["spec"]
    network = cidr(spec["ipVersion"], spec["subnet"])
    ranges = parse_ranges(network, spec.get("ips", ()), spec.get("excludeIPs", ()))
    allocations = allocations_of(obj)
    return PoolEntry(obj["metadata"]["name"], spec["ipVersion"], spec["subnet"], network, ranges, allocations, obj)


def allocations_of(obj: Json) -> dict[str, dict[str, Any]]:
    """Return the records in `status.allocatedIPs`, a JSON string; none when it cannot be read."""
    text = obj.get("status", {}).get("allocatedIPs")
    try:
        records = json.loads(text) if text else {}
    except ValueError:
        return {}
    return records if isinstance(records, dict) else {}


@dataclass(slots=True)
class _Subnet:
    """The pools of one subnet; their ranges in order, which admission keeps apart from each other."""

    network: Network
    names: set[str] = field(default_factory=set)
    ranges: list[tuple[int, int, str]] = field(default_factory=list)
    # False once a pool came in past the overlap check: then neighbours in order say nothing about what overlaps.
    apart: bool = True

    def add(self, name: str, ranges: Iterable[Range]) -> None:
        for one in ranges:
            self.apart = self.apart and not any(self.touching(one.first, one.last))
            bisect.insort(self.ranges, (one.first, one.last, name))
        self.names.add(name)

    def discard(self, name: str, ranges: Iterable[Range]) -> None:
        for one in ranges:
            del self.ranges[bisect.bisect_left(self.ranges, (one.first, one.last, name))]
        self.names.discard(name)

    def touching(self, first: int, last: int) -> Iterable[str]:
        """Yield the names of the pools that have an address from first to last."""
        start = max(bisect.bisect_left(self.ranges, (first,)) - 1, 0) if self.apart else 0
        for low, high, name in self.ranges[start:] if not self.apart else _from(self.ranges, start):
            if low > last:
                return
            if high >= first:
                yield name


def _from(ranges: Sequence[tuple[int, int, str]], start: int) -> Iterable[tuple[int, int, str]]:
    return (ranges[index] for index in range(start, len(ranges)))


class PoolIndex:
    """Every stored pool, parsed. `update` follows the store; nothing else changes it."""

    def __init__(self) -> None:
        self._entries: dict[str, PoolEntry] = {}
        self._subnets: dict[str, _Subnet] = {}
        self._by_node: dict[str, set[str]] = {}
        self._by_pod: dict[str, set[str]] = {}
        self._defaults = {4: 0, 6: 0}

    def update(self, name: str, obj: Json | None) -> None:
        """Take over a pool's new state; None when it is gone."""
        old = self._entries.pop(name, None)
        if old is not None:
            self._count(old, -1)
            self._drop(old)
        if obj is not None:
            entry = parse_pool(obj)
            self._entries[name] = entry
            self._count(entry, 1)
            self._subnets.setdefault(entry.subnet, _Subnet(entry.network)).add(name, entry.ranges)
            for node in entry.nodes or ("",):
                self._by_node.setdefault(node, set()).add(name)
            for uid in _pod_uids(entry):
                self._by_pod.setdefault(uid, set()).add(name)

    def _drop(self, old: PoolEntry) -> None:
        subnet = self._subnets[old.subnet]
        subnet.discard(old.name, old.ranges)
        if not subnet.names:
            del self._subnets[old.subnet]
        for node in old.nodes or ("",):
            self._by_node[node].discard(old.name)
        for uid in _pod_uids(old):
            self._by_pod[uid].discard(old.name)
            if not self._by_pod[uid]:
                del self._by_pod[uid]

    def _count(self, entry: PoolEntry, step: int) -> None:
        if entry.is_default:
            self._defaults[entry.version] += step

    def get(self, name: str) -> PoolEntry | None:
        """Return a pool by name."""
        return self._entries.get(name)

    def subnet_overlap(self, version: int, network: Network, subnet: str) -> PoolEntry | None:
        """Return the first pool by name whose subnet overlaps this one without being equal."""
        first, last = int(network.network_address), int(network.broadcast_address)
        names = [
            min(other.names)
            for text, other in self._subnets.items()
            if text != subnet
            and other.network.version == version
            and int(other.network.network_address) <= last
            and int(other.network.broadcast_address) >= first
        ]
        return self._entries[min(names)] if names else None

    def range_overlap(self, subnet: str, ranges: Sequence[Range], own: str) -> tuple[str, list[str]] | None:
        """Return the first other pool by name that has an address of these ranges, and its ranges concerned."""
        bucket = self._subnets.get(subnet)
        if bucket is None:
            return None
        names = {name for one in ranges for name in bucket.touching(one.first, one.last)} - {own}
        if not names:
            return None
        other = self._entries[min(names)]
        shared = [y.raw for x in ranges for y in other.ranges if x.first <= y.last and y.first <= x.last]
        return other.name, shared

    def has_default(self, version: int) -> bool:
        """Say whether any pool anywhere is a default one of this family."""
        return self._defaults[version] > 0

    def for_node(self, node: str) -> list[PoolEntry]:
        """Return the pools whose nodeName fits, in order of name."""
        names = self._by_node.get(node, set()) | self._by_node.get("", set())
        return [self._entries[name] for name in sorted(names)]

    def of_pod(self, uid: str) -> list[PoolEntry]:
        """Return the pools that hold an address for a pod's uid."""
        return [self._entries[name] for name in sorted(self._by_pod.get(uid, ()))]

    def in_use(self) -> list[PoolEntry]:
        """Return the pools that hold any address."""
        names = {name for pools in self._by_pod.values() for name in pools}
        return [self._entries[name] for name in sorted(names)]


def _pod_uids(entry: PoolEntry) -> set[str]:
    return {str(record.get("podUid", "")) for record in entry.allocations.values()}
