"""A Spot instance that EC2 announces to take back: what remembers it, and for how long."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from spiderpool_aws.deployment import GIVE_UP
from spiderpool_aws.domain.actions.nodes import PrepareNode
from spiderpool_aws.domain.cluster.claims import Claims
from spiderpool_aws.domain.instance import InstanceState
from spiderpool_aws.domain.lifecycle import HookResult, Lifecycle, Transition
from spiderpool_aws.domain.memory import INTERRUPTION
from spiderpool_aws.domain.rules.leaving import LOOK_AGAIN_SECONDS
from spiderpool_aws.domain.rules.planner import plan_node
from tests.unit.build import NOW, node
from tests.unit.domain.grouped import completed, converge, waiting, with_pods
from tests.unit.domain.planning import ONE_NIC, full_node
from tests.unit.domain.test_leaving import DRAINS


def test_a_spot_warning_disables_the_pools_and_no_later_message_enables_them() -> None:
    warned, done = converge(replace(full_node()[0], warned=NOW), ONE_NIC)
    assert [str(action).rpartition(": ")[2] for action in done] == ["EC2 takes the Spot instance back"]
    later = replace(warned, warned=None, now=NOW + timedelta(seconds=90))
    assert (later.pools[0].spec.disable, later.pools[0].memory.interrupted) == (True, NOW)
    assert plan_node(later, ONE_NIC).converged
    assert plan_node(replace(later, warned=NOW), ONE_NIC).converged, "told again, it is no later for that"
    last = replace(later, now=NOW + INTERRUPTION - timedelta(seconds=1))
    assert plan_node(last, ONE_NIC).converged


def test_a_spot_warning_that_comes_to_nothing_holds_for_as_long_as_a_message_waits_and_no_longer() -> None:
    warned, _ = converge(replace(full_node()[0], warned=NOW), ONE_NIC)
    over = replace(warned, warned=None, now=NOW + INTERRUPTION)
    enabled, done = converge(over, ONE_NIC)
    assert [str(action).rpartition(": ")[2] for action in done] == ["enable"]
    assert (enabled.pools[0].spec.disable, enabled.pools[0].memory.interrupted) == (False, None)
    assert plan_node(enabled, ONE_NIC).converged
    again, _ = converge(replace(over, warned=over.now), ONE_NIC)
    assert (again.pools[0].spec.disable, again.pools[0].memory.interrupted) == (True, NOW + INTERRUPTION)
    assert INTERRUPTION == GIVE_UP


@pytest.mark.parametrize(
    ("ago", "started_ago", "holds"),
    [
        pytest.param(3, 60, True, id="its message was late"),
        pytest.param(19, 60, True, id="it is nineteen minutes old"),
        pytest.param(20, 60, False, id="it came to nothing"),
        pytest.param(10, 5, False, id="the instance was stopped and started again since"),
    ],
)
@pytest.mark.parametrize("pooled", [True, False], ids=["with pools", "before the first pool"])
def test_a_spot_warning_is_as_old_as_its_event_and_not_as_its_message(
    ago: int, started_ago: int, holds: bool, pooled: bool
) -> None:
    model, pool = full_node()
    assert model.instance is not None
    started = replace(model.instance, started=NOW - timedelta(minutes=started_ago))
    known: dict[str, Any] = {"pools": (pool,)} if pooled else {"pools": (), "claims": Claims()}
    warned = replace(model, instance=started, warned=NOW - timedelta(minutes=ago), **known)
    after, _ = converge(warned, ONE_NIC)
    assert bool(after.pools) == (pooled or not holds)
    for written in after.pools:
        assert (written.spec.disable, written.memory.interrupted) == (holds, warned.warned if holds else None)


def test_of_two_spot_warnings_the_last_one_counts() -> None:
    warned, _ = converge(replace(full_node()[0], warned=NOW - timedelta(minutes=15)), ONE_NIC)
    again, _ = converge(replace(warned, warned=NOW), ONE_NIC)
    assert again.pools[0].memory.interrupted == NOW
    older, _ = converge(replace(again, warned=NOW - timedelta(minutes=15)), ONE_NIC)
    assert older.pools[0].memory.interrupted == NOW


def test_a_spot_warning_before_the_first_pool_waits_in_its_message_and_no_pool_is_made() -> None:
    model = replace(full_node()[0], pools=(), warned=NOW)
    plan = plan_node(model, ONE_NIC)
    assert (plan.actions, [wait.delay_seconds for wait in plan.waits]) == ((), [LOOK_AGAIN_SECONDS])
    unmarked = replace(model, node=node(provider_id="", taints=("spiderpool-aws/not-ready",)))
    assert plan_node(unmarked, ONE_NIC).actions == (
        PrepareNode(node().name, node().uid, "aws:///eu-west-1a/i-1", ""),
    ), "without a pool nothing else says whose the Node was; its taint stays"
    dying, pool = full_node()
    plan = plan_node(replace(dying, pools=(replace(pool, terminating=True),), warned=NOW), ONE_NIC)
    assert len(plan.waits) == 1


def test_a_spot_warning_in_a_group_lets_the_termination_wait_for_the_pods() -> None:
    warned, _ = converge(with_pods(replace(full_node()[0], warned=NOW), "10.0.0.20"), DRAINS)
    leaving = replace(warned, warned=None, lifecycle=Lifecycle("workers", "Terminating:Wait"))
    waits, done = converge(leaving, DRAINS)
    assert completed(done) == {}
    assert waits.pools[0].memory.interrupted == NOW
    _, done = converge(with_pods(waits), DRAINS)
    assert completed(done) == {Transition.TERMINATING: HookResult.CONTINUE}


def test_a_launch_of_an_instance_that_is_taken_back_goes_on_at_once() -> None:
    _, done = converge(waiting("Pending:Wait", warned=NOW), ONE_NIC)
    assert completed(done) == {Transition.LAUNCHING: HookResult.CONTINUE}


def test_a_spot_instance_that_was_stopped_and_starts_again_is_served_again() -> None:
    warned, _ = converge(replace(full_node()[0], warned=NOW), ONE_NIC)
    assert warned.instance is not None
    state = InstanceState
    stopped, _ = converge(replace(warned, warned=None, instance=replace(warned.instance, state=state.STOPPED)), ONE_NIC)
    assert (stopped.pools[0].spec.disable, stopped.pools[0].memory.interrupted) == (True, None)
    assert plan_node(stopped, ONE_NIC).converged
    started, _ = converge(replace(stopped, instance=replace(warned.instance, state=state.RUNNING)), ONE_NIC)
    assert not started.pools[0].spec.disable
    assert plan_node(started, ONE_NIC).converged
