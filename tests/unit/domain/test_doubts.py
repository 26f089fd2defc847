"""What one look did not find, as the fuse counts it."""

from dataclasses import replace

import pytest

from spiderpool_aws.domain.actions.nics import Assign
from spiderpool_aws.domain.instance import InstanceState
from spiderpool_aws.domain.rules.planner import plan_node
from tests.unit.build import eni, instance, policy, v4
from tests.unit.domain.planning import FULL, ONE_NIC, full_node, missing


def test_a_converged_node_is_in_no_doubt() -> None:
    model, _ = full_node()
    assert plan_node(model, ONE_NIC).doubts == ()


@pytest.mark.parametrize("seconds", [0, 10, 30])
def test_a_lost_address_counts_from_the_first_look_to_the_last_and_once(seconds: int) -> None:
    plan = plan_node(missing(seconds), ONE_NIC)
    assert plan.removals.address_count == 1
    assert plan.certain_removals.address_count == (1 if seconds == 30 else 0)


def test_an_address_that_a_pod_uses_is_in_no_doubt_for_it_stays() -> None:
    plan = plan_node(missing(10, allocated=v4("10.0.0.20")), ONE_NIC)
    assert not plan.removals


def test_what_is_lost_while_more_is_assigned_counts_though_the_pool_is_written_later() -> None:
    model, _ = full_node()
    lost = replace(model, instance=instance(eni(0, ipv4=v4("10.0.0.21-10.0.0.24"))))
    plan = plan_node(lost, policy(nics=1, ipv4={"addresses": 7}))
    assert [type(action) for action in plan.due] == [Assign]
    assert plan.removals.addresses == {model.pools[0].name: 1}


def test_a_nic_that_left_puts_its_whole_pool_in_doubt() -> None:
    model, pool = full_node()
    plan = plan_node(replace(model, instance=instance(eni(1))), ONE_NIC)
    assert (plan.removals.pools, plan.removals.address_count) == (frozenset({pool.name}), FULL.count())


@pytest.mark.parametrize("state", [InstanceState.SHUTTING_DOWN, InstanceState.TERMINATED])
def test_the_nics_of_a_dying_instance_raise_no_doubt(state: InstanceState) -> None:
    model, _ = full_node()
    assert not plan_node(replace(model, instance=instance(eni(1), state=state)), ONE_NIC).removals
