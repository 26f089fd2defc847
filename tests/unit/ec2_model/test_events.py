"""The events that changes cause, as EventBridge delivers them."""

from typing import Any

import pytest

from spiderpool_aws.local.ec2 import Ec2Call, Ec2Error, Fault

from .scene import Scene

ROLE = "arn:aws:iam::123456789012:role/reconciler"


class Listening:
    def __init__(self, **options: Any) -> None:
        self.scene = Scene(**options)
        self.events: list[dict[str, Any]] = []
        self.scene.model.subscribe(self.events.append)

    def calls(self) -> list[dict[str, Any]]:
        return [event["detail"] for event in self.events if event["detail-type"] == "AWS API Call via CloudTrail"]

    def states(self) -> list[str]:
        name = "EC2 Instance State-change Notification"
        return [event["detail"]["state"] for event in self.events if event["detail-type"] == name]


def test_every_state_of_an_instance_is_told_once_in_an_envelope() -> None:
    listening = Listening()
    scene = listening.scene
    scene.call("StopInstances", InstanceIds=[scene.instance])
    scene.clock.advance(60)
    scene.call("StartInstances", InstanceIds=[scene.instance])
    scene.clock.advance(60)
    scene.call("TerminateInstances", InstanceIds=[scene.instance])
    scene.clock.advance(60)
    assert listening.states() == ["stopping", "stopped", "pending", "running", "shutting-down", "terminated"]
    first = listening.events[0]
    assert first["id"]
    assert {key: first[key] for key in first if key != "id"} == {
        "version": "0",
        "detail-type": "EC2 Instance State-change Notification",
        "source": "aws.ec2",
        "account": "123456789012",
        "time": "2026-01-01T00:01:00Z",
        "region": "eu-west-1",
        "resources": [f"arn:aws:ec2:eu-west-1:123456789012:instance/{scene.instance}"],
        "detail": {"instance-id": scene.instance, "state": "stopping"},
    }


def test_a_call_is_told_by_cloudtrail_after_its_delay_with_the_time_of_the_call() -> None:
    listening = Listening(cloudtrail_delay_seconds=90)
    scene = listening.scene
    scene.model.call("DeleteNetworkInterface", {"NetworkInterfaceId": scene.spare}, ROLE)
    scene.clock.advance(89)
    assert listening.calls() == []
    scene.clock.advance(1)
    (detail,) = listening.calls()
    assert detail["eventName"] == "DeleteNetworkInterface"
    assert detail["eventSource"] == "ec2.amazonaws.com"
    assert detail["eventTime"] == "2026-01-01T00:01:00Z"
    assert detail["requestParameters"] == {"networkInterfaceId": scene.spare}
    assert detail["responseElements"] == {"requestId": detail["requestID"], "_return": True}
    assert detail["userIdentity"]["type"] == "AssumedRole"
    assert detail["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"] == ROLE


def test_a_failed_call_is_told_with_its_error() -> None:
    listening = Listening(cloudtrail_delay_seconds=0)
    with pytest.raises(Ec2Error):
        listening.scene.call("DeleteNetworkInterface", NetworkInterfaceId=listening.scene.nic0)
    (detail,) = listening.calls()
    assert (detail["errorCode"], detail["responseElements"]) == ("Client.InvalidParameterValue", None)


def test_a_describe_is_not_told() -> None:
    listening = Listening(cloudtrail_delay_seconds=0)
    listening.scene.call("DescribeInstances")
    assert listening.events == []


@pytest.mark.parametrize(
    ("operation", "params", "written"),
    [
        pytest.param(
            "AssignPrivateIpAddresses",
            {"SecondaryPrivateIpAddressCount": 1},
            {"secondaryPrivateIpAddressCount": 1},
            id="aws/amazon-vpc-cni-k8s issue 989",
        ),
        pytest.param(
            "AssignPrivateIpAddresses",
            {"PrivateIpAddresses": ["10.0.0.77"]},
            {"privateIpAddressesSet": {"item": [{"privateIpAddress": "10.0.0.77"}]}},
            id="addresses by name",
        ),
        pytest.param(
            "ModifyNetworkInterfaceAttribute",
            {"SourceDestCheck": {"Value": False}},
            {"sourceDestCheck": {"value": False}},
            id="an attribute",
        ),
    ],
)
def test_parameters_are_written_as_cloudtrail_does(
    operation: str, params: dict[str, Any], written: dict[str, Any]
) -> None:
    listening = Listening(cloudtrail_delay_seconds=0)
    scene = listening.scene
    scene.call(operation, NetworkInterfaceId=scene.nic0, **params)
    assert listening.calls()[0]["requestParameters"] == {"networkInterfaceId": scene.nic0, **written}


@pytest.mark.parametrize(
    ("wraps", "written"),
    [
        (True, lambda eni: {"AssignIpv6AddressesRequest": {"NetworkInterfaceId": eni, "Ipv6AddressCount": 1}}),
        (False, lambda eni: {"networkInterfaceId": eni, "ipv6AddressCount": 1}),
    ],
)
def test_ipv6_calls_are_written_in_either_way(wraps: bool, written: Any) -> None:
    listening = Listening(cloudtrail_delay_seconds=0, cloudtrail_wraps_ipv6=wraps)
    scene = listening.scene
    scene.call("AssignIpv6Addresses", NetworkInterfaceId=scene.nic0, Ipv6AddressCount=1)
    assert listening.calls()[0]["requestParameters"] == written(scene.nic0)


def test_created_and_attached_nics_are_found_in_what_cloudtrail_writes() -> None:
    listening = Listening(cloudtrail_delay_seconds=0)
    scene = listening.scene
    tags = [{"ResourceType": "network-interface", "Tags": [{"Key": "k", "Value": "v"}]}]
    eni = scene.create_eni(SubnetId=scene.a2, Groups=[scene.network.group_id], TagSpecifications=tags)
    attachment = scene.attach(eni)
    created, attached = listening.calls()
    assert created["requestParameters"] == {
        "subnetId": scene.a2,
        "groupSet": {"items": [{"groupId": scene.network.group_id}]},
        "tagSpecificationSet": {"items": [{"resourceType": "network-interface", "tags": [{"key": "k", "value": "v"}]}]},
    }
    interface = created["responseElements"]["networkInterface"]
    assert (interface["networkInterfaceId"], interface["status"]) == (eni, "pending")
    assert attached["requestParameters"] == {"networkInterfaceId": eni, "instanceId": scene.instance, "deviceIndex": 1}
    assert attached["responseElements"]["attachmentId"] == attachment


def test_a_listener_sees_the_whole_effect_of_a_call_and_may_call_itself() -> None:
    scene = Scene(cloudtrail_delay_seconds=0)
    seen: list[tuple[str, int]] = []

    def react(event: dict[str, Any]) -> None:
        if event["detail"].get("eventName") == "CreateNetworkInterface":
            answer = scene.call("DescribeNetworkInterfaces", Filters=[{"Name": "subnet-id", "Values": [scene.b]}])
            seen.append((event["source"], len(answer["NetworkInterfaces"])))

    scene.model.subscribe(react)
    scene.create_eni(SubnetId=scene.b)
    assert seen == [("aws.ec2", 1)]


def test_events_that_a_listener_causes_come_after_the_one_it_handles() -> None:
    scene = Scene(cloudtrail_delay_seconds=0)
    order: list[str] = []

    def react(event: dict[str, Any]) -> None:
        order.append(f"begin {event['detail']['eventName']}")
        if event["detail"]["eventName"] == "CreateNetworkInterface":
            scene.call("CreateTags", Resources=[scene.spare], Tags=[{"Key": "k", "Value": "v"}])
        order.append(f"end {event['detail']['eventName']}")

    scene.model.subscribe(react)
    scene.create_eni(SubnetId=scene.b)
    assert order == ["begin CreateNetworkInterface", "end CreateNetworkInterface", "begin CreateTags", "end CreateTags"]


def test_observers_see_answers_and_errors_and_the_log_keeps_calls_without_answers() -> None:
    scene = Scene()
    seen: list[Ec2Call] = []
    scene.model.observe(seen.append)
    scene.model.calls.clear()
    scene.call("DescribeVpcs")
    with pytest.raises(Ec2Error):
        scene.call("DeleteNetworkInterface", NetworkInterfaceId=scene.nic0)
    assert [call.operation for call in scene.model.calls] == ["DescribeVpcs", "DeleteNetworkInterface"]
    assert seen[0].answer is not None
    assert scene.model.calls[0].answer is None
    assert isinstance(seen[1].error, Ec2Error)
    assert [call.took_effect for call in seen] == [True, False]


def test_a_lost_answer_took_effect_and_a_lost_request_did_not() -> None:
    listening = Listening(cloudtrail_delay_seconds=0)
    scene = listening.scene
    faults = [Fault.lose_answer(), Fault.lose_request(), Fault.refuse("InternalError", status=500)]
    remove = scene.model.inject(lambda operation, _: faults.pop(0) if operation.startswith("Assign") else None)
    assign = {"NetworkInterfaceId": scene.nic0, "SecondaryPrivateIpAddressCount": 1}
    outcomes = [scene.model.execute("AssignPrivateIpAddresses", assign) for _ in range(3)]
    assert [type(outcome.error).__name__ for outcome in outcomes] == [
        "Ec2TimeoutError",
        "Ec2TimeoutError",
        "Ec2Error",
    ]
    assert len(scene.addresses(scene.nic0)) == 2
    # CloudTrail knows of the call that arrived, and of the one that was answered with an error.
    arrived, refused = listening.calls()
    assert arrived["responseElements"]["networkInterfaceId"] == scene.nic0
    assert refused["errorCode"] == "Server.InternalError"
    remove()
    assert scene.call("AssignPrivateIpAddresses", **assign)["AssignedPrivateIpAddresses"]
