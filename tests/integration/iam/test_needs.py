"""What the doctor asks IAM's simulator is what the roles of the template allow, statement by statement."""

import pytest

from spiderpool_aws.deployment import FUNCTIONS, Function, Names
from spiderpool_aws.local.iam import Request, Statement, Target, judge
from spiderpool_aws.permissions import CALLS, Need, Place, needs
from tests.integration.iam.roles import AUDIENCE, NAMES, SECRET, VARIANTS, deployed_roles

VPC = "vpc-0a1b2c3d4e5f60718"
LOGINS = {"tagged": "kubeconfig", "alone": "kubeconfig"}
BOTH = pytest.mark.parametrize(
    ("variant", "function"),
    [pytest.param(variant, one, id=f"{variant} {one.name}") for variant in VARIANTS for one in FUNCTIONS],
)


def asked(variant: str, function: Function, names: Names = NAMES) -> tuple[Need, ...]:
    arn = f"arn:aws:lambda:eu-west-1:123456789012:function:{names.of(function.name)}"
    return needs(function, names, Place(arn, VPC, LOGINS.get(variant, variant), SECRET, AUDIENCE))


def refused(statements: tuple[Statement, ...], need: Need) -> list[str]:
    """Return the actions of a need that the statements do not allow on all of its resources."""
    targets = tuple(Target(arn) for arn in need.arns)
    return [action for action in need.actions if judge(statements, Request(action, targets, need.keys))]


@BOTH
def test_the_role_allows_all_that_the_doctor_asks_for(variant: str, function: Function) -> None:
    statements = deployed_roles(variant, VPC)[function.name]
    denied = {need.statement: refused(statements, need) for need in asked(variant, function)}
    assert {statement: actions for statement, actions in denied.items() if actions} == {}


@BOTH
def test_without_any_one_statement_the_doctor_tells_just_its_actions(variant: str, function: Function) -> None:
    statements = deployed_roles(variant, VPC)[function.name]
    for sid in (statement.sid for statement in statements):
        without = tuple(one for one in statements if one.sid != sid)
        told = {need.statement: refused(without, need) for need in asked(variant, function)}
        assert {name: tuple(actions) for name, actions in told.items() if actions} == {sid: CALLS[sid]}


@BOTH
def test_the_doctor_asks_for_each_statement_once(variant: str, function: Function) -> None:
    statements = deployed_roles(variant, VPC)[function.name]
    assert sorted(need.statement for need in asked(variant, function)) == sorted(one.sid for one in statements)


def test_the_role_of_another_cluster_is_told_as_wrong() -> None:
    for function in FUNCTIONS:
        statements = deployed_roles("tagged", VPC)[function.name]
        told = {need.statement for need in asked("tagged", function, Names("staging")) if refused(statements, need)}
        assert {"WriteLog", "SendRequests"} <= told


def test_a_service_control_policy_about_regions_is_asked_with_the_functions_region() -> None:
    given = [need.keys["aws:RequestedRegion"] for function in FUNCTIONS for need in asked("tagged", function)]
    assert set(given) == {("eu-west-1",)}
