"""What the passes tell: what is wrong with the policy, what a line of the log is about, how long a launch took.

Pure, but for the reporter.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from spiderpool_aws.about import About
from spiderpool_aws.domain.actions.plan import Action, Finding, NodePlan
from spiderpool_aws.domain.actions.pools import ApplyPool, DeletePool, LiftQuarantine, PoolChange, Quarantine
from spiderpool_aws.domain.cluster.pool_listing import PoolListing
from spiderpool_aws.domain.control import Control
from spiderpool_aws.domain.node_events import Step
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.policy.model import Policy
from spiderpool_aws.domain.rules.remains import node_names
from spiderpool_aws.metrics import Metric
from spiderpool_aws.ports import Reporter

LAUNCH_LASTS = timedelta(hours=1)
"""A pool that comes later belongs to a changed policy, or to a NIC that was added: it says nothing about launches."""
_ENI = re.compile(r"eni-[0-9a-f]+")


def report_control(control: Control, reporter: Reporter) -> None:
    """Say what is wrong with the policy, and that the fuse is tripped."""
    if control.problem:
        reporter.warning(f"the newest policy is not in force: {control.problem}")
        reporter.count(Metric.POLICY_INVALID)
    if control.fuse.held:
        reporter.count(Metric.FUSE_TRIPPED)


def stranger_finding(policy: Policy, pools: PoolListing) -> Finding:
    """Return the finding for a policy whose `cluster` is not the one that the pools carry."""
    what = "nothing is done" if pools.are_anothers else "those are left alone"
    names = ", ".join(sorted(pools.strangers))
    text = f"the policy's cluster is {policy.cluster!r}, but pools here carry {names}: {what}; correct the policy's "
    return Finding(Metric.CLUSTER_MISMATCH, f"{text}cluster, or delete those pools")


def about_subject(subject: str, event_id: str, node: str = "") -> About:
    """Return what the lines about a request's subject are about."""
    if subject.startswith("i-"):
        return About(instance=subject, node=node, correlation_id=event_id)
    eni = subject if _ENI.fullmatch(subject) else ""
    return About(eni=eni, node=node, correlation_id=event_id)


def about_finding(finding: Finding) -> About:
    """Return the NIC that a finding names, if it names a single one."""
    named = set(_ENI.findall(finding.message))
    return About(eni=named.pop()) if len(named) == 1 else About()


def about_action(action: Action) -> About:
    """Return the NIC that an action is for: the one that it changes, or whose pool it changes."""
    match action:
        case ApplyPool(pool=pool) | DeletePool(pool=pool) | Quarantine(pool=pool):
            return About(eni=pool.identity.eni_id if pool.identity is not None else "")
        case _:
            eni_id: str = getattr(action, "eni_id", "")
            return About(eni=eni_id)


def known_node_name(observed: ObservedNode) -> str:
    """Return the Node's name, or that which the pools have; empty as long as nothing tells it."""
    return observed.node.name if observed.node is not None else next(iter(node_names(observed.pools)), "")


def is_about_pool(action: Action) -> bool:
    """Tell whether it writes a pool, or what keeps its addresses back."""
    return isinstance(action, ApplyPool | DeletePool | Quarantine | LiftQuarantine)


def launch_seconds(steps: Sequence[Step], plan: NodePlan | None, observed: ObservedNode, now: datetime) -> float | None:
    """Return how long after its launch an instance has got the last of its pools; None when this pass was not it."""
    instance = observed.instance
    created = any(step.refusal is None and _creates_pool(step.action) for step in steps)
    if instance is None or plan is None or plan.actions or plan.incomplete or not created:
        return None
    age = now - instance.launch_time
    return age.total_seconds() if age <= LAUNCH_LASTS else None


def _creates_pool(action: Action) -> bool:
    return isinstance(action, ApplyPool) and action.change is PoolChange.CREATE
