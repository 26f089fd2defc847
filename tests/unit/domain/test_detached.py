"""Pools whose NIC is no longer on the instance: one look proves nothing."""

from dataclasses import replace
from datetime import timedelta

import pytest

from spiderpool_aws.domain.actions.pools import ApplyPool, DeletePool, PoolChange
from spiderpool_aws.domain.addresses import AddressSet
from spiderpool_aws.domain.instance import InstanceState
from spiderpool_aws.domain.rules.planner import plan_node
from tests.unit.build import NOW, eni, instance, v4
from tests.unit.domain.planning import FULL, ONE_NIC, full_node


@pytest.mark.parametrize("listed", [FULL, v4()])
def test_a_pool_whose_nic_left_is_disabled_at_once_and_goes_at_a_second_look_also_when_it_is_empty(
    listed: AddressSet,
) -> None:
    model, pool = full_node()
    left = replace(model, instance=instance(eni(1)), pools=(replace(pool, spec=replace(pool.spec, ips=listed)),))
    plan = plan_node(left, ONE_NIC)
    (action,) = plan.due
    assert isinstance(action, ApplyPool)
    assert (action.change, action.pool.memory.detached, action.pool.spec.ips) == (PoolChange.DISABLE, NOW, listed)
    assert 30 in [wait.delay_seconds for wait in plan.waits]
    noted = replace(left, pools=(action.pool,))
    early = plan_node(replace(noted, now=NOW + timedelta(seconds=29)), ONE_NIC)
    assert (early.actions, [w.delay_seconds for w in early.waits if w.delay_seconds is not None]) == ((), [1])
    (late,) = plan_node(replace(noted, now=NOW + timedelta(seconds=30)), ONE_NIC).actions
    assert late == DeletePool(action.pool, "its NIC is no longer attached")


def test_a_nic_that_comes_back_begins_its_absence_anew() -> None:
    model, pool = full_node()
    away = replace(pool, memory=replace(pool.memory, detached=NOW - timedelta(seconds=60), disabled=True))
    (action,) = plan_node(replace(model, pools=(away,)), ONE_NIC).actions
    assert isinstance(action, ApplyPool)
    assert (action.pool.memory.detached, action.pool.memory.disabled) == (None, False)
    assert model.instance is not None
    stopped = replace(model, pools=(away,), instance=replace(model.instance, state=InstanceState.STOPPED))
    (action,) = plan_node(stopped, ONE_NIC).actions
    assert isinstance(action, ApplyPool)
    assert (action.pool.memory.detached, action.pool.memory.disabled) == (None, True)
