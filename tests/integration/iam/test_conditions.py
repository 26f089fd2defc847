"""Each condition of the roles refuses a call, and nothing else refuses it; what was refused is told as AWS tells it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from spiderpool_aws.local.iam import Caller, judge
from spiderpool_aws.local.stack import LocalStack
from tests.integration.iam.job import POLICY
from tests.integration.iam.roles import AUDIENCE, Roles, roles, without_condition
from tests.integration.iam.wrong_calls import NEVER, OTHER, WRONG_CALLS, World, WrongCall, build

REFUSED = ("UnauthorizedOperation", "AccessDenied", "AccessDeniedException")


@pytest.fixture(scope="module")
def worlds() -> Iterator[Callable[[str], World]]:
    """Return a world behind the roles of each variant; a refused call changes nothing, so all tests share it."""
    # Not `with LocalStack`: a second one would meet the first one's parameters. moto is there for what IAM lets pass.
    with mock_aws():
        made = {variant: _world(variant) for variant in ("tagged", "alone", "web-identity")}
        yield made.__getitem__


def _world(variant: str) -> World:
    policies: Roles = {}
    stack = LocalStack(POLICY, policies=policies)
    world = build(stack)
    policies |= roles(variant, world.ours.vpc_id)
    assert stack.guard is not None
    stack.guard.group_tags["staging-a"] = OTHER
    return world


def refusal(world: World, function: str, service: str, operation: str, params: dict[str, Any]) -> str:
    """Make a call as the function's code; return the code of IAM's refusal."""
    session: Any = world.stack.application(function).session
    client = session.client(service)
    method = next(name for name, api in client.meta.method_to_api_mapping.items() if api == operation)
    with pytest.raises(ClientError) as caught:
        getattr(client, method)(**params)
    code: str = caught.value.response["Error"]["Code"]
    return code


@pytest.mark.parametrize("wrong", WRONG_CALLS, ids=lambda wrong: wrong.name)
def test_a_call_with_the_wrong_tag_vpc_or_caller_is_refused_by_just_this_condition(
    wrong: WrongCall, worlds: Callable[[str], World]
) -> None:
    world = worlds(wrong.variant)
    params = wrong.params(world)
    assert refusal(world, wrong.function, wrong.service, wrong.operation, params) in REFUSED
    guard = world.stack.guard
    assert guard is not None
    caller = Caller(wrong.function, world.stack.roles[wrong.function], world.stack.functions[wrong.function].arn)
    statements = guard.policies[wrong.function]
    open_to_all = without_condition(statements, wrong.sid, wrong.operator, wrong.key)
    requests = [guard.as_caller(caller, one) for one in guard.requests_of(wrong.service, wrong.operation, params)]
    refused = [request for request in requests if judge(statements, request)]
    assert any(judge(open_to_all, request) is None for request in refused), "something else refuses it, too"


def test_every_condition_of_every_role_has_such_a_call() -> None:
    conditions = {
        (function, statement.sid, condition.operator, condition.key)
        for variant in ("tagged", "alone", "web-identity", "iam-authenticator")
        for function, statements in roles(variant, "vpc-0").items()
        for statement in statements
        for condition in statement.conditions
    }
    assert {wrong.condition for wrong in WRONG_CALLS} == conditions


@pytest.mark.parametrize("function", ["reconcile_nodes", "resync"])
def test_a_token_for_the_audience_of_the_context_is_allowed(function: str, worlds: Callable[[str], World]) -> None:
    guard = worlds("web-identity").stack.guard
    assert guard is not None
    params = {"Audience": [AUDIENCE], "SigningAlgorithm": "ES384", "DurationSeconds": 300}
    (request,) = guard.requests_of("sts", "GetWebIdentityToken", params)
    assert judge(guard.policies[function], request) is None


@pytest.mark.parametrize("place", range(len(NEVER)))
def test_what_no_function_needs_is_refused(place: int, worlds: Callable[[str], World]) -> None:
    service, operation, params = NEVER[place]
    world = worlds("tagged")
    assert refusal(world, "reconcile_nodes", service, operation, params(world)) in REFUSED


def test_the_router_may_change_nothing(worlds: Callable[[str], World]) -> None:
    world = worlds("tagged")
    params = {"NetworkInterfaceId": world.created, "SecondaryPrivateIpAddressCount": 1}
    for function in ("route_event", "resync"):
        assert refusal(world, function, "ec2", "AssignPrivateIpAddresses", params) == "UnauthorizedOperation"


def test_a_refusal_names_the_role_the_action_and_the_resource(worlds: Callable[[str], World]) -> None:
    world = worlds("tagged")
    client = world.stack.application("route_event").session.client("ec2", region_name="eu-west-1")
    with pytest.raises(ClientError) as caught:
        client.delete_network_interface(NetworkInterfaceId=world.created)
    message = caught.value.response["Error"]["Message"]
    assert message == (
        "You are not authorized to perform this operation. User: arn:aws:iam::123456789012:role/"
        "spiderpool-aws-route-event is not authorized to perform: ec2:DeleteNetworkInterface on resource: "
        f"arn:aws:ec2:eu-west-1:123456789012:network-interface/{world.created} because no identity-based policy allows "
        "the ec2:DeleteNetworkInterface action"
    )
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert world.created in world.stack.model.enis
