"""The roles of a template: every intrinsic function is resolved, or it is an error."""

from typing import Any

import pytest

from spiderpool_aws.local.iam import Deployed, UnknownToIamError, roles_of

DEPLOYED = Deployed(
    region="cn-north-1",
    account="1",
    partition="aws-cn",
    references={"Vpc": "vpc-1"},
    attributes={("Queue", "Arn"): "arn:aws-cn:sqs:cn-north-1:1:requests"},
    imports={"network:Vpc": "vpc-2"},
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text", "text"),
        ({"Ref": "Vpc"}, "vpc-1"),
        ({"Ref": "AWS::Region"}, "cn-north-1"),
        ({"Fn::GetAtt": ["Queue", "Arn"]}, "arn:aws-cn:sqs:cn-north-1:1:requests"),
        ({"Fn::GetAtt": "Queue.Arn"}, "arn:aws-cn:sqs:cn-north-1:1:requests"),
        ({"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":ec2"]]}, "arn:aws-cn:ec2"),
        (
            {"Fn::Sub": "${AWS::AccountId}/${Queue.Arn}/${!literal}"},
            "1/arn:aws-cn:sqs:cn-north-1:1:requests/${literal}",
        ),
        ({"Fn::Sub": ["${where}", {"where": {"Ref": "Vpc"}}]}, "vpc-1"),
        ({"Fn::ImportValue": "network:Vpc"}, "vpc-2"),
        ([{"a": [{"Ref": "Vpc"}]}], [{"a": ["vpc-1"]}]),
    ],
)
def test_intrinsic_functions_are_resolved(value: Any, expected: Any) -> None:
    assert DEPLOYED.resolve(value) == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"Ref": "Subnet"}, "what Ref of 'Subnet' is was not given"),
        ({"Fn::GetAtt": ["Queue", "QueueName"]}, r"what Fn::GetAtt of \('Queue', 'QueueName'\) is was not given"),
        ({"Fn::ImportValue": "other"}, "what Fn::ImportValue of 'other' is was not given"),
        ({"Fn::Sub": "${Subnet}"}, "what Ref of 'Subnet' is was not given"),
        ({"Fn::Select": [0, ["a"]]}, "the intrinsic function in .* is not modelled"),
        ({"Fn::If": ["a", "b", "c"]}, "is not modelled"),
        ({"Ref": "Vpc", "more": 1}, "is not modelled"),
        ({"Fn::Join": ["", [["a"]]]}, "Fn::Join of something else than text"),
    ],
)
def test_what_was_not_given_or_is_not_modelled_is_an_error(value: Any, message: str) -> None:
    with pytest.raises(UnknownToIamError, match=message):
        DEPLOYED.resolve(value)


def policy(sid: str) -> dict[str, Any]:
    statement = {
        "Sid": sid,
        "Effect": "Allow",
        "Action": "sqs:SendMessage",
        "Resource": {"Fn::GetAtt": ["Queue", "Arn"]},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def test_a_roles_statements_are_those_of_its_own_policies_and_of_those_that_name_it() -> None:
    inline = {"Type": "AWS::IAM::Role", "Properties": {"Policies": [{"PolicyDocument": policy("inline")}]}}
    attached = {"PolicyDocument": policy("attached"), "Roles": [{"Ref": "A"}, {"Ref": "B"}]}
    template = {
        "Resources": {
            "P": {"Type": "AWS::IAM::Policy", "Properties": attached},
            "A": inline,
            "B": {"Type": "AWS::IAM::Role", "Properties": {}},
            "Q": {"Type": "AWS::SQS::Queue"},
        }
    }
    found = roles_of(template, DEPLOYED)
    assert {name: [one.sid for one in statements] for name, statements in found.items()} == {
        "A": ["inline", "attached"],
        "B": ["attached"],
    }
    assert found["B"][0].resources == ("arn:aws-cn:sqs:cn-north-1:1:requests",)
    assert list(roles_of(template, DEPLOYED, wanted=["B"])) == ["B"]


def test_a_role_that_is_not_wanted_is_not_read() -> None:
    role = {"Type": "AWS::IAM::Role", "Properties": {"ManagedPolicyArns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"]}}
    assert roles_of({"Resources": {"A": role}}, DEPLOYED, wanted=[]) == {}


@pytest.mark.parametrize("unread", ["ManagedPolicyArns", "PermissionsBoundary"])
def test_a_policy_whose_text_is_elsewhere_is_an_error(unread: str) -> None:
    role = {"Type": "AWS::IAM::Role", "Properties": {unread: ["arn:aws:iam::aws:policy/ReadOnlyAccess"]}}
    with pytest.raises(UnknownToIamError, match=f"{unread} of A: its text is not in the template"):
        roles_of({"Resources": {"A": role}}, DEPLOYED)
