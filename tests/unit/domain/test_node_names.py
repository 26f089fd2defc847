"""Which name the pools get: that of the proved Node; else the policy's, for new pools, when nobody else has it."""

from dataclasses import replace

import pytest

from spiderpool_aws.domain.actions.pools import ApplyPool
from spiderpool_aws.domain.cluster.claims import Claims
from spiderpool_aws.domain.cluster.pool import Pool
from spiderpool_aws.domain.instance import InstanceState
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.rules.planner import plan_node
from tests.unit.build import eni, instance, node, observed, policy, v4
from tests.unit.domain.planning import FULL, codes, full_node, other_pool, planned_pool

BY_TAG = policy(nics=1, nodeName="tag:Name")
TAGS = {"spiderpool-aws/cluster": "prod", "Name": "worker-7"}


def named(name: str = "worker-7", **changes: object) -> tuple[ObservedNode, Pool]:
    """Return a node whose pool was made for worker-7, and whose tag says so, or another name by now."""
    model = observed(instance=instance(eni(0, ipv4=FULL), tags=TAGS), node=None)
    pool = planned_pool(model, BY_TAG)
    renamed = instance(eni(0, ipv4=FULL), tags=TAGS | {"Name": name})
    return replace(model, instance=renamed, pools=(pool,), claims=Claims([pool]), **changes), pool  # type: ignore[arg-type]


def test_a_tag_that_is_renamed_moves_no_pool_to_a_node_that_is_not_there() -> None:
    model, _ = named("renamed")
    plan = plan_node(model, BY_TAG)
    assert (plan.actions, codes(plan)) == ((), ["NodeRenamed"])
    assert "gives renamed for i-1, and there is no such Node: its pools keep worker-7" in plan.findings[0].message


def test_a_strategy_that_changes_moves_no_pool_away_from_its_proved_node() -> None:
    model, _ = full_node()
    plan = plan_node(model, policy(nics=1, nodeName="instance-id"))
    assert (plan.actions, plan.waits, codes(plan)) == ((), (), ["NodeRenamed"])
    assert f"gives i-1, but Node {node().name} is proved" in plan.findings[0].message


def test_the_pools_move_when_another_node_is_proved() -> None:
    model, pool = named("renamed", node=node(name="renamed", uid="uid-2"))
    (action,) = [a for a in plan_node(model, BY_TAG).actions if isinstance(a, ApplyPool)]
    assert (action.pool.name, action.pool.spec.node_name) == (pool.name, ("renamed",))
    assert codes(plan_node(model, BY_TAG)) == []


@pytest.mark.parametrize(
    ("spec", "taken"), [({"node_name": ()}, frozenset()), ({"node_name": ("odd",)}, frozenset({"nodeName"}))]
)
def test_a_name_that_somebody_took_out_or_wrote_is_set_back_before_the_node_joins(
    spec: dict[str, object], taken: frozenset[str]
) -> None:
    model, pool = named()
    edited = replace(pool, spec=replace(pool.spec, **spec), taken=taken)  # type: ignore[arg-type]
    (action,) = plan_node(replace(model, pools=(edited,)), BY_TAG).actions
    assert isinstance(action, ApplyPool)
    assert action.pool.spec == pool.spec


def of_another(pool: Pool, **changes: object) -> Pool:
    assert pool.identity is not None
    free = replace(pool.spec, ips=v4("10.0.0.99"))
    return other_pool(pool, identity=replace(pool.identity, instance_id="i-2"), spec=free, **changes)


@pytest.mark.parametrize("others", [{}, {"i-2": InstanceState.RUNNING}, {"i-2": InstanceState.STOPPED}])
def test_a_name_that_the_pools_of_another_live_instance_have_is_refused(others: dict[str, InstanceState]) -> None:
    model, pool = named()
    plan = plan_node(replace(model, pools=(), claims=Claims([of_another(pool)]), others=others), BY_TAG)
    assert (plan.actions, codes(plan), plan.incomplete) == ((), ["NodeNameTaken"], True)
    assert "gives worker-7 for i-1, and the pools of i-2 have it" in plan.findings[0].message


def test_a_name_that_the_pools_of_a_dead_instance_still_have_is_waited_for_and_they_are_looked_at() -> None:
    model, pool = named()
    dead = {"i-2": InstanceState.TERMINATED}
    plan = plan_node(replace(model, pools=(), claims=Claims([of_another(pool)]), others=dead), BY_TAG)
    assert (plan.actions, codes(plan), plan.nudges) == ((), [], frozenset({"i-2"}))
    assert plan.waits[-1].reason == "the pools of i-2, which is gone, still have the node name worker-7"


def test_a_dying_pool_keeps_no_name() -> None:
    model, pool = named()
    dying = of_another(pool, terminating=True)
    assert len(plan_node(replace(model, pools=(), claims=Claims([dying])), BY_TAG).actions) == 1


def test_a_proved_node_is_its_instances_whoever_else_has_its_name() -> None:
    model, pool = named(node=node(name="worker-7"))
    plan = plan_node(replace(model, claims=Claims([of_another(pool)])), BY_TAG)
    assert codes(plan) == []


def test_of_two_nodes_of_one_instance_the_newest_has_the_pools_and_the_other_is_reported() -> None:
    model, _ = full_node()
    newest = node(name="renamed", uid="uid-2")
    plan = plan_node(replace(model, node=newest, other_nodes=(node(),)), policy(nics=1))
    (action,) = [a for a in plan.actions if isinstance(a, ApplyPool)]
    assert (action.pool.spec.node_name, codes(plan)) == (("renamed",), ["NodeDoubled"])
    assert f"follow renamed, the newest; delete {node().name}" in plan.findings[0].message
