"""A resync of many converged nodes: `python -m tests.bench.resync 1000 5000`.

The product's Resync and EC2 adapter on the EC2 model, so that boto3's answers are parsed; two dual-stack NICs a node,
as the launch template fills them. The cluster is the small one of the unit tests: what listing and parsing its objects
costs on a real API server says docs/benchmarks.md. The peak of memory is the whole process's, with the EC2 model in it.
"""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from spiderpool_aws.domain.cluster.node import Node
from spiderpool_aws.domain.control import Control
from spiderpool_aws.domain.instance import CLUSTER_TAG
from spiderpool_aws.domain.request import ReconcileRequest
from spiderpool_aws.events import ResyncRequest
from spiderpool_aws.local.clock import ManualClock
from spiderpool_aws.local.ec2 import Ec2Model
from spiderpool_aws.local.ec2.fixtures import SubnetPlan, create_network, tag_list
from spiderpool_aws.ports import Systems
from spiderpool_aws.reconciler import Reconciler
from spiderpool_aws.resync import Resync
from tests.bench.cpu import Stopwatch
from tests.bench.given import IPV4, IPV6, SUBNETS, policy
from tests.bench.rows import Row, show
from tests.integration.ec2_world import connected
from tests.unit.world import SmallCluster, SmallControl, SmallQueue, SmallReporter, SmallScaling

SIZES = (1000, 5000)
AT_ONCE = 180


class Converged:
    """So many nodes that have all that their policy says."""

    def __init__(self, nodes: int) -> None:
        self.clock = ManualClock()
        self.model = Ec2Model(self.clock)
        plans = {f"nodes-{n}": SubnetPlan(f"10.0.{16 * n}.0/20") for n in range(SUBNETS)}
        plans |= {f"pods-{n}": SubnetPlan(f"10.0.{16 * (n + SUBNETS)}.0/20") for n in range(SUBNETS)}
        network = create_network(self.model, plans)
        self.cluster, self.queue = SmallCluster(), SmallQueue()
        for place in range(SUBNETS):
            subnets = [network.subnets[f"{what}-{place}"] for what in ("nodes", "pods")]
            self._launch(nodes // SUBNETS + (place < nodes % SUBNETS), subnets)
        self.clock.advance(60)
        for instance in self.model.instances.values():
            name = instance.private_dns_name
            node = Node(name, f"uid-{name}", self.clock.now(), internal_ips=(str(instance.private_ip),))
            self.cluster.nodes[name] = node
        systems = Systems(connected(self.model), self.cluster, SmallScaling())
        control, reporter = SmallControl(Control(policy())), SmallReporter()
        self.resync = Resync(systems, control, self.queue, self.clock, reporter)
        reconciler, ids = Reconciler(systems, control, self.clock, reporter), list(self.model.instances)
        for start in range(0, nodes, AT_ONCE):
            reconciler.reconcile([ReconcileRequest(i, "launch", "bench") for i in ids[start : start + AT_ONCE]])
        self.clock.advance(60)
        self.model.calls.clear()
        self.cluster.writes.clear()

    def _launch(self, count: int, subnets: list[str]) -> None:
        nics = [
            {"DeviceIndex": index, "SubnetId": subnet, "SecondaryPrivateIpAddressCount": IPV4}
            | {"Ipv6AddressCount": IPV6 + 1, "PrimaryIpv6": True, "DeleteOnTermination": True}
            for index, subnet in enumerate(subnets)
        ]
        params: dict[str, Any] = {"ImageId": "ami-0123456789abcdef0", "InstanceType": "m5.large"}
        params |= {"MinCount": count, "MaxCount": count, "NetworkInterfaces": nics}
        params["TagSpecifications"] = [{"ResourceType": "instance", "Tags": tag_list({CLUSTER_TAG: "prod"})}]
        self.model.call("RunInstances", params)


@dataclass(frozen=True, slots=True)
class Measured:
    """What a resync came to."""

    cpu_seconds: float
    calls: dict[str, int]
    writes: int
    """In the cluster, and messages."""
    peak_mb: float
    """Of the whole process, the EC2 model included."""
    before_mb: float
    """Before the resync began."""


def measure(nodes: int) -> Measured:
    """Run one resync in this process."""
    fleet = Converged(nodes)
    before, watch = _peak_mb(), Stopwatch()
    fleet.resync.run(ResyncRequest(request_id="bench"))
    cpu_seconds = watch.seconds()
    calls = Counter(call.operation for call in fleet.model.calls)
    writes = len(fleet.cluster.writes) + len(fleet.queue.sent)
    return Measured(cpu_seconds, dict(calls), writes, _peak_mb(), before)


def _peak_mb() -> float:
    # Not getrusage: its maximum includes the parent, of which a child is a copy until it starts its program.
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


@cache
def measured(nodes: int) -> Measured:
    """Return what a resync comes to in a process of its own; run once."""
    command = [sys.executable, "-m", "tests.bench.resync", "--json", str(nodes)]
    said = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - our own module
    return Measured(**json.loads(said.stdout))


def rows(sizes: Sequence[int] = SIZES) -> Iterator[Row]:
    """Return each size's figures."""
    for nodes in sizes:
        seen = measured(nodes)
        asked = ", ".join(f"{count} {name}" for name, count in sorted(seen.calls.items()))
        memory = f"{seen.peak_mb:.0f} MB, {seen.before_mb:.0f} of them before it began"
        yield Row("Resync", f"{nodes:,}", f"{seen.cpu_seconds:.1f} s", asked, str(seen.writes), memory)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--json"]:
        sys.stdout.write(json.dumps(asdict(measure(int(sys.argv[2])))))
    else:
        show(rows([int(size) for size in sys.argv[1:]] or SIZES))
