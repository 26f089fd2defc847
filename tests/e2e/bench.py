"""`make bench-e2e`: what the product costs on a real API server. Figures, no verdict.

The webhooks are left out: ours stand in for Spiderpool's, whose own cost is theirs to measure (docs/benchmarks.md).
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from spiderpool_aws.domain.addresses import AddressSet, IPFamily
from spiderpool_aws.domain.cluster.pool import Pool, pool_manifest
from spiderpool_aws.domain.control import Control
from spiderpool_aws.domain.request import Status
from tests.e2e import api
from tests.e2e.apiserver import PRODUCT_TOKEN, ApiServer
from tests.e2e.build import build
from tests.e2e.install import Installation
from tests.e2e.reconciling import RealServer
from tests.integration.adapters.cluster_world import adapter
from tests.integration.adapters.kubeconfigs import kubeconfig
from tests.integration.reconciling import Bench, Json
from tests.unit import build as models
from tests.unit.adapters.pools import pool

WRITES = 200
LAUNCHES = 20
AGAIN = 5
NODES = 5000
POOLS_A_NODE = 4
THREADS = 16
Row = tuple[str, str, str]


def _node(number: int) -> Json:
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": f"n{number}"}}


def _milliseconds(calls: Iterable[Callable[[], object]]) -> str:
    taken = []
    for call in calls:
        begun = time.perf_counter()
        call()
        taken.append((time.perf_counter() - begun) * 1000)
    return f"{statistics.median(taken):.1f} ms"


def numbered(number: int) -> Pool:
    """Return a pool of its own address."""
    address = IPFamily.IPV4.address((10 << 24) + number + 10)
    made = pool(f"n{number // POOLS_A_NODE}-{number % POOLS_A_NODE}")
    return replace(made, spec=replace(made.spec, subnet="10.0.0.0/8", ips=AddressSet.of(IPFamily.IPV4, [str(address)])))


def writes(server: RealServer) -> Iterator[Row]:
    """Measure the three kinds of pool write."""
    cluster, stored = server.product(), []
    new = [numbered(number) for number in range(WRITES)]
    created = _milliseconds([lambda one=one: stored.append(cluster.apply_pool(one)) for one in new])  # type: ignore[misc]
    yield "a pool is created", created, f"median of {WRITES}"
    changed = [replace(one, spec=replace(one.spec, default=False)) for one in stored]
    yield "a pool is changed", _milliseconds([lambda one=one: cluster.apply_pool(one) for one in changed]), "the same"  # type: ignore[misc]
    same = [lambda one=one: cluster.apply_pool(one) for one in changed]
    yield "a pool is applied without a change", _milliseconds(same), "the same"


def launches(server: RealServer) -> Iterator[Row]:
    """Measure a reconcile of a node that has just joined: two NICs, dual stack."""
    cluster = Bench(server)
    cluster.control.control = Control(models.policy(nics=2, ipv6={"prefixes": 1})).judged()
    subjects, statuses = [f"i-{number}" for number in range(LAUNCHES)], []
    for number, subject in enumerate(subjects):
        name, address = f"node-{number}", f"10.0.0.{100 + number}"
        nics = tuple(
            replace(models.eni(nic), eni_id=f"eni-{number:04}{nic:04}", attachment_id=f"eni-attach-{number}-{nic}")
            for nic in range(2)
        )
        cluster.launch(instance_id=subject, private_dns_name=name, private_ipv4=address, enis=nics)
        cluster.join(name, address=address)
    taken = _milliseconds([lambda one=one: statuses.append(cluster.reconcile(one).status) for one in subjects])  # type: ignore[misc]
    assert set(statuses) == {Status.DONE}, statuses
    yield "launch of a node, from its message to `done`", taken, f"median of {LAUNCHES}; EC2 is in process"


def listing(real: ApiServer) -> Iterator[Row]:
    """Measure a listing of many pools, in a process of its own."""
    total = NODES * POOLS_A_NODE
    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(lambda n: real.seeder.expect("POST", api.NODES, _node(n)), range(NODES)))
        list(threads.map(lambda n: real.seeder.expect("POST", api.POOLS, pool_manifest(numbered(n))), range(total)))
    given = json.dumps({"url": real.url, "ca": real.ca_pem, "token": PRODUCT_TOKEN})
    command = [sys.executable, "-m", "tests.e2e.bench", "--list"]
    run = subprocess.run(command, input=given, capture_output=True, text=True, check=True)  # noqa: S603 - our own code
    said = json.loads(run.stdout)
    assert said["pools"] == total, said
    yield f"list {total:,} pools in pages of 500", f"{said['seconds']:.1f} s", "parsed to the planner's pools"
    warm = f"{said['again']:.2f} s, {said['cpu']:.2f} s of CPU"
    yield "the same by the same process again", warm, f"median of {AGAIN}; nothing has changed"
    yield f"list {said['nodes']:,} Nodes, too", f"{said['node_seconds']:.1f} s", "parsed to the planner's Nodes"
    yield "both: peak memory of the process", f"{said['megabytes']:.0f} MB", f"{said['before']:.0f} MB before"


def list_once() -> None:
    """List all pools and Nodes of the server that standard input names."""
    given = json.load(sys.stdin)
    cluster = adapter(kubeconfig(given["url"], given["ca"], given["token"]))
    before, begun = _peak_megabytes(), time.perf_counter()
    pools = cluster.list_pools()
    between = time.perf_counter()
    nodes = cluster.list_nodes()
    times = {"seconds": between - begun, "node_seconds": time.perf_counter() - between}
    again = sorted(_timed(cluster.list_pools) for _ in range(AGAIN))[AGAIN // 2]
    times |= {"again": again[0], "cpu": again[1]}
    counts = {"pools": len(pools), "nodes": len(nodes)}
    sys.stdout.write(json.dumps(times | counts | {"before": before, "megabytes": _peak_megabytes()}))


def _timed(call: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds that a call takes, and those of this process's CPU."""
    begun, cpu = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - begun, time.process_time() - cpu


def _peak_megabytes() -> float:
    # Not getrusage: its maximum includes the parent, of which a child is a copy until it starts its program.
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


def clear(real: ApiServer) -> None:
    """Take away the pools of one measurement, so that the next begins with none."""
    real.seeder.expect("DELETE", api.POOLS)


def main() -> None:
    """Print one table."""
    table = Table("what", "figure", "how")
    real = ApiServer(build())
    try:
        Installation(real.admin)
        server = RealServer(real.admin, lambda: adapter(kubeconfig(real.url, real.ca_pem, PRODUCT_TOKEN)))
        for rows in (launches(server), writes(server)):
            for row in rows:
                table.add_row(*row)
            clear(real)
        for row in listing(real):
            table.add_row(*row)
    finally:
        real.stop()
    Console(width=120).print(table)


if __name__ == "__main__":
    list_once() if "--list" in sys.argv else main()
