"""Life-cycle hooks, as Amazon EC2 Auto Scaling documents them."""

from typing import Any

import pytest

from spiderpool_aws.local.ec2 import Ec2Error, Ec2TimeoutError, Fault
from spiderpool_aws.local.ec2.autoscaling import Result

from .hooked import (
    COMPLETE,
    HEARTBEAT,
    LAUNCH,
    LAUNCH_EVENT,
    TERMINATE,
    TERMINATE_EVENT,
    Hooked,
    launch_hook,
    terminate_hook,
)


def test_a_launch_waits_for_its_hook_and_goes_into_service_when_it_is_completed() -> None:
    hooked = Hooked(launch_hook())
    hooked.group.set_desired(1)
    assert hooked.states(60) == ["Pending", "Pending:Wait"]
    assert hooked.details("EC2 Instance Launch Successful") == []
    (instance_id,) = hooked.group.instance_ids
    hooked.act(COMPLETE, instance_id, LAUNCH)
    assert hooked.states(10) == ["Pending:Proceed", "InService"]
    (told,) = hooked.details("EC2 Instance Launch Successful")
    assert (told["EC2InstanceId"], told["Origin"], told["Destination"]) == (instance_id, "EC2", "AutoScalingGroup")


def test_the_launch_event_has_the_documented_detail() -> None:
    hooked = Hooked(launch_hook())
    instance_id = hooked.grow()
    (event,) = [event for event in hooked.events if event["detail-type"] == LAUNCH_EVENT]
    token = event["detail"].pop("LifecycleActionToken")
    assert len(token) == 36
    assert event["source"] == "aws.autoscaling"
    assert event["resources"][0].endswith(":autoScalingGroupName/workers")
    assert event["detail"] == {
        "AutoScalingGroupName": "workers",
        "LifecycleHookName": LAUNCH,
        "EC2InstanceId": instance_id,
        "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING",
        "Origin": "EC2",
        "Destination": "AutoScalingGroup",
    }


def test_a_termination_waits_for_its_hook_while_the_instance_runs() -> None:
    hooked = Hooked(terminate_hook())
    instance_id = hooked.grow()
    assert hooked.group.state_of(instance_id) == "InService"
    hooked.group.set_desired(0)
    assert hooked.states(60) == ["Terminating:Wait"]
    assert hooked.scene.model.instances[instance_id].state == "running"
    (detail,) = hooked.details(TERMINATE_EVENT)
    assert (detail["Origin"], detail["Destination"]) == ("AutoScalingGroup", "EC2")
    hooked.act(COMPLETE, instance_id, TERMINATE)
    assert hooked.states(60) == ["Terminating:Proceed"]
    assert hooked.scene.model.instances[instance_id].state == "terminated"
    assert [told["EC2InstanceId"] for told in hooked.details("EC2 Instance Terminate Successful")] == [instance_id]


@pytest.mark.parametrize(("result", "survives"), [(Result.CONTINUE, True), (Result.ABANDON, False)])
def test_a_hook_that_nobody_completes_ends_with_its_default_result(result: Result, survives: bool) -> None:
    hooked = Hooked(launch_hook(heartbeat_timeout_seconds=300, default_result=result))
    first = hooked.grow()
    hooked.run(280)
    assert hooked.group.state_of(first) == "Pending:Wait"
    hooked.run(30)
    assert (hooked.group.state_of(first) == "InService") is survives


def test_a_heartbeat_gives_the_whole_time_out_again() -> None:
    hooked = Hooked(launch_hook(heartbeat_timeout_seconds=300))
    instance_id = hooked.grow()
    hooked.run(250)
    hooked.act(HEARTBEAT, instance_id, LAUNCH)
    hooked.run(290)
    assert hooked.group.state_of(instance_id) == "Pending:Wait"
    hooked.run(15)
    assert hooked.group.state_of(instance_id).startswith("Terminating")


def test_no_heartbeat_helps_beyond_the_global_limit() -> None:
    hook = terminate_hook(heartbeat_timeout_seconds=30)
    assert hook.global_timeout.total_seconds() == 3000
    assert terminate_hook(heartbeat_timeout_seconds=7200).global_timeout.total_seconds() == 172_800
    hooked = Hooked(hook)
    instance_id = hooked.grow()
    hooked.group.set_desired(0)
    for _ in range(149):
        hooked.run(20)
        hooked.act(HEARTBEAT, instance_id, TERMINATE)
    hooked.run(21)
    assert hooked.group.state_of(instance_id) == "Terminating:Proceed"


def test_an_abandoned_launch_is_terminated_and_replaced() -> None:
    hooked = Hooked(launch_hook())
    first = hooked.grow()
    hooked.act(COMPLETE, first, LAUNCH, LifecycleActionResult="ABANDON")
    hooked.run(60)
    assert hooked.scene.model.instances[first].state == "terminated"
    (second,) = hooked.group.instance_ids
    assert (second != first, hooked.group.state_of(second)) == (True, "Pending:Wait")


def test_continue_waits_for_the_other_hooks_and_abandon_ends_them() -> None:
    hooked = Hooked(terminate_hook("one"), terminate_hook("two"))
    first, second = (hooked.grow(2), hooked.group.instance_ids[1])
    hooked.group.set_desired(0)
    assert len(hooked.details(TERMINATE_EVENT)) == 4
    hooked.act(COMPLETE, first, "one")
    hooked.act(COMPLETE, second, "one", LifecycleActionResult="ABANDON")
    assert (hooked.group.state_of(first), hooked.group.state_of(second)) == ("Terminating:Wait", "Terminating:Proceed")
    hooked.act(COMPLETE, first, "two")
    assert hooked.group.state_of(first) == "Terminating:Proceed"


def test_an_instance_that_died_by_itself_waits_for_the_terminate_hook_as_well() -> None:
    hooked = Hooked(terminate_hook(heartbeat_timeout_seconds=600, default_result=Result.CONTINUE))
    dead = hooked.grow()
    hooked.scene.call("TerminateInstances", InstanceIds=[dead])
    hooked.run(60)
    assert hooked.group.state_of(dead) == "Terminating:Wait"
    hooked.run(600)
    assert hooked.group.state_of(dead) == ""


@pytest.mark.parametrize("operation", [COMPLETE, HEARTBEAT])
@pytest.mark.parametrize(
    ("who", "named"),
    [
        pytest.param({}, "instance ID {instance}", id="nothing waits for this hook"),
        pytest.param({"InstanceId": "i-00000000000000bad"}, "instance ID i-00000000000000bad", id="another instance"),
        pytest.param({"LifecycleActionToken": "t"}, "token t", id="an old token"),
    ],
)
def test_what_does_not_wait_is_a_validation_error(operation: str, who: dict[str, str], named: str) -> None:
    hooked = Hooked(launch_hook(), terminate_hook())
    instance_id = hooked.grow()
    with pytest.raises(Ec2Error) as caught:
        hooked.act(operation, instance_id, TERMINATE, **who)
    assert caught.value.code == "ValidationError"
    assert caught.value.message == f"No active Lifecycle Action found with {named.format(instance=instance_id)}"


def test_a_completion_counts_once() -> None:
    hooked = Hooked(launch_hook())
    instance_id = hooked.grow()
    hooked.act(COMPLETE, instance_id, LAUNCH)
    with pytest.raises(Ec2Error, match="No active Lifecycle Action"):
        hooked.act(COMPLETE, instance_id, LAUNCH)


def test_a_token_is_as_good_as_an_instance_id() -> None:
    hooked = Hooked(launch_hook())
    instance_id = hooked.grow()
    (detail,) = hooked.details(LAUNCH_EVENT)
    hooked.act(COMPLETE, "", LAUNCH, LifecycleActionToken=detail["LifecycleActionToken"])
    assert hooked.group.state_of(instance_id) == "Pending:Proceed"


def test_a_deleted_launch_hook_abandons_who_waits_for_it_and_a_terminate_hook_lets_them_go() -> None:
    hooked = Hooked(launch_hook(), terminate_hook())
    instance_id = hooked.grow()
    hooked.group.delete_hook(LAUNCH)
    assert hooked.group.state_of(instance_id) == "Terminating:Wait"
    hooked.group.delete_hook(TERMINATE)
    assert hooked.group.state_of(instance_id) == "Terminating:Proceed"


@pytest.mark.parametrize(
    ("operation", "params", "says"),
    [
        ("PutLifecycleHook", {}, "InvalidAction"),
        (COMPLETE, {"Token": "t"}, "does not know Token"),
        ("DescribeAutoScalingInstances", {"Filters": []}, "does not know Filters"),
        ("DescribeAutoScalingInstances", {"InstanceIds": ["i-0"] * 51}, "limited to 50"),
        ("DescribeAutoScalingInstances", {"MaxRecords": 51}, "from 1 to 50"),
    ],
)
def test_what_the_model_does_not_know_is_an_error(operation: str, params: dict[str, Any], says: str) -> None:
    with pytest.raises(Ec2Error, match=says):
        Hooked().api.call(operation, params)


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"AutoScalingGroupName": "others"}, "AutoScalingGroup name not found"),
        ({"InstanceId": ""}, "required"),
        ({"LifecycleActionResult": "RETRY"}, "CONTINUE or ABANDON"),
    ],
)
def test_a_request_that_does_not_fit_is_a_validation_error(params: dict[str, str], says: str) -> None:
    hooked = Hooked(launch_hook())
    with pytest.raises(Ec2Error, match=f"ValidationError.*{says}"):
        hooked.act(COMPLETE, hooked.grow(), LAUNCH, **params)


@pytest.mark.parametrize("seconds", [29, 7201])
def test_a_heartbeat_time_out_has_the_documented_bounds(seconds: int) -> None:
    with pytest.raises(Ec2Error, match="between 30 and 7200"):
        launch_hook(heartbeat_timeout_seconds=seconds)


def test_instances_are_described_in_pages() -> None:
    hooked = Hooked()
    hooked.grow(3)
    first = hooked.api.call("DescribeAutoScalingInstances", {"MaxRecords": 2})
    rest = hooked.api.call("DescribeAutoScalingInstances", {"MaxRecords": 2, "NextToken": first["NextToken"]})
    found = [d["InstanceId"] for answer in (first, rest) for d in answer["AutoScalingInstances"]]
    assert (found, "NextToken" in rest) == (hooked.group.instance_ids, False)


@pytest.mark.parametrize(
    ("fault", "error", "state"),
    [
        (Fault.refuse("Throttling"), Ec2Error, "Pending:Wait"),
        (Fault.lose_request(), Ec2TimeoutError, "Pending:Wait"),
        (Fault.lose_answer(), Ec2TimeoutError, "Pending:Proceed"),
    ],
)
def test_calls_fail_as_they_are_told(fault: Fault, error: type[Exception], state: str) -> None:
    hooked = Hooked(launch_hook())
    instance_id = hooked.grow()
    remove = hooked.api.inject(lambda operation, _: fault if operation == COMPLETE else None)
    named = {"AutoScalingGroupName": "workers", "LifecycleHookName": LAUNCH, "InstanceId": instance_id}
    done = hooked.api.execute(COMPLETE, {**named, "LifecycleActionResult": "CONTINUE"}, "role")
    remove()
    assert isinstance(done.error, error)
    assert hooked.group.state_of(instance_id) == state
    assert [(call.operation, call.caller) for call in hooked.api.calls] == [(COMPLETE, "role")]
