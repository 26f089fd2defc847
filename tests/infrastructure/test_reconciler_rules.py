"""The rules are `ROUTES`, one for one, and what none of them can hand over is kept."""

from typing import Any

from spiderpool_aws.deployment import FUNCTIONS, Names
from spiderpool_aws.routes import ROUTES, pattern
from tests.infrastructure.templates import Properties, Template, of_type, reconciler

NAMES = Names("demo")


def rules() -> dict[str, Properties]:
    return {rule["Name"]: rule for rule in of_type(reconciler(), "AWS::Events::Rule").values()}


def role_arns(template: Template) -> list[Any]:
    """Return the ARNs of the functions' roles, as the template refers to them."""
    made = {made["FunctionName"]: made for made in of_type(template, "AWS::Lambda::Function").values()}
    return [made[NAMES.of(function.name)]["Role"] for function in FUNCTIONS]


def test_there_is_one_rule_for_every_route_that_has_a_pattern_or_a_schedule() -> None:
    expected = {NAMES.of(route.name) for route in ROUTES if route.every or pattern(route) is not None}
    assert set(rules()) == expected
    assert NAMES.of("manual") not in expected


def test_every_rule_matches_what_its_route_says_and_no_call_of_the_functions_own_roles() -> None:
    own = role_arns(reconciler())
    for route in ROUTES:
        expected = pattern(route, own_role_arns=own, policy_parameter="/spiderpool-aws/demo/policy")
        if expected is not None:
            assert rules()[NAMES.of(route.name)]["EventPattern"] == expected


def test_the_resync_runs_every_minute() -> None:
    scheduled = [rule for rule in rules().values() if "ScheduleExpression" in rule]
    assert [(rule["Name"], rule["ScheduleExpression"]) for rule in scheduled] == [
        ("spiderpool-aws-demo-schedule", "rate(1 minute)")
    ]
    assert "EventPattern" not in scheduled[0]


def test_every_rule_invokes_the_function_of_its_route_and_may() -> None:
    template = reconciler()
    functions = {name: made["FunctionName"] for name, made in of_type(template, "AWS::Lambda::Function").items()}
    logical = {rule["Name"]: name for name, rule in of_type(template, "AWS::Events::Rule").items()}
    allowed = {
        (functions[p["FunctionName"]["Fn::GetAtt"][0]], p["SourceArn"]["Fn::GetAtt"][0])
        for p in of_type(template, "AWS::Lambda::Permission").values()
        if (p["Principal"], p["Action"]) == ("events.amazonaws.com", "lambda:InvokeFunction")
    }
    wanted = {(NAMES.of(route.target), logical[NAMES.of(route.name)]) for route in ROUTES if route.source}
    assert allowed == wanted
    for route in ROUTES:
        if route.source:
            [target] = rules()[NAMES.of(route.name)]["Targets"]
            assert functions[target["Arn"]["Fn::GetAtt"][0]] == NAMES.of(route.target)


def test_what_a_rule_cannot_hand_over_is_kept_and_the_rules_alone_may_send_it() -> None:
    template = reconciler()
    queues = {queue["QueueName"]: name for name, queue in of_type(template, "AWS::SQS::Queue").items()}
    lost = {"Fn::GetAtt": [queues["spiderpool-aws-demo-lost-events"], "Arn"]}
    for rule in rules().values():
        [target] = rule["Targets"]
        assert target["DeadLetterConfig"] == {"Arn": lost}
        assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 185}
    [policy] = [
        policy["PolicyDocument"]["Statement"]
        for policy in of_type(template, "AWS::SQS::QueuePolicy").values()
        if policy["Queues"] == [{"Ref": queues["spiderpool-aws-demo-lost-events"]}]
    ]
    [sends] = [statement for statement in policy if statement["Effect"] == "Allow"]
    assert (sends["Action"], sends["Principal"]) == ("sqs:SendMessage", {"Service": "events.amazonaws.com"})
    senders = sends["Condition"]["ArnEquals"]["aws:SourceArn"]
    assert {sender["Fn::GetAtt"][0] for sender in senders} == set(of_type(template, "AWS::Events::Rule"))
