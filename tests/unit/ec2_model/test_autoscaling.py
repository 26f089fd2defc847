"""Groups that keep a number of instances."""

from typing import Any

import pytest

from spiderpool_aws.local.ec2 import Ec2Error, Fault
from spiderpool_aws.local.ec2.autoscaling import GROUP_TAG, AutoScaling, AutoScalingGroup

from .scene import Scene


class Grouped:
    def __init__(self, nics: list[dict[str, Any]] | None = None, **options: Any) -> None:
        self.scene = Scene(**options)
        data: dict[str, Any] = {"ImageId": "ami-0123456789abcdef0", "InstanceType": "m5.large"}
        if nics:
            data["NetworkInterfaces"] = nics
        self.scene.call("CreateLaunchTemplate", LaunchTemplateName="nodes", LaunchTemplateData=data)
        self.events: list[dict[str, Any]] = []
        self.scene.model.subscribe(self.events.append)
        self.group = AutoScalingGroup(
            self.scene.model, "workers", [self.scene.a, self.scene.b], {"LaunchTemplateName": "nodes"}
        )

    def told(self, detail_type: str) -> list[str]:
        return [event["detail"]["EC2InstanceId"] for event in self.events if event["detail-type"] == detail_type]

    def zones(self) -> list[str]:
        return sorted(self.scene.model.instances[found].availability_zone for found in self.group.instance_ids)


def test_a_group_grows_over_its_subnets_and_tags_its_instances() -> None:
    grouped = Grouped()
    grouped.group.set_desired(4)
    grouped.scene.clock.advance(30)
    assert grouped.zones() == ["eu-west-1a", "eu-west-1a", "eu-west-1b", "eu-west-1b"]
    instances = [grouped.scene.model.instances[found] for found in grouped.group.instance_ids]
    assert all(instance.tags[GROUP_TAG] == "workers" for instance in instances)
    assert grouped.told("EC2 Instance Launch Successful") == grouped.group.instance_ids


def test_a_terminated_instance_is_replaced() -> None:
    grouped = Grouped()
    grouped.group.set_desired(2)
    grouped.scene.clock.advance(30)
    dead, survivor = grouped.group.instance_ids
    grouped.scene.call("TerminateInstances", InstanceIds=[dead])
    grouped.scene.clock.advance(60)
    assert len(grouped.group.instance_ids) == 2
    assert survivor in grouped.group.instance_ids
    assert dead not in grouped.group.instance_ids
    assert grouped.told("EC2 Instance Terminate Successful") == [dead]


def test_a_stopped_instance_is_replaced() -> None:
    grouped = Grouped()
    grouped.group.set_desired(1)
    grouped.scene.clock.advance(30)
    (stopped,) = grouped.group.instance_ids
    grouped.scene.call("StopInstances", InstanceIds=[stopped])
    grouped.scene.clock.advance(60)
    assert grouped.scene.model.instances[stopped].state == "terminated"
    assert len(grouped.group.instance_ids) == 1


def test_an_unhealthy_instance_is_replaced() -> None:
    grouped = Grouped()
    grouped.group.set_desired(1)
    grouped.scene.clock.advance(30)
    (sick,) = grouped.group.instance_ids
    grouped.group.set_unhealthy(sick)
    grouped.scene.clock.advance(60)
    assert grouped.scene.model.instances[sick].state == "terminated"
    assert len(grouped.group.instance_ids) == 1


def test_a_group_shrinks_and_then_rests() -> None:
    grouped = Grouped()
    grouped.group.set_desired(3)
    grouped.scene.clock.advance(30)
    grouped.group.set_desired(0)
    grouped.scene.clock.advance(60)
    assert grouped.group.instance_ids == []
    grouped.scene.clock.advance(4000)
    assert grouped.scene.clock.next_time() is None


def test_a_launch_that_fails_is_told_and_tried_again() -> None:
    grouped = Grouped()
    remove = grouped.scene.model.inject(lambda operation, _: _no_capacity() if operation == "RunInstances" else None)
    grouped.group.set_desired(1)
    assert grouped.group.instance_ids == []
    assert len(grouped.told("EC2 Instance Launch Unsuccessful")) == 1
    remove()
    grouped.scene.clock.advance(30)
    assert len(grouped.group.instance_ids) == 1


def _no_capacity() -> Fault:
    return Fault.refuse("InsufficientInstanceCapacity", status=500)


def test_a_template_that_pins_its_subnets_is_used_as_it_is() -> None:
    scene = Scene()
    nics = [{"DeviceIndex": 0, "SubnetId": scene.a}, {"DeviceIndex": 1, "SubnetId": scene.a2}]
    grouped = Grouped(nics)
    grouped.group.set_desired(2)
    instance = grouped.scene.model.instances[grouped.group.instance_ids[0]]
    assert [eni.subnet_id for eni in grouped.scene.model.world.enis_of(instance)] == [scene.a, scene.a2]


def test_describe_auto_scaling_instances_knows_states_and_leaves_out_strangers() -> None:
    grouped = Grouped()
    grouped.group.set_desired(1)
    api = AutoScaling(grouped.scene.model, [grouped.group])
    (identifier,) = grouped.group.instance_ids
    wanted = {"InstanceIds": [identifier, grouped.scene.instance]}
    (described,) = api.call("DescribeAutoScalingInstances", wanted)["AutoScalingInstances"]
    assert (described["AutoScalingGroupName"], described["LifecycleState"]) == ("workers", "Pending")
    grouped.scene.clock.advance(30)
    (described,) = api.call("DescribeAutoScalingInstances", wanted)["AutoScalingInstances"]
    assert described["LifecycleState"] == "InService"
    with pytest.raises(Ec2Error, match="InvalidAction"):
        api.call("DeleteAutoScalingGroup", {})
