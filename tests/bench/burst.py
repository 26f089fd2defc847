"""Many launches at once against EC2's documented request rates: `python -m tests.bench.burst 50 250 1000`.

The product's own worker, reconciler, EC2 adapter and pacing, as many at a time as the event source mapping allows, on
the EC2 model with AWS's buckets and the strict FIFO queue. The clock is virtual: every call takes its time by the table
of `latencies`, and a worker that waits does so on that clock. The cluster is the small one of the unit tests (it judges
nothing); the webhook's time is in the table. Not modelled: cold starts but the first of each worker, the scheduled
resync, faults, and others who call EC2 in the same account.
"""

import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from spiderpool_aws.adapters.ec2 import Ec2Adapter
from spiderpool_aws.adapters.pacing import Pacer
from spiderpool_aws.adapters.queue import SqsInbox, SqsQueue
from spiderpool_aws.deployment import BATCH_SIZE, EC2_BUCKETS, MAX_CONCURRENCY, RECONCILE_NODES, VISIBILITY_TIMEOUT
from spiderpool_aws.domain.cluster.node import Node
from spiderpool_aws.domain.cluster.pool import Pool
from spiderpool_aws.domain.control import Control
from spiderpool_aws.domain.instance import CLUSTER_TAG
from spiderpool_aws.domain.policy.model import Policy
from spiderpool_aws.domain.request import ReconcileRequest
from spiderpool_aws.local.ec2 import DOCUMENTED_BUCKETS, Ec2Model, Ec2Options, connect_in_process
from spiderpool_aws.local.ec2.fixtures import SubnetPlan, create_network, tag_list
from spiderpool_aws.local.isolated import isolated_session
from spiderpool_aws.local.queues import LocalQueue
from spiderpool_aws.local.sqs import LocalSqs, system_attributes
from spiderpool_aws.messages import encode
from spiderpool_aws.ports import Systems
from spiderpool_aws.reconciler import Reconciler
from spiderpool_aws.worker import Worker
from tests.bench import latencies
from tests.bench.concurrency import SharedClock
from tests.unit.world import SmallCluster, SmallControl, SmallReporter, SmallScaling

SIZES = (50, 250, 1000)
SUBNETS = 8
ROLE = {"spiderpool-aws/role": "secondary-nic"}
IPV4, IPV6, POOLS = 5, 3, 4
REFILL, BURST = 5, 50
"""Of the slowest bucket that a launch draws on: AttachNetworkInterface."""


def policy() -> Policy:
    """Return a policy of two dual-stack NICs, the second of which is created."""
    interfaces: list[dict[str, Any]] = [
        {"deviceIndex": i, "host": f"ens{5 + i}", "multus": f"kube-system/ipvlan-ens{5 + i}"}
        | {"ipv4": {"addresses": IPV4}, "ipv6": {"addresses": IPV6}}
        for i in range(2)
    ]
    interfaces[1] |= {"subnets": {"tags": ROLE}}
    groups = [{"name": "workers", "interfaces": interfaces}]
    return Policy.model_validate({"version": 1, "cluster": "prod", "groups": groups})


class TimedCluster(SmallCluster):
    """The small cluster, where every call takes its time; it notes when an instance has all that its pods need."""

    def __init__(self, clock: SharedClock) -> None:
        super().__init__()
        self._clock = clock
        self._in_subnet: Counter[str] = Counter()
        self._filled: dict[str, set[str]] = {}
        self.complete: dict[str, datetime] = {}

    def list_pools(self) -> Sequence[Pool]:
        pages = len(self.pools) // latencies.POOLS_IN_A_PAGE + 1
        self._clock.sleep(pages * latencies.PAGE_OF_POOLS + len(self.pools) * latencies.PARSED_POOL)
        return super().list_pools()

    def apply_pool(self, pool: Pool) -> Pool:
        subnet = pool.spec.subnet
        self._clock.sleep(latencies.WEBHOOK + self._in_subnet[subnet] * latencies.WEBHOOK_PER_POOL)
        self._in_subnet[subnet] += pool.name not in self.pools
        self._note(pool)
        return super().apply_pool(pool)

    def get_node(self, name: str) -> Node | None:
        self._clock.sleep(latencies.CLUSTER_CALL)
        return super().get_node(name)

    def prepare_node(self, node_name: str, node_uid: str, *, provider_id: str = "", taint: str = "") -> None:
        self._clock.sleep(latencies.CLUSTER_CALL)
        super().prepare_node(node_name, node_uid, provider_id=provider_id, taint=taint)

    def _note(self, pool: Pool) -> None:
        if pool.identity is None or pool.spec.ips.count() != (IPV4 if pool.identity.family == 4 else IPV6):
            return
        filled = self._filled.setdefault(pool.identity.instance_id, set())
        filled.add(pool.name)
        if len(filled) == POOLS:
            self.complete.setdefault(pool.identity.instance_id, self._clock.now())


class TimedControl(SmallControl):
    """The policy's parameter, which takes its time."""

    clock: SharedClock

    def read(self) -> Control:
        self.clock.sleep(latencies.SSM)
        return super().read()


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


class WatchedQueue(LocalQueue):
    """The queue of requests, which says when it may be worth looking into."""

    def __init__(self, clock: SharedClock) -> None:
        super().__init__(clock, "requests.fifo", visibility_seconds=VISIBILITY_TIMEOUT.total_seconds())
        self._shared = clock
        self.on_visible: Any = None
        self._due: set[datetime] = set()

    def send(self, *given: Any, **named: Any) -> str:
        message_id = super().send(*given, **named)
        self.look_in(0)
        return message_id

    def change_visibility(self, receipt_handle: str, seconds: float) -> None:
        super().change_visibility(receipt_handle, seconds)
        self.look_in(seconds)

    def look_in(self, seconds: float) -> None:
        """Have somebody look after so many seconds; once for all who ask for the same moment."""
        at = self._shared.now() + timedelta(seconds=seconds)
        if at not in self._due:
            self._due.add(at)
            self._shared.call_later(seconds, lambda: self._look(at))

    def _look(self, at: datetime) -> None:
        self._due.discard(at)
        self.on_visible()


class Fleet:
    """A region with AWS's buckets, a queue, and as many workers as the event source mapping allows."""

    def __init__(self, workers: int = MAX_CONCURRENCY, batch: int = BATCH_SIZE) -> None:
        self.clock, self.usage, self._workers, self._batch = SharedClock(), Usage(), workers, batch
        self.model = Ec2Model(self.clock, options=Ec2Options(buckets=DOCUMENTED_BUCKETS))
        plans = {f"nodes-{n}": SubnetPlan(f"10.0.{16 * n}.0/20") for n in range(SUBNETS)}
        plans |= {f"pods-{n}": SubnetPlan(f"10.0.{16 * (n + SUBNETS)}.0/20", tags=ROLE) for n in range(SUBNETS)}
        self.network = create_network(self.model, plans)
        self.cluster, self.reporter = TimedCluster(self.clock), SmallReporter()
        self.control = TimedControl(Control(policy()).judged())
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
        return ids

    def _on_event(self, event: Mapping[str, Any]) -> None:
        if event["detail-type"] != "EC2 Instance State-change Notification":
            return
        instance_id, state = event["detail"]["instance-id"], event["detail"]["state"]
        request = ReconcileRequest(instance_id, event["id"], f"instance is {state}")
        self.clock.call_later(latencies.ROUTED, lambda: self._enqueue(request))
        if state == "running":
            self.clock.call_later(latencies.JOINS, lambda: self._join(instance_id))

    def _enqueue(self, request: ReconcileRequest) -> None:
        self.usage.sends += 1
        self.queue.send(encode(request), group=request.subject, deduplication_id=request.deduplication_id)

    def _join(self, instance_id: str) -> None:
        instance = self.model.instances[instance_id]
        name = instance.private_dns_name
        node = Node(name, f"uid-{name}", self.clock.now(), internal_ips=(str(instance.private_ip),))
        self.cluster.nodes[name] = node

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
        if sandbox.is_cold:
            self.clock.sleep(latencies.COLD_START)
            sandbox.is_cold = False
        started = self.clock.now()
        sandbox.pacer.begin()
        self.clock.sleep(latencies.OVERHEAD + len(records) * latencies.PLANNING)
        answer = sandbox.worker.handle({"Records": records})
        failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        done = [record["receiptHandle"] for record in records if record["messageId"] not in failed]
        for handle in done:
            self.queue.delete(handle)
        self.usage.deletes += bool(done)
        self.usage.invocations += 1
        seconds = (self.clock.now() - started).total_seconds()
        if seconds > RECONCILE_NODES.timeout.total_seconds():
            raise RuntimeError(f"an invocation took {seconds:.0f} s")
        self.usage.seconds += seconds
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
        systems = Systems(Ec2Adapter.from_session(session, pacer), self.cluster, SmallScaling())
        reconciler = Reconciler(systems, self.control, self.clock, self.reporter)
        client = session.client("sqs")
        inbox = SqsInbox(client, self.url, self.url)
        return _Sandbox(Worker(reconciler, inbox, SqsQueue(client, self.url), self.reporter, self.clock), pacer)

    def _take_time(self, model: Any, **_: Any) -> None:
        self.clock.sleep(latencies.EC2_WRITES.get(model.name, latencies.EC2_READ) + latencies.CPU_OF_A_CALL)


@dataclass
class Burst:
    """What a burst came to; times from the launch."""

    launches: int
    seconds: list[float]
    calls: Counter[str]
    throttled: Counter[str]
    usage: Usage
    sqs_calls: Counter[str]
    took: float
    paced: int = 0
    reads: int = field(init=False)

    def __post_init__(self) -> None:
        self.seconds.sort()
        self.reads = sum(count for name, count in self.calls.items() if name.startswith("Describe"))

    @property
    def makespan(self) -> float:
        return self.seconds[-1]

    @property
    def throttled_share(self) -> float:
        return self.throttled.total() / self.calls.total()

    def percentile(self, share: float) -> float:
        return self.seconds[min(len(self.seconds) - 1, int(share * len(self.seconds)))]


def run(launches: int, workers: int = MAX_CONCURRENCY, batch: int = BATCH_SIZE) -> Burst:
    """Launch so many nodes at once and let everything come to rest."""
    began, fleet = time.perf_counter(), Fleet(workers, batch)
    start, ids = fleet.clock.now(), fleet.launch(launches)
    fleet.clock.run_out()
    missing = sorted(set(ids) - set(fleet.cluster.complete))
    if missing:
        raise RuntimeError(f"{len(missing)} of {launches} nodes never got their pools, {missing[0]} for one")
    ours = [call for call in fleet.model.calls if call.caller.endswith("/worker")]
    return Burst(
        launches,
        [(at - start).total_seconds() for at in fleet.cluster.complete.values()],
        Counter(call.operation for call in ours),
        Counter(c.operation for c in ours if c.error is not None and "RequestLimitExceeded" in str(c.error)),
        fleet.usage,
        Counter(fleet.sqs.calls),
        time.perf_counter() - began,
        fleet.reporter.metrics.get("CallsPaced", 0),
    )


def rows(sizes: Sequence[int] = SIZES, workers: int = MAX_CONCURRENCY) -> Iterator[tuple[str, str, str]]:
    """Return each burst's makespan over its bound, its throttled calls, and its percentiles."""
    alone = run(1, workers).makespan
    yield "one launch, to its last pool", f"{alone:.0f} s", "the node joins 35 s after the launch"
    for size in sizes:
        burst = run(size, workers)
        bound = alone + max(0, size - BURST) / REFILL
        percentiles = "/".join(f"{burst.percentile(share):.0f}" for share in (0.5, 0.95, 0.99))
        figure = f"{burst.makespan:.0f} s, bound {bound:.0f} s: {burst.makespan / bound:.2f}"
        how = (
            f"{burst.throttled_share:.2%} of {burst.calls.total():,} EC2 calls throttled; p50/p95/p99 {percentiles} s; "
            f"{burst.usage.invocations} invocations, {burst.usage.gb_seconds:,.0f} GB-s; {burst.took:.0f} s to run"
        )
        yield f"burst of {size:,} launches, {workers} workers", figure, how


if __name__ == "__main__":
    for row in rows([int(size) for size in sys.argv[1:]] or SIZES):
        print(" | ".join(row), flush=True)  # noqa: T201 - figures for a terminal
