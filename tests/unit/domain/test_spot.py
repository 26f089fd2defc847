"""A Spot instance that EC2 announces to take back: what remembers it, and for how long."""

from dataclasses import replace
from datetime import timedelta

from spiderpool_aws.deployment import GIVE_UP
from spiderpool_aws.domain.actions.nodes import PrepareNode
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
    warned, done = converge(replace(full_node()[0], interrupted=True), ONE_NIC)
    assert [str(action).rpartition(": ")[2] for action in done] == ["EC2 takes the Spot instance back"]
    later = replace(warned, interrupted=False, now=NOW + timedelta(seconds=90))
    assert (later.pools[0].spec.disable, later.pools[0].memory.interrupted) == (True, NOW)
    assert plan_node(later, ONE_NIC).converged
    assert plan_node(replace(later, interrupted=True), ONE_NIC).converged, "told again, it is no later for that"
    last = replace(later, now=NOW + INTERRUPTION - timedelta(seconds=1))
    assert plan_node(last, ONE_NIC).converged


def test_a_spot_warning_that_comes_to_nothing_holds_for_as_long_as_a_message_waits_and_no_longer() -> None:
    warned, _ = converge(replace(full_node()[0], interrupted=True), ONE_NIC)
    over = replace(warned, interrupted=False, now=NOW + INTERRUPTION)
    enabled, done = converge(over, ONE_NIC)
    assert [str(action).rpartition(": ")[2] for action in done] == ["enable"]
    assert (enabled.pools[0].spec.disable, enabled.pools[0].memory.interrupted) == (False, None)
    assert plan_node(enabled, ONE_NIC).converged
    again, _ = converge(replace(over, interrupted=True), ONE_NIC)
    assert (again.pools[0].spec.disable, again.pools[0].memory.interrupted) == (True, NOW + INTERRUPTION)
    assert INTERRUPTION == GIVE_UP


def test_a_spot_warning_before_the_first_pool_waits_in_its_message_and_no_pool_is_made() -> None:
    model = replace(full_node()[0], pools=(), interrupted=True)
    plan = plan_node(model, ONE_NIC)
    assert (plan.actions, [wait.delay_seconds for wait in plan.waits]) == ((), [LOOK_AGAIN_SECONDS])
    unmarked = replace(model, node=node(provider_id="", taints=("spiderpool-aws/not-ready",)))
    assert plan_node(unmarked, ONE_NIC).actions == (
        PrepareNode(node().name, node().uid, "aws:///eu-west-1a/i-1", ""),
    ), "without a pool nothing else says whose the Node was; its taint stays"
    dying, pool = full_node()
    plan = plan_node(replace(dying, pools=(replace(pool, terminating=True),), interrupted=True), ONE_NIC)
    assert len(plan.waits) == 1


def test_a_spot_warning_in_a_group_lets_the_termination_wait_for_the_pods() -> None:
    warned, _ = converge(with_pods(replace(full_node()[0], interrupted=True), "10.0.0.20"), DRAINS)
    leaving = replace(warned, interrupted=False, lifecycle=Lifecycle("workers", "Terminating:Wait"))
    waits, done = converge(leaving, DRAINS)
    assert completed(done) == {}
    assert waits.pools[0].memory.interrupted == NOW
    _, done = converge(with_pods(waits), DRAINS)
    assert completed(done) == {Transition.TERMINATING: HookResult.CONTINUE}


def test_a_launch_of_an_instance_that_is_taken_back_goes_on_at_once() -> None:
    _, done = converge(waiting("Pending:Wait", interrupted=True), ONE_NIC)
    assert completed(done) == {Transition.LAUNCHING: HookResult.CONTINUE}


def test_a_spot_instance_that_was_stopped_and_starts_again_is_served_again() -> None:
    warned, _ = converge(replace(full_node()[0], interrupted=True), ONE_NIC)
    assert warned.instance is not None
    state = InstanceState
    stopped, _ = converge(
        replace(warned, interrupted=False, instance=replace(warned.instance, state=state.STOPPED)), ONE_NIC
    )
    assert (stopped.pools[0].spec.disable, stopped.pools[0].memory.interrupted) == (True, None)
    assert plan_node(stopped, ONE_NIC).converged
    started, _ = converge(replace(stopped, instance=replace(warned.instance, state=state.RUNNING)), ONE_NIC)
    assert not started.pools[0].spec.disable
    assert plan_node(started, ONE_NIC).converged
