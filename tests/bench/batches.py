"""What a batch spends on the pools of the whole cluster: `python -m tests.bench.batches`.

The product's own adapter reads the bytes of its pages, decodes and parses them, and the observer brings its index up to
date. What the API server takes until it has sent them is measured by `make bench-e2e`.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from spiderpool_aws.adapters.cluster import NODES, POOLS, ClusterAdapter
from spiderpool_aws.domain.addresses import EMPTY, AddressSet, IPFamily
from spiderpool_aws.domain.cluster.node_index import NodeIndex
from spiderpool_aws.domain.cluster.pool import Pool, PoolIdentity, PoolSpec
from spiderpool_aws.domain.control import Control
from spiderpool_aws.domain.memory import PoolMemory
from spiderpool_aws.node_directory import NodeDirectory
from spiderpool_aws.observation import Observer
from spiderpool_aws.ports import Systems
from tests.bench.given import POOLS_OF_A_NODE, policy
from tests.bench.listings import ListingApi, node_document, pool_document
from tests.bench.rows import Row, show
from tests.unit.world import SmallClock, SmallEc2, SmallScaling

SIZES = (1000, 5000)
BATCHES, CHANGED = 9, 200
"""Pools that changed since the process's last batch: what nine other workers write meanwhile in a burst."""
BASE = {IPFamily.IPV4: 10 << 24, IPFamily.IPV6: 0x20010DB8 << 96}


def pools_of(node: int) -> Iterator[Pool]:
    """Return a node's four pools, whose addresses lie scattered as EC2 gives them."""
    for nic in range(2):
        for family in IPFamily:
            first = BASE[family] + (node * 2 + nic) * 10
            ips = AddressSet(family, tuple((first + 2 * i, first + 2 * i) for i in range(5)))
            owner = PoolIdentity("prod", f"i-{node}", f"eni-{node}-{nic}", f"eni-attach-{node}-{nic}", family)
            spec = PoolSpec("10.0.0.0/8", ips, None, (f"node-{node}",), ("kube-system/ipvlan",), default=True)
            memory = PoolMemory(node_uid=f"uid-{node}")
            yield Pool(f"node-{node}-{nic}-{int(family)}", owner, spec, EMPTY[family], EMPTY[family], memory)


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds of CPU."""

    first: float
    """Of a process's first batch."""
    later: float
    a_node: float
    """Of a Node in a listing."""


def measure(nodes: int) -> Measured:
    """Return what some batches in a row, and some listings of all Nodes, cost one process."""
    api, pools = ListingApi(), [pool for node in range(nodes) for pool in pools_of(node)]
    api.fill(POOLS.path(), [pool_document(pool, 1) for pool in pools])
    api.fill(NODES.path(), [node_document(f"node-{node}") for node in range(nodes)])
    cluster, judged = api.adapter(), policy()
    observer = Observer(Systems(SmallEc2(), cluster, SmallScaling()), SmallClock())
    taken = []
    for batch in range(BATCHES):
        for place in range(batch * CHANGED, (batch + 1) * CHANGED):
            changed = place % len(pools)
            api.change(POOLS.path(), changed, pool_document(pools[changed], batch + 2))
        begun = time.process_time()
        listing = observer.list_pools(judged)
        observer.observe({"i-0": None}, listing, Control(judged), judged, NodeDirectory(cluster))
        taken.append(time.process_time() - begun)
    first, *later = taken
    return Measured(first, median(later), median(_listed(cluster) for _ in range(3)) / nodes)


def _listed(cluster: ClusterAdapter) -> float:
    begun = time.process_time()
    NodeIndex(cluster.list_nodes())
    return time.process_time() - begun


def rows(sizes: Sequence[int] = SIZES) -> Iterator[Row]:
    """Return the first batch of a process, a later one, and what that is for each pool: `latencies.KNOWN_POOL`."""
    for nodes in sizes:
        taken, pools = measure(nodes), POOLS_OF_A_NODE * nodes
        yield Row(
            "What a batch spends on all pools",
            f"{nodes:,} nodes, {pools:,} pools, {CHANGED} of them changed",
            f"{taken.first * 1000:.0f} ms",
            f"{taken.later * 1000:.0f} ms",
            f"{taken.later / pools * 1e6:.0f} µs",
            f"{taken.a_node * 1e6:.0f} µs",
        )


if __name__ == "__main__":
    show(rows())
