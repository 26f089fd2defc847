"""The reconciler: observe, plan, apply.

    read the policy and the fuse; read all pools, then the instances, once for the whole batch
    for each node: plan; apply the actions of the first stage, which changes the model; plan again on the
    changed model, until the plan is empty
    the calls to EC2 that launches wait for are made for several nodes of the batch at a time (`node_pass`)

What EC2 answers to an assignment is used at once, without a second describe; when no pool could be written that lists
it, the next look waits until EC2 surely shows it, else a stale describe would have it assigned twice. A refused action
counts as done, so planning ends; its reason is reported. So does what failed for one NIC, for the other NICs cannot
help it; anything else that fails ends the pass: the message comes back. So do those for which the invocation has no
time left, and all others of the batch when the API server as a whole does not answer. What a pass changed or found is
then told on the Node (Events); that this fails keeps nothing from being done.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from spiderpool_aws import telling
from spiderpool_aws.about import About
from spiderpool_aws.announcer import Announcer
from spiderpool_aws.applier import Applier
from spiderpool_aws.domain.cluster.pool_listing import PoolListing
from spiderpool_aws.domain.control import Control
from spiderpool_aws.domain.errors import RetryLater, Unavailable
from spiderpool_aws.domain.node_events import node_events
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.policy.model import Policy
from spiderpool_aws.domain.request import Hint, Outcome, ReconcileRequest, Status, newest_of
from spiderpool_aws.executor import Executor, InTurn
from spiderpool_aws.metrics import Metric
from spiderpool_aws.node_directory import NodeDirectory
from spiderpool_aws.node_pass import (
    MARGIN_SECONDS,
    NO_TIME,
    Call,
    Calls,
    Pass,
    PassRunner,
    Shared,
    after_the_lag,
    outcome_of,
)
from spiderpool_aws.observation import Observer, in_group
from spiderpool_aws.ports import UNLIMITED, Clock, ControlPort, Deadline, Reporter, Systems
from spiderpool_aws.recollection import Recollection


@dataclass(slots=True)
class _Running:
    """A pass between two of its calls."""

    work: Pass
    calls: Calls
    answer: Future[ObservedNode] | None = None

    def resume(self) -> Call:
        """Go on to the next call. Raises StopIteration with the outcome."""
        return next(self.calls) if self.answer is None else self.calls.send(self.answer)


class Reconciler:
    """Works on instances; the same for one and for a batch. Without an executor one call is made after the other."""

    def __init__(
        self,
        systems: Systems,
        control: ControlPort,
        clock: Clock,
        reporter: Reporter,
        executor: Executor | None = None,
    ) -> None:
        self._ec2 = systems.ec2
        self._cluster = systems.cluster
        self._control = control
        self._clock = clock
        self._reporter = reporter
        self._observer = Observer(systems, clock)
        self._executor = executor or InTurn()
        self._announcer = Announcer(systems.cluster, reporter)
        self._recollection = Recollection()
        self._runner = PassRunner(Applier(systems), self._observer, self._recollection, reporter)

    def reconcile(self, requests: Sequence[ReconcileRequest], deadline: Deadline = UNLIMITED) -> Mapping[str, Outcome]:
        """Return the outcome for each subject: of those for which no time is left, that they wait.

        Raises RetryLater when something that all of them need cannot be read: then nothing was done.
        """
        if deadline.seconds_left() < MARGIN_SECONDS:
            return {request.subject: Outcome(request.subject, Status.WAITING, NO_TIME) for request in requests}
        control = self._control.read()
        telling.report_control(control, self._reporter)
        subjects = list(dict.fromkeys(request.subject for request in requests))
        policy = control.policy
        if policy is None:
            return {s: Outcome(s, Status.FAILED, f"no valid policy: {control.problem}") for s in subjects}
        if policy.mode == "paused":
            return {s: Outcome(s, Status.DONE, "paused by the policy") for s in subjects}
        pools = self._observer.list_pools(policy)
        if pools.are_anothers:
            finding = telling.stranger_finding(policy, pools)
            return {s: Outcome(s, Status.DONE, finding.message, findings=(finding,)) for s in subjects}
        outcomes = {s: _forward(s, pools) for s in subjects if not s.startswith("i-")}
        instance_ids = [s for s in subjects if s.startswith("i-")]
        if instance_ids:
            newest = [newest_of([request for request in requests if request.subject == i]) for i in instance_ids]
            outcomes |= self._reconcile_instances(newest, pools, control, policy, deadline)
        return outcomes

    def _reconcile_instances(
        self,
        requests: Sequence[ReconcileRequest],
        pools: PoolListing,
        control: Control,
        policy: Policy,
        deadline: Deadline,
    ) -> dict[str, Outcome]:
        known = self._ec2.observe_instances([request.subject for request in requests])
        instances = {request.subject: known.get(request.subject) for request in requests}
        nodes = NodeDirectory(self._cluster)
        if any(Hint.NODES in request.hints for request in requests):
            nodes.all()
        models = self._observer.observe(instances, pools, control, policy, nodes)
        models = self._observer.with_remains(models, policy)
        suspected = {request.subject for request in requests if Hint.SPARES in request.hints}
        models = self._observer.with_spares(models, policy, suspected)
        try:
            models = self._observer.with_lifecycles(models)
        except RetryLater as later:
            # Whoever is in no group needs no answer of Auto Scaling.
            grouped = {r.subject for r in requests if in_group(models[r.subject])}
            others = [request for request in requests if request.subject not in grouped]
            failed = {i: Outcome(i, Status.FAILED, later.reason, later.delay_seconds) for i in grouped}
            return failed | self._reconcile_models(others, models, policy, deadline)
        return self._reconcile_models(requests, models, policy, deadline)

    def _reconcile_models(
        self,
        requests: Sequence[ReconcileRequest],
        models: Mapping[str, ObservedNode],
        policy: Policy,
        deadline: Deadline,
    ) -> dict[str, Outcome]:
        if not requests:
            return {}
        first = models[requests[0].subject]
        # Networks and subnets are not a node's own.
        shared = Shared(first.multus, first.subnets)
        passes = [Pass(models[request.subject], request, deadline, shared) for request in requests]
        outcomes: dict[str, Outcome] = {}
        for work, outcome in self._interleaved(passes, policy):
            outcomes[work.observed.instance_id] = outcome
        return {request.subject: outcomes[request.subject] for request in requests}

    def _interleaved(self, passes: Sequence[Pass], policy: Policy) -> Iterator[tuple[Pass, Outcome]]:
        """Run all passes; while one waits for EC2's answer to a call, the others go on. Yields each when it ends."""
        ready = deque(_Running(work, self._run(work, policy)) for work in passes)
        waiting: dict[Future[ObservedNode], _Running] = {}
        try:
            while ready or waiting:
                if not ready:
                    ready.extend(self._answered(waiting))
                    continue
                running = ready.popleft()
                try:
                    with self._reporter.about(_about(running.work)):
                        running.answer = self._executor.submit(running.resume())
                except StopIteration as ended:
                    yield running.work, ended.value
                    continue
                if running.answer.done():
                    ready.appendleft(running)
                else:
                    waiting[running.answer] = running
        finally:
            # When something ends the function, Lambda freezes the process. No call may be left in it: it would be made
            # in a later invocation, when another worker may have the message.
            while waiting:
                self._answered(waiting)

    def _answered(self, waiting: dict[Future[ObservedNode], _Running]) -> list[_Running]:
        """Return, and take out, the passes whose calls are done: wait for one."""
        self._executor.wait(waiting)
        return [waiting.pop(answer) for answer in [*waiting] if answer.done()]

    def _run(self, work: Pass, policy: Policy) -> Calls:
        if work.shared.away is not None:
            # Not even planned: nothing would be told of it either.
            return outcome_of(work, Status.FAILED, work.shared.away.reason, work.shared.away.delay_seconds)
        work.observed = self._recollection.prepare(work.observed, work.request)
        try:
            outcome = yield from self._runner.run(work, policy)
        except RetryLater as later:
            work.shared.away = later if isinstance(later, Unavailable) else work.shared.away
            outcome = outcome_of(work, Status.FAILED, later.reason, later.delay_seconds)
        if policy.mode == "apply" and work.plans and work.shared.away is None:
            self._announcer.tell(node_events(work.steps, work.plans[-1], work.observed), work.has_time)
        self._measure_launch(work)
        return after_the_lag(work, outcome)

    def _measure_launch(self, work: Pass) -> None:
        plan = work.plans[-1] if work.plans else None
        seconds = telling.launch_seconds(work.steps, plan, work.observed, self._clock.now())
        if seconds is not None:
            self._reporter.measure(Metric.LAUNCH_TO_POOLS, seconds)
            self._reporter.info(f"all pools are in place {seconds:.0f} s after the launch", launch_seconds=seconds)


def _about(work: Pass) -> About:
    request = work.request
    return telling.about_subject(request.subject, request.event_id, telling.known_node_name(work.observed))


def _forward(subject: str, pools: PoolListing) -> Outcome:
    """An id that EC2 no longer knows writes nothing: the pool that carries it says which instance to look at."""
    return Outcome(subject, Status.DONE, "looked up by its pools", nudges=pools.instances_of(subject))
