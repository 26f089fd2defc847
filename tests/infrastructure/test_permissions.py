"""What the roles have in common: nothing wider than it must be, and a table that says why of each statement."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from spiderpool_aws.deployment import FUNCTIONS, Function
from spiderpool_aws.domain.instance import CLUSTER_TAG
from tests.infrastructure.templates import needs_node, of_type
from tests.integration.iam.roles import SECRET, VARIANTS, role_ids, stacks

SECURITY = (Path(__file__).parents[2] / "docs" / "security.md").read_text(encoding="utf-8")
WITHOUT_RESOURCES = re.compile(r"ec2:Describe\w+|autoscaling:DescribeAutoScalingInstances|sts:GetWebIdentityToken")
LONGEST_INLINE_POLICY = 10_240


def policies(variant: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield function and document of each role's policy, as CloudFormation has them."""
    template = stacks(variant)["reconciler"]
    documents = of_type(template, "AWS::IAM::Policy").values()
    for function, role in role_ids(template).items():
        (document,) = (one["PolicyDocument"] for one in documents if {"Ref": role} in one["Roles"])
        yield function, document


def statements(variant: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for function, document in policies(variant):
        for statement in document["Statement"]:
            yield function, statement


def actions(statement: dict[str, Any]) -> list[str]:
    given = statement["Action"]
    return given if isinstance(given, list) else [given]


def test_the_table_of_security_md_is_the_template() -> None:
    table: dict[str, tuple[set[str], set[str]]] = {}
    for line in SECURITY.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `") and len(cells) == 5:
            (sid,), functions, named = (re.findall(r"`([^`]+)`", cell) for cell in cells[:3])
            assert sid not in table, f"{sid} is there twice"
            assert cells[3], f"{sid} does not say to what it is limited"
            assert cells[4], f"{sid} does not say why"
            table[sid] = set(functions), set(named)
    template: dict[str, tuple[set[str], set[str]]] = {}
    for variant in VARIANTS:
        for function, statement in statements(variant):
            functions_of, named_of = template.setdefault(statement["Sid"], (set(), set()))
            functions_of.add(function)
            named_of.update(actions(statement))
    assert table == template


@pytest.mark.parametrize("variant", VARIANTS)
def test_only_calls_that_know_no_resource_are_allowed_on_all(variant: str) -> None:
    for _, statement in statements(variant):
        on_all = statement["Resource"] == "*"
        assert on_all is all(WITHOUT_RESOURCES.fullmatch(action) for action in actions(statement)), statement["Sid"]
        assert not any("*" in action for action in actions(statement)), statement["Sid"]
        assert statement["Effect"] == "Allow"


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_call_that_changes_ec2_has_a_condition_and_only_the_worker_has_one_for_its_code(variant: str) -> None:
    for function, statement in statements(variant):
        if any(a.startswith("ec2:") and not a.startswith("ec2:Describe") for a in actions(statement)):
            conditions = json.dumps(statement["Condition"])
            if "lambda:SourceFunctionArn" in conditions:
                continue
            assert function == "reconcile_nodes"
            assert CLUSTER_TAG in conditions or "ec2:Vpc" in conditions


@pytest.mark.parametrize("variant", VARIANTS)
def test_no_partition_region_or_account_is_written_out(variant: str) -> None:
    for _, document in policies(variant):
        text = json.dumps(document).replace(SECRET, "")
        assert not re.search(r"arn:aws|eu-west-1|\d{12}", text)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_roles_policy_fits_into_what_iam_takes_inline(variant: str) -> None:
    for _, document in policies(variant):
        assert len(json.dumps(document)) < LONGEST_INLINE_POLICY


def test_a_login_that_lacks_what_it_needs_is_refused_in_one_line() -> None:
    needs_node()
    import aws_cdk

    from stacks.reconciler.permissions import Resources, grant

    stack = aws_cdk.Stack(aws_cdk.App(), "stack")
    role = aws_cdk.aws_iam.Role(stack, "role", assumed_by=aws_cdk.aws_iam.ServicePrincipal("lambda.amazonaws.com"))
    queue = aws_cdk.aws_sqs.Queue(stack, "queue")

    def resources(login: str) -> Resources:
        return Resources(
            queue=queue,
            dead_requests=queue,
            lost_events=queue,
            policy_parameter="/p",
            fuse_parameter="/f",
            secret_arn="",
            cluster="prod",
            vpc_id="vpc-1",
            alone=False,
            login=login,
        )

    resync = next(function for function in FUNCTIONS if function.name == "resync")
    for login, message in (
        ("kubeconfig", "the login kubeconfig needs the ARN of the secret"),
        ("web-identity", "set the context clusterAudience"),
        ("password", "no login is called password"),
    ):
        with pytest.raises(ValueError, match=message):
            grant(role, resync, resources(login))
    another = Function("another", resync.timeout, 128, in_vpc=False)
    with pytest.raises(ValueError, match="nobody has said what another may do"):
        grant(role, another, resources("kubeconfig"))
