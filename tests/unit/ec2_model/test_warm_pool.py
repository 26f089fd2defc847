"""The warm pool of a group, and Spot interruptions."""

from typing import Any

import pytest

from spiderpool_aws.local.ec2 import interrupt_spot

from .hooked import COMPLETE, LAUNCH, LAUNCH_EVENT, TERMINATE_EVENT, Hooked, launch_hook, terminate_hook
from .scene import Scene


def test_an_instance_of_the_warm_pool_waits_is_stopped_and_waits_again_for_its_service() -> None:
    hooked = Hooked(launch_hook())
    hooked.group.put_warm_pool(1)
    assert hooked.states(30) == ["Warmed:Pending", "Warmed:Pending:Wait"]
    (warm,) = hooked.group.warm_ids
    hooked.act(COMPLETE, warm, LAUNCH)
    assert hooked.states(60) == ["Warmed:Pending:Proceed", "Warmed:Stopped"]
    hooked.group.set_desired(1)
    hooked.run(20)
    assert hooked.group.instance_ids == [warm]
    assert hooked.group.state_of(warm) == "Pending:Wait"
    hooked.act(COMPLETE, warm, LAUNCH)
    hooked.run(5)
    assert hooked.group.state_of(warm) == "InService"
    ways = [(d["Origin"], d["Destination"]) for d in hooked.details(LAUNCH_EVENT) if d["EC2InstanceId"] == warm]
    assert ways == [("EC2", "WarmPool"), ("WarmPool", "AutoScalingGroup")]


def test_a_running_warm_pool_keeps_its_instances_running_and_is_filled_up_again() -> None:
    hooked = Hooked()
    hooked.group.put_warm_pool(2, "Running")
    hooked.run(20)
    before = hooked.group.warm_ids
    assert [hooked.group.state_of(warm) for warm in before] == ["Warmed:Running"] * 2
    hooked.group.set_desired(1)
    hooked.run(20)
    assert (hooked.group.instance_ids, len(hooked.group.warm_ids)) == (before[:1], 2)


def test_a_warm_instance_that_dies_is_replaced_and_one_that_rests_is_not() -> None:
    hooked = Hooked()
    hooked.group.put_warm_pool(1)
    hooked.run(120)
    (warm,) = hooked.group.warm_ids
    assert hooked.group.state_of(warm) == "Warmed:Stopped"
    hooked.scene.call("TerminateInstances", InstanceIds=[warm])
    hooked.run(120)
    assert len(hooked.group.warm_ids) == 1
    assert hooked.group.warm_ids != [warm]


def test_a_smaller_warm_pool_terminates_by_the_hook_of_terminations() -> None:
    hooked = Hooked(terminate_hook())
    hooked.group.put_warm_pool(1)
    hooked.run(60)
    hooked.group.put_warm_pool(0)
    (warm,) = hooked.group.warm_ids
    assert hooked.group.state_of(warm) == "Warmed:Terminating:Wait"
    (detail,) = hooked.details(TERMINATE_EVENT)
    assert (detail["Origin"], detail["Destination"]) == ("WarmPool", "EC2")


@pytest.mark.parametrize(
    ("action", "ends"),
    [
        ("terminate", ("terminated", "Server.SpotInstanceTermination")),
        ("stop", ("stopped", "Server.SpotInstanceShutdown")),
    ],
)
def test_a_spot_interruption_is_told_two_minutes_before_and_is_no_call(action: Any, ends: tuple[str, str]) -> None:
    scene = Scene()
    events: list[dict[str, Any]] = []
    scene.model.subscribe(events.append)
    calls = len(scene.model.calls)
    interrupt_spot(scene.model, scene.instance, action)
    (warning,) = events
    assert warning["detail-type"] == "EC2 Spot Instance Interruption Warning"
    assert warning["detail"] == {"instance-id": scene.instance, "instance-action": action}
    assert warning["resources"] == [f"arn:aws:ec2:eu-west-1a:instance/{scene.instance}"]
    scene.clock.advance(119)
    instance = scene.model.instances[scene.instance]
    assert instance.state == "running"
    scene.clock.advance(60)
    assert (instance.state, (instance.state_reason or {})["Code"]) == ends
    assert len(scene.model.calls) == calls


def test_a_person_who_is_faster_than_the_interruption_is_not_undone() -> None:
    scene = Scene()
    interrupt_spot(scene.model, scene.instance)
    scene.call("StopInstances", InstanceIds=[scene.instance])
    scene.clock.advance(300)
    assert scene.model.instances[scene.instance].state == "stopped"
