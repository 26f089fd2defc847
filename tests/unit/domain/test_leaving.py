"""Instances that leave or are not yet in service: their pools, and the life-cycle actions of their groups."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from spiderpool_aws.domain.actions.plan import Finding
from spiderpool_aws.domain.actions.pools import ApplyPool, PoolChange
from spiderpool_aws.domain.addresses import IPFamily
from spiderpool_aws.domain.errors import Code
from spiderpool_aws.domain.instance import InstanceState
from spiderpool_aws.domain.lifecycle import CompleteHook, HookResult, Lifecycle, ProlongHook, Transition
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.policy.model import Policy
from spiderpool_aws.domain.rules.desired import cooling_key
from spiderpool_aws.domain.rules.leaving import LOOK_AGAIN_SECONDS
from spiderpool_aws.domain.rules.planner import plan_node
from tests.unit.build import M5_LARGE, NOW, SUBNET_0, eni, instance, node, observed, policy
from tests.unit.domain.grouped import bare, completed, converge, waiting, with_pods
from tests.unit.domain.planning import FULL, ONE_NIC, keys

LAUNCH = "complete the hook spiderpool-aws-launch of i-1"
TERMINATE = "complete the hook spiderpool-aws-terminate of i-1"
ABANDONS = policy(nics=1, nodes={"launchFailure": "abandon"})
DRAINS = policy(nics=1, nodes={"drainSeconds": 300})


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


@pytest.mark.parametrize("code", [Code.CONFLICT, Code.TERMINATING, Code.IN_USE, Code.OVERLAP, Code.SUBNET_EXHAUSTED])
def test_a_refusal_that_another_look_may_find_gone_abandons_nobody(code: Code) -> None:
    model = refused(bare("Pending:Wait", heartbeat_due=True), ABANDONS, code)
    _, done = converge(model, ABANDONS)
    assert done == [ProlongHook("workers", "i-1", Transition.LAUNCHING)]


def test_a_failure_that_may_pass_abandons_nobody() -> None:
    model = bare("Pending:Wait", heartbeat_due=True, instance=instance(eni(0)))
    (assign,) = plan_node(model, ABANDONS).due
    _, done = converge(model.with_failure(assign), ABANDONS)
    assert done == [ProlongHook("workers", "i-1", Transition.LAUNCHING)]


@pytest.mark.parametrize("cooling", [True, False], ids=["EC2 has refused it", "its count says it"])
def test_a_full_subnet_abandons_nobody_for_the_next_instance_would_find_it_fuller(cooling: bool) -> None:
    model = bare("Pending:Wait", heartbeat_due=True, instance=instance(eni(0)))
    key = cooling_key("subnet-0", IPFamily.IPV4, prefixes=False)
    full = replace(SUBNET_0, available_ipv4=None if cooling else 0)
    waits = {key: model.now + timedelta(minutes=16)} if cooling else {}
    plan = plan_node(replace(model, subnets={"subnet-0": full}, cooling=waits), ABANDONS)
    assert (plan.actions, plan.waits) == ((ProlongHook("workers", "i-1", Transition.LAUNCHING),), ())
    old_type = replace(M5_LARGE, instance_type="t2.large", nitro=False)
    never = policy(nics=1, ipv4={"prefixes": 1}, nodes={"launchFailure": "abandon"})
    (given_up,) = plan_node(replace(model, limits=old_type), never).actions
    assert isinstance(given_up, CompleteHook)
    assert given_up.result is HookResult.ABANDON


def test_a_plan_that_has_something_to_do_does_not_speak_of_abandoning() -> None:
    plan = plan_node(bare("Pending:Wait", heartbeat_due=True), ABANDONS)
    assert [type(action).__name__ for action in plan.actions] == ["ApplyPool", "ProlongHook"]


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


@pytest.mark.parametrize(
    ("state", "stands", "goes_on"),
    [
        pytest.param(InstanceState.STOPPED, "Pending:Wait", False, id="it leaves the warm pool, and is started"),
        pytest.param(InstanceState.STOPPING, "Pending:Wait", False, id="stopping, as it was a moment ago"),
        pytest.param(InstanceState.SHUTTING_DOWN, "Pending:Wait", True, id="it dies"),
        pytest.param(InstanceState.STOPPED, "Warmed:Pending:Wait", True, id="it stays in the warm pool"),
        pytest.param(InstanceState.STOPPED, "Terminating:Wait", True, id="it is to be terminated"),
    ],
)
def test_an_instance_that_its_group_launches_is_waited_for_though_ec2_shows_it_at_rest(
    state: InstanceState, stands: str, goes_on: bool
) -> None:
    model = bare(stands, node=None, instance=instance(eni(0), state=state))
    after, done = converge(model, ONE_NIC)
    plan = plan_node(after, ONE_NIC)
    assert (len(completed(done)), [wait.reason for wait in plan.waits]) == (
        (1, []) if goes_on else (0, [f"i-1 is launched by its group, and EC2 shows it {state}"])
    )


# --- a termination


def test_a_termination_disables_the_pools_first_and_goes_on_when_no_pod_has_an_address() -> None:
    first = plan_node(waiting("Terminating:Wait"), DRAINS)
    assert ([type(action).__name__ for action in first.actions], first.waits) == (["ApplyPool", "CompleteHook"], ())
    after, done = converge(waiting("Terminating:Wait"), DRAINS)
    assert [type(action).__name__ for action in done] == ["ApplyPool", "CompleteHook"]
    assert after.pools[0].spec.disable
    assert after.pools[0].memory.leaving == NOW
    assert plan_node(after, DRAINS).converged


def test_a_termination_waits_while_pods_have_addresses_and_writes_nothing_more() -> None:
    drained, done = converge(with_pods(waiting("Terminating:Wait"), "10.0.0.20"), DRAINS)
    assert [type(action).__name__ for action in done] == ["ApplyPool"]
    assert [wait.delay_seconds for wait in plan_node(drained, DRAINS).waits] == [LOOK_AGAIN_SECONDS]
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


def not_disabled(model: ObservedNode, code: Code = Code.CONFLICT) -> ObservedNode:
    """Return the model after the write that disables its pool was refused."""
    (disable,) = plan_node(model, DRAINS).due
    assert isinstance(disable, ApplyPool)
    return model.with_refusal(disable, Finding(code, "no"))


@pytest.mark.parametrize("code", [Code.CONFLICT, Code.DENIED])
@pytest.mark.parametrize("heartbeat_due", [True, False])
def test_a_termination_waits_while_a_pool_could_not_be_disabled(code: Code, heartbeat_due: bool) -> None:
    model = not_disabled(waiting("Terminating:Wait", heartbeat_due=heartbeat_due, leaving_since=NOW), code)
    plan = plan_node(model, DRAINS)
    heartbeat = [ProlongHook("workers", "i-1", Transition.TERMINATING)]
    assert list(plan.actions) == (heartbeat if heartbeat_due else [])
    assert [wait.reason for wait in plan.waits] == [f"{model.pools[0].name} could not be disabled"]
    _, done = converge(model, DRAINS)
    assert completed(done) == {}
    _, done = converge(replace(model, tried=()), DRAINS)
    assert [type(action).__name__ for action in done][-1] == "CompleteHook"
    assert completed(done) == {Transition.TERMINATING: HookResult.CONTINUE}


@pytest.mark.parametrize("used", [(), ("10.0.0.20",)])
def test_a_pool_that_cannot_be_disabled_holds_a_termination_no_longer_than_the_policy_says(
    used: tuple[str, ...],
) -> None:
    early = with_pods(waiting("Terminating:Wait", leaving_since=NOW - timedelta(seconds=299)), *used)
    assert completed(converge(not_disabled(early), DRAINS)[1]) == {}
    late = replace(early, leaving_since=NOW - timedelta(seconds=300))
    (complete,) = converge(not_disabled(late), DRAINS)[1]
    assert str(complete).endswith("and time is up")


def test_a_drain_ends_by_what_a_pool_remembers_although_this_process_has_just_begun() -> None:
    drained, _ = converge(with_pods(waiting("Terminating:Wait"), "10.0.0.20"), DRAINS)
    late = NOW + timedelta(seconds=300)
    _, done = converge(replace(drained, now=late, leaving_since=late), DRAINS)
    assert completed(done) == {Transition.TERMINATING: HookResult.CONTINUE}


def test_a_pool_that_is_about_to_go_or_that_somebody_else_disabled_holds_up_nothing() -> None:
    model = waiting("Terminating:Wait")
    (pool,) = model.pools
    gone = replace(model, pools=(replace(pool, terminating=True),))
    assert completed(converge(gone, DRAINS)[1]) == {Transition.TERMINATING: HookResult.CONTINUE}
    by_hand = replace(model, pools=(replace(pool, spec=replace(pool.spec, disable=True)),))
    (remember,) = plan_node(by_hand, DRAINS).due
    refused = by_hand.with_refusal(remember, Finding(Code.CONFLICT, "no"))
    assert completed(converge(refused, DRAINS)[1]) == {Transition.TERMINATING: HookResult.CONTINUE}


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


# --- an instance with which nothing is done


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"state": InstanceState.TERMINATED}, id="dead"),
        pytest.param({"state": InstanceState.SHUTTING_DOWN}, id="dying"),
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
