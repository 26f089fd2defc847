import json
from typing import Any, cast

import pytest
from moto.events.models import EventPattern

from spiderpool_aws.events import ENI_CALLS, STATES, MalformedEvent, NodeEvent, ResyncEvent
from spiderpool_aws.routes import ROUTES, Target, as_markdown, parse, pattern
from tests.unit.events.recorded import EVENTS, MATCHES, OWN_ROLES, POLICY_PARAMETER, load


def matching(event: dict[str, Any], own_roles: tuple[str, ...] = OWN_ROLES) -> list[str]:
    names = []
    for route in ROUTES:
        rule = pattern(route, own_role_arns=own_roles, policy_parameter=POLICY_PARAMETER)
        if rule is not None and EventPattern.load(json.dumps(rule)).matches_event(cast("Any", event)):
            names.append(route.name)
    return names


@pytest.mark.parametrize(("name", "rule"), MATCHES.items())
def test_each_recorded_event_matches_the_rule_that_the_table_says_and_no_other(name: str, rule: str | None) -> None:
    assert matching(load(name)) == ([rule] if rule else [])


def test_every_recorded_event_is_in_the_table() -> None:
    recorded = {path.stem for path in EVENTS.glob("*.json")} - {"sqs-fifo-batch"}
    assert recorded == set(MATCHES)


@pytest.mark.parametrize("name", [name for name, rule in MATCHES.items() if rule])
def test_what_a_rule_lets_through_is_understood_by_the_function_that_it_invokes(name: str) -> None:
    route = next(route for route in ROUTES if route.name == MATCHES[name])
    event = load(name)
    understood = parse(event, NodeEvent) if route.target is Target.ROUTE_EVENT else parse(event, ResyncEvent)
    assert type(understood) is route.model


def test_a_models_kind_is_what_its_target_takes() -> None:
    kinds = {Target.ROUTE_EVENT: NodeEvent, Target.RESYNC: ResyncEvent}
    assert [issubclass(route.model, kinds[route.target]) for route in ROUTES] == [True] * len(ROUTES)


@pytest.mark.parametrize("state", STATES)
def test_every_state_of_the_model_passes_the_rule(state: str) -> None:
    event = load("instance-running")
    event["detail"]["state"] = state
    assert matching(event) == ["instance-state"]


@pytest.mark.parametrize("call", ENI_CALLS)
def test_every_call_of_the_model_passes_the_rule(call: str) -> None:
    event = load("call-assign-ipv4-by-user")
    event["detail"]["eventName"] = call
    assert matching(event) == ["eni-call"]


@pytest.mark.parametrize("own_role", OWN_ROLES)
def test_the_calls_of_each_own_role_are_excluded_whatever_the_session(own_role: str) -> None:
    event = load("call-attach-by-role")
    assert matching(event) == ["eni-call"]
    event["detail"]["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"] = own_role
    assert matching(event) == []


def test_a_call_of_an_own_role_passes_when_nobody_is_excluded() -> None:
    assert matching(load("call-assign-by-own-role"), own_roles=()) == ["eni-call"]


def test_a_record_that_cloudtrail_writes_for_another_service_is_not_for_us() -> None:
    event = load("call-assign-ipv4-by-user")
    event["detail"]["eventSource"] = "lightsail.amazonaws.com"
    assert matching(event) == []


def test_sources_and_detail_types_are_unique_in_the_table() -> None:
    keys = [(route.source, route.detail_type) for route in ROUTES]
    assert len(set(keys)) == len(keys)
    assert len({route.name for route in ROUTES}) == len(ROUTES)


def test_the_markdown_has_a_row_a_route_with_its_function() -> None:
    rows = as_markdown().splitlines()[2:]
    assert len(rows) == len(ROUTES)
    assert all(f"`{route.target}`" in row and route.detail_type in row for route, row in zip(ROUTES, rows, strict=True))


@pytest.mark.parametrize(
    ("event", "said"),
    [
        pytest.param([1], "a JSON object", id="not an object"),
        pytest.param({}, "no route for detail-type ''", id="empty"),
        pytest.param({"source": ["aws.ec2"], "detail-type": {}}, "no route", id="wrong types"),
        pytest.param({"source": "aws.ec2", "detail-type": "x" * 999}, "…", id="a long detail-type is cut"),
        pytest.param(
            {"source": "aws.ec2", "detail-type": "EC2 Instance Rebalance Recommendation"},
            "this function takes 'EC2 Instance State-change Notification' of aws.ec2, 'EC2 Instance-launch Lifecycle",
            id="unknown detail-type",
        ),
        pytest.param({"source": "aws.events", "detail-type": "Scheduled Event"}, "no route", id="the other function's"),
    ],
)
def test_an_event_without_a_route_is_refused_with_what_would_be_one(event: object, said: str) -> None:
    with pytest.raises(MalformedEvent) as refused:
        parse(event, NodeEvent)
    assert said in str(refused.value)
    assert len(str(refused.value)) < 500
