"""Spiderpool's IPAM: which pool a pod gets its addresses from, which address, and what a failure leaves behind."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from spiderpool_aws.local.cluster.answers import Json
from spiderpool_aws.local.cluster.double import ClusterDouble
from spiderpool_aws.local.cluster.pool_index import PoolEntry
from spiderpool_aws.local.cluster.ranges import address, address_text, plain_range
from spiderpool_aws.local.cluster.resources import NAMESPACES, NODES, PODS, POOLS, RESERVED, RESOURCES, Target
from spiderpool_aws.local.cluster.selectors import selector_matches
from spiderpool_aws.local.cluster.writes import Caller

AGENT = "spiderpool-agent"
USED_OUT = "all IP addresses used out"
MAX_ALLOCATIONS = 5000
_CALLER = Caller(AGENT, AGENT)


@dataclass(frozen=True, slots=True)
class PodNetwork:
    """A pod that asks for addresses on one network: who it is, where it runs, `namespace/name` of the network."""

    namespace: str
    name: str
    uid: str
    node: str
    network: str


class AllocationError(Exception):
    """The pod gets no address; the text is what the CNI plugin reports."""


Candidates = Mapping[int, Sequence[str]]

# Spiderpool, docs/concepts/allocation.md, "Candidate pool sorting": a pool that says something about an earlier one of
# these goes before one that does not; an empty list says nothing.
_RANKED = ("podAffinity", "nodeName", "nodeAffinity", "namespaceName", "namespaceAffinity", "multusName")


def _rank(spec: Json) -> tuple[bool, ...]:
    return tuple(not (spec.get(name) if name.endswith("Name") else name in spec) for name in _RANKED)


class Allocator:
    """Takes addresses from pools and gives them back, by writing the pools' status as the real agent does."""

    def __init__(self, double: ClusterDouble, seed: int = 0) -> None:
        self._double = double
        # Only pools of equal rank are used in random order; the seed makes two runs alike.
        self._random = Random(seed)  # noqa: S311

    def candidates(self, pod: PodNetwork) -> Candidates:
        """Return the names of the pools that fit, by family. Raises AllocationError when a family has none.

        A family is wanted as soon as one default pool of it exists anywhere, whatever it fits.
        """
        wanted = [version for version in (4, 6) if self._double.pools.has_default(version)]
        if not wanted:
            raise AllocationError("no IPPool available, there is no default IPPool in the cluster")
        found: dict[int, Sequence[str]] = {}
        fitting = self._double.pools.for_node(pod.node)
        for version in wanted:
            pools = [entry for entry in fitting if entry.version == version and entry.is_default]
            reasons = {entry.name: self._mismatch(entry.obj, pod) for entry in pools}
            names = [name for name, reason in reasons.items() if reason is None]
            if not names:
                why = (
                    ", ".join(f"{reason} of IPPool {name}" for name, reason in reasons.items()) or "unmatched Node name"
                )
                raise AllocationError(f"no IPPool available, all IPv{version} IPPools of eth0 filtered out: [{why}]")
            self._random.shuffle(names)
            ranks = {entry.name: _rank(entry.obj["spec"]) for entry in pools}
            found[version] = sorted(names, key=lambda name: ranks[name])
        return found

    def _mismatch(self, pool: Json, pod: PodNetwork) -> str | None:
        """Return why a pool whose nodeName fits does not serve this pod."""
        spec = pool["spec"]
        if "deletionTimestamp" in pool["metadata"]:
            return "terminating"
        if spec.get("disable"):
            return "disabled"
        if spec.get("multusName") and pod.network not in spec["multusName"]:
            return "unmatched multus name"
        if spec.get("namespaceName") and pod.namespace not in spec["namespaceName"]:
            return "unmatched Namespace name"
        owners = (
            ("nodeAffinity", "Node", NODES, ("", pod.node)),
            ("namespaceAffinity", "Namespace", NAMESPACES, ("", pod.namespace)),
            ("podAffinity", "Pod", PODS, (pod.namespace, pod.name)),
        )
        for field, title, resource, key in owners:
            record = self._double.store.get(resource, key)
            labels = record.obj["metadata"].get("labels", {}) if record else {}
            if field in spec and not selector_matches(spec[field], labels):
                return f"unmatched {title} affinity"
        return None

    def take(self, pod: PodNetwork, candidates: Candidates) -> list[tuple[str, str]]:
        """Take one address of each family: (pool, address). Raises AllocationError when a family has no address.

        All or nothing for the pod, not for the pools: what one family took before the other failed stays taken.
        """
        taken, errors = [], []
        for version, names in candidates.items():
            try:
                taken.append(self._take_one(pod, version, names))
            except AllocationError as error:
                errors.append(str(error))
        if errors:
            raise AllocationError("; ".join(errors))
        return taken

    def _take_one(self, pod: PodNetwork, version: int, names: Sequence[str]) -> tuple[str, str]:
        for name in names:
            entry = self._double.pools.get(name)
            if entry is None:
                continue
            text = self._held(entry, pod) or self._lowest_free(entry)
            if text is not None:
                record = {"pod": f"{pod.namespace}/{pod.name}", "podUid": pod.uid}
                self._write(name, {**entry.allocations, text: record})
                return name, text
        raise AllocationError(f"failed to allocate IPv{version} address: {USED_OUT}")

    @staticmethod
    def _held(entry: PoolEntry, pod: PodNetwork) -> str | None:
        """Return the address that this pod left in the pool when an earlier try failed."""
        held = (text for text, record in entry.allocations.items() if record.get("podUid") == pod.uid)
        return next(held, None)

    def _lowest_free(self, entry: PoolEntry) -> str | None:
        if len(entry.allocations) >= MAX_ALLOCATIONS:
            return None
        used = {address(entry.version, text) for text in entry.allocations}
        spans = self._reserved(entry.version)
        for one in sorted(entry.ranges):
            number = one.first
            while number <= one.last:
                behind = next((last + 1 for first, last in spans if first <= number <= last), None)
                if behind is None and number not in used:
                    return address_text(entry.version, number)
                number = behind or number + 1
        return None

    def _reserved(self, version: int) -> list[tuple[int, int]]:
        # One that is being deleted holds nothing back any more (upstream, pkg/reservedipmanager).
        objects = [o for o in self._double.store.objects(RESERVED) if "deletionTimestamp" not in o["metadata"]]
        texts = [text for obj in objects if obj["spec"]["ipVersion"] == version for text in obj["spec"].get("ips", ())]
        return [plain_range(version, text) for text in texts]

    def release(self, uid: str) -> None:
        """Give back every address that a pod's uid holds."""
        for entry in self._double.pools.of_pod(uid):
            self._write(entry.name, {ip: record for ip, record in entry.allocations.items() if record["podUid"] != uid})

    def forget(self, pool: str, addresses: Sequence[str]) -> None:
        """Give back single addresses of a pool."""
        entry = self._double.pools.get(pool)
        if entry is not None:
            self._write(pool, {ip: record for ip, record in entry.allocations.items() if ip not in addresses})

    def _write(self, name: str, records: Mapping[str, object]) -> None:
        target = Target(RESOURCES[POOLS], name=name, subresource="status")
        status: Json = {"allocatedIPCount": len(records)}
        if records:
            status["allocatedIPs"] = json.dumps(records)

        def change(obj: Json) -> Json:
            kept = {key: value for key, value in obj.get("status", {}).items() if key != "allocatedIPs"}
            return {**obj, "status": {**kept, **status}}

        self._double.writes.patch(target, change, _CALLER)
