"""Nodes whose pool and NIC hold more than they should, and what shrinks them."""

from dataclasses import replace
from typing import Any

from spiderpool_aws.domain.actions.pools import ApplyPool, PoolChange
from spiderpool_aws.domain.addresses import EMPTY, AddressSet, parse_network
from spiderpool_aws.domain.cluster.claims import Claims
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.policy.model import Policy
from spiderpool_aws.domain.rules.planner import plan_node
from tests.unit.build import V4, eni, instance, policy, v4
from tests.unit.domain.planning import full_node

ELASTIC = {"min": 2, "warm": 2, "max": 9}
PREFIX = parse_network("10.0.0.32/28")
PREFIXES = policy(nics=1, ipv4={"prefixes": 1})
INSTEAD = policy(nics=1, ipv4={"prefixes": 1, "fallback": "addresses"})


def with_pool(
    listed: AddressSet, used: AddressSet = EMPTY[V4], held: AddressSet | None = None, **nic: Any
) -> ObservedNode:
    """Return a node whose pool lists so much, of which pods use some, on a NIC that holds that (or something else)."""
    model, pool = full_node()
    holding = instance(eni(0, ipv4=listed if held is None else held, **nic))
    known = replace(pool, spec=replace(pool.spec, ips=listed), allocated=used)
    return replace(model, instance=holding, pools=(known,), claims=Claims([known]))


def remembering(model: ObservedNode, **memory: Any) -> ObservedNode:
    (pool,) = model.pools
    return replace(model, pools=(replace(pool, memory=replace(pool.memory, **memory)),))


def shrink(model: ObservedNode, the_policy: Policy) -> ApplyPool:
    (action,) = plan_node(model, the_policy).due
    assert isinstance(action, ApplyPool)
    assert action.change is PoolChange.SHRINK
    return action


def after(model: ObservedNode, action: ApplyPool) -> ObservedNode:
    return replace(model, pools=(action.pool,), claims=Claims([action.pool]))


def elastic(free: int, used: int) -> ObservedNode:
    last = 20 + free + used - 1
    return with_pool(v4(f"10.0.0.20-10.0.0.{last}"), used=v4(f"10.0.0.20-10.0.0.{19 + used}") if used else EMPTY[V4])
