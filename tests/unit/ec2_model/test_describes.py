"""Paging, filters and staleness of the describes."""

from typing import Any

import pytest

from spiderpool_aws.local.ec2 import Ec2Error

from .scene import Scene


def ids_of(answer: dict[str, Any]) -> list[str]:
    return [instance["InstanceId"] for found in answer["Reservations"] for instance in found["Instances"]]


def pages(scene: Scene, operation: str, **params: Any) -> list[dict[str, Any]]:
    answers = [scene.call(operation, **params)]
    while "NextToken" in answers[-1]:
        answers.append(scene.call(operation, **params, NextToken=answers[-1]["NextToken"]))
    return answers


def test_pages_hold_at_most_what_was_asked_for_and_every_instance_once() -> None:
    scene = Scene()
    launched = [scene.instance, *(scene.launch() for _ in range(11))]
    answers = pages(scene, "DescribeInstances", MaxResults=5)
    assert [len(ids_of(answer)) for answer in answers] == [5, 5, 2]
    assert [identifier for answer in answers for identifier in ids_of(answer)] == launched


def test_a_page_that_ends_with_the_last_thing_has_no_token() -> None:
    scene = Scene()
    for _ in range(4):
        scene.launch()
    assert "NextToken" not in scene.call("DescribeInstances", MaxResults=5)


def test_without_max_results_an_answer_is_still_a_page() -> None:
    scene = Scene()
    first, *others = pages(scene, "DescribeInstanceTypes")
    assert len(first["InstanceTypes"]) == 100
    found = [described["InstanceType"] for answer in (first, *others) for described in answer["InstanceTypes"]]
    assert len(found) == len(set(found)) > 1000


def test_what_is_deleted_between_two_pages_hides_nothing_else() -> None:
    scene = Scene()
    enis = [scene.nic0, scene.spare, *(scene.create_eni(SubnetId=scene.b) for _ in range(8))]
    first = scene.call("DescribeNetworkInterfaces", MaxResults=5)
    scene.call("DeleteNetworkInterface", NetworkInterfaceId=enis[2])
    second = scene.call("DescribeNetworkInterfaces", MaxResults=5, NextToken=first["NextToken"])
    assert [eni["NetworkInterfaceId"] for eni in second["NetworkInterfaces"]] == enis[5:]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("availability-zone", "eu-west-1a"),
        ("instance-state-name", "running"),
        ("instance-type", "m5.*"),
        ("network-interface.addresses.private-ip-address", "10.0.0.4"),
        ("network-interface.attachment.device-index", "1"),
        ("network-interface.ipv6-addresses.ipv6-address", "2a05:d018:1::4"),
        ("private-dns-name", "ip-10-0-0-4.eu-west-1.compute.internal"),
        ("private-ip-address", "10.0.0.?"),
        ("tag-key", "cluster"),
        ("tag:cluster", "pr*"),
    ],
)
def test_instances_are_found_by_the_filters_of_a_network_controller(name: str, value: str) -> None:
    scene = Scene()
    scene.call("CreateTags", Resources=[scene.instance], Tags=[{"Key": "cluster", "Value": "prod"}])
    scene.call("AssignIpv6Addresses", NetworkInterfaceId=scene.nic0, Ipv6AddressCount=1)
    scene.attach(scene.spare)
    other = scene.launch({"SubnetId": scene.b}, instance_type="c5.large")
    assert ids_of(scene.call("DescribeInstances", Filters=[{"Name": name, "Values": [value, "nothing"]}])) == [
        scene.instance
    ]
    assert other not in ids_of(scene.call("DescribeInstances", Filters=[{"Name": name, "Values": [value]}]))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("addresses.private-ip-address", "10.0.0.4"),
        ("attachment.device-index", "0"),
        ("attachment.status", "attached"),
        ("group-id", "sg-*"),
        ("private-ip-address", "10.0.0.4"),
        ("status", "in-use"),
        ("subnet-id", "subnet-*"),
    ],
)
def test_nics_are_found_by_the_filters_of_a_network_controller(name: str, value: str) -> None:
    scene = Scene()
    found = scene.call("DescribeNetworkInterfaces", Filters=[{"Name": name, "Values": [value]}])["NetworkInterfaces"]
    assert scene.nic0 in [eni["NetworkInterfaceId"] for eni in found]


def test_a_nic_is_found_by_its_attachment_and_no_more_once_it_is_detached() -> None:
    scene = Scene()
    attachment = scene.attach(scene.spare)
    by_attachment = [{"Name": "attachment.attachment-id", "Values": [attachment]}]
    assert len(scene.call("DescribeNetworkInterfaces", Filters=by_attachment)["NetworkInterfaces"]) == 1
    scene.call("DetachNetworkInterface", AttachmentId=attachment)
    scene.clock.advance(10)
    assert scene.call("DescribeNetworkInterfaces", Filters=by_attachment)["NetworkInterfaces"] == []


NAMED = [{"Name": "subnet-id", "Values": ["*"]}]


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        pytest.param("DescribeInstances", {"Filters": NAMED}, id="another operation"),
        pytest.param("DescribeNetworkInterfaces", {}, id="without the filters"),
        pytest.param("DescribeNetworkInterfaces", {"Filters": [NAMED[0], NAMED[0]]}, id="with other filters"),
    ],
)
def test_a_page_token_goes_on_only_with_the_call_that_it_came_from(operation: str, params: dict[str, Any]) -> None:
    scene = Scene()
    for _ in range(6):
        scene.create_eni(SubnetId=scene.b)
    first = scene.call("DescribeNetworkInterfaces", Filters=NAMED, MaxResults=5)
    with pytest.raises(Ec2Error, match="InvalidNextToken"):
        scene.call(operation, **params, MaxResults=5, NextToken=first["NextToken"])
    rest = scene.call("DescribeNetworkInterfaces", Filters=NAMED, MaxResults=6, NextToken=first["NextToken"])
    assert len(rest["NetworkInterfaces"]) == 3


def test_an_escaped_wildcard_is_plain() -> None:
    scene = Scene()
    scene.call("CreateTags", Resources=[scene.instance], Tags=[{"Key": "k", "Value": "a*b"}])

    def found(value: str) -> list[str]:
        return ids_of(scene.call("DescribeInstances", Filters=[{"Name": "tag:k", "Values": [value]}]))

    assert (found(r"a\*b"), found(r"a\?b")) == ([scene.instance], [])


def test_a_caller_that_changes_its_answer_changes_nothing_else() -> None:
    scene = Scene()
    answer = scene.call("DescribeInstances", InstanceIds=[scene.instance])
    answer["Reservations"][0]["Instances"][0]["NetworkInterfaces"].clear()
    again = scene.call("DescribeInstances", InstanceIds=[scene.instance])
    assert len(again["Reservations"][0]["Instances"][0]["NetworkInterfaces"]) == 1


def test_a_lagging_describe_shows_addresses_as_they_were() -> None:
    scene = Scene(describe_lag_seconds=5)

    def described() -> int:
        answer = scene.call("DescribeNetworkInterfaces", NetworkInterfaceIds=[scene.nic0])
        return len(answer["NetworkInterfaces"][0]["PrivateIpAddresses"])

    scene.call("AssignPrivateIpAddresses", NetworkInterfaceId=scene.nic0, SecondaryPrivateIpAddressCount=2)
    scene.clock.advance(4)
    assert described() == 1
    scene.call("AssignPrivateIpAddresses", NetworkInterfaceId=scene.nic0, SecondaryPrivateIpAddressCount=1)
    scene.clock.advance(1)
    assert described() == 3
    scene.clock.advance(4)
    assert described() == 4


def test_a_lagging_describe_does_not_find_what_was_just_created_and_still_finds_what_was_just_deleted() -> None:
    scene = Scene(describe_lag_seconds=5)
    eni = scene.create_eni(SubnetId=scene.b)
    with pytest.raises(Ec2Error, match="InvalidNetworkInterfaceID"):
        scene.call("DescribeNetworkInterfaces", NetworkInterfaceIds=[eni])
    scene.clock.advance(5)
    assert scene.call("DescribeNetworkInterfaces", NetworkInterfaceIds=[eni])["NetworkInterfaces"]
    scene.call("DeleteNetworkInterface", NetworkInterfaceId=eni)
    scene.clock.advance(4)
    assert scene.call("DescribeNetworkInterfaces", NetworkInterfaceIds=[eni])["NetworkInterfaces"]
    scene.clock.advance(1)
    with pytest.raises(Ec2Error, match="InvalidNetworkInterfaceID"):
        scene.call("DescribeNetworkInterfaces", NetworkInterfaceIds=[eni])
