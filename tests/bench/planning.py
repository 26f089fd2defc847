"""How many nodes a second the planner plans, converged ones with two NICs and both families."""

import time
from collections.abc import Iterator
from dataclasses import replace

from spiderpool_aws.domain.cluster.claims import Claims
from spiderpool_aws.domain.request import ReconcileRequest
from spiderpool_aws.domain.rules.planner import plan_node
from spiderpool_aws.ports import Systems
from spiderpool_aws.reconciler import Reconciler
from tests.bench.rows import Row
from tests.unit import build
from tests.unit.build import observed
from tests.unit.world import SmallClock, SmallCluster, SmallControl, SmallEc2, SmallReporter, SmallScaling

NODES = 20_000


def rows() -> Iterator[Row]:
    """Return the planner's figures."""
    policy = build.policy(ipv6={"addresses": 3})
    ec2, cluster, control = SmallEc2(), SmallCluster(), SmallControl()
    control.control = replace(control.control, policy=policy)
    ec2.put(build.instance())
    cluster.nodes[build.node().name] = build.node()
    Reconciler(Systems(ec2, cluster, SmallScaling()), control, SmallClock(), SmallReporter()).reconcile(
        [ReconcileRequest("i-1", "e", "bench")]
    )
    pools = tuple(cluster.pools.values())
    converged = observed(instance=ec2.known["i-1"], pools=pools, claims=Claims(pools))
    launched = observed()
    for name, model in (("converged node, two NICs, dual stack", converged), ("node that was just launched", launched)):
        started = time.process_time()
        for _ in range(NODES):
            plan_node(model, policy)
        rate = NODES / (time.process_time() - started)
        yield Row("Planner", name, f"{rate:,.0f}")
