"""Instances that leave or are not yet in service: their pools, and the life-cycle actions of their groups."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from spiderpool_aws.applier import Applier
from spiderpool_aws.domain.actions.plan import Finding
from spiderpool_aws.domain.actions.pools import ApplyPool, PoolChange
from spiderpool_aws.domain.errors import Code
from spiderpool_aws.domain.instance import InstanceState
from spiderpool_aws.domain.lifecycle import CompleteHook, HookResult, Lifecycle, ProlongHook, Transition
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.policy.model import Policy
from spiderpool_aws.domain.rules.planner import plan_node
from spiderpool_aws.domain.stages import PlannedAction
from spiderpool_aws.ports import Systems
from tests.unit.build import NOW, eni, instance, node, observed, policy, v4
from tests.unit.domain.planning import FULL, ONE_NIC, full_node, keys
from tests.unit.world import SmallCluster, SmallEc2, SmallScaling

LAUNCH = "complete the hook spiderpool-aws-launch of i-1"
TERMINATE = "complete the hook spiderpool-aws-terminate of i-1"
ABANDONS = policy(nics=1, nodes={"launchFailure": "abandon"})
DRAINS = policy(nics=1, nodes={"drainSeconds": 300})


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


# --- a launch


def test_a_launch_is_completed_after_its_pools_are_in_place_and_its_node_is_ready() -> None:
    model = bare("Pending:Wait", node=node(taints=("spiderpool-aws/not-ready",)))
    _, done = converge(model, ONE_NIC)
    assert [type(action).__name__ for action in done] == ["ApplyPool", "PrepareNode", "CompleteHook"]
    assert completed(done) == {Transition.LAUNCHING: HookResult.CONTINUE}


def test_a_launch_waits_for_the_pools_of_every_nic() -> None:
    two_nics = observed(
        instance=instance(eni(0, ipv4=FULL), eni(1, attached=False)),
        lifecycle=Lifecycle("workers", "Pending:Wait"),
    )
    _, done = converge(two_nics, policy())
    assert completed(done) == {}


def test_a_converged_node_that_waits_needs_nothing_but_the_completion() -> None:
    model = waiting("Pending:Wait")
    assert keys(plan_node(model, ONE_NIC)) == [LAUNCH]
    after, _ = converge(model, ONE_NIC)
    assert plan_node(after, ONE_NIC).converged


@pytest.mark.parametrize("state", ["Pending", "Pending:Proceed", "InService", "Standby", "EnteringStandby"])
def test_where_nothing_waits_nothing_is_completed(state: str) -> None:
    assert plan_node(waiting(state, heartbeat_due=True), ONE_NIC).converged


def test_a_heartbeat_is_sent_while_the_launch_waits_and_one_is_due() -> None:
    model = bare("Pending:Wait", node=None, heartbeat_due=True)
    _, done = converge(model, ONE_NIC)
    assert done == [ProlongHook("workers", "i-1", Transition.LAUNCHING)]
    _, done = converge(replace(model, heartbeat_due=False), ONE_NIC)
    assert done == []


def refused(model: ObservedNode, the_policy: Policy, code: Code) -> ObservedNode:
    """Return the model after the creation of its pool was refused."""
    (create,) = (action for action in plan_node(model, the_policy).actions if isinstance(action, ApplyPool))
    return model.with_refusal(create, Finding(code, "no"))


@pytest.mark.parametrize(
    ("the_policy", "result"),
    [
        pytest.param(ABANDONS, {Transition.LAUNCHING: HookResult.ABANDON}, id="the policy says abandon"),
        pytest.param(ONE_NIC, {}, id="by default the hook runs out"),
    ],
)
def test_a_launch_whose_pools_cannot_be_had_is_abandoned_only_if_the_policy_says_so(
    the_policy: Policy, result: Mapping[Transition, HookResult]
) -> None:
    after, done = converge(refused(bare("Pending:Wait"), the_policy, Code.DENIED), the_policy)
    assert completed(done) == result
    assert plan_node(after, the_policy).converged


@pytest.mark.parametrize("code", [Code.CONFLICT, Code.TERMINATING, Code.IN_USE, Code.OVERLAP])
def test_a_refusal_that_another_look_may_find_gone_abandons_nobody(code: Code) -> None:
    model = refused(bare("Pending:Wait", heartbeat_due=True), ABANDONS, code)
    _, done = converge(model, ABANDONS)
    assert done == [ProlongHook("workers", "i-1", Transition.LAUNCHING)]


def test_a_failure_that_may_pass_abandons_nobody() -> None:
    model = bare("Pending:Wait", heartbeat_due=True, instance=instance(eni(0)))
    (assign,) = plan_node(model, ABANDONS).due
    _, done = converge(model.with_failure(assign), ABANDONS)
    assert done == [ProlongHook("workers", "i-1", Transition.LAUNCHING)]


def test_a_launch_that_waits_for_something_is_not_abandoned() -> None:
    _, done = converge(bare("Pending:Wait", node=None), ABANDONS)
    assert done == []


# --- the warm pool


@pytest.mark.parametrize("state", ["Warmed:Pending:Wait", "Warmed:Pending:Proceed", "Warmed:Running"])
def test_a_warm_instance_gets_no_pool_and_its_launch_goes_on_at_once(state: str) -> None:
    model = bare(state, node=node(taints=("spiderpool-aws/not-ready",)), instance=instance(eni(0)))
    after, done = converge(model, ONE_NIC)
    assert [str(action) for action in done] == (
        [f"{LAUNCH} with CONTINUE: it is in the warm pool of workers"] if state.endswith(":Wait") else []
    )
    assert (after.pools, plan_node(after, ONE_NIC).converged) == ((), True)


def test_a_warm_instance_with_pools_has_them_disabled_until_it_enters_service() -> None:
    warm, done = converge(waiting("Warmed:Running"), ONE_NIC)
    assert [action.change for action in done if isinstance(action, ApplyPool)] == [PoolChange.DISABLE]
    assert plan_node(warm, ONE_NIC).converged
    serving, done = converge(replace(warm, lifecycle=Lifecycle("workers", "Pending:Wait")), ONE_NIC)
    assert not serving.pools[0].spec.disable
    assert completed(done) == {Transition.LAUNCHING: HookResult.CONTINUE}
    assert plan_node(serving, ONE_NIC).converged


def test_a_warm_instance_that_is_terminated_goes_at_once() -> None:
    _, done = converge(bare("Warmed:Terminating:Wait"), ONE_NIC)
    assert completed(done) == {Transition.TERMINATING: HookResult.CONTINUE}


# --- a termination


def test_a_termination_disables_the_pools_first_and_goes_on_when_no_pod_has_an_address() -> None:
    after, done = converge(waiting("Terminating:Wait"), DRAINS)
    assert [type(action).__name__ for action in done] == ["ApplyPool", "CompleteHook"]
    assert after.pools[0].spec.disable
    assert after.pools[0].memory.leaving == NOW
    assert plan_node(after, DRAINS).converged


def test_a_termination_waits_while_pods_have_addresses_and_writes_nothing_more() -> None:
    drained, done = converge(with_pods(waiting("Terminating:Wait"), "10.0.0.20"), DRAINS)
    assert [type(action).__name__ for action in done] == ["ApplyPool"]
    later = replace(drained, now=NOW + timedelta(seconds=299))
    plan = plan_node(later, DRAINS)
    assert (plan.actions, [wait.delay_seconds for wait in plan.waits]) == ((), [1.0])
    _, done = converge(with_pods(later), DRAINS)
    assert completed(done) == {Transition.TERMINATING: HookResult.CONTINUE}


def test_a_termination_goes_on_when_the_time_for_draining_is_up() -> None:
    drained, _ = converge(with_pods(waiting("Terminating:Wait"), "10.0.0.20"), DRAINS)
    after, done = converge(replace(drained, now=NOW + timedelta(seconds=300)), DRAINS)
    why = "pods still have 1 of its addresses, and time is up"
    assert [str(action) for action in done] == [f"{TERMINATE} with CONTINUE: {why}"]
    assert plan_node(after, DRAINS).converged


def test_no_patience_at_all_terminates_at_once() -> None:
    at_once = policy(nics=1, nodes={"drainSeconds": 0})
    _, done = converge(with_pods(waiting("Terminating:Wait"), "10.0.0.20"), at_once)
    assert completed(done) == {Transition.TERMINATING: HookResult.CONTINUE}


def test_a_heartbeat_is_sent_while_pods_drain() -> None:
    model = with_pods(waiting("Terminating:Wait", heartbeat_due=True), "10.0.0.20")
    _, done = converge(model, DRAINS)
    assert [type(action).__name__ for action in done] == ["ApplyPool", "ProlongHook"]


@pytest.mark.parametrize("state", ["Terminating", "Terminating:Proceed", "Terminating:Retained"])
def test_pools_stay_disabled_until_the_end(state: str) -> None:
    after, _ = converge(waiting("Terminating:Wait"), DRAINS)
    later = replace(after, lifecycle=Lifecycle("workers", state))
    assert later.pools[0].spec.disable
    assert plan_node(later, DRAINS).converged


def test_a_node_that_serves_again_has_its_next_termination_wait_as_long() -> None:
    left, _ = converge(waiting("Terminating:Wait"), DRAINS)
    again, _ = converge(replace(left, lifecycle=Lifecycle("workers", "InService")), DRAINS)
    assert again.pools[0].memory.leaving is None
    model = with_pods(replace(again, now=NOW + timedelta(hours=1)), "10.0.0.20")
    _, done = converge(replace(model, lifecycle=Lifecycle("workers", "Terminating:Wait")), DRAINS)
    assert completed(done) == {}


# --- a Spot interruption


def test_a_spot_warning_disables_the_pools_and_no_later_message_enables_them() -> None:
    warned, done = converge(replace(full_node()[0], interrupted=True), ONE_NIC)
    assert [str(action).rpartition(": ")[2] for action in done] == ["EC2 takes the Spot instance back"]
    later = replace(warned, interrupted=False, now=NOW + timedelta(seconds=90))
    assert (later.pools[0].spec.disable, later.pools[0].memory.interrupted) == (True, NOW)
    assert plan_node(later, ONE_NIC).converged


def test_a_spot_warning_in_a_group_lets_the_termination_wait_for_the_pods() -> None:
    warned, _ = converge(with_pods(replace(full_node()[0], interrupted=True), "10.0.0.20"), DRAINS)
    leaving = replace(warned, interrupted=False, lifecycle=Lifecycle("workers", "Terminating:Wait"))
    waits, done = converge(leaving, DRAINS)
    assert completed(done) == {}
    assert waits.pools[0].memory.interrupted
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


# --- an instance with which nothing is done


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"state": InstanceState.TERMINATED}, id="dead"),
        pytest.param({"state": InstanceState.SHUTTING_DOWN}, id="dying"),
        pytest.param({"state": InstanceState.STOPPED}, id="at rest"),
        pytest.param({"tags": {"spiderpool-aws/cluster": "prod", "spiderpool-aws/managed": "false"}}, id="unmanaged"),
    ],
)
@pytest.mark.parametrize("state", ["Pending:Wait", "Terminating:Wait"])
def test_an_instance_with_which_nothing_is_done_holds_up_no_group(changes: dict[str, Any], state: str) -> None:
    model = bare(state, instance=instance(eni(0), **changes))
    after, done = converge(model, ONE_NIC)
    assert list(completed(done).values()) == [HookResult.CONTINUE]
    assert plan_node(after, ONE_NIC).converged


@pytest.mark.parametrize("state", [InstanceState.RUNNING, InstanceState.TERMINATED])
def test_an_instance_of_another_cluster_waits_for_that_clusters_functions(state: InstanceState) -> None:
    other = instance(eni(0), state=state, tags={"spiderpool-aws/cluster": "staging"})
    _, done = converge(bare("Pending:Wait", instance=other), ONE_NIC)
    assert completed(done) == {}
