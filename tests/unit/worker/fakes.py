"""Ports that behave: a queue that remembers, a clock that stands still, a reconciler that answers as it is told."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from spiderpool_aws.about import About
from spiderpool_aws.domain.errors import Refused, RetryLater
from spiderpool_aws.domain.request import Outcome, ReconcileRequest, Status
from spiderpool_aws.messages import encode
from spiderpool_aws.ports import Deadline, Message
from spiderpool_aws.worker import Worker

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MINUTES_20 = timedelta(minutes=20)


def instance(number: int) -> str:
    return f"i-{number:017x}"


@dataclass
class FakeClock:
    time: datetime = START

    def now(self) -> datetime:
        return self.time


@dataclass
class FakeReporter:
    lines: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    abouts: list[About] = field(default_factory=list)

    def about(self, about: About) -> AbstractContextManager[None]:
        self.abouts.append(about)
        return nullcontext()

    def measure(self, metric: str, value: float, *, of: str = "") -> None:
        """The worker measures nothing."""

    def info(self, message: str, **fields: object) -> None:
        self.lines.append(f"{message} {fields}")

    def warning(self, message: str, **fields: object) -> None:
        self.warnings.append(f"{message} {fields}")

    def count(self, metric: str, value: int = 1, *, of: str = "") -> None:
        self.counts[metric] = self.counts.get(metric, 0) + value


@dataclass
class FakeQueue:
    sent: list[ReconcileRequest] = field(default_factory=list)
    down: bool = False

    def send(self, requests: Sequence[ReconcileRequest]) -> None:
        if self.down:
            raise RetryLater("SQS does not answer")
        self.sent += requests

    @property
    def arrived(self) -> list[str]:
        """The subjects that a FIFO queue would hold within five minutes, by its deduplication."""
        return [subject for subject, _ in dict.fromkeys((r.subject, r.deduplication_id) for r in self.sent)]


@dataclass
class FakeInbox:
    """Notes what happens in order: ("delay", ids, seconds), ("delete", ids), ("dead", id, reason)."""

    log: list[tuple[Any, ...]] = field(default_factory=list)
    dead_letters_down: bool = False
    down: frozenset[str] = frozenset()
    """Of "delay" and "delete", what SQS does not do."""

    def delay(self, messages: Sequence[Message], seconds: float) -> None:
        self._check("delay")
        self.log.append(("delay", [m.message_id for m in messages], seconds))

    def delete(self, messages: Sequence[Message]) -> None:
        self._check("delete")
        self.log.append(("delete", [m.message_id for m in messages]))

    def _check(self, what: str) -> None:
        if what in self.down:
            raise RetryLater("SQS does not answer")

    def dead_letter(self, message: Message, reason: str) -> None:
        if self.dead_letters_down:
            raise RetryLater("SQS does not answer")
        self.log.append(("dead", message.message_id, reason))

    @property
    def delays(self) -> dict[str, float]:
        return {m: entry[2] for entry in self.log if entry[0] == "delay" for m in entry[1]}

    @property
    def dead(self) -> dict[str, str]:
        return {entry[1]: entry[2] for entry in self.log if entry[0] == "dead"}


class Crash(BaseException):
    """The function dies: out of memory, or its time-out."""


@dataclass
class FakeReconciler:
    """Answers DONE but for the outcomes that a test sets; `crashers` kill the function."""

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    crashers: frozenset[str] = frozenset()
    unreachable: RetryLater | Refused | None = None
    calls: list[list[str]] = field(default_factory=list)
    requests: list[ReconcileRequest] = field(default_factory=list)
    seconds_left: list[float] = field(default_factory=list)
    """At each call."""

    def reconcile(self, requests: Sequence[ReconcileRequest], deadline: Deadline) -> Mapping[str, Outcome]:
        self.seconds_left.append(deadline.seconds_left())
        self.calls.append([request.subject for request in requests])
        self.requests += requests
        if self.crashers.intersection(self.calls[-1]):
            raise Crash
        if self.unreachable:
            raise self.unreachable
        return {r.subject: self.outcomes.get(r.subject, Outcome(r.subject, Status.DONE, "converged")) for r in requests}


def record(
    message_id: str,
    subject: str,
    *,
    receives: int = 1,
    age: timedelta = timedelta(0),
    body: str | None = None,
    event_id: str = "",
) -> dict[str, Any]:
    """Return an SQS record as Lambda hands it over; `age` is the time since the first receive."""
    first = int((START - age).timestamp() * 1000)
    request = ReconcileRequest(subject, event_id or f"event-{message_id}", "test")
    return {
        "messageId": message_id,
        "receiptHandle": f"handle-{message_id}",
        "body": encode(request) if body is None else body,
        "attributes": {
            "ApproximateReceiveCount": str(receives),
            "SentTimestamp": str(first - 500),
            "ApproximateFirstReceiveTimestamp": str(first),
            "MessageGroupId": subject,
        },
    }


def batch(*records: dict[str, Any]) -> dict[str, Any]:
    return {"Records": list(records)}


@dataclass
class Bench:
    reconciler: FakeReconciler = field(default_factory=FakeReconciler)
    inbox: FakeInbox = field(default_factory=FakeInbox)
    queue: FakeQueue = field(default_factory=FakeQueue)
    reporter: FakeReporter = field(default_factory=FakeReporter)

    def handle(self, *records: dict[str, Any]) -> list[str]:
        """Return the ids that stay in the queue."""
        worker = Worker(self.reconciler, self.inbox, self.queue, self.reporter, FakeClock())
        return [failure["itemIdentifier"] for failure in worker.handle(batch(*records))["batchItemFailures"]]

    def answer(self, subject: str, status: Status, **fields: Any) -> None:
        self.reconciler.outcomes[subject] = Outcome(subject, status, fields.pop("reason", "because"), **fields)
