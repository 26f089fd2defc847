"""The EventBridge rules: one for every row of `ROUTES` that has a pattern or a schedule."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from spiderpool_aws.deployment import Names
from spiderpool_aws.routes import ROUTES, Route, pattern

RETRY = events.CfnRule.RetryPolicyProperty(maximum_event_age_in_seconds=3600, maximum_retry_attempts=185)
"""How long EventBridge tries to hand an event to Lambda: an hour; by then a resync has looked twelve times at least."""


class Rules(Construct):
    """The rules, each with the permission to invoke its function; what none of them can hand over is kept."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        names: Names,
        functions: Mapping[str, lambda_.IFunction],
        lost_events: sqs.IQueue,
    ) -> None:
        super().__init__(scope, name)
        self._names, self._functions, self._lost_events = names, functions, lost_events
        # What the functions do to EC2 comes back as CloudTrail events; so do Lambda's own calls for their interfaces.
        own = [function.role.role_arn for function in functions.values() if function.role]
        rules = [rule for route in ROUTES if (rule := self._rule(route, own)) is not None]
        lost_events.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("events.amazonaws.com")],
                actions=["sqs:SendMessage"],
                resources=[lost_events.queue_arn],
                conditions={"ArnEquals": {"aws:SourceArn": [rule.attr_arn for rule in rules]}},
            )
        )

    def _rule(self, route: Route, own: Sequence[str]) -> events.CfnRule | None:
        """Make a route's rule (L1: the construct of a level above knows no `$or`); None for what people send."""
        matched = pattern(route, own_role_arns=own, policy_parameter=self._names.policy_parameter)
        if matched is None and route.every is None:
            return None
        title = route.name.title().replace("-", "")
        function = self._functions[route.target]
        rule = events.CfnRule(
            self,
            title,
            name=self._names.of(route.name),
            description=f"To {route.target}: {route.why}",
            event_pattern=matched,
            schedule_expression=_rate(route.every) if route.every else None,
            targets=[
                events.CfnRule.TargetProperty(
                    id=route.target,
                    arn=function.function_arn,
                    dead_letter_config=events.CfnRule.DeadLetterConfigProperty(arn=self._lost_events.queue_arn),
                    retry_policy=RETRY,
                )
            ],
        )
        lambda_.CfnPermission(
            self,
            f"{title}Invokes",
            action="lambda:InvokeFunction",
            function_name=function.function_arn,
            principal="events.amazonaws.com",
            source_arn=rule.attr_arn,
        )
        return rule


def _rate(every: timedelta) -> str:
    minutes = int(every.total_seconds() // 60)
    return f"rate({minutes} minute{'' if minutes == 1 else 's'})"
