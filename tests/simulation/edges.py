"""Load on the functions' edges: `python -m tests.simulation.edges` prints figures, a small version is a test.

10,000 events at once, an Auto Scaling group of which every node is replaced, and an hour in which EventBridge delivers
nothing, followed by all of it; then a quarter of an hour in which nothing is to be written. The handlers, the rules
and the queue are the product's; time is virtual, so the seconds of the clock say how long the queue needs at one
worker, and the CPU's say what this process spent.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from spiderpool_aws.local.ec2.autoscaling import AutoScalingGroup
from spiderpool_aws.local.ec2.fixtures import Network, SubnetPlan, create_network, tag_list
from spiderpool_aws.local.ec2.options import Ec2Options
from spiderpool_aws.local.kubelet import Kubelets
from tests.bench.rows import Row, show
from tests.simulation.policies import policy_text
from tests.simulation.stack import SimulationStack
from tests.simulation.steps_ec2 import TAGS

NODES, EVENTS = 1000, 10_000
SUBNETS = {"nodes": SubnetPlan("10.0.0.0/17"), "pods": SubnetPlan("10.0.128.0/17")}


@dataclass(frozen=True, slots=True)
class Figures:
    """What a load came to."""

    events: int
    messages: int
    invocations: Counter[str]
    failed: int
    dead: int
    virtual_seconds: float
    cpu_seconds: float
    ec2_writes: int
    cluster_writes: int
    """What the product wrote: EC2 and the cluster change of themselves, too."""
    nodes: int
    pools: int

    @property
    def writes(self) -> int:
        """Return how often the product wrote."""
        return self.ec2_writes + self.cluster_writes

    def row(self, load: str) -> Row:
        """Return them as a row."""
        invocations = (self.invocations[name] for name in ("reconcile_nodes", "route_event"))
        counts = (self.events, self.messages, *invocations, self.ec2_writes, self.cluster_writes)
        lost = f"{self.failed} / {self.dead}"
        times = (f"{self.virtual_seconds:,.0f} s", f"{self.cpu_seconds:.1f} s")
        return Row("Load on the functions' edges", load, *(f"{count:,}" for count in counts), lost, *times)


class Fleet:
    """An Auto Scaling group whose launch template pins and fills both NICs, with its cluster."""

    def __init__(self, stack: SimulationStack) -> None:
        self.stack = stack
        Kubelets(stack.model, stack.cluster, stack.agent)
        network = create_network(stack.model, SUBNETS, ipv6=False)
        stack.model.call("CreateLaunchTemplate", _template(network))
        where = [network.subnets["nodes"]]
        self.group = AutoScalingGroup(stack.model, "workers", where, {"LaunchTemplateName": "workers"})
        stack.autoscaling.groups.append(self.group)

    def launch(self, nodes: int) -> int:
        """Launch nodes."""
        before = len(self.stack.bus.events)
        self.group.set_desired(nodes)
        return len(self.stack.bus.events) - before

    def settle(self) -> None:
        """Wait until nothing is under way, every node has its pools, and the Nodes of the dead are gone."""
        stack = self.stack
        stack.bus.advance(1)
        while (
            stack.requests.messages
            or stack.bus._invoker.under_way
            or self._pools() != 2 * self.group.desired
            or self._nodes() != self.group.desired
        ):
            stack.bus.advance(5)

    def measure(self, load: Callable[[], int]) -> Figures:
        """Run a load, which returns its number of events, until all is settled."""
        stack = self.stack
        for function in stack.functions.values():
            function.invocations.clear()
        sent, ec2, cluster = len(stack.requests._seen), self._ec2_writes(), self._cluster_writes()
        began, cpu = stack.clock.now(), time.process_time()
        events = load()
        self.settle()
        return Figures(
            events,
            len(stack.requests._seen) - sent,
            Counter({name: len(function.invocations) for name, function in stack.functions.items()}),
            len(stack.failed_invocations),
            len(stack.dead_requests.messages) + len(stack.lost_events.messages),
            (stack.clock.now() - began).total_seconds(),
            time.process_time() - cpu,
            self._ec2_writes() - ec2,
            self._cluster_writes() - cluster,
            self._nodes(),
            self._pools(),
        )

    def events_at_once(self, count: int) -> int:
        """Put so many state changes on the bus at the same moment, each with an id of its own."""
        running = [e for e in self.stack.bus.events if e.get("detail", {}).get("state") == "running"]
        for number in range(count):
            self.stack.bus.put({**running[number % len(running)], "id": f"burst-{number}"})
        return count

    def refresh(self) -> int:
        """Have every node replaced, a tenth of them at a time."""
        before, old = len(self.stack.bus.events), list(self.group.instance_ids)
        share = max(1, len(old) // 10)
        for start in range(0, len(old), share):
            for instance_id in old[start : start + share]:
                self.group.set_unhealthy(instance_id)
            self.stack.bus.advance(120)
        return len(self.stack.bus.events) - before

    def outage(self) -> int:
        """Let EventBridge deliver nothing for an hour in which a tenth of the nodes is replaced, then all of it."""
        held: list[dict[str, Any]] = []
        rules, self.stack.bus._rules = self.stack.bus._rules, ()
        first = len(self.stack.bus.events)
        for instance_id in list(self.group.instance_ids)[::10]:
            self.group.set_unhealthy(instance_id)
        self.stack.bus.advance(3600)
        held += [event for event in self.stack.bus.events[first:] if event["source"] != "aws.events"]
        self.stack.bus._rules = rules
        for event in held:
            self.stack.bus.put(event)
        return len(held)

    def rest(self) -> int:
        """Let a quarter of an hour pass in which nothing happens but the scheduled resyncs."""
        self.stack.bus.advance(900)
        return 0

    def _ec2_writes(self) -> int:
        calls, roles = self.stack.model.calls, set(self.stack.roles.values())
        return sum(call.caller in roles and not call.operation.startswith("Describe") for call in calls)

    def _cluster_writes(self) -> int:
        """Count requests: the double's own controllers send none."""
        return sum(verb not in ("get", "list") for verb, _, _ in self.stack.cluster.requests)

    def _pools(self) -> int:
        return len(self.stack.cluster.objects("spiderippools"))

    def _nodes(self) -> int:
        return len(self.stack.cluster.objects("nodes"))


def _template(network: Network) -> dict[str, Any]:
    nics = [
        {"DeviceIndex": i, "SubnetId": network.subnets[name], "SecondaryPrivateIpAddressCount": 5}
        | {"DeleteOnTermination": True}
        for i, name in enumerate(("nodes", "pods"))
    ]
    tags = [{"ResourceType": "instance", "Tags": tag_list(TAGS)}]
    data = {"ImageId": "ami-0123456789abcdef0", "InstanceType": "m5.large", "NetworkInterfaces": nics}
    return {"LaunchTemplateName": "workers", "LaunchTemplateData": data | {"TagSpecifications": tags}}


def loads(nodes: int, burst: int) -> Iterator[tuple[str, Figures]]:
    """Yield each load's name and figures, on one fleet."""
    with SimulationStack(policy_text("five"), Ec2Options()) as stack:
        fleet = Fleet(stack)
        yield f"{nodes:,} nodes launched", fleet.measure(lambda: fleet.launch(nodes))
        yield f"{burst:,} events at once", fleet.measure(lambda: fleet.events_at_once(burst))
        yield f"every node of {nodes:,} replaced", fleet.measure(fleet.refresh)
        yield "an hour without EventBridge, then its backlog", fleet.measure(fleet.outage)
        yield "a quarter of an hour without anything", fleet.measure(fleet.rest)


def rows(nodes: int = NODES, events: int = EVENTS) -> Iterator[Row]:
    """Return each load's figures."""
    for load, figures in loads(nodes, events):
        yield figures.row(load)


def main() -> int:
    """Print the figures of the whole size, or of so many nodes and events."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.edges")
    parser.add_argument("--nodes", type=int, default=NODES)
    parser.add_argument("--events", type=int, default=EVENTS)
    asked = parser.parse_args()
    show(rows(asked.nodes, asked.events))
    return 0


if __name__ == "__main__":
    sys.exit(main())
