"""IAM's decision, and what of a policy is not understood."""

from typing import Any

import pytest

from spiderpool_aws.local.iam import Refusal, Request, Target, UnknownToIamError, judge, parse_policy_document

NIC = "arn:aws:ec2:eu-west-1:1:network-interface/eni-1"
ALLOW = {"Effect": "Allow", "Action": "ec2:AttachNetworkInterface", "Resource": "*"}


def decide(request: Request, *statements: dict[str, Any]) -> Refusal | None:
    return judge(parse_policy_document({"Version": "2012-10-17", "Statement": list(statements)}), request)


def attach(*arns: str) -> Request:
    return Request("ec2:AttachNetworkInterface", tuple(map(Target, arns or (NIC,))))


def test_what_no_statement_allows_is_denied_and_that_is_said() -> None:
    assert decide(attach()) == Refusal("ec2:AttachNetworkInterface", NIC, explicit=False)
    assert decide(attach(), ALLOW) is None


def test_an_explicit_deny_wins_wherever_it_stands() -> None:
    deny = ALLOW | {"Effect": "Deny", "Action": "ec2:*"}
    for statements in ([ALLOW, deny], [deny, ALLOW]):
        refusal = decide(attach(), *statements)
        assert refusal is not None
        assert refusal.explicit
        assert "explicit deny" in refusal.reason


def test_every_resource_of_the_call_has_to_be_allowed() -> None:
    instance = "arn:aws:ec2:eu-west-1:1:instance/i-1"
    on_nics = ALLOW | {"Resource": "arn:aws:ec2:eu-west-1:1:network-interface/*"}
    refusal = decide(attach(NIC, instance), on_nics)
    assert refusal is not None
    assert refusal.arn == instance
    on_instances = ALLOW | {"Resource": ["arn:aws:ec2:eu-west-1:1:instance/*"]}
    assert decide(attach(NIC, instance), on_nics, on_instances) is None


def test_conditions_are_those_of_each_resource() -> None:
    tagged = ALLOW | {"Condition": {"StringEquals": {"aws:ResourceTag/cluster": "prod"}}}
    prod, staging = (Target(NIC, {"aws:ResourceTag/cluster": (name,)}) for name in ("prod", "staging"))
    assert decide(Request("ec2:AttachNetworkInterface", (prod,)), tagged) is None
    assert decide(Request("ec2:AttachNetworkInterface", (prod, staging)), tagged) is not None


@pytest.mark.parametrize("action", ["EC2:attachnetworkinterface", "ec2:Attach*", "ec2:?ttachNetworkInterface", "*"])
def test_actions_match_without_case_and_with_wildcards(action: str) -> None:
    assert decide(attach(), ALLOW | {"Action": ["sqs:SendMessage", action]}) is None


def test_not_action_is_every_other_action() -> None:
    others = {"Effect": "Allow", "NotAction": "ec2:Detach*", "Resource": "*"}
    assert decide(attach(), others) is None
    assert decide(Request("ec2:DetachNetworkInterface", (Target(NIC),)), others) is not None


@pytest.mark.parametrize(
    ("resource", "covered"),
    [
        (NIC, True),
        ("arn:aws:ec2:eu-west-1:1:*/*", True),
        ("arn:aws:ec2:*:*:network-interface/eni-?", True),
        ("arn:*:network-interface/*", False),
        ("arn:aws:ec2:eu-west-1:2:network-interface/*", False),
        ("arn:aws:ec2:eu-west-1:1:network-interface/ENI-1", False),
    ],
)
def test_resources_match_part_by_part(resource: str, covered: bool) -> None:
    assert (decide(attach(), ALLOW | {"Resource": resource}) is None) is covered


def test_an_action_without_resource_types_needs_the_resource_star() -> None:
    describe = {"Effect": "Allow", "Action": "ec2:DescribeInstances", "Resource": "arn:aws:ec2:*:*:instance/*"}
    assert decide(Request("ec2:DescribeInstances"), describe) is not None
    assert decide(Request("ec2:DescribeInstances"), describe | {"Resource": "*"}) is None


@pytest.mark.parametrize("action", ["ec2:RunInstances", "sqs:PurgeQueue", "s3:GetObject"])
def test_an_action_that_is_not_modelled_is_an_error_in_a_policy_and_in_a_request(action: str) -> None:
    with pytest.raises(UnknownToIamError, match=f"the action {action} is not modelled"):
        decide(attach(), ALLOW | {"Action": action})
    with pytest.raises(UnknownToIamError, match=f"the action {action} is not modelled"):
        decide(Request(action), ALLOW | {"Action": "*"})


def test_a_request_about_nothing_is_an_error() -> None:
    with pytest.raises(UnknownToIamError, match="on no resource"):
        decide(Request("ec2:CreateTags", ()), ALLOW | {"Action": "*"})


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (ALLOW | {"Principal": "*"}, "element Principal is not modelled"),
        ({"Effect": "Allow", "Action": "*", "NotResource": "*"}, "element NotResource is not modelled"),
        (ALLOW | {"Effect": "allow"}, "Effect is Allow or Deny"),
        (ALLOW | {"NotAction": "*"}, "either Action or NotAction"),
        ({"Effect": "Allow", "Action": "*"}, "a statement has Resource"),
        (ALLOW | {"Resource": "arn:aws:s3:::${aws:username}"}, "without policy variables"),
        (ALLOW | {"Resource": {"Ref": "Queue"}}, "without policy variables"),
    ],
)
def test_a_statement_that_is_not_understood_is_an_error(statement: dict[str, Any], message: str) -> None:
    with pytest.raises(UnknownToIamError, match=message):
        decide(attach(), statement)


def test_a_document_of_another_version_is_an_error() -> None:
    with pytest.raises(UnknownToIamError, match="a policy has Version 2012-10-17"):
        parse_policy_document({"Version": "2008-10-17", "Statement": []})
