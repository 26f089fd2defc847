"""Two clusters in one account and VPC do not meet, and a destroyed reconciler leaves the pods their network."""

import json
from collections import defaultdict
from collections.abc import Iterator

import pytest

from tests.infrastructure.contexts import POLICY, alone, modes
from tests.infrastructure.templates import Properties, Template, of_type, plain, reconciler, templates

NAMES = (
    *("FunctionName", "QueueName", "RoleName", "AlarmName", "DashboardName", "LogGroupName", "GroupName", "TrailName"),
    *("Name", "LayerName", "BucketName", "LaunchTemplateName", "AutoScalingGroupName", "KeyName"),
)
"""The properties by which a template gives something its name in the account."""

LONGEST_REGION = "us-isof-south-1"
BLUE, GREEN = (POLICY.replace("cluster: demo", f"cluster: {name}") for name in ("blue", "green"))


GLOBAL = ("AWS::IAM::Role", "AWS::IAM::ManagedPolicy", "AWS::IAM::InstanceProfile", "AWS::CloudWatch::Dashboard")
"""What is named once for all regions of an account; a bucket even for all accounts."""


def names(template: Template, region: str = "eu-west-1") -> Iterator[str]:
    """Yield all that a template names: resources, the seeded parameter, exports."""
    for resource in template["Resources"].values():
        for key in NAMES:
            value = resource.get("Properties", {}).get(key, {})
            # A reference alone is the name of something else.
            if isinstance(value, str) or "Fn::Join" in value:
                yield f"{resource['Type']} {plain(value, region=region)}"
    for seeded in of_type(template, "Custom::SeededPolicy").values():
        yield f"parameter {json.dumps(seeded['Create'])}"
    for output in template.get("Outputs", {}).values():
        if "Export" in output:
            yield f"export {output['Export']['Name']}"


@pytest.mark.parametrize("mode", ["full", "alone"])
def test_two_clusters_in_one_account_and_vpc_do_not_meet(mode: str) -> None:
    blue, green = (templates(policy=policy, **modes()[mode]) for policy in (BLUE, GREEN))
    ours, theirs = (
        {name for template in templates.values() for name in names(template)} for templates in (blue, green)
    )
    assert len(ours) > 30
    assert ours & theirs == set()
    assert [name for name in ours if "blue" not in name] == []


def test_one_cluster_in_two_regions_of_an_account_does_not_meet_itself() -> None:
    here, there = (
        {
            name
            for template in templates(**modes()["full"]).values()
            for name in names(template, region)
            if name.startswith((*GLOBAL, "AWS::S3::Bucket"))
        }
        for region in ("eu-west-1", "us-east-1")
    )
    assert [sum(name.startswith(kind) for name in here) for kind in GLOBAL] == [4, 0, 0, 1]
    assert here & there == set()


def test_no_cluster_is_called_so_that_its_names_are_those_of_another() -> None:
    """`prod` and `prod-x` meet where two names of one type are `<what>` and `x-<what>`."""
    of_blue: dict[str, set[str]] = defaultdict(set)
    for template in templates(policy=BLUE, **modes()["full"]).values():
        for name in names(template):
            kind, _, called = name.partition(" ")
            if kind not in ("parameter", "export"):
                of_blue[kind].add(called.rpartition("blue-")[2])
    assert len(of_blue["AWS::SQS::Queue"]) == 3
    meeting = [(a, b) for found in of_blue.values() for a in found for b in found if a.endswith(f"-{b}")]
    assert meeting == []


def test_no_two_roles_differ_in_capitals_alone_for_iam_takes_them_for_one() -> None:
    found = [name for template in templates(**modes()["full"]).values() for name in names(template)]
    roles = [name for name in found if name.startswith("AWS::IAM::Role")]
    assert len(roles) == 4
    assert [role for role in roles if role.rpartition(" ")[2] != role.rpartition(" ")[2].lower()] == []


def test_no_function_of_one_cluster_knows_anything_of_another() -> None:
    template = json.dumps(reconciler(policy=BLUE, **alone()))
    assert "demo" not in template
    assert "green" not in template


def test_the_longest_name_of_a_cluster_fits_every_limit() -> None:
    longest = POLICY.replace("cluster: demo", f"cluster: {'c' * 24}")
    template = reconciler(policy=longest, **modes()["alone"])
    for kind, key, limit in (
        ("AWS::Lambda::Function", "FunctionName", 64),
        ("AWS::IAM::Role", "RoleName", 64),
        ("AWS::Events::Rule", "Name", 64),
        ("AWS::SQS::Queue", "QueueName", 80),
    ):
        found = [str(plain(one[key], region=LONGEST_REGION)) for one in of_type(template, kind).values()]
        assert found
        assert [name for name in found if len(name) > limit] == []


def test_a_destroy_runs_none_of_our_code_so_pools_and_addresses_stay_as_they_are() -> None:
    for template in (*templates(**modes()["full"]).values(), reconciler(**modes()["alone"])):
        own = [r for r in template["Resources"].values() if r["Type"].startswith(("Custom::", "AWS::CloudFormation"))]
        assert {resource["Type"] for resource in own} <= {"Custom::SeededPolicy"}
        assert [resource for resource in own if "Delete" in resource["Properties"]] == []


def test_no_event_of_a_destroy_reaches_a_function() -> None:
    # Roles and rules go in CloudFormation's order: a function that is still there must not take it for a change.
    sources = {rule["EventPattern"]["source"][0] for rule in rules_of(reconciler()) if "EventPattern" in rule}
    assert sources == {"aws.ec2", "aws.autoscaling", "aws.ssm"}
    [policy] = [rule for rule in rules_of(reconciler()) if rule.get("EventPattern", {}).get("source") == ["aws.ssm"]]
    assert "Delete" not in policy["EventPattern"]["detail"]["operation"]


def rules_of(template: Template) -> list[Properties]:
    return list(of_type(template, "AWS::Events::Rule").values())


def test_the_policy_outlives_the_stack_and_so_does_the_record_of_the_trail() -> None:
    template = reconciler(**modes()["full"])
    kept = {r["Type"] for r in template["Resources"].values() if r.get("DeletionPolicy") == "Retain"}
    assert kept == {"AWS::S3::Bucket"}
    assert of_type(template, "AWS::SSM::Parameter") == {}
