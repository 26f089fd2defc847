"""Steps that make things go wrong, and the step that lets time pass."""

from collections import deque

from spiderpool_aws.domain.request import ReconcileRequest
from spiderpool_aws.local.invariants import InvariantChecker
from spiderpool_aws.messages import encode
from tests.simulation.faults import OF_WRITES, Kill, Waiting
from tests.simulation.script import step
from tests.simulation.steps import Steps


class FaultSteps(Steps):
    """What goes wrong between the product and the world."""

    checker: InvariantChecker
    requests_made: int = 0

    @step
    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.stack.bus.advance(seconds)

    @step
    def ec2_fails(self, kind: str, skip: int = 0, writes_only: bool = True) -> None:
        """Let a call of the product to EC2 fail, after so many that go well."""
        self.stack.faults.ec2.append(Waiting(kind, writes_only, skip))

    @step
    def cluster_fails(self, kind: str, skip: int = 0, writes_only: bool = True) -> None:
        """Let a request of the product to the API server fail, after so many that go well."""
        self.stack.faults.cluster.append(Waiting(kind, writes_only or kind in OF_WRITES, skip))

    @step
    def service_fails(self, service: str, kind: str, skip: int = 0) -> None:
        """Let a call of the product to "autoscaling", "sqs" or "ssm" fail, after so many that go well."""
        waiting = Waiting(kind, writes_only=False, skip=skip)
        self.stack.faults.services.setdefault(service, deque()).append(waiting)

    @step
    def deletes_lost(self, count: int = 1) -> None:
        """Let messages that are done not be deleted: SQS delivers them again when their visibility has run out."""
        self.stack.faults.deletes_lost = count

    @step
    def redrive(self) -> None:
        """Let a person send back whatever lies in the dead-letter queues."""
        self.stack.redrive()

    @step
    def api_down(self, seconds: float) -> None:
        """Let the API server be away for a while."""
        self.stack.faults.api_down_until = self.stack.clock.now().timestamp() + seconds

    @step
    def stale(self, factor: float) -> None:
        """Let describes look back, at most so far of 30 seconds, in turns."""
        self.stack.staleness.factor = factor

    @step
    def unlist(self, number: int, seconds: float) -> None:
        """Let EC2 not show an instance for a while, once: after ten minutes that would be a proof."""
        instances, now = list(self.stack.model.instances), self.stack.clock.now().timestamp()
        if instances:
            self.stack.faults.unlisted.setdefault(instances[number % len(instances)], now + seconds)

    @step
    def disturb(self, what: str, count: int = 1, seconds: float = 0.0) -> None:
        """Let the next events of EC2 be "lost", "doubled" or "late" by so many seconds, so that others overtake."""
        self.stack.disturbed.extend([(what, seconds)] * count)

    @step
    def kill(self, skip: int, after: bool = False) -> None:
        """Let the worker's process end before its n-th call from now on, or right after it."""
        self.stack.faults.kill = Kill(skip, after)

    @step
    def lose_sandboxes(self) -> None:
        """Let Lambda begin with new processes, which remember nothing."""
        self.stack._apps.clear()

    @step
    def two_workers(self, number: int, head_start: int = 3, turns: tuple[int, ...] = ()) -> None:
        """Have an instance looked at by two workers at once, whose calls take turns."""
        instances = list(self.stack.model.instances)
        if not instances:
            return
        self.requests_made += 1
        subject = instances[number % len(instances)]
        request = ReconcileRequest(subject, f"again-{self.requests_made}", "the simulation")
        self.stack.requests.send(encode(request), group=subject, deduplication_id=request.deduplication_id)
        with self.checker.two_workers():
            self.stack.two_workers(head_start, list(turns))
