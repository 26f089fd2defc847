"""What a batch spends on the pools of the whole cluster, once it has their documents: `python -m tests.bench.batches`.

The documents themselves, from the API server to JSON, are measured by `make bench-e2e`.
"""

import time
from collections.abc import Iterator
from dataclasses import replace
from statistics import median

from spiderpool_aws.domain.addresses import EMPTY, AddressSet, IPFamily
from spiderpool_aws.domain.cluster.pool import Pool, PoolIdentity, PoolSpec
from spiderpool_aws.domain.control import Control
from spiderpool_aws.domain.memory import PoolMemory
from spiderpool_aws.observation import NodeDirectory, Observer
from spiderpool_aws.ports import Systems
from tests.bench.given import policy
from tests.unit.world import SmallClock, SmallCluster, SmallEc2, SmallScaling

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


def measure(nodes: int) -> list[float]:
    """Return the seconds of CPU of some batches in a row, by one process."""
    cluster = SmallCluster(pools={pool.name: pool for node in range(nodes) for pool in pools_of(node)})
    observer, judged = Observer(Systems(SmallEc2(), cluster, SmallScaling()), SmallClock()), policy()
    names, taken = list(cluster.pools), []
    for batch in range(BATCHES):
        for name in names[batch * CHANGED : (batch + 1) * CHANGED]:
            cluster.pools[name] = replace(cluster.pools[name], resource_version=str(batch))
        begun = time.process_time()
        pools = observer.list_pools(judged)
        observer.observe({"i-0": None}, pools, Control(judged), judged, NodeDirectory(cluster))
        taken.append(time.process_time() - begun)
    return taken


def rows() -> Iterator[tuple[str, str, str]]:
    """Return the first batch of a process, and a later one."""
    for nodes in SIZES:
        first, *later = measure(nodes)
        figure = f"{first * 1000:.0f} ms of CPU, later {median(later) * 1000:.1f} ms"
        yield f"a batch's index of all pools at {nodes:,} nodes", figure, f"{4 * nodes:,} pools, {CHANGED} changed"


if __name__ == "__main__":
    for row in rows():
        print(" | ".join(row), flush=True)  # noqa: T201 - figures for a terminal
