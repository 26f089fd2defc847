"""Findings of cdk-nag's AwsSolutions rules that stand, each with its reason and only where it is meant.

The rules are part of every synthesis: what is neither right nor here stops it.
"""

from collections.abc import Mapping

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct

from spiderpool_aws.deployment import Function, Names

Reasons = Mapping[str, str]
"""Rule -> why it does not hold here; or resource with a wildcard -> why it has one."""

JUMP_HOST = {
    "EC26": "its volume is encrypted; the rule cannot read an instance with NICs of its own (a test reads it)",
    "EC28": "nothing runs on it that minute-by-minute metrics would tell of",
    "EC29": "it holds nothing: `cdk destroy` may take it",
}
NODE_GROUP = {
    "AS3": "the reconciler follows EC2's own events of each instance, so nobody waits for a notification",
    "EC26": "the volumes are encrypted; the rule cannot read the template behind several types (a test reads it)",
}
ENDPOINTS = {
    "EC23": "the endpoints' names hold for all who are in the VPC, whose CIDR is not known; their addresses are private"
}
VPC = {"VPC7": "the context says `flowLogs: false`"}
FUNCTION = {"L1": "the layers' compiled parts are pinned for this version of Python, and tested with it"}
DEAD_LETTERS = {"SQS3": "it is itself a dead-letter queue: of rules and of failed invocations"}
KUBECONFIG = {"SMG4": "only the owner of the cluster can rotate what is in it; a new value is taken up"}
TRAIL_BUCKET = {"S1": "it is a log itself, for 30 days, and nobody is given access to it"}

_EC2, _AUTO_SCALING, _ELB, _LOGS = (
    f"arn:<AWS::Partition>:{service}:<AWS::Region>:<AWS::AccountId>"
    for service in ("ec2", "autoscaling", "elasticloadbalancing", "logs")
)
_CONDITIONED = "a condition of the statement limits them to the cluster's tag or to the VPC"
OF_FUNCTIONS = {
    "*": "Describe calls, and sts:GetWebIdentityToken, know no resource; the token's audience and life are conditions",
    f"{_EC2}:*/*": "Lambda's own calls for its network interfaces, which a condition keeps from the function's code",
    f"{_EC2}:network-interface/*": f"NICs come and go with the nodes: {_CONDITIONED}",
    f"{_EC2}:instance/*": f"instances come and go: {_CONDITIONED}",
    f"{_EC2}:subnet/*": f"the policy names the subnets of new NICs: {_CONDITIONED}",
    f"{_EC2}:security-group/*": f"the policy names the groups of new NICs: {_CONDITIONED}",
    f"{_AUTO_SCALING}:autoScalingGroup:*:autoScalingGroupName/*": f"a group's ARN holds an id: {_CONDITIONED}",
}
"""The resources with a wildcard in the functions' policies."""

OF_MACHINES = {"*": "Session Manager's channels know no resource; AWS's published policy has the same"}
_OF_THE_CONTROLLER = "AWS Load Balancer Controller makes and finds these itself, and their names are not known before"
OF_NODES = {
    "*": (
        "Session Manager's channels, describing, and firewalls or certificates that annotations name: actions without "
        "resources, or of resources that are not known before; AWS's published policies have the same"
    ),
    **{f"{_EC2}:{kind}/*": _OF_THE_CONTROLLER for kind in ("security-group", "vpc")},
    **{
        f"{_ELB}:{resource}": _OF_THE_CONTROLLER
        for resource in (
            "*",
            "targetgroup/*/*",
            *(f"loadbalancer/{kind}/*/*" for kind in ("app", "net")),
            *(f"{what}/{kind}/*/*/*" for what in ("listener", "listener-rule") for kind in ("app", "net")),
        )
    },
}
"""Those in the policy of the nodes' role."""


def of_function(function: Function, names: Names) -> Reasons:
    """Return the wildcards of a function's role."""
    log = f"{_LOGS}:log-group:/aws/lambda/{names.of(function.name)}:*"
    return OF_FUNCTIONS | {log: "the streams of the function's own log group"}


def acknowledge(scope: IConstruct, reasons: Reasons) -> None:
    """Let findings stand for a construct and what is in it."""
    rules = [Acknowledgment(id=f"AwsSolutions::AwsSolutions-{rule}", reason=why) for rule, why in reasons.items()]
    Validations.of(scope).acknowledge(*rules)


def acknowledge_wildcards(role: IConstruct, wildcards: Reasons) -> None:
    """Let these wildcards of a role's policy stand, and no other."""
    acknowledge(role, {f"IAM5[Resource::{resource}]": reason for resource, reason in wildcards.items()})
