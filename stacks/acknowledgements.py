"""Findings of cdk-nag's AwsSolutions rules that stand, each with its reason and only where it is meant."""

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct

from spiderpool_aws.deployment import Function, Names

EC2 = "arn:<AWS::Partition>:ec2:<AWS::Region>:<AWS::AccountId>"
AUTO_SCALING = "arn:<AWS::Partition>:autoscaling:<AWS::Region>:<AWS::AccountId>"
LOGS = "arn:<AWS::Partition>:logs:<AWS::Region>:<AWS::AccountId>"

CONDITIONED = "a condition of the statement limits them to the cluster's tag or to the VPC"
WILDCARDS = {
    "*": "Describe calls, and sts:GetWebIdentityToken, know no resource; the token's audience and life are conditions",
    f"{EC2}:*/*": "Lambda's own calls for its network interfaces, which a condition keeps from the function's code",
    f"{EC2}:network-interface/*": f"NICs come and go with the nodes: {CONDITIONED}",
    f"{EC2}:instance/*": f"instances come and go: {CONDITIONED}",
    f"{EC2}:subnet/*": f"the policy names the subnets of new NICs: {CONDITIONED}",
    f"{EC2}:security-group/*": f"the policy names the groups of new NICs: {CONDITIONED}",
    f"{AUTO_SCALING}:autoScalingGroup:*:autoScalingGroupName/*": f"a group's ARN holds an id: {CONDITIONED}",
}
"""The resources with a wildcard in the functions' policies. What is not listed here is a finding."""


def acknowledge(scope: IConstruct, rule: str, reason: str) -> None:
    """Let a finding of AwsSolutions stand for a construct and what is in it."""
    Validations.of(scope).acknowledge(Acknowledgment(id=f"AwsSolutions::AwsSolutions-{rule}", reason=reason))


def acknowledge_wildcards(role: IConstruct, function: Function, names: Names) -> None:
    """Let the wildcards of a function's role stand, one by one."""
    log = f"{LOGS}:log-group:/aws/lambda/{names.of(function.name)}:*"
    for resource, reason in (WILDCARDS | {log: "the streams of the function's own log group"}).items():
        acknowledge(role, f"IAM5[Resource::{resource}]", reason)
