"""Pools of others, or of the dead, that list our addresses or have our names."""

from dataclasses import replace

from spiderpool_aws.domain.actions.pools import ApplyPool
from spiderpool_aws.domain.cluster.claims import Claims
from spiderpool_aws.domain.rules.planner import plan_node
from tests.unit.build import eni, instance, node, observed, v4
from tests.unit.domain.planning import FULL, ONE_NIC, codes, full_node, other_pool, planned_pool


def test_what_a_dying_pool_still_lists_is_left_out_and_waited_for() -> None:
    model = observed(instance=instance(eni(0, ipv4=FULL)))
    pool = planned_pool(model, ONE_NIC)
    assert pool.identity is not None
    dead = replace(pool.identity, instance_id="i-dead", eni_id="eni-dead")
    stale = other_pool(pool, identity=dead, terminating=True, spec=replace(pool.spec, ips=v4("10.0.0.22-10.0.0.23")))
    plan = plan_node(replace(model, claims=Claims([stale])), ONE_NIC)
    (action,) = plan.actions
    assert isinstance(action, ApplyPool)
    assert action.pool.spec.ips.to_ranges() == ["10.0.0.20-10.0.0.21", "10.0.0.24"]
    assert "pool other still lists it" in plan.waits[0].reason
    assert plan.nudges == frozenset()


def test_a_live_pool_of_another_node_that_lists_our_address_is_nudged() -> None:
    model = observed(instance=instance(eni(0, ipv4=FULL)))
    pool = planned_pool(model, ONE_NIC)
    assert pool.identity is not None
    stale = other_pool(pool, identity=replace(pool.identity, instance_id="i-2", eni_id="eni-2"))
    plan = plan_node(replace(model, claims=Claims([stale])), ONE_NIC)
    assert plan.nudges == {"i-2"}
    assert plan.actions == ()


def test_a_hand_made_pool_is_reported_and_never_waited_for() -> None:
    model = observed(instance=instance(eni(0, ipv4=FULL)))
    hand_made = other_pool(planned_pool(model, ONE_NIC), identity=None)
    plan = plan_node(replace(model, claims=Claims([hand_made])), ONE_NIC)
    assert (plan.actions, plan.waits, codes(plan)) == ((), (), ["ForeignPool"])


def test_a_pool_of_somebody_else_that_has_our_name_is_never_written() -> None:
    model = observed(instance=instance(eni(0, ipv4=FULL)), node=node(taints=("spiderpool-aws/not-ready",)))
    planned = planned_pool(model, ONE_NIC)
    foreign = replace(planned, identity=None, spec=replace(planned.spec, ips=v4("10.0.0.99")))
    plan = plan_node(replace(model, claims=Claims([foreign])), ONE_NIC)
    assert (plan.actions, plan.waits, codes(plan), plan.incomplete) == ((), (), ["ForeignPool"], True)


def test_a_dying_pool_of_the_same_name_is_waited_for() -> None:
    model, pool = full_node()
    dying = replace(pool, terminating=True, spec=replace(pool.spec, ips=v4()))
    plan = plan_node(replace(model, pools=(dying,), claims=Claims([dying])), ONE_NIC)
    assert plan.actions == ()
    assert "is still being deleted" in plan.waits[-1].reason
