"""One pass over one node: plan, do the first stage, plan again on the changed model, until the plan is empty.

A pass is a generator. It yields each call that changes a NIC, for which EC2 takes half a second, and is resumed with
its answer when there is one: meanwhile its reconciler goes on with the other nodes of the batch, and no launch waits
for the release of another node. All else it does itself, so that of all that the passes of a batch share (`Shared`)
nothing changes but between two of their steps.
"""

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

from spiderpool_aws import telling
from spiderpool_aws.applier import Applier
from spiderpool_aws.cool_downs import asked_of
from spiderpool_aws.domain.actions.nics import AttachNic, CreateNic, DeleteNic, NicAction
from spiderpool_aws.domain.actions.plan import Action, Finding, NodePlan
from spiderpool_aws.domain.actions.pools import ApplyMultusConfig, ApplyPool
from spiderpool_aws.domain.cluster.multus import MultusConfig
from spiderpool_aws.domain.errors import PASSING, Code, Paced, Refused, RetryLater, Unavailable
from spiderpool_aws.domain.instance import Subnet
from spiderpool_aws.domain.memory import SECOND_LOOK
from spiderpool_aws.domain.node_events import Step
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.policy.model import Policy
from spiderpool_aws.domain.request import Outcome, ReconcileRequest, Status
from spiderpool_aws.domain.rules.lost import unlisted
from spiderpool_aws.domain.rules.planner import plan_node
from spiderpool_aws.domain.rules.remains import node_names
from spiderpool_aws.domain.rules.room import room_given, room_taken
from spiderpool_aws.metrics import Metric
from spiderpool_aws.observation import Observer
from spiderpool_aws.ports import Deadline, Reporter
from spiderpool_aws.recollection import Recollection

Call = Callable[[], ObservedNode]
"""Changes one thing in EC2 and returns the changed model."""
Calls = Generator[Call, Future[ObservedNode], Outcome]
"""A pass that runs: each of its calls is answered with its future, which is done; at the end stands the outcome."""

MAX_ROUNDS = 24
"""Each does one stage, and there are eight. One in which something was refused or failed does not count: that is not
planned again, and there is only so much to try."""
MARGIN_SECONDS = 30.0
"""Nothing is begun with less time left: a call to the API server may take 25 s, and then the queue has to be told."""
NO_TIME = "no time left in this invocation"
UNKNOWN_PATIENCE_SECONDS = 60.0
"""How long an event may be ahead of what EC2 shows; after that the instance is gone, or not ours."""


@dataclass(slots=True)
class Shared:
    """What the nodes of a batch have in common: what one ensured or took, the others find so in their next plan."""

    multus: Mapping[str, MultusConfig]
    subnets: Mapping[str, Subnet]
    names: dict[str, str] = field(default_factory=dict)
    """Node name -> the instance whose pools have it."""
    under_way: Counter[str] = field(default_factory=Counter)
    """Subnet -> how many addresses are planned to be taken, or are being: EC2 may not count them yet."""
    away: Unavailable | None = None
    """The API server does not answer: no other node of the batch will get further."""

    def seen_by(self, observed: ObservedNode) -> ObservedNode:
        """Return a node's model with all of it."""
        return replace(observed, multus=self.multus, subnets=self.subnets, names_given=dict(self.names))

    def reserve(self, observed: ObservedNode, actions: Iterable[Action]) -> None:
        """Count the addresses of actions as taken before they are done: meanwhile others plan theirs."""
        for action in actions:
            subnet_id, count = room_taken(observed, action)
            self.under_way[subnet_id] += count
            self._take(subnet_id, count)

    def answered(self, observed: ObservedNode, action: Action) -> None:
        """Note that EC2 counts an action's addresses from now on, if it took them."""
        subnet_id, count = room_taken(observed, action)
        self.under_way[subnet_id] -= count

    def not_done(self, observed: ObservedNode, action: Action) -> None:
        """Count the addresses of an action as free again."""
        subnet_id, count = room_taken(observed, action)
        self._take(subnet_id, -count)

    def done(self, before: ObservedNode, action: Action, after: ObservedNode) -> None:
        """Remember what an action has ensured, given back, or named."""
        if isinstance(action, ApplyMultusConfig):
            self.multus = {**self.multus, action.config.key: after.multus[action.config.key]}
        elif isinstance(action, ApplyPool):
            self.names |= dict.fromkeys(node_names([action.pool]), before.instance_id)
        else:
            subnet_id, count = room_given(before, action)
            self._take(subnet_id, -count)

    def counted(self, subnet: Subnet) -> None:
        """Take a subnet as it was just counted; what is under way to the others of the batch is theirs.

        What EC2 has counted of it already is subtracted twice: then less is asked for, until the next look.
        """
        self.subnets = {**self.subnets, subnet.subnet_id: subnet}
        self._take(subnet.subnet_id, self.under_way[subnet.subnet_id])

    def _take(self, subnet_id: str, count: int) -> None:
        subnet = self.subnets.get(subnet_id)
        if subnet is not None:
            self.subnets = {**self.subnets, subnet_id: subnet.without(count)}


@dataclass(slots=True)
class Pass:
    """One pass over one node: the model as it changes, and what was done."""

    observed: ObservedNode
    request: ReconcileRequest
    deadline: Deadline
    shared: Shared
    plans: list[NodePlan] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    failures: list[RetryLater] = field(default_factory=list)
    """Assignments that failed; the rest of the node was done nevertheless."""

    def has_time(self) -> bool:
        """Tell whether one more thing may be begun."""
        return self.deadline.seconds_left() >= MARGIN_SECONDS

    @property
    def writes(self) -> int:
        """EC2 and cluster writes that were made."""
        return sum(step.refusal is None for step in self.steps)


class PassRunner:
    """Runs passes."""

    def __init__(self, applier: Applier, observer: Observer, recollection: Recollection, reporter: Reporter) -> None:
        self._applier = applier
        self._observer = observer
        self._recollection = recollection
        self._reporter = reporter

    def run(self, work: Pass, policy: Policy) -> Calls:
        """Do what is to be done for a node; return its outcome. What fails as a whole raises RetryLater."""
        rounds = 0
        while rounds < MAX_ROUNDS:
            if work.shared.away is not None:
                raise work.shared.away
            if not work.has_time():
                return outcome_of(work, Status.WAITING, NO_TIME)
            work.observed = work.shared.seen_by(work.observed)
            plan = plan_node(work.observed, policy)
            work.plans.append(plan)
            if not plan.actions:
                return _settled(work, plan)
            if policy.mode == "observe":
                return outcome_of(work, Status.DONE, "the policy's mode is observe: nothing is written")
            known = len(work.observed.tried)
            work.shared.reserve(work.observed, plan.due)
            for action in plan.due:
                if not work.has_time():
                    return outcome_of(work, Status.WAITING, NO_TIME)
                yield from self._perform(work, action)
            rounds += len(work.observed.tried) == known
        rest = ", ".join(action.key for action in work.plans[-1].actions)
        return outcome_of(work, Status.FAILED, f"planning did not end, something undoes what is written: {rest}")

    def _perform(self, work: Pass, action: Action) -> Generator[Call, Future[ObservedNode], None]:
        before = work.observed
        try:
            if isinstance(action, NicAction):
                answer = yield lambda: self._applier.apply(before, action)
                work.observed = answer.result()
            else:
                work.observed = self._applier.apply(before, action)
        except RetryLater as later:
            work.shared.answered(before, action)
            if isinstance(later, Paced):
                work.shared.not_done(before, action)
            else:
                self._observer.took(*room_taken(before, action))
            if not action.scope:
                raise
            work.failures.append(later)
            work.observed = before.with_failure(action)
        except Refused as refused:
            work.shared.answered(before, action)
            work.shared.not_done(before, action)
            self._refused(work, action, refused)
        else:
            work.steps.append(Step(before, action))
            work.shared.answered(before, action)
            work.shared.done(before, action, work.observed)
            self._observer.took(*room_taken(before, action))
            self._recollection.done(action, work.observed)
            with self._reporter.about(telling.about_action(action)):
                self._reporter.info(str(action), stage=action.stage.name.lower())

    def _refused(self, work: Pass, action: Action, refused: Refused) -> None:
        before = work.observed
        finding = Finding(refused.code, f"{action.key}: {refused.reason}")
        work.observed = before.with_refusal(action, finding)
        work.steps.append(Step(before, action, finding))
        self._recollection.refused(action, before)
        if telling.is_about_pool(action):
            self._reporter.count(Metric.POOLS_REFUSED)
        if refused.code is Code.SUBNET_EXHAUSTED:
            self._recount(work, action)

    def _recount(self, work: Pass, action: Action) -> None:
        """Count a full subnet anew, so that this pass asks for what is left of it."""
        if (asked := asked_of(action, work.observed)) is not None:
            work.shared.counted(self._observer.recount(asked.subnet_id))
            work.observed = work.shared.seen_by(work.observed)
            self._recollection.exhausted(action, work.observed)


def outcome_of(work: Pass, status: Status, reason: str, delay_seconds: float | None = None) -> Outcome:
    """Return the outcome of a pass, with what its last plan found."""
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


def _settled(work: Pass, plan: NodePlan) -> Outcome:
    if work.failures:
        delays = [failure.delay_seconds for failure in work.failures if failure.delay_seconds is not None]
        reasons = "; ".join(failure.reason for failure in work.failures)
        status = Status.WAITING if all(isinstance(f, Paced) for f in work.failures) else Status.FAILED
        return outcome_of(work, status, reasons, max(delays, default=None))
    passing = [finding for finding in work.observed.refusals if finding.code in PASSING]
    if plan.waits or passing:
        reasons = "; ".join([*(wait.reason for wait in plan.waits), *(finding.message for finding in passing)])
        delays = [wait.delay_seconds for wait in plan.waits if wait.delay_seconds is not None]
        only_dated = len(delays) == len(plan.waits) and not passing
        return outcome_of(work, Status.WAITING, reasons, min(delays) if only_dated else None)
    if work.observed.refusals:
        return outcome_of(work, Status.REFUSED, "; ".join(finding.message for finding in work.observed.refusals))
    if work.observed.instance is None and not work.observed.pools and not work.observed.nodes:
        unknown = outcome_of(work, Status.WAITING, "EC2 does not know it: it may be too new to be shown")
        return replace(unknown, patience_seconds=UNKNOWN_PATIENCE_SECONDS)
    return outcome_of(work, Status.DONE, "converged")


def after_the_lag(work: Pass, outcome: Outcome) -> Outcome:
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
