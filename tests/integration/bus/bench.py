"""The bus with the real router and worker; what they work on is a fake."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from spiderpool_aws.domain.request import ReconcileRequest
from spiderpool_aws.events import ResyncEvent
from spiderpool_aws.local.bus import Bus, rules
from spiderpool_aws.local.clock import ManualClock
from spiderpool_aws.local.functions import AsyncInvoker, EventSourceMapping, Handler, LocalFunction
from spiderpool_aws.local.queues import LocalQueue
from spiderpool_aws.messages import encode
from spiderpool_aws.ports import Message
from spiderpool_aws.router import Router
from spiderpool_aws.routes import Target, parse
from spiderpool_aws.worker import Worker
from tests.unit.events.recorded import OWN_ROLES, POLICY_PARAMETER
from tests.unit.worker.fakes import FakeReconciler, FakeReporter


@dataclass
class Requests:
    """Both ends of the FIFO queue, without boto3."""

    queue: LocalQueue
    dead: LocalQueue

    def send(self, requests: Sequence[ReconcileRequest]) -> None:
        for request in requests:
            self.queue.send(encode(request), group=request.subject, deduplication_id=request.deduplication_id)

    def delay(self, messages: Sequence[Message], seconds: float) -> None:
        for message in messages:
            self.queue.change_visibility(message.receipt_handle, seconds)

    def delete(self, messages: Sequence[Message]) -> None:
        for message in messages:
            self.queue.delete(message.receipt_handle)

    def dead_letter(self, message: Message, reason: str) -> None:
        self.dead.send(f"{message.body}: {reason}", group=message.group, deduplication_id=message.message_id)


@dataclass
class EventLetters:
    queue: LocalQueue

    def put(self, event: object, reason: str) -> None:
        self.queue.send(json.dumps({"event": event, "reason": reason}))


class Owners:
    def __init__(self) -> None:
        self.instances: dict[str, str] = {}

    def instances_of_enis(self, eni_ids: Sequence[str]) -> Mapping[str, str]:
        return {eni: self.instances[eni] for eni in eni_ids if eni in self.instances}


@dataclass
class Bench:
    clock: ManualClock = field(default_factory=ManualClock)
    reconciler: FakeReconciler = field(default_factory=FakeReconciler)
    owners: Owners = field(default_factory=Owners)
    reporter: FakeReporter = field(default_factory=FakeReporter)

    def __post_init__(self) -> None:
        self.dead_requests = LocalQueue(self.clock, "dead.fifo")
        self.queue = LocalQueue(
            self.clock, "requests.fifo", visibility_seconds=360, dead_letters=self.dead_requests, max_receives=100
        )
        self.dead_events = LocalQueue(self.clock, "dead-events")
        requests = Requests(self.queue, self.dead_requests)
        router = Router(self.owners, requests, EventLetters(self.dead_events), self.reporter)
        worker = Worker(self.reconciler, requests, requests, self.reporter, self.clock)

        def resync(event: Any, context: Any) -> dict[str, int]:
            asked = parse(event, ResyncEvent).to_resync(context.aws_request_id)
            requests.send([ReconcileRequest(i, asked.request_id, "resync") for i in asked.instance_ids])
            return {"enqueued": len(asked.instance_ids)}

        self.route_event = self.function("route_event", lambda event, _: [r.subject for r in router.route(event)])
        self.reconcile_nodes = self.function("reconcile_nodes", lambda event, _: worker.handle(event))
        self.resync = self.function("resync", resync)
        self.invoker = AsyncInvoker(self.clock, self.dead_events)
        self.bus = Bus(
            self.clock,
            rules(own_role_arns=OWN_ROLES, policy_parameter=POLICY_PARAMETER),
            {Target.ROUTE_EVENT: self.route_event, Target.RESYNC: self.resync},
            EventSourceMapping(self.queue, "arn:aws:sqs:eu-west-1:1:requests.fifo", self.reconcile_nodes),
            self.invoker,
        )
        self.bus.scheduled = False

    def function(self, name: str, handler: Callable[[Any, Any], Any] | Handler) -> LocalFunction:
        return LocalFunction(name, handler, f"arn:aws:lambda:eu-west-1:1:function:{name}", 60, self.clock)

    @property
    def reconciled(self) -> list[str]:
        return [subject for call in self.reconciler.calls for subject in call]
