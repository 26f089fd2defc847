"""Nodes of Auto Scaling groups, and what is done for them until nothing is left."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from spiderpool_aws.applier import Applier
from spiderpool_aws.domain.lifecycle import CompleteHook, HookResult, Lifecycle, Transition
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.policy.model import Policy
from spiderpool_aws.domain.rules.planner import plan_node
from spiderpool_aws.domain.stages import PlannedAction
from spiderpool_aws.ports import Systems
from tests.unit.build import eni, instance, observed, v4
from tests.unit.domain.planning import FULL, full_node
from tests.unit.world import SmallCluster, SmallEc2, SmallScaling


def waiting(state: str, **changes: Any) -> ObservedNode:
    """Return a converged one-NIC node that stands so in its group."""
    return replace(full_node()[0], lifecycle=Lifecycle("workers", state), **changes)


def bare(state: str, **changes: Any) -> ObservedNode:
    """Return a node that has its five addresses and no pool yet."""
    full = observed(instance=instance(eni(0, ipv4=FULL)), lifecycle=Lifecycle("workers", state))
    return replace(full, **changes)


def with_pods(model: ObservedNode, *addresses: str) -> ObservedNode:
    (pool,) = model.pools
    return replace(model, pools=(replace(pool, allocated=v4(*addresses)),))


def converge(model: ObservedNode, the_policy: Policy) -> tuple[ObservedNode, list[PlannedAction]]:
    """Apply what is planned, stage by stage as the reconciler does, until nothing is left; return what was done."""
    ec2, cluster = SmallEc2(), SmallCluster(pools={pool.name: pool for pool in model.pools})
    if model.instance is not None:
        ec2.put(model.instance)
    if model.node is not None:
        cluster.nodes[model.node.name] = model.node
    applier, done = Applier(Systems(ec2, cluster, SmallScaling())), list[PlannedAction]()
    for _ in range(10):
        due = plan_node(model, the_policy).due
        if not due:
            return model, done
        for action in due:
            model = applier.apply(model, action)
            done.append(action)
    raise AssertionError(f"planning does not end: {[str(action) for action in done]}")


def completed(actions: list[PlannedAction]) -> Mapping[Transition, HookResult]:
    return {action.transition: action.result for action in actions if isinstance(action, CompleteHook)}
