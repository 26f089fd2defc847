"""A region, a queue and the workers on it, on one virtual clock."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from spiderpool_aws.adapters.ec2 import Ec2Adapter
from spiderpool_aws.adapters.pacing import Pacer
from spiderpool_aws.adapters.queue import SqsInbox, SqsQueue
from spiderpool_aws.deployment import BATCH_SIZE, EC2_BUCKETS, MAX_CONCURRENCY, RECONCILE_NODES
from spiderpool_aws.domain.cluster.node import Node
from spiderpool_aws.domain.control import Control
from spiderpool_aws.domain.instance import CLUSTER_TAG, GROUP_TAG
from spiderpool_aws.domain.lifecycle import Lifecycle
from spiderpool_aws.domain.request import ReconcileRequest
from spiderpool_aws.events import STATES
from spiderpool_aws.local.ec2 import DOCUMENTED_BUCKETS, Ec2Model, Ec2Options, connect_in_process
from spiderpool_aws.local.ec2.fixtures import SubnetPlan, create_network, tag_list
from spiderpool_aws.local.isolated import isolated_session
from spiderpool_aws.local.sqs import LocalSqs, system_attributes
from spiderpool_aws.messages import encode
from spiderpool_aws.ports import Systems
from spiderpool_aws.reconciler import Reconciler
from spiderpool_aws.worker import Worker
from tests.bench import latencies
from tests.bench.concurrency import Overlapping, SharedClock
from tests.bench.given import ROLE, SUBNETS, policy
from tests.bench.timed import InvocationEnd, TimedCluster, TimedControl, TimedScaling, WatchedQueue
from tests.unit.world import SmallReporter


@dataclass
class Usage:
    """What Lambda and SQS are paid for."""

    invocations: int = 0
    seconds: float = 0.0
    receives: int = 0
    deletes: int = 0
    sends: int = 0

    @property
    def gb_seconds(self) -> float:
        return self.seconds * RECONCILE_NODES.memory_mb / 1024


@dataclass
class _Sandbox:
    """One process of the worker."""

    worker: Worker
    pacer: Pacer
    is_cold: bool = True


class Fleet:
    """A region with AWS's buckets, a queue, and as many workers as the event source mapping allows."""

    def __init__(self, workers: int = MAX_CONCURRENCY, batch: int = BATCH_SIZE) -> None:
        self.clock, self.usage, self._workers, self._batch = SharedClock(), Usage(), workers, batch
        self.model = Ec2Model(self.clock, options=Ec2Options(buckets=DOCUMENTED_BUCKETS))
        plans = {f"nodes-{n}": SubnetPlan(f"10.0.{16 * n}.0/20") for n in range(SUBNETS)}
        plans |= {f"pods-{n}": SubnetPlan(f"10.0.{16 * (n + SUBNETS)}.0/20", tags=ROLE) for n in range(SUBNETS)}
        self.network = create_network(self.model, plans)
        self.cluster, self.scaling = TimedCluster(self.clock), TimedScaling(self.clock)
        self.reporter = SmallReporter()
        self.control = TimedControl(Control(policy()))
        self.control.clock = self.clock
        self.queue = WatchedQueue(self.clock)
        self.queue.on_visible = self._poll
        self.sqs = LocalSqs(self.model.region, self.model.account_id)
        self.url = self.sqs.add(self.queue)
        self._idle: list[_Sandbox] = []
        self._busy = 0
        self.model.subscribe(self._on_event)

    def launch(self, count: int) -> list[str]:
        """Launch so many instances at this moment, spread over the subnets, with one NIC that holds nothing."""
        ids: list[str] = []
        for place in range(min(count, SUBNETS)):
            of_subnet = count // SUBNETS + (place < count % SUBNETS)
            nic = {"DeviceIndex": 0, "SubnetId": self.network.subnets[f"nodes-{place}"], "Ipv6AddressCount": 1}
            params = {
                "ImageId": "ami-0123456789abcdef0",
                "InstanceType": "m5.large",
                "MinCount": of_subnet,
                "MaxCount": of_subnet,
                "NetworkInterfaces": [nic | {"PrimaryIpv6": True, "DeleteOnTermination": True}],
                "TagSpecifications": [{"ResourceType": "instance", "Tags": tag_list({CLUSTER_TAG: "prod"})}],
            }
            ids += [instance["InstanceId"] for instance in self.model.call("RunInstances", params)["Instances"]]
        for instance_id in ids:
            # As the groups that CDK makes have it: a hook waits from the launch on, and says so at once.
            self.model.instances[instance_id].tags[GROUP_TAG] = "workers"
            self.scaling.known[instance_id] = Lifecycle("workers", "Pending:Wait")
            self._route(ReconcileRequest(instance_id, f"hook-{instance_id}", "launch hook"), latencies.COLD_START)
        return ids

    def _on_event(self, event: Mapping[str, Any]) -> None:
        if event["detail-type"] != "EC2 Instance State-change Notification":
            return
        instance_id, state = event["detail"]["instance-id"], event["detail"]["state"]
        if state in STATES:
            self._route(ReconcileRequest(instance_id, event["id"], f"instance is {state}"))
        if state == "running":
            self.clock.call_later(latencies.JOINS, lambda: self._join(instance_id))

    def _route(self, request: ReconcileRequest, cold: float = 0) -> None:
        self.clock.call_later(cold + latencies.ROUTED, lambda: self._enqueue(request))

    def _enqueue(self, request: ReconcileRequest) -> None:
        self.usage.sends += 1
        self.queue.send(encode(request), group=request.subject, deduplication_id=request.deduplication_id)

    def _join(self, instance_id: str) -> None:
        instance = self.model.instances[instance_id]
        name = instance.private_dns_name
        node = Node(name, f"uid-{name}", self.clock.now(), internal_ips=(str(instance.private_ip),))
        self.cluster.stored.nodes[name] = node

    def _poll(self) -> None:
        while self._busy < self._workers:
            messages = self.queue.receive(self._batch)
            if not messages:
                return
            self.usage.receives += 1
            sandbox = self._idle.pop() if self._idle else self._sandbox()
            self._busy += 1
            self.clock.run(partial(self._invoke, sandbox, [self._record(message) for message in messages]))

    def _invoke(self, sandbox: _Sandbox, records: list[dict[str, Any]]) -> None:
        billed = self.clock.now()
        if sandbox.is_cold:
            self.clock.sleep(latencies.COLD_START)
            sandbox.is_cold = False
        end = InvocationEnd(self.clock, RECONCILE_NODES.timeout)
        sandbox.pacer.begin()
        self.clock.sleep(latencies.OVERHEAD + len(records) * latencies.PLANNING)
        answer = sandbox.worker.handle({"Records": records}, end)
        failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        done = [record["receiptHandle"] for record in records if record["messageId"] not in failed]
        for handle in done:
            self.queue.delete(handle)
        if end.seconds_left() < 0:
            raise RuntimeError(f"an invocation took {-end.seconds_left():.0f} s longer than Lambda lets it")
        self.usage.deletes += bool(done)
        self.usage.invocations += 1
        # Since August 2025 the start of a process is paid for, too (AWS, "Lambda standardizes billing for INIT phase").
        self.usage.seconds += (self.clock.now() - billed).total_seconds()
        self._busy -= 1
        self._idle.append(sandbox)
        self.queue.look_in(0)

    def _record(self, message: Any) -> dict[str, Any]:
        return {
            "messageId": message.message_id,
            "receiptHandle": message.receipt_handle,
            "body": message.body,
            "attributes": system_attributes(message),
        }

    def _sandbox(self) -> _Sandbox:
        session: Any = isolated_session(self.model.region)
        # A call takes its time first, and takes effect at the end of it.
        session.events.register_first("before-parameter-build.ec2", self._take_time)
        session.events.register_first("before-parameter-build.sqs", lambda **_: self.clock.sleep(latencies.SQS))
        connect_in_process(session, self.model, "arn:aws:iam::123456789012:role/worker")
        self.sqs.connect(session)
        pacer = Pacer(EC2_BUCKETS, self._workers, self.clock, self.reporter)
        systems = Systems(Ec2Adapter.from_session(session, pacer), self.cluster.as_port(), self.scaling)
        reconciler = Reconciler(systems, self.control, self.clock, self.reporter, Overlapping(self.clock))
        client = session.client("sqs")
        inbox = SqsInbox(client, self.url, self.url)
        return _Sandbox(Worker(reconciler, inbox, SqsQueue(client, self.url), self.reporter, self.clock), pacer)

    def _take_time(self, model: Any, **_: Any) -> None:
        self.clock.sleep(latencies.EC2_WRITES.get(model.name, latencies.EC2_READ) + latencies.CPU_OF_A_CALL)
