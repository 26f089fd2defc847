"""The roles of the template allow the functions what they call, and nothing that no call needs."""

from functools import partial

import pytest

from spiderpool_aws.deployment import FUNCTIONS
from spiderpool_aws.local.iam import Request, judge
from tests.integration.iam.job import RefusedError, hooks, main_job, nics_of_its_own
from tests.integration.iam.roles import Roles, roles, without_action
from tests.integration.scene import TAGS

TAGGED = partial(roles, "tagged")
ALONE = partial(roles, "alone")
VPC = "vpc-085ebca6bca8efd55"
"""The first one that the EC2 model makes."""


def test_the_main_job_runs_as_the_functions_roles() -> None:
    guard = main_job(TAGGED, nic_tags=TAGS)
    assert len(guard.asked) > 80, "the calls went past IAM"


def test_the_main_job_runs_alone_in_a_vpc_whose_nics_nobody_tagged() -> None:
    main_job(ALONE, nic_tags=None)


def test_nics_that_nobody_tagged_are_refused_where_the_launch_template_should_have_tagged_them() -> None:
    with pytest.raises(RefusedError, match="launch: ec2:AssignPrivateIpAddresses of reconcile_nodes"):
        main_job(TAGGED, nic_tags=None)


@pytest.mark.parametrize("roles_of", [TAGGED, ALONE], ids=["tagged", "alone"])
def test_the_worker_may_do_all_that_nics_of_its_own_and_lifecycle_hooks_need(roles_of: partial[Roles]) -> None:
    nics_of_its_own(roles_of)
    hooks(roles_of)


@pytest.fixture(scope="module")
def asked() -> list[tuple[str, Request]]:
    """Return what IAM was asked in all runs. A decision depends on the policy and on the request alone."""
    return [*main_job(TAGGED, nic_tags=TAGS).asked, *nics_of_its_own(TAGGED).asked, *hooks(TAGGED).asked]


@pytest.mark.parametrize("function", [function.name for function in FUNCTIONS])
def test_without_any_one_action_of_any_statement_a_call_is_refused(
    function: str, asked: list[tuple[str, Request]]
) -> None:
    statements = TAGGED(VPC)[function]
    requests = [request for caller, request in asked if caller == function]
    assert [request for request in requests if judge(statements, request)] == []
    needless = [
        (statement.sid, action)
        for statement in statements
        for action in statement.actions
        if not any(judge(without_action(statements, statement.sid, action), request) for request in requests)
    ]
    assert needless == []


@pytest.mark.parametrize(
    ("function", "sid", "action"),
    [
        ("route_event", "ReadNics", "ec2:DescribeNetworkInterfaces"),
        ("route_event", "KeepLostEvents", "sqs:SendMessage"),
        ("reconcile_nodes", "ChangeAddresses", "ec2:AssignIpv6Addresses"),
        ("reconcile_nodes", "GiveBackRequests", "sqs:ChangeMessageVisibility"),
        ("reconcile_nodes", "ReadPolicyHistory", "ssm:GetParameterHistory"),
        ("reconcile_nodes", "ReadKubeconfig", "secretsmanager:GetSecretValue"),
        ("resync", "SendRequests", "sqs:SendMessage"),
        ("resync", "WriteFuse", "ssm:PutParameter"),
    ],
)
def test_a_call_that_is_refused_fails_the_run(function: str, sid: str, action: str) -> None:
    def roles_of(vpc_id: str) -> Roles:
        given = TAGGED(vpc_id)
        return given | {function: without_action(given[function], sid, action.lower())}

    with pytest.raises(RefusedError, match=f"{action} of {function} on "):
        main_job(roles_of, nic_tags=TAGS)
