"""The functions' log groups: named as Lambda would name them, so that nothing outlives the stack or has no end."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.context.deployment import ContextError

RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
"""What CloudWatch Logs takes. Source: its API reference, PutRetentionPolicy."""


def log_group(scope: Construct, name: str, *, function_name: str, days: int) -> logs.LogGroup:
    """Make the log group of a function. Raises ContextError for a number of days that CloudWatch Logs does not take."""
    if days not in RETENTION_DAYS:
        raise ContextError(f"context logRetentionDays: {days} is not one of {', '.join(map(str, RETENTION_DAYS))}")
    group = logs.LogGroup(
        scope, name, log_group_name=f"/aws/lambda/{function_name}", removal_policy=RemovalPolicy.DESTROY
    )
    resource = group.node.default_child
    assert isinstance(resource, logs.CfnLogGroup)  # noqa: S101 - the construct's contract
    # The construct takes an enumeration of the same figures only.
    resource.retention_in_days = days
    return group
