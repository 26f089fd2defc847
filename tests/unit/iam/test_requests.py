"""What each call asks IAM: the resources, and the keys that each of them has, as the reference lists them."""

from typing import Any

import boto3
import pytest

from spiderpool_aws.local.clock import ManualClock
from spiderpool_aws.local.ec2 import Ec2Model
from spiderpool_aws.local.ec2.fixtures import Network, SubnetPlan, create_network, launch, tag_list
from spiderpool_aws.local.iam import Caller, Guard, Request, UnknownToIamError
from spiderpool_aws.local.isolated import isolated_session

OWNER = "arn:aws:ec2:eu-west-1:123456789012"


@pytest.fixture
def model() -> Ec2Model:
    return Ec2Model(ManualClock())


@pytest.fixture
def network(model: Ec2Model) -> Network:
    return create_network(model, {"nodes": SubnetPlan("10.0.0.0/24", tags={"tier": "private"})})


@pytest.fixture
def instance(model: Ec2Model, network: Network) -> str:
    nics = [{"SubnetId": network.subnets["nodes"], "Groups": [network.group_id]}]
    return launch(model, nics, tags={"Name": "n"}, nic_tags={"of": "n"})


def asked(model: Ec2Model, operation: str, params: dict[str, Any], service: str = "ec2") -> list[Request]:
    return Guard(model, {}).requests_of(service, operation, params)


def kinds(request: Request) -> list[str]:
    return [target.arn.rpartition(":")[2].partition("/")[0] for target in request.targets]


def test_creating_a_nic_is_three_resources_and_tagging_it_a_second_decision(model: Ec2Model, network: Network) -> None:
    specification = {"ResourceType": "network-interface", "Tags": tag_list({"team": "blue"})}
    params = {"SubnetId": network.subnets["nodes"], "Groups": [network.group_id], "TagSpecifications": [specification]}
    create, tag = asked(model, "CreateNetworkInterface", params)
    nic, subnet, group = create.targets
    assert nic.arn == f"{OWNER}:network-interface/*"
    assert nic.keys == {"aws:RequestTag/team": ("blue",), "aws:TagKeys": ("team",)}
    vpc = (f"{OWNER}:vpc/{network.vpc_id}",)
    assert (subnet.keys["ec2:Vpc"], subnet.keys["aws:ResourceTag/tier"]) == (vpc, ("private",))
    assert group.keys == {"ec2:Vpc": vpc}
    assert (tag.action, tag.targets, tag.keys) == (
        "ec2:CreateTags",
        (nic,),
        {"ec2:CreateAction": ("CreateNetworkInterface",)},
    )


def test_a_nic_without_tags_and_groups_is_one_decision_about_the_default_group(
    model: Ec2Model, network: Network
) -> None:
    (create,) = asked(model, "CreateNetworkInterface", {"SubnetId": network.subnets["nodes"]})
    default = model.world.vpcs[network.vpc_id].default_group_id
    assert create.targets[0].keys == {}
    assert create.targets[2].arn == f"{OWNER}:security-group/{default}"


def test_an_instance_has_its_tags_and_no_vpc_and_a_nic_has_both(model: Ec2Model, instance: str) -> None:
    (nic,) = model.enis
    params = {"NetworkInterfaceId": nic, "InstanceId": instance, "DeviceIndex": 1}
    (request,) = asked(model, "AttachNetworkInterface", params)
    of_instance, of_nic = request.targets
    assert set(of_instance.keys) == {"aws:ResourceTag/Name", "ec2:AvailabilityZone", "ec2:InstanceType"}
    assert set(of_nic.keys) == {"aws:ResourceTag/of", "ec2:AvailabilityZone", "ec2:Subnet", "ec2:Vpc"}


def test_detaching_and_changing_an_attachment_are_about_the_instance_too(model: Ec2Model, instance: str) -> None:
    (nic,) = model.enis.values()
    assert nic.attachment is not None
    (detach,) = asked(model, "DetachNetworkInterface", {"AttachmentId": nic.attachment.id})
    attachment = {"AttachmentId": nic.attachment.id, "DeleteOnTermination": True}
    which = {"NetworkInterfaceId": nic.id}
    (modify,) = asked(model, "ModifyNetworkInterfaceAttribute", which | {"Attachment": attachment})
    (describe,) = asked(model, "ModifyNetworkInterfaceAttribute", which | {"Description": {"Value": "d"}})
    (groups,) = asked(model, "ModifyNetworkInterfaceAttribute", which | {"Groups": nic.groups})
    assert [kinds(one) for one in (detach, modify, describe, groups)] == [
        ["network-interface", "instance"],
        ["network-interface", "instance"],
        ["network-interface"],
        ["network-interface", "security-group"],
    ]


def test_tags_are_asked_for_by_key_and_value_and_no_tag_is_no_key(model: Ec2Model, instance: str) -> None:
    (nic,) = model.enis
    (create,) = asked(model, "CreateTags", {"Resources": [nic, instance], "Tags": tag_list({"a": "1", "b": "2"})})
    assert create.keys == {"aws:RequestTag/a": ("1",), "aws:RequestTag/b": ("2",), "aws:TagKeys": ("a", "b")}
    assert kinds(create) == ["network-interface", "instance"]
    (by_key,) = asked(model, "DeleteTags", {"Resources": [nic], "Tags": [{"Key": "a"}]})
    assert by_key.keys == {"aws:TagKeys": ("a",)}
    (everything,) = asked(model, "DeleteTags", {"Resources": [nic]})
    assert everything.keys == {}


def test_what_does_not_exist_has_no_keys(model: Ec2Model) -> None:
    (request,) = asked(model, "DeleteNetworkInterface", {"NetworkInterfaceId": "eni-0123456789abcdef0"})
    assert [dict(target.keys) for target in request.targets] == [{}]


@pytest.mark.parametrize(
    ("service", "operation", "params", "action", "arns"),
    [
        ("ec2", "DescribeSubnets", {}, "ec2:DescribeSubnets", ["*"]),
        ("sqs", "SendMessageBatch", {"QueueUrl": "https://sqs/1/q.fifo"}, "sqs:SendMessage", ["sqs:q.fifo"]),
        (
            "ssm",
            "GetParameters",
            {"Names": ["/a/b", "c"]},
            "ssm:GetParameters",
            ["ssm:parameter/a/b", "ssm:parameter/c"],
        ),
        ("ssm", "PutParameter", {"Name": "/a/b"}, "ssm:PutParameter", ["ssm:parameter/a/b"]),
        ("autoscaling", "DescribeAutoScalingInstances", {}, "autoscaling:DescribeAutoScalingInstances", ["*"]),
    ],
)
def test_calls_are_about_the_queue_or_parameter_that_they_name(
    model: Ec2Model, service: str, operation: str, params: dict[str, Any], action: str, arns: list[str]
) -> None:
    (request,) = asked(model, operation, params, service)
    short = [target.arn.removeprefix("arn:aws:").replace("eu-west-1:123456789012:", "") for target in request.targets]
    assert (request.action, short) == (action, arns)


def test_a_token_has_its_audiences_and_its_life(model: Ec2Model) -> None:
    params = {"Audience": ["a", "b"], "DurationSeconds": 300, "SigningAlgorithm": "ES384"}
    (request,) = asked(model, "GetWebIdentityToken", params, "sts")
    assert request.keys == {
        "sts:IdentityTokenAudience": ("a", "b"),
        "sts:DurationSeconds": ("300",),
        "sts:SigningAlgorithm": ("ES384",),
    }


@pytest.mark.parametrize(
    ("service", "operation", "params", "message"),
    [
        ("ec2", "RunInstances", {}, "ec2:RunInstances is about is not modelled"),
        ("ec2", "CreateTags", {"Resources": ["vol-1"]}, "which resource vol-1 is is not modelled"),
        ("dynamodb", "PutItem", {}, "what dynamodb asks IAM about is not modelled"),
        ("secretsmanager", "GetSecretValue", {"SecretId": "kubeconfig"}, "name it by its ARN"),
    ],
)
def test_a_call_that_is_not_modelled_is_an_error(
    model: Ec2Model, service: str, operation: str, params: dict[str, Any], message: str
) -> None:
    with pytest.raises(UnknownToIamError, match=message):
        asked(model, operation, params, service)


def test_a_client_of_a_service_that_is_not_modelled_cannot_call(model: Ec2Model) -> None:
    session: boto3.Session = isolated_session("eu-west-1")
    Guard(model, {"f": ()}).stand_before(session, Caller("f", "arn:aws:iam::1:role/f"))
    with pytest.raises(UnknownToIamError, match="calls of dynamodb are not modelled"):
        session.client("dynamodb").list_tables()
