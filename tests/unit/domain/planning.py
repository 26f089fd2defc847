"""Nodes, and pools as their plans create them, for the tests of the rules."""

from dataclasses import replace
from datetime import timedelta

from spiderpool_aws.domain.actions.plan import NodePlan
from spiderpool_aws.domain.actions.pools import ApplyPool, PoolChange
from spiderpool_aws.domain.cluster.claims import Claims
from spiderpool_aws.domain.cluster.pool import Pool
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.policy.model import Policy
from spiderpool_aws.domain.rules.planner import plan_node
from tests.unit.build import NOW, eni, instance, observed, policy, v4

FULL = v4("10.0.0.20-10.0.0.24")


ONE_NIC = policy(nics=1)


def keys(plan: NodePlan) -> list[str]:
    return [action.key for action in plan.actions]


def codes(plan: NodePlan) -> list[str]:
    return [finding.code for finding in plan.findings]


def planned_pool(model: ObservedNode, the_policy: Policy) -> Pool:
    """Return the pool that the plan creates, as the API server would store it."""
    created = [a.pool for a in plan_node(model, the_policy).actions if isinstance(a, ApplyPool)]
    assert [a.change for a in plan_node(model, the_policy).actions if isinstance(a, ApplyPool)] == [PoolChange.CREATE]
    return replace(created[0], uid="uid-pool")


def full_node(**changes: object) -> tuple[ObservedNode, Pool]:
    """Return a one-NIC node with its five addresses and its pool: converged."""
    model = observed(instance=instance(eni(0, ipv4=FULL)))
    pool = planned_pool(model, ONE_NIC)
    return replace(model, pools=(pool,), claims=Claims([pool]), **changes), pool  # type: ignore[arg-type]


def missing(seconds: int, **changes: object) -> ObservedNode:
    """Return a node whose NIC lost .20 so many seconds ago."""
    model, pool = full_node()
    memory = replace(pool.memory, missing=((NOW - timedelta(seconds=seconds), v4("10.0.0.20")),))
    return replace(
        model,
        instance=instance(eni(0, ipv4=v4("10.0.0.21-10.0.0.24"))),
        pools=(replace(pool, memory=memory, **changes),),  # type: ignore[arg-type]
    )


def other_pool(pool: Pool, **changes: object) -> Pool:
    return replace(pool, name="other", uid="uid-other", **changes)  # type: ignore[arg-type]
