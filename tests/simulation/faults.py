"""What goes wrong around the product's own calls: refusals, lost answers, a server away, a killed worker."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from spiderpool_aws.local.clock import ManualClock
from spiderpool_aws.local.cluster.answers import ApiError, failure
from spiderpool_aws.local.cluster.faults import ConnectionCutError, UnavailableError
from spiderpool_aws.local.cluster.faults import Fault as ClusterFault
from spiderpool_aws.local.ec2.calls import Fault

EC2_FAULTS: Mapping[str, Fault] = {
    "throttled": Fault.refuse("RequestLimitExceeded", "Request limit exceeded.", 503),
    "internal error": Fault.refuse("InternalError", "An internal error has occurred.", 500),
    "answer lost": Fault.lose_answer(),
    "request lost": Fault.lose_request(),
}
SERVICE_FAULTS: Mapping[str, Fault] = {
    "throttled": Fault.refuse("ThrottlingException", "Rate exceeded", 400),
    "internal error": Fault.refuse("InternalFailure", "An internal error has occurred.", 500),
    "answer lost": Fault.lose_answer(),
    "request lost": Fault.lose_request(),
}
"""What goes wrong with Auto Scaling, SQS and SSM."""
_CHANGED = "the object has been modified; please apply your changes to the latest version and try again"
CLUSTER_FAULTS: Mapping[str, ApiError | None] = {
    "429": ClusterFault.status(429, 1).error(),
    "500": ClusterFault.status(500).error(),
    "503": ClusterFault.status(503).error(),
    "conflict": failure(409, "Conflict", f"Operation cannot be fulfilled on this object: {_CHANGED}"),
    "denied": failure(403, "Forbidden", 'admission webhook "policy.example.com" denied the request: not now'),
    "connection cut": None,
    "unavailable": None,
}
OF_WRITES = {"conflict", "denied"}
"""What happens to writes only."""


class WorkerKilled(BaseException):
    """The worker's process ends here."""


@dataclass(slots=True)
class Waiting:
    """A fault that waits for its call."""

    kind: str
    writes_only: bool
    skip: int

    def hits(self, *, write: bool) -> bool:
        """Say whether this call is the one; count it when it is of the right kind."""
        if self.writes_only and not write:
            return False
        self.skip -= 1
        return self.skip < 0


@dataclass(slots=True)
class Kill:
    """Where the worker's process ends: before its n-th call from now on, or after that took effect."""

    skip: int
    after: bool


@dataclass(frozen=True, slots=True)
class WorkerCall:
    """A call that the worker made: an operation of EC2, or a request to the API server."""

    invocation: int
    what: str

    @property
    def is_write(self) -> bool:
        """Say whether it may have changed something."""
        return not self.what.startswith(("Describe", "GET "))


@dataclass(slots=True)
class Faults:
    """What is going to go wrong; empty from `stop` on."""

    clock: ManualClock
    ec2: deque[Waiting] = field(default_factory=deque)
    cluster: deque[Waiting] = field(default_factory=deque)
    services: dict[str, deque[Waiting]] = field(default_factory=dict)
    """Auto Scaling, SQS and SSM, by name."""
    deletes_lost: int = 0
    """How many of the next messages that are done Lambda's poller does not get deleted: they are delivered again."""
    kill: Kill | None = None
    api_down_until: float = 0.0
    unlisted: dict[str, float] = field(default_factory=dict)
    """Instance -> until when EC2's listings and look-ups lack it, although it is there."""
    calls: list[WorkerCall] = field(default_factory=list)
    """The worker's calls to EC2 and to the cluster, in order."""
    killed_at: list[str] = field(default_factory=list)
    """The calls before or after which the worker's process ended."""
    invocations: int = 0
    running: dict[str, int] = field(default_factory=dict)
    """The invocation that each worker's process works on."""

    def stop(self) -> None:
        """Let everything go well from now on."""
        self.ec2.clear()
        self.cluster.clear()
        self.services.clear()
        self.deletes_lost = 0
        self.kill, self.api_down_until = None, 0.0
        self.unlisted.clear()

    def of_ec2(self, operation: str) -> Fault | None:
        """Return what happens to a call of EC2, if anything does."""
        waiting = _take(self.ec2, write=not operation.startswith("Describe"))
        return EC2_FAULTS[waiting.kind] if waiting else None

    def without_unlisted(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Return an answer of DescribeInstances without the instances that EC2 does not show."""
        hidden = {i for i, until in self.unlisted.items() if self.clock.now().timestamp() < until}
        kept = []
        for reservation in answer["Reservations"]:
            shown = [one for one in reservation["Instances"] if one["InstanceId"] not in hidden]
            kept += [{**reservation, "Instances": shown}] if shown else []
        return {**answer, "Reservations": kept}

    def of_service(self, service: str) -> Fault | None:
        """Return what happens to a call of another service, if anything does."""
        waiting = _take(self.services.get(service, deque()), write=True)
        return SERVICE_FAULTS[waiting.kind] if waiting else None

    def before_request(self, method: str) -> bool:
        """Raise what happens to a request before it has an effect; say whether its answer gets lost afterwards."""
        waiting = _take(self.cluster, write=method != "GET")
        away = self.clock.now().timestamp() < self.api_down_until
        if away or (waiting is not None and waiting.kind == "unavailable"):
            raise UnavailableError(f"{method}: connection refused")
        if waiting is None:
            return False
        refusal = CLUSTER_FAULTS[waiting.kind]
        if refusal is not None:
            raise refusal
        return True

    def begin(self, process: str) -> None:
        """Note that a process begins an invocation."""
        self.invocations += 1
        self.running[process] = self.invocations

    def before_worker(self, process: str, what: str) -> None:
        """End the worker's process before a call, if it is to end here."""
        self.calls.append(WorkerCall(self.running[process], what))
        if self.kill is not None and not self.kill.after:
            self._count_down()

    def after_worker(self) -> None:
        """End the worker's process after a call, if it is to end here."""
        if self.kill is not None and self.kill.after:
            self._count_down()

    def _count_down(self) -> None:
        if self.kill is None:
            return
        self.kill.skip -= 1
        if self.kill.skip < 0:
            self.kill = None
            self.killed_at.append(self.calls[-1].what)
            raise WorkerKilled("the worker was killed")


def cut() -> ConnectionCutError:
    """Return what a client sees when the connection breaks after its request had an effect."""
    return ConnectionCutError("connection reset by peer")


def _take(waiting: deque[Waiting], **call: Any) -> Waiting | None:
    if waiting and waiting[0].hits(**call):
        return waiting.popleft()
    return None
