"""What each function's role allows."""

from dataclasses import dataclass

from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs

from spiderpool_aws.deployment import Function


@dataclass(frozen=True, slots=True)
class Resources:
    """What the statements are about."""

    queue: sqs.IQueue
    dead_requests: sqs.IQueue
    lost_events: sqs.IQueue
    policy_parameter: str
    fuse_parameter: str
    secret_arn: str
    """The kubeconfig's secret; empty when the login needs none."""
    cluster: str
    vpc_id: str
    alone: bool
    login: str
    audience: str = ""


def grant(role: iam.Role, function: Function, resources: Resources) -> None:
    """Allow a function's role what the function needs; the role comes with nothing, not even its log."""
