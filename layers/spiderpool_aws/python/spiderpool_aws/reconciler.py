"""The reconciler: observe, plan, apply.

    read the policy and the fuse; read all pools, then the instances, once for the whole batch
    for each node: plan; apply each action, which changes the model; plan again on the changed model
    until the plan is empty

What EC2 answers to an assignment is used at once, without a second describe. A refused action counts as done, so
planning ends; its reason is reported. One that has to wait ends the pass: the message comes back. What a pass changed
or found is then told on the Node (Events); that this fails keeps nothing from being done.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never

from spiderpool_aws.announcer import Announcer
from spiderpool_aws.domain.control import Control
from spiderpool_aws.domain.errors import Code, Refused, RetryLater
from spiderpool_aws.domain.node import Node
from spiderpool_aws.domain.node_events import Step, node_events
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.plan import (
    Action,
    ApplyMultusConfig,
    ApplyPool,
    Assign,
    DeleteNode,
    DeletePod,
    DeletePool,
    Finding,
    NodePlan,
    PrepareNode,
    Reassign,
    TaintNode,
)
from spiderpool_aws.domain.planner import plan_node
from spiderpool_aws.domain.policy import Policy
from spiderpool_aws.domain.pool import MultusConfig
from spiderpool_aws.domain.request import Outcome, ReconcileRequest, Status
from spiderpool_aws.observation import NodeDirectory, Observer, PoolListing
from spiderpool_aws.ports import Assigned, Clock, ClusterPort, ControlPort, Ec2Port, Reporter

MAX_ROUNDS = 12
PASSING = {Code.CONFLICT, Code.TERMINATING, Code.IN_USE, Code.OVERLAP, Code.SUBNET_EXHAUSTED}
"""Refusals that another look may find gone: our picture was old, or somebody releases addresses of a full subnet."""


@dataclass(slots=True)
class _Pass:
    """One pass over one node: the model as it changes, and what was done."""

    observed: ObservedNode
    plans: list[NodePlan] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)

    @property
    def writes(self) -> int:
        """EC2 and cluster writes that were made."""
        return sum(step.refusal is None for step in self.steps)


class Reconciler:
    """Works on instances; the same for one and for a batch."""

    def __init__(
        self, ec2: Ec2Port, cluster: ClusterPort, control: ControlPort, clock: Clock, reporter: Reporter
    ) -> None:
        self._ec2 = ec2
        self._cluster = cluster
        self._control = control
        self._reporter = reporter
        self._observer = Observer(ec2, cluster, clock)
        self._announcer = Announcer(cluster, reporter)

    def reconcile(self, requests: Sequence[ReconcileRequest]) -> Mapping[str, Outcome]:
        """Return the outcome for each subject.

        Raises RetryLater when something that all of them need cannot be read: then nothing was done.
        """
        control = self._control.read()
        report_control(control, self._reporter)
        subjects = list(dict.fromkeys(request.subject for request in requests))
        policy = control.policy
        if policy is None:
            return {s: Outcome(s, Status.FAILED, f"no valid policy: {control.problem}") for s in subjects}
        if policy.mode == "paused":
            return {s: Outcome(s, Status.DONE, "paused by the policy") for s in subjects}
        pools = self._observer.list_pools(policy)
        if pools.strangers:
            finding = stranger_finding(policy, pools)
            return {s: Outcome(s, Status.DONE, finding.message, findings=(finding,)) for s in subjects}
        outcomes = {s: _forward(s, pools) for s in subjects if not s.startswith("i-")}
        instance_ids = [s for s in subjects if s.startswith("i-")]
        if instance_ids:
            outcomes |= self._reconcile_instances(instance_ids, pools, control, policy)
        return outcomes

    def _reconcile_instances(
        self, instance_ids: Sequence[str], pools: PoolListing, control: Control, policy: Policy
    ) -> dict[str, Outcome]:
        known = self._ec2.observe_instances(instance_ids)
        instances = {instance_id: known.get(instance_id) for instance_id in instance_ids}
        models = self._observer.observe(instances, pools, control, policy, NodeDirectory(self._cluster))
        models = self._observer.with_remains(models, policy)
        outcomes: dict[str, Outcome] = {}
        multus: Mapping[str, MultusConfig] | None = None
        for instance_id, model in models.items():
            # The networks are the cluster's, not a node's: what one node has ensured, the next need not.
            work = _Pass(model if multus is None else replace(model, multus=multus))
            outcomes[instance_id] = self._reconcile_node(work, policy)
            multus = work.observed.multus
        return outcomes

    def _reconcile_node(self, work: _Pass, policy: Policy) -> Outcome:
        try:
            outcome = self._run(work, policy)
        except RetryLater as later:
            outcome = _outcome(work, Status.FAILED, later.reason, later.delay_seconds)
        if policy.mode == "apply" and work.plans:
            self._announcer.tell(node_events(work.steps, work.plans[-1], work.observed))
        return outcome

    def _run(self, work: _Pass, policy: Policy) -> Outcome:
        for _ in range(MAX_ROUNDS):
            plan = plan_node(work.observed, policy)
            work.plans.append(plan)
            if not plan.actions:
                return _settled(work, plan)
            if policy.mode == "observe":
                return _outcome(work, Status.DONE, "the policy's mode is observe: nothing is written")
            for action in plan.actions:
                self._perform(work, action)
        rest = ", ".join(action.key for action in work.plans[-1].actions)
        return _outcome(work, Status.FAILED, f"planning did not end, something undoes what is written: {rest}")

    def _perform(self, work: _Pass, action: Action) -> None:
        before = work.observed
        try:
            work.observed = self._apply(before, action)
        except Refused as refused:
            finding = Finding(refused.code, f"{action.key}: {refused.reason}")
            work.observed = before.with_refusal(action.key, finding)
            work.steps.append(Step(before, action, finding))
        else:
            work.steps.append(Step(before, action))
            self._reporter.info(str(action), instance=work.observed.instance_id)

    def _apply(self, observed: ObservedNode, action: Action) -> ObservedNode:
        """Do one thing and return the changed model."""
        match action:
            case ApplyPool():
                return observed.with_pool(self._cluster.apply_pool(action.pool))
            case DeletePool():
                self._cluster.delete_pool(action.pool)
                return observed.with_pool(replace(action.pool, terminating=True))
            case Assign():
                answer = self._ec2.assign(action.eni_id, action.family, action.count, prefixes=action.prefixes)
                return _with_assigned(observed, action.eni_id, answer)
            case Reassign():
                return self._reassign(observed, action)
            case ApplyMultusConfig():
                return observed.with_multus(self._cluster.apply_multus(action.config, action.cluster))
            case PrepareNode():
                self._cluster.prepare_node(
                    action.node_name, action.node_uid, provider_id=action.provider_id, taint=action.taint
                )
                return _with_node(observed, lambda node: node.prepared(action.provider_id, action.taint))
            case TaintNode():
                self._cluster.taint_node(action.node_name, action.node_uid, action.taint)
                return _with_node(observed, lambda node: node.tainted(action.taint))
            case DeleteNode():
                self._cluster.delete_node(action.node_name, action.node_uid)
                return replace(observed, node=None)
            case DeletePod():
                self._cluster.delete_pod(action.pod)
                return replace(observed, pods=tuple(pod for pod in observed.pods if pod != action.pod))
            case _:
                assert_never(action)

    def _reassign(self, observed: ObservedNode, action: Reassign) -> ObservedNode:
        eni = (
            next((e for e in observed.instance.enis if e.eni_id == action.eni_id), None) if observed.instance else None
        )
        subnet = observed.subnets.get(eni.subnet_id) if eni else None
        held = self._ec2.holders(action.addresses, subnet.vpc_id) if subnet else {}
        if held:
            # Asking for it would be refused, or with AllowReassignment take it away from its holder.
            holders = ", ".join(f"{address} is held by {holder}" for address, holder in sorted(held.items()))
            raise Refused(f"{holders}: the pod keeps an address that does not work, delete the pod", Code.ADDRESS_TAKEN)
        return _with_assigned(observed, action.eni_id, self._ec2.reassign(action.eni_id, action.addresses))


def report_control(control: Control, reporter: Reporter) -> None:
    """Say what is wrong with the policy, and that the fuse is tripped."""
    if control.problem:
        reporter.warning(f"the newest policy is not in force: {control.problem}")
        reporter.count("PolicyInvalid")
    if control.fuse.held:
        reporter.count("FuseTripped")


def stranger_finding(policy: Policy, pools: PoolListing) -> Finding:
    """Return the finding for a policy whose `cluster` is not the one that the pools carry."""
    return Finding(
        "ClusterMismatch",
        f"the policy's cluster is {policy.cluster!r}, but pools here carry {', '.join(sorted(pools.strangers))}: "
        "nothing is done; correct the policy's cluster, or delete those pools",
    )


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
    )


def _settled(work: _Pass, plan: NodePlan) -> Outcome:
    passing = [finding for finding in work.observed.refusals if finding.code in PASSING]
    if not plan.waits and not passing:
        return _outcome(work, Status.DONE, "converged")
    reasons = [wait.reason for wait in plan.waits] + [finding.message for finding in passing]
    delays = [wait.delay_seconds for wait in plan.waits if wait.delay_seconds is not None]
    only_dated = len(delays) == len(plan.waits) and not passing
    return _outcome(work, Status.WAITING, "; ".join(reasons), min(delays) if only_dated else None)


def _with_assigned(observed: ObservedNode, eni_id: str, answer: Assigned) -> ObservedNode:
    if observed.instance is None:
        return observed
    eni = next(known for known in observed.instance.enis if known.eni_id == eni_id)
    changed = eni.with_assigned(answer.addresses, answer.prefixes)
    return observed.with_eni(changed)


def _with_node(observed: ObservedNode, change: Callable[[Node], Node]) -> ObservedNode:
    return replace(observed, node=change(observed.node)) if observed.node is not None else observed
