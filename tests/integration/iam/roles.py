"""The functions' roles as CDK writes them: a stack with nothing but what `grant` needs, and its template resolved."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from spiderpool_aws.deployment import FUNCTIONS
from spiderpool_aws.local.iam import Deployed, Statement, roles_of
from spiderpool_aws.local.stack import FUSE_PARAMETER, POLICY_PARAMETER

SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:spiderpool-aws/prod/kubeconfig-AbCdEf"
AUDIENCE = "prod.example.org"
QUEUES = {"Queue": "requests.fifo", "DeadRequests": "requests-dead.fifo", "LostEvents": "lost-events"}
# name of the stack -> what is special about it
VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "tagged": {"alone": False, "login": "kubeconfig", "secret_arn": SECRET},
    "alone": {"alone": True, "login": "kubeconfig", "secret_arn": SECRET},
    "web-identity": {"alone": False, "login": "web-identity", "secret_arn": "", "audience": AUDIENCE},
    "iam-authenticator": {"alone": False, "login": "iam-authenticator", "secret_arn": ""},
}

Roles = dict[str, tuple[Statement, ...]]


@cache
def templates() -> Mapping[str, Mapping[str, Any]]:
    """Return the template of each variant; skips where CDK cannot run."""
    if shutil.which("node") is None:
        pytest.skip("CDK needs node on the path")
    from aws_cdk import App, CfnParameter, Stack
    from aws_cdk import aws_iam as iam
    from aws_cdk import aws_sqs as sqs

    from stacks.permissions import Resources, grant

    app = App()
    for variant, special in VARIANTS.items():
        stack = Stack(app, variant)
        queue, dead_requests, lost_events = (sqs.Queue(stack, name, fifo="fifo" in QUEUES[name]) for name in QUEUES)
        resources = Resources(
            queue=queue,
            dead_requests=dead_requests,
            lost_events=lost_events,
            policy_parameter=POLICY_PARAMETER,
            fuse_parameter=FUSE_PARAMETER,
            cluster="prod",
            vpc_id=CfnParameter(stack, "Vpc").value_as_string,
            **special,
        )
        for function in FUNCTIONS:
            role = iam.Role(stack, function.name, assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
            grant(role, function, resources)
    assembly = app.synth()
    return {variant: assembly.get_stack_by_name(variant).template for variant in VARIANTS}


def roles(variant: str, vpc_id: str) -> Roles:
    """Return function -> the statements of its role, in a VPC of the local account."""
    template = templates()[variant]
    logical_ids = {
        next(name for name in QUEUES if logical_id.startswith(name)): logical_id
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == "AWS::SQS::Queue"
    }
    prefix = "arn:aws:sqs:eu-west-1:123456789012:"
    arns = {(logical_ids[name], "Arn"): prefix + queue for name, queue in QUEUES.items()}
    by_role = roles_of(template, Deployed(references={"Vpc": vpc_id}, attributes=arns))
    return {
        function.name: next(
            statements
            for logical_id, statements in by_role.items()
            if logical_id.startswith(function.name.replace("_", ""))
        )
        for function in FUNCTIONS
    }


def without_action(statements: Sequence[Statement], sid: str, action: str) -> tuple[Statement, ...]:
    """Return the statements with one action taken out of one of them; one that has none left allows nothing."""
    return _changed(statements, sid, lambda one: replace(one, actions=tuple(a for a in one.actions if a != action)))


def without_condition(statements: Sequence[Statement], sid: str, operator: str, key: str) -> tuple[Statement, ...]:
    """Return the statements with one condition taken out of one of them."""

    def change(one: Statement) -> Statement:
        return replace(one, conditions=tuple(c for c in one.conditions if (c.operator, c.key) != (operator, key)))

    return _changed(statements, sid, change)


def _changed(
    statements: Sequence[Statement], sid: str, change: Callable[[Statement], Statement]
) -> tuple[Statement, ...]:
    assert sid in {statement.sid for statement in statements}
    return tuple(change(one) if one.sid == sid else one for one in statements)
