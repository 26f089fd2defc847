"""Instances over time: states, addresses, NICs, and the events of each."""

import re
from typing import Any

import pytest

from spiderpool_aws.local.ec2 import Ec2Error

from .case import full
from .scene import Scene


def describe(scene: Scene, instance: str | None = None) -> dict[str, Any]:
    answer = scene.call("DescribeInstances", InstanceIds=[instance or scene.instance])
    found: dict[str, Any] = answer["Reservations"][0]["Instances"][0]
    return found


def test_an_instance_is_pending_and_then_runs() -> None:
    scene = Scene(pending_seconds=10)
    instance = scene.launch()
    assert describe(scene, instance)["State"] == {"Code": 0, "Name": "pending"}
    scene.clock.advance(10)
    assert describe(scene, instance)["State"] == {"Code": 16, "Name": "running"}


def test_a_stopped_instance_keeps_its_addresses_and_says_when_and_why() -> None:
    scene = Scene(stopping_seconds=20)
    scene.call("StopInstances", InstanceIds=[scene.instance])
    assert describe(scene)["State"]["Name"] == "stopping"
    scene.clock.advance(20)
    stopped = describe(scene)
    assert stopped["State"]["Name"] == "stopped"
    assert stopped["StateTransitionReason"] == "User initiated (2026-01-01 00:01:00 GMT)"
    assert stopped["PrivateIpAddress"] == "10.0.0.4"
    assert scene.model.holder_of("10.0.0.4") == scene.nic0


def test_a_started_instance_has_a_new_launch_time_and_the_old_attach_time() -> None:
    # AWS, API_Instance: the launch time is that of the last launch; the NIC's attach time is that of the first.
    scene = Scene()
    before = describe(scene)
    scene.call("StopInstances", InstanceIds=[scene.instance])
    scene.clock.advance(60)
    scene.call("StartInstances", InstanceIds=[scene.instance])
    after = describe(scene)
    assert after["LaunchTime"] > before["LaunchTime"]
    attach_times = [found["NetworkInterfaces"][0]["Attachment"]["AttachTime"] for found in (before, after)]
    assert attach_times[0] == attach_times[1]
    scene.clock.advance(60)
    assert describe(scene)["State"]["Name"] == "running"


def test_an_instance_that_may_hibernate_stops_with_that_reason() -> None:
    scene = Scene()
    answer = scene.call(
        "RunInstances",
        ImageId="ami-0123456789abcdef0",
        InstanceType="m5.large",
        MinCount=1,
        MaxCount=1,
        SubnetId=scene.a,
        HibernationOptions={"Configured": True},
    )
    instance = answer["Instances"][0]["InstanceId"]
    scene.clock.advance(60)
    scene.call("StopInstances", InstanceIds=[instance], Hibernate=True)
    assert describe(scene, instance)["StateReason"]["Code"] == "Client.UserInitiatedHibernate"


def test_a_terminated_instance_stays_visible_for_an_hour_without_a_network() -> None:
    scene = Scene()
    scene.call("TerminateInstances", InstanceIds=[scene.instance])
    assert describe(scene)["NetworkInterfaces"]
    scene.clock.advance(20)
    gone = describe(scene)
    assert (gone["State"]["Name"], gone["NetworkInterfaces"], gone["PrivateDnsName"]) == ("terminated", [], "")
    assert not {"PrivateIpAddress", "SubnetId", "VpcId"} & set(gone)
    scene.clock.advance(3599)
    assert describe(scene)
    scene.clock.advance(1)
    with pytest.raises(Ec2Error, match="InvalidInstanceID"):
        describe(scene)


def test_on_termination_a_nic_goes_or_becomes_available_as_it_says() -> None:
    scene = Scene()
    scene.attach(scene.spare)
    scene.call("TerminateInstances", InstanceIds=[scene.instance])
    scene.clock.advance(20)
    assert scene.nic0 not in scene.model.enis
    assert scene.model.enis[scene.spare].status == "available"
    assert scene.model.enis[scene.spare].attachment is None


def test_the_address_of_a_dead_instance_goes_to_the_next_one() -> None:
    scene = Scene()
    scene.call("TerminateInstances", InstanceIds=[scene.instance])
    scene.clock.advance(20)
    assert describe(scene, scene.launch())["PrivateIpAddress"] == "10.0.0.4"


def status(scene: Scene) -> str:
    attachment = scene.model.enis[scene.spare].attachment
    return attachment.status if attachment else "none"


def test_an_attachment_is_made_and_undone_over_time() -> None:
    scene = Scene(attaching_seconds=2, detaching_seconds=5)
    attachment = scene.attach(scene.spare)
    assert status(scene) == "attaching"
    scene.clock.advance(2)
    assert status(scene) == "attached"
    scene.call("DetachNetworkInterface", AttachmentId=attachment)
    assert status(scene) == "detaching"
    with pytest.raises(Ec2Error, match="IncorrectState"):
        scene.call("DetachNetworkInterface", AttachmentId=attachment)
    scene.clock.advance(5)
    assert scene.model.enis[scene.spare].status == "available"
    with pytest.raises(Ec2Error, match="InvalidAttachmentID"):
        scene.call("DetachNetworkInterface", AttachmentId=attachment)


def test_a_detached_nic_has_no_primary_ipv6_address_any_more() -> None:
    scene = Scene()
    scene.call("AssignIpv6Addresses", NetworkInterfaceId=scene.spare, Ipv6AddressCount=2)
    attachment = scene.attach(scene.spare)
    scene.call("ModifyNetworkInterfaceAttribute", NetworkInterfaceId=scene.spare, EnablePrimaryIpv6=True)
    before = scene.model.enis[scene.spare].ipv6_addresses
    assert [held.is_primary for held in before] == [True, False]
    scene.call("DetachNetworkInterface", AttachmentId=attachment)
    scene.clock.advance(60)
    (nic,) = scene.call("DescribeNetworkInterfaces", NetworkInterfaceIds=[scene.spare])["NetworkInterfaces"]
    assert [one["IsPrimaryIpv6"] for one in nic["Ipv6Addresses"]] == [False, False]
    assert [held.address for held in scene.model.enis[scene.spare].ipv6_addresses] == [held.address for held in before]


def test_a_launch_that_fails_leaves_the_nic_that_it_was_given_as_it_was() -> None:
    scene = Scene()
    full(scene)
    before = scene.call("DescribeNetworkInterfaces", NetworkInterfaceIds=[scene.spare])
    given = {"NetworkInterfaceId": scene.spare}
    with pytest.raises(Ec2Error, match="InsufficientFreeAddressesInSubnet"):
        scene.launch(given, {"SubnetId": scene.tiny})
    scene.clock.advance(60)
    assert scene.call("DescribeNetworkInterfaces", NetworkInterfaceIds=[scene.spare]) == before
    assert list(scene.model.instances) == [scene.instance]
    again = scene.launch(given)
    assert scene.model.instances[again].eni_ids == [scene.spare]


def test_a_launch_from_a_template_has_what_the_template_pins() -> None:
    scene = Scene()
    nics = [
        {"DeviceIndex": 0, "SubnetId": scene.a, "SecondaryPrivateIpAddressCount": 5, "Ipv6AddressCount": 6},
        {"DeviceIndex": 1, "SubnetId": scene.a2, "Ipv4PrefixCount": 1, "Groups": [scene.network.group_id]},
    ]
    nics[0]["PrimaryIpv6"] = True
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "cluster", "Value": "prod"}]}]
    data = {
        "ImageId": "ami-0123456789abcdef0",
        "InstanceType": "m5.large",
        "NetworkInterfaces": nics,
        "TagSpecifications": tags,
    }
    scene.call("CreateLaunchTemplate", LaunchTemplateName="nodes", LaunchTemplateData=data)
    answer = scene.call(
        "RunInstances", LaunchTemplate={"LaunchTemplateName": "nodes", "Version": "$Latest"}, MinCount=2, MaxCount=2
    )
    assert len(answer["Instances"]) == 2
    for instance in answer["Instances"]:
        first, second = instance["NetworkInterfaces"]
        assert (len(first["PrivateIpAddresses"]), len(first["Ipv6Addresses"])) == (6, 6)
        assert first["Ipv6Addresses"][0]["IsPrimaryIpv6"]
        assert len(second["Ipv4Prefixes"]) == 1
        assert second["Groups"][0]["GroupId"] == scene.network.group_id
        assert instance["Tags"] == [{"Key": "cluster", "Value": "prod"}]


def test_the_same_launch_token_answers_with_the_first_instance_until_it_is_terminated() -> None:
    scene = Scene()
    params = {
        "ImageId": "ami-0123456789abcdef0",
        "InstanceType": "m5.large",
        "MinCount": 1,
        "MaxCount": 1,
        "SubnetId": scene.a,
        "ClientToken": "t",
    }
    first = scene.call("RunInstances", **params)["Instances"][0]["InstanceId"]
    assert scene.call("RunInstances", **params)["Instances"][0]["InstanceId"] == first
    scene.call("TerminateInstances", InstanceIds=[first])
    scene.clock.advance(60)
    with pytest.raises(Ec2Error, match="IdempotentInstanceTerminated"):
        scene.call("RunInstances", **params)


def test_the_guides_nodes_can_be_placed_with_exactly_their_addresses() -> None:
    scene = Scene()
    vpc = scene.call("CreateVpc", CidrBlock="172.31.0.0/16")["Vpc"]["VpcId"]
    scene.call("AssociateVpcCidrBlock", VpcId=vpc, CidrBlock="210.22.0.0/16")
    subnets = [
        scene.call("CreateSubnet", VpcId=vpc, CidrBlock=cidr)["Subnet"]["SubnetId"]
        for cidr in ("172.31.16.0/20", "210.22.16.0/24")
    ]
    ens5 = [{"PrivateIpAddress": "172.31.22.228", "Primary": True}]
    ens5 += [{"PrivateIpAddress": f"172.31.16.{last}", "Primary": False} for last in range(4, 9)]
    ens6 = [{"PrivateIpAddress": f"210.22.16.{last}", "Primary": last == 10} for last in range(10, 16)]
    instance = scene.launch(
        {"SubnetId": subnets[0], "PrivateIpAddresses": ens5}, {"SubnetId": subnets[1], "PrivateIpAddresses": ens6}
    )
    nics = describe(scene, instance)["NetworkInterfaces"]
    assert nics[0]["PrivateIpAddress"] == "172.31.22.228"
    assert [found["PrivateIpAddress"] for found in nics[1]["PrivateIpAddresses"]] == [
        f"210.22.16.{last}" for last in range(10, 16)
    ]


def test_ids_have_the_form_of_ec2s_and_differ_in_their_last_eight_digits() -> None:
    scene = Scene()
    launched = [scene.launch() for _ in range(50)]
    assert all(re.fullmatch(r"i-0[0-9a-f]{16}", identifier) for identifier in launched)
    assert len({identifier[-8:] for identifier in launched}) == 50
