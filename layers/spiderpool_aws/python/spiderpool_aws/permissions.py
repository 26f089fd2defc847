"""What each function calls: the statements' actions, and for each statement one request that it has to allow.

Pure data, and the one source of both: the stacks write the roles' statements of `CALLS`, and the doctor asks IAM's
simulator about `needs`. Sources: Service Authorization Reference, the pages of EC2, SQS, Systems Manager, Secrets
Manager, Security Token Service, Auto Scaling and CloudWatch Logs (resource types and condition keys of the actions);
Lambda developer guide, "Using source function ARN to control function access behavior".
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from spiderpool_aws.deployment import (
    DEAD_REQUESTS,
    LOST_EVENTS,
    RECONCILE_NODES,
    REQUESTS,
    RESYNC,
    ROUTE_EVENT,
    TOKEN_LIFE,
    Function,
    Names,
)
from spiderpool_aws.domain.instance import CLUSTER_TAG, INSTANCE_TAG, ORPHAN_TAG

CREATE_NIC = "ec2:CreateNetworkInterface"
_ON_ATTACHMENTS = ("ec2:AttachNetworkInterface", "ec2:ModifyNetworkInterfaceAttribute")
CALLS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "WriteLog": ("logs:CreateLogStream", "logs:PutLogEvents"),
        "SendRequests": ("sqs:SendMessage",),
        "ReadNics": ("ec2:DescribeNetworkInterfaces",),
        "KeepLostEvents": ("sqs:SendMessage",),
        "KeepFailedEvents": ("sqs:SendMessage",),
        "ReadEc2": (
            "ec2:DescribeInstances",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeInstanceTypes",
            "ec2:DescribeSubnets",
        ),
        "ReadAutoScaling": ("autoscaling:DescribeAutoScalingInstances",),
        "ReadControl": ("ssm:GetParameters",),
        "ReadPolicyHistory": ("ssm:GetParameterHistory",),
        "WriteFuse": ("ssm:PutParameter",),
        "ReadKubeconfig": ("secretsmanager:GetSecretValue",),
        "AskForToken": ("sts:GetWebIdentityToken",),
        # Those of AWSLambdaVPCAccessExecutionRole that are no reads; its two reads are in `ReadEc2`.
        "NicsOfLambda": (
            CREATE_NIC,
            "ec2:DeleteNetworkInterface",
            "ec2:AssignPrivateIpAddresses",
            "ec2:UnassignPrivateIpAddresses",
        ),
        "TakeRequests": ("sqs:ReceiveMessage", "sqs:GetQueueAttributes"),
        "GiveBackRequests": ("sqs:DeleteMessage", "sqs:ChangeMessageVisibility"),
        "KeepDeadRequests": ("sqs:SendMessage",),
        "ChangeAddresses": (
            "ec2:AssignPrivateIpAddresses",
            "ec2:AssignIpv6Addresses",
            "ec2:UnassignPrivateIpAddresses",
            "ec2:UnassignIpv6Addresses",
        ),
        "CreateNics": (CREATE_NIC,),
        "CreateNicsInSubnets": (CREATE_NIC,),
        "CreateNicsWithGroups": (CREATE_NIC,),
        "TagCreatedNics": ("ec2:CreateTags",),
        "ChangeCreatedNics": (*_ON_ATTACHMENTS, "ec2:DeleteNetworkInterface"),
        "AttachToInstances": _ON_ATTACHMENTS,
        "NoteUnusedNics": ("ec2:CreateTags",),
        "AnswerLifecycleHooks": (
            "autoscaling:CompleteLifecycleAction",
            "autoscaling:RecordLifecycleActionHeartbeat",
        ),
    }
)
"""Statement -> its actions."""

Keys = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a function is deployed, and what its login is about."""

    arn: str
    """The function's own: its partition, region and account are those of everything else."""
    vpc_id: str = ""
    login: str = ""
    """`web-identity`, `iam-authenticator` or `kubeconfig`; empty where the function does not log in."""
    secret_arn: str = ""
    audience: str = ""


@dataclass(frozen=True, slots=True)
class Need:
    """What one statement is there for: all of its actions, on each of these resources, with these condition keys."""

    statement: str
    arns: tuple[str, ...]
    keys: Keys

    @property
    def actions(self) -> tuple[str, ...]:
        """Return what is called, as IAM names it."""
        return CALLS[self.statement]


def needs(function: Function, names: Names, place: Place) -> tuple[Need, ...]:
    """Return one request for each statement that the function's role has to have, on resources made up for it."""
    return tuple(_Needs(function, names, place).all())


class _Needs:
    """The needs of one function."""

    def __init__(self, function: Function, names: Names, place: Place) -> None:
        self._function = function
        self._names = names
        self._place = place
        _, self._partition, _, self._region, self._account, *_ = place.arn.split(":")
        self._nic = self._ec2("network-interface/eni")

    def all(self) -> Iterator[Need]:
        group = f"log-group:/aws/lambda/{self._names.of(self._function.name)}"
        yield self._of_code("WriteLog", self._arn("logs", f"{group}:log-stream:any"))
        yield self._of_code("SendRequests", self._queue(REQUESTS))
        if self._function == ROUTE_EVENT:
            yield self._of_code("ReadNics", "*")
            yield self._of_code("KeepLostEvents", self._queue(LOST_EVENTS))
        if self._function.in_vpc:
            yield from self._of_both_in_the_vpc()
        if self._function == RECONCILE_NODES:
            yield from self._reconcile_nodes()
        if self._function == RESYNC:
            yield self._of_code("WriteFuse", self._parameter(self._names.fuse_parameter))
            yield self._of_lambda("KeepFailedEvents", self._queue(LOST_EVENTS))

    def _of_both_in_the_vpc(self) -> Iterator[Need]:
        policy, fuse = map(self._parameter, (self._names.policy_parameter, self._names.fuse_parameter))
        yield self._of_code("ReadEc2", "*")
        yield self._of_code("ReadAutoScaling", "*")
        yield self._of_code("ReadControl", policy, fuse)
        yield self._of_code("ReadPolicyHistory", policy)
        yield self._of_lambda("NicsOfLambda", self._nic)
        if self._place.login == "kubeconfig":
            yield self._of_code("ReadKubeconfig", self._place.secret_arn)
        elif self._place.login == "web-identity":
            life = str(TOKEN_LIFE.seconds)
            keys = {"sts:IdentityTokenAudience": (self._place.audience,), "sts:DurationSeconds": (life,)}
            yield self._of_code("AskForToken", "*", keys=keys)

    def _reconcile_nodes(self) -> Iterator[Need]:
        yield self._of_code("GiveBackRequests", self._queue(REQUESTS))
        yield self._of_lambda("TakeRequests", self._queue(REQUESTS))
        yield self._of_code("KeepDeadRequests", self._queue(DEAD_REQUESTS))
        in_vpc = {"ec2:Vpc": (self._arn("ec2", f"vpc/{self._place.vpc_id}"),)}
        cluster, whose = (self._names.cluster,), ("i-0123456789abcdef0",)
        tagged: Keys = {f"aws:ResourceTag/{CLUSTER_TAG}": cluster}
        created: Keys = {**tagged, f"aws:ResourceTag/{INSTANCE_TAG}": whose, **in_vpc}
        asked: Keys = {f"aws:RequestTag/{CLUSTER_TAG}": cluster, f"aws:RequestTag/{INSTANCE_TAG}": whose}
        yield self._of_code("ChangeAddresses", self._nic, keys={**tagged, **in_vpc})
        yield self._of_code("CreateNics", self._nic, keys=asked)
        yield self._of_code("CreateNicsInSubnets", self._ec2("subnet/subnet"), keys=in_vpc)
        yield self._of_code("CreateNicsWithGroups", self._ec2("security-group/sg"), keys=in_vpc)
        creation = {"ec2:CreateAction": (CREATE_NIC.removeprefix("ec2:"),), "aws:TagKeys": (CLUSTER_TAG, INSTANCE_TAG)}
        yield self._of_code("TagCreatedNics", self._nic, keys={**asked, **creation})
        yield self._of_code("ChangeCreatedNics", self._nic, keys=created)
        yield self._of_code("AttachToInstances", self._ec2("instance/i"), keys=tagged)
        noted = {**created, f"aws:RequestTag/{ORPHAN_TAG}": ("2026-01-01T00:00:00Z",), "aws:TagKeys": (ORPHAN_TAG,)}
        yield self._of_code("NoteUnusedNics", self._nic, keys=noted)
        groups = "autoScalingGroup:00000000-0000-0000-0000-000000000000:autoScalingGroupName/any"
        yield self._of_code("AnswerLifecycleHooks", self._arn("autoscaling", groups), keys=tagged)

    def _of_code(self, statement: str, *arns: str, keys: Keys = MappingProxyType({})) -> Need:
        return self._of_lambda(statement, *arns, keys={**keys, "lambda:SourceFunctionArn": (self._place.arn,)})

    def _of_lambda(self, statement: str, *arns: str, keys: Keys = MappingProxyType({})) -> Need:
        # Many a service control policy denies what is not asked for in one of its regions.
        return Need(statement, arns, {**keys, "aws:RequestedRegion": (self._region,)})

    def _queue(self, what: str) -> str:
        return self._arn("sqs", self._names.of(what))

    def _parameter(self, name: str) -> str:
        return self._arn("ssm", f"parameter{name}")

    def _ec2(self, kind: str) -> str:
        return self._arn("ec2", f"{kind}-0123456789abcdef0")

    def _arn(self, service: str, resource: str) -> str:
        return f"arn:{self._partition}:{service}:{self._region}:{self._account}:{resource}"
