"""The reconciler: observe, plan, apply.

    read the policy and the fuse; read all pools, then the instances, once for the whole batch
    for each node: plan; apply the actions of the first stage, which changes the model; plan again on the
    changed model, until the plan is empty

What EC2 answers to an assignment is used at once, without a second describe; when no pool could be written that lists
it, the next look waits until EC2 surely shows it, else a stale describe would have it assigned twice. A refused action
counts as done, so planning ends; its reason is reported. So does what failed for one NIC, for the other NICs cannot
help it; anything else that fails ends the pass: the message comes back. So do those for which the invocation has no
time left, and all others of the batch when the API server as a whole does not answer. What a pass changed or found is
then told on the Node (Events); that this fails keeps nothing from being done.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from spiderpool_aws import telling
from spiderpool_aws.announcer import Announcer
from spiderpool_aws.applier import Applier
from spiderpool_aws.cool_downs import asked_of
from spiderpool_aws.domain.actions.nics import AttachNic, CreateNic, DeleteNic
from spiderpool_aws.domain.actions.plan import Action, Finding, NodePlan
from spiderpool_aws.domain.cluster.pool_listing import PoolListing
from spiderpool_aws.domain.control import Control
from spiderpool_aws.domain.errors import Code, Paced, Refused, RetryLater, Unavailable
from spiderpool_aws.domain.node_events import Step, node_events
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.policy.model import Policy
from spiderpool_aws.domain.request import Hint, Outcome, ReconcileRequest, Status
from spiderpool_aws.domain.rules.lost import SECOND_LOOK, unlisted
from spiderpool_aws.domain.rules.planner import plan_node
from spiderpool_aws.domain.rules.remains import node_names
from spiderpool_aws.metrics import Metric
from spiderpool_aws.observation import NodeDirectory, Observer, in_group
from spiderpool_aws.ports import UNLIMITED, Clock, ControlPort, Deadline, Reporter, Systems
from spiderpool_aws.recollection import Recollection

MAX_ROUNDS = 24
"""Each does one stage, and there are eight. One in which something was refused or failed does not count: that is not
planned again, and there is only so much to try."""
MARGIN_SECONDS = 30.0
"""Nothing is begun with less time left: a call to the API server may take 25 s, and then the queue has to be told."""
NO_TIME = "no time left in this invocation"
UNKNOWN_PATIENCE_SECONDS = 60.0
"""How long an event may be ahead of what EC2 shows; after that the instance is gone, or not ours."""
PASSING = {Code.CONFLICT, Code.TERMINATING, Code.IN_USE, Code.OVERLAP, Code.SUBNET_EXHAUSTED}
"""Refusals that another look may find gone: our picture was old, or somebody releases addresses of a full subnet."""


@dataclass(slots=True)
class _Pass:
    """One pass over one node: the model as it changes, and what was done."""

    observed: ObservedNode
    deadline: Deadline
    plans: list[NodePlan] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    failures: list[RetryLater] = field(default_factory=list)
    """Assignments that failed; the rest of the node was done nevertheless."""
    away: Unavailable | None = None
    """The API server does not answer: no other node of the batch will get further."""

    def has_time(self) -> bool:
        """Tell whether one more thing may be begun."""
        return self.deadline.seconds_left() >= MARGIN_SECONDS

    @property
    def writes(self) -> int:
        """EC2 and cluster writes that were made."""
        return sum(step.refusal is None for step in self.steps)


class Reconciler:
    """Works on instances; the same for one and for a batch."""

    def __init__(self, systems: Systems, control: ControlPort, clock: Clock, reporter: Reporter) -> None:
        self._ec2 = systems.ec2
        self._cluster = systems.cluster
        self._control = control
        self._clock = clock
        self._reporter = reporter
        self._applier = Applier(systems)
        self._observer = Observer(systems, clock)
        self._announcer = Announcer(systems.cluster, reporter)
        self._recollection = Recollection()

    def reconcile(self, requests: Sequence[ReconcileRequest], deadline: Deadline = UNLIMITED) -> Mapping[str, Outcome]:
        """Return the outcome for each subject: of those for which no time is left, that they wait.

        Raises RetryLater when something that all of them need cannot be read: then nothing was done.
        """
        if deadline.seconds_left() < MARGIN_SECONDS:
            return {request.subject: Outcome(request.subject, Status.WAITING, NO_TIME) for request in requests}
        control = self._control.read()
        telling.report_control(control, self._reporter)
        newest = {request.subject: request for request in requests}
        subjects = list(newest)
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
            hinted = [replace(newest[i], hints=_hints_of(i, requests)) for i in instance_ids]
            outcomes |= self._reconcile_instances(hinted, pools, control, policy, deadline)
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
        outcomes: dict[str, Outcome] = {}
        last: _Pass | None = None
        names: dict[str, str] = {}
        for request in requests:
            if last is not None and last.away is not None:
                away = last.away
                outcomes[request.subject] = Outcome(request.subject, Status.FAILED, away.reason, away.delay_seconds)
                continue
            model = self._recollection.prepare(replace(models[request.subject], names_given=dict(names)), request)
            if last is not None:
                # Networks and subnets are not a node's own: what one node ensured or took, the next one finds so.
                model = replace(model, multus=last.observed.multus, subnets=last.observed.subnets)
            last = _Pass(model, deadline)
            with self._reporter.about(
                telling.about_subject(request.subject, request.event_id, telling.known_node_name(model))
            ):
                outcomes[request.subject] = self._reconcile_node(last, policy)
            pools = (pool for pool in last.observed.pools if not pool.terminating)
            names |= dict.fromkeys(node_names(pools), request.subject)
        return outcomes

    def _reconcile_node(self, work: _Pass, policy: Policy) -> Outcome:
        try:
            outcome = self._run(work, policy)
        except RetryLater as later:
            work.away = later if isinstance(later, Unavailable) else None
            outcome = _outcome(work, Status.FAILED, later.reason, later.delay_seconds)
        if policy.mode == "apply" and work.plans and work.away is None:
            self._announcer.tell(node_events(work.steps, work.plans[-1], work.observed), work.has_time)
        self._measure_launch(work)
        return _after_the_lag(work, outcome)

    def _measure_launch(self, work: _Pass) -> None:
        plan = work.plans[-1] if work.plans else None
        seconds = telling.launch_seconds(work.steps, plan, work.observed, self._clock.now())
        if seconds is not None:
            self._reporter.measure(Metric.LAUNCH_TO_POOLS, seconds)
            self._reporter.info(f"all pools are in place {seconds:.0f} s after the launch", launch_seconds=seconds)

    def _run(self, work: _Pass, policy: Policy) -> Outcome:
        rounds = 0
        while rounds < MAX_ROUNDS:
            if not work.has_time():
                return _outcome(work, Status.WAITING, NO_TIME)
            plan = plan_node(work.observed, policy)
            work.plans.append(plan)
            if not plan.actions:
                return _settled(work, plan)
            if policy.mode == "observe":
                return _outcome(work, Status.DONE, "the policy's mode is observe: nothing is written")
            known = len(work.observed.tried)
            for action in plan.due:
                if not work.has_time():
                    return _outcome(work, Status.WAITING, NO_TIME)
                self._perform(work, action)
            rounds += len(work.observed.tried) == known
        rest = ", ".join(action.key for action in work.plans[-1].actions)
        return _outcome(work, Status.FAILED, f"planning did not end, something undoes what is written: {rest}")

    def _perform(self, work: _Pass, action: Action) -> None:
        before = work.observed
        try:
            work.observed = self._applier.apply(before, action)
        except RetryLater as later:
            if not action.scope:
                raise
            work.failures.append(later)
            work.observed = before.with_failure(action)
        except Refused as refused:
            finding = Finding(refused.code, f"{action.key}: {refused.reason}")
            work.observed = before.with_refusal(action, finding)
            work.steps.append(Step(before, action, finding))
            self._recollection.refused(action, before)
            if telling.is_about_pool(action):
                self._reporter.count(Metric.POOLS_REFUSED)
            if refused.code is Code.SUBNET_EXHAUSTED:
                self._recount(work, action)
        else:
            work.steps.append(Step(before, action))
            self._recollection.done(action, work.observed)
            with self._reporter.about(telling.about_action(action)):
                self._reporter.info(str(action), stage=action.stage.name.lower())

    def _recount(self, work: _Pass, action: Action) -> None:
        """Count a full subnet anew, so that this pass asks for what is left of it."""
        if (asked := asked_of(action, work.observed)) is not None:
            work.observed = self._observer.recount(work.observed, asked.subnet_id)
            self._recollection.exhausted(action, work.observed)


def _hints_of(subject: str, requests: Sequence[ReconcileRequest]) -> frozenset[Hint]:
    """Return the hints of all messages about a subject: the newest alone is worked on, and none is lost."""
    return frozenset(hint for request in requests if request.subject == subject for hint in request.hints)


def _forward(subject: str, pools: PoolListing) -> Outcome:
    """An id that EC2 no longer knows writes nothing: the pool that carries it says which instance to look at."""
    return Outcome(subject, Status.DONE, "looked up by its pools", nudges=pools.instances_of(subject))


def _outcome(work: _Pass, status: Status, reason: str, delay_seconds: float | None = None) -> Outcome:
    last = work.plans[-1] if work.plans else None
    return Outcome(
        subject=work.observed.instance_id,
        status=status,
        reason=reason,
        delay_seconds=delay_seconds,
        writes=work.writes,
        findings=last.findings if last else work.observed.refusals,
        nudges=last.nudges if last else frozenset(),
        plans=tuple(work.plans),
        node=telling.known_node_name(work.observed),
    )


def _settled(work: _Pass, plan: NodePlan) -> Outcome:
    if work.failures:
        delays = [failure.delay_seconds for failure in work.failures if failure.delay_seconds is not None]
        reasons = "; ".join(failure.reason for failure in work.failures)
        status = Status.WAITING if all(isinstance(f, Paced) for f in work.failures) else Status.FAILED
        return _outcome(work, status, reasons, max(delays, default=None))
    passing = [finding for finding in work.observed.refusals if finding.code in PASSING]
    if plan.waits or passing:
        reasons = "; ".join([*(wait.reason for wait in plan.waits), *(finding.message for finding in passing)])
        delays = [wait.delay_seconds for wait in plan.waits if wait.delay_seconds is not None]
        only_dated = len(delays) == len(plan.waits) and not passing
        return _outcome(work, Status.WAITING, reasons, min(delays) if only_dated else None)
    if work.observed.refusals:
        return _outcome(work, Status.REFUSED, "; ".join(finding.message for finding in work.observed.refusals))
    if work.observed.instance is None and not work.observed.pools:
        unknown = _outcome(work, Status.WAITING, "EC2 does not know it: it may be too new to be shown")
        return replace(unknown, patience_seconds=UNKNOWN_PATIENCE_SECONDS)
    return _outcome(work, Status.DONE, "converged")


def _after_the_lag(work: _Pass, outcome: Outcome) -> Outcome:
    """Let the next look wait for EC2 to show a new NIC, and what was assigned when no pool remembers it.

    A stale describe would have a second one created, or the pools of the first disabled.
    """
    befores: dict[str, ObservedNode] = {}
    done = [type(step.action) for step in work.steps if step.refusal is None]
    # One that could not be attached is deleted again by now.
    fresh_nic = AttachNic in done or (CreateNic in done and DeleteNic not in done)
    for step in work.steps:
        if step.action.lags and step.refusal is None:
            befores.setdefault(step.action.scope, step.before)
    if not fresh_nic and not any(unlisted(eni_id, before, work.observed) for eni_id, before in befores.items()):
        return outcome
    status = outcome.status if outcome.status is Status.FAILED else Status.WAITING
    what = "a NIC was attached" if fresh_nic else "no pool lists yet what was assigned"
    reason = f"{outcome.reason}; {what}, EC2 has to show it first"
    delay = max(outcome.delay_seconds or 0, SECOND_LOOK.total_seconds())
    return replace(outcome, status=status, reason=reason, delay_seconds=delay)
