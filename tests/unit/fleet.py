"""A converged cluster of many nodes, with the resync and the worker that look after it."""

from typing import Any

from spiderpool_aws.domain.cluster.pool import Pool
from spiderpool_aws.domain.control import Control
from spiderpool_aws.domain.policy.model import Policy
from spiderpool_aws.domain.request import ReconcileRequest
from spiderpool_aws.events import ResyncRequest
from spiderpool_aws.ports import Systems
from spiderpool_aws.reconciler import Reconciler
from spiderpool_aws.resync import Resync
from tests.unit import build
from tests.unit.build import eni, instance, node
from tests.unit.world import SmallClock, SmallCluster, SmallControl, SmallEc2, SmallQueue, SmallReporter, SmallScaling

POLICY = build.policy(nics=1, ipv4={"addresses": 3})


class Fleet:
    """A converged cluster of so many one-NIC nodes."""

    def __init__(self, nodes: int = 30, policy: Policy = POLICY) -> None:
        self.ec2, self.cluster, self.clock = SmallEc2(), SmallCluster(), SmallClock()
        self.scaling = SmallScaling()
        self.control, self.reporter, self.queue = SmallControl(Control(policy).judged()), SmallReporter(), SmallQueue()
        self.reconciler = Reconciler(
            Systems(self.ec2, self.cluster, self.scaling), self.control, self.clock, self.reporter
        )
        self.resync = Resync(
            Systems(self.ec2, self.cluster, self.scaling), self.control, self.queue, self.clock, self.reporter
        )
        for number in range(nodes):
            self.launch(number)
        self.work([f"i-{number}" for number in range(nodes)])
        self.cluster.writes.clear()

    def launch(self, number: int) -> None:
        nic = eni(0, eni_id=f"eni-{number:08d}", attachment_id=f"eni-attach-{number:08d}")
        name, address = f"node-{number}", f"10.0.9.{number}"
        self.ec2.put(instance(nic, instance_id=f"i-{number}", private_dns_name=name, private_ipv4=address))
        proof = {"provider_id": f"aws:///eu-west-1a/i-{number}", "internal_ips": (address,)}
        self.cluster.nodes[name] = node(name=name, uid=f"u-{number}", **proof)

    def work(self, instance_ids: list[str]) -> None:
        self.reconciler.reconcile([ReconcileRequest(i, "event", "test") for i in instance_ids])

    def run(self, **request: Any) -> dict[str, Any]:
        self.queue.sent.clear()
        return self.resync.run(ResyncRequest(request_id="request-1", **request))

    def enqueued(self) -> list[str]:
        return [request.subject for request in self.queue.sent]

    def pools_of(self, instance_id: str) -> list[Pool]:
        return [p for p in self.cluster.pools.values() if p.identity and p.identity.instance_id == instance_id]

    def work_on_queue(self) -> None:
        self.work(self.enqueued())

    def pass_of_the_schedule(self, minutes: int = 5) -> dict[str, Any]:
        self.clock.advance(60 * minutes)
        answer = self.run()
        if self.enqueued():
            self.work_on_queue()
        return answer
