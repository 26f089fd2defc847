"""The local stack for simulations: the same handlers, bus, queue and models, with faults at every edge."""

import json
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from spiderpool_aws.adapters.credentials import FixedCredentials
from spiderpool_aws.bootstrap import Application, install
from spiderpool_aws.domain.errors import RetryLater
from spiderpool_aws.local.clock import ManualClock
from spiderpool_aws.local.ec2 import Ec2Options
from spiderpool_aws.local.ec2.autoscaling import AutoScaling
from spiderpool_aws.local.functions import EventSourceMapping, Handler
from spiderpool_aws.local.journal import JournalReporter
from spiderpool_aws.local.queues import Stored
from spiderpool_aws.local.stack import POLICY_PARAMETER, LocalStack
from tests.simulation.faults import Faults, WorkerKilled
from tests.simulation.sandboxes import SQS, World, process_of, sandbox
from tests.simulation.stepping import Stepped

LAG_SECONDS = 30.0
NOT_FOUND_SECONDS = 10.0
REDRIVE_SECONDS = 300.0
OPTIONS = Ec2Options(describe_lag_seconds=LAG_SECONDS, write_lag_seconds=NOT_FOUND_SECONDS, lag_seed=0)


@dataclass(slots=True, kw_only=True)
class LossyMapping(EventSourceMapping):
    """Lambda's poller, whose deletion of a message that is done may fail: then SQS delivers it once more."""

    faults: Faults

    def _delete(self, message: Stored) -> None:
        if self.faults.deletes_lost:
            self.faults.deletes_lost -= 1
        else:
            EventSourceMapping._delete(self, message)


class Staleness:
    """How far describes look back: in turns to the end of what is allowed, and not at all. Stands for a `Random`."""

    TURNS = (1.0, 0.0, 0.5, 0.9, 0.1)

    def __init__(self) -> None:
        self.factor = 0.0
        self._turn = 0

    def random(self) -> float:
        if not self.factor:
            return 0.0
        self._turn += 1
        return self.factor * self.TURNS[self._turn % len(self.TURNS)]


class SimulationStack(LocalStack):
    """A local stack whose clients are shared between stacks, whose workers can be killed and run two at a time."""

    def __init__(self, policy: str, options: Ec2Options = OPTIONS) -> None:
        clock = ManualClock()
        self.faults = Faults(clock)
        super().__init__(policy, options=options, clock=clock)
        self.autoscaling = AutoScaling(self.model)
        self.staleness = Staleness()
        self.model.world.lag._random = self.staleness if options.lag_seed is not None else None  # type: ignore[assignment]
        self.surprises: list[str] = []
        """Exceptions of handlers that are neither outcomes nor kills."""
        self.after_pass: Callable[[], None] = lambda: None
        """Called when a resync has looked at the whole cluster and stored what it found."""
        self.disturbed: deque[tuple[str, float]] = deque()
        """What happens to the next events: lost, doubled, or late by so many seconds."""
        self._world = World(self.model, self.cluster, self.autoscaling, self.faults)
        self._apps: dict[str, Application] = {}

    def __enter__(self) -> "SimulationStack":
        for queue in (self.requests, self.dead_requests, self.lost_events):
            SQS.add(queue)
        SQS.calls.clear()
        SQS.faults = self.faults
        for name in self.functions:
            sandbox(name, self.roles[name]).line.world = self._world
        self._ssm().put_parameter(Name=POLICY_PARAMETER, Value=self._policies[0])
        self.model.subscribe(self._put)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        install(None)

    def application(self, name: str) -> Application:
        """Return an application as a new sandbox has it, on clients that are there already."""
        surroundings = sandbox(name, self.roles[name])
        session: Any = surroundings
        reporter = JournalReporter(self.journal, name, self.clock)
        return Application(session, self._load, reporter, self.clock, FixedCredentials(surroundings.api))

    def _mapping(self) -> EventSourceMapping:
        worker = self.functions["reconcile_nodes"]
        return LossyMapping(self.requests, self.sqs.arn(self.requests), worker, faults=self.faults)

    def redrive(self) -> None:
        """Send back what lies in the dead-letter queues, as `spiderpool-aws dlq redrive` does."""
        while letters := self.dead_requests.receive(10, REDRIVE_SECONDS):
            for letter in letters:
                again = f"redrive-{letter.message_id}"
                self.requests.send(letter.body, group=letter.group, deduplication_id=again)
                self.dead_requests.delete(letter.receipt_handle)
        while letters := self.lost_events.receive(10, REDRIVE_SECONDS):
            for letter in letters:
                record = json.loads(letter.body)
                name = record["requestContext"]["functionArn"].split(":")[6].removeprefix("spiderpool-aws-")
                again = f"redrive-{letter.message_id}"
                self.bus._invoker.invoke(self.functions[name], record["requestPayload"], again)
                self.lost_events.delete(letter.receipt_handle)

    def held(self) -> str:
        """Return why nothing may be removed from the living now, said anew; empty when it may."""
        fuse = self.fuse()
        if fuse.get("state") == "tripped":
            return "the fuse is tripped"
        return "" if fuse.get("policy") == self.policy().digest else "no resync has judged the policy"

    def agreed(self) -> dict[str, int]:
        """Return how much a person has agreed to, and is not gone yet."""
        fuse = self.fuse()
        bound = fuse.get("bound", {}) if fuse.get("state") == "confirmed" else {}
        return {kind: bound.get(kind, 0) for kind in ("pools", "addresses")}

    def _ssm(self) -> Any:
        return self._world.parameters

    def _as_function(self, name: str, handler: Handler) -> Handler:
        def run(event: Any, context: Any) -> Any:
            process = process_of(name)
            if process not in self._apps:
                self._apps[process] = self.application(name)
            self.faults.begin(process)
            install(self._apps[process])
            try:
                answer = handler(event, context)
            except WorkerKilled:
                # The process is gone with all that it remembered.
                del self._apps[process]
                raise
            except RetryLater:
                raise
            except Exception as error:
                self.surprises.append(f"{name}: {type(error).__name__}: {error}")
                raise
            if name == "resync" and "fuse" in answer and self.policy().mode == "apply":
                self.after_pass()
            return answer

        return run

    def _put(self, event: dict[str, Any]) -> None:
        what, seconds = self.disturbed.popleft() if self.disturbed else ("", 0.0)
        if what == "late":
            self.clock.call_later(seconds, lambda: self._deliver(event))
        elif what != "lost":
            self._deliver(event, times=2 if what == "doubled" else 1)

    def _deliver(self, event: dict[str, Any], times: int = 1) -> None:
        self.bus.deliver(event, times)

    def two_workers(self, head_start: int, turns: list[int]) -> None:
        """Let a second worker take the first one's messages, because their visibility ran out after some calls.

        After the head start the turns say who makes the next call: 0 the first worker, 1 the second.
        """
        workers = [Stepped(name, self.bus._mapping.poll) for name in ("first", "second")]
        # What waits for its time is nobody's: only what the first has received becomes visible too early.
        there = {message.message_id for message in self.requests.messages if message.visible_at <= self.clock.now()}
        for _ in range(head_start + 1):
            workers[0].step()
        for message in self.requests.messages:
            if message.message_id in there and message.visible_at > self.clock.now() and not workers[0].done:
                message.visible_at = self.clock.now()
        workers[1].step()
        for turn in turns:
            workers[turn].step()
        for worker in workers:
            with suppress(WorkerKilled):
                worker.finish()
