"""What each function's role allows: exactly what its code and Lambda itself call. Why is in docs/security.md.

Which actions a statement has is said in `spiderpool_aws.permissions`; here is on what, and under which conditions.
No statement denies: what is not allowed here is allowed nowhere. Sources: Service Authorization Reference, "Actions,
resources, and condition keys for Amazon EC2" (an instance has no `ec2:Vpc`; creating a NIC is three resources, and a
fourth decision, `ec2:CreateTags`, when it is tagged); Lambda developer guide, "Using source function ARN to control
function access behavior" (calls of the function's code carry `lambda:SourceFunctionArn`; Lambda's own, of its NICs and
of the event source, do not); IAM user guide, "Controlling access with IAM policies" of outbound identity federation.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs

from spiderpool_aws.deployment import RECONCILE_NODES, RESYNC, ROUTE_EVENT, TOKEN_LIFE, Function, Names
from spiderpool_aws.domain.instance import CLUSTER_TAG, INSTANCE_TAG, ORPHAN_TAG
from spiderpool_aws.permissions import CALLS, CREATE_NIC

Conditions = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Resources:
    """What the statements are about."""

    queue: sqs.IQueue
    dead_requests: sqs.IQueue
    lost_events: sqs.IQueue
    policy_parameter: str
    """The name, with its leading slash; so the fuse's."""
    fuse_parameter: str
    secret_arn: str
    """The kubeconfig's secret; empty when the login needs none."""
    cluster: str
    vpc_id: str
    alone: bool
    """Whether the nodes are somebody else's, whose launch templates do not tag NICs."""
    login: str
    audience: str = ""
    """Of the login `web-identity`: the only one that the functions may ask a token for."""


def grant(role: iam.Role, function: Function, resources: Resources) -> None:
    """Allow a function's role what the function needs, one statement a purpose."""
    granted = _Statements(Stack.of(role), function, resources)
    for statement in granted.all():
        role.add_to_principal_policy(statement)


class _Statements:
    """The statements of one function."""

    def __init__(self, stack: Stack, function: Function, resources: Resources) -> None:
        self._stack = stack
        self._function = function
        self._resources = resources

    def all(self) -> Iterator[iam.PolicyStatement]:
        yield self._log()
        yield _allow("SendRequests", [self._resources.queue.queue_arn])
        if self._function == ROUTE_EVENT:
            yield from self._route_event()
        elif self._function == RECONCILE_NODES:
            yield from self._reconcile_nodes()
        elif self._function == RESYNC:
            yield from self._resync()
        else:
            raise ValueError(
                f"nobody has said what {self._function.name} may do: say it in stacks/reconciler/permissions.py"
            )

    def _route_event(self) -> Iterator[iam.PolicyStatement]:
        yield _allow("ReadNics", ["*"])
        # Both the code, with what it does not understand, and Lambda, after the last attempt.
        yield _allow("KeepLostEvents", [self._resources.lost_events.queue_arn])

    def _reconcile_nodes(self) -> Iterator[iam.PolicyStatement]:
        queue = self._resources.queue.queue_arn
        yield from self._of_both_in_the_vpc()
        yield _allow("GiveBackRequests", [queue])
        yield _allow("TakeRequests", [queue], _BY_LAMBDA_ITSELF)
        yield _allow("KeepDeadRequests", [self._resources.dead_requests.queue_arn])
        yield from self._addresses_and_nics()
        yield _allow(
            "AnswerLifecycleHooks",
            [self._arn("autoscaling", "autoScalingGroup:*:autoScalingGroupName/*")],
            self._tagged(),
        )

    def _resync(self) -> Iterator[iam.PolicyStatement]:
        yield from self._of_both_in_the_vpc()
        yield _allow("WriteFuse", [self._parameter(self._resources.fuse_parameter)])
        yield _allow("KeepFailedEvents", [self._resources.lost_events.queue_arn], _BY_LAMBDA_ITSELF)

    def _of_both_in_the_vpc(self) -> Iterator[iam.PolicyStatement]:
        policy, fuse = (
            self._parameter(self._resources.policy_parameter),
            self._parameter(self._resources.fuse_parameter),
        )
        yield _allow("ReadEc2", ["*"])
        yield _allow("ReadAutoScaling", ["*"])
        yield _allow("ReadControl", [policy, fuse])
        yield _allow("ReadPolicyHistory", [policy])
        # Lambda asks about all resources, before there is a NIC: a condition on the VPC or a tag would refuse it.
        yield _allow("NicsOfLambda", [self._ec2("*")], _BY_LAMBDA_ITSELF)
        yield from self._log_in()

    def _addresses_and_nics(self) -> Iterator[iam.PolicyStatement]:
        nic = self._ec2("network-interface")
        in_vpc = {"ArnEquals": {"ec2:Vpc": self._arn("ec2", f"vpc/{self._resources.vpc_id}")}}
        whose = in_vpc if self._resources.alone else self._tagged()
        yield _allow("ChangeAddresses", [nic], whose)
        asked = {f"aws:RequestTag/{CLUSTER_TAG}": self._resources.cluster}
        created = {"StringEquals": asked, "Null": {f"aws:RequestTag/{INSTANCE_TAG}": "false"}}
        yield _allow("CreateNics", [nic], created)
        yield _allow("CreateNicsInSubnets", [self._ec2("subnet")], in_vpc)
        yield _allow("CreateNicsWithGroups", [self._ec2("security-group")], in_vpc)
        tagged = {"StringEquals": {"ec2:CreateAction": CREATE_NIC.removeprefix("ec2:"), **asked}}
        yield _allow("TagCreatedNics", [nic], tagged)
        yield from self._created_nics(nic)

    def _created_nics(self, nic: str) -> Iterator[iam.PolicyStatement]:
        there = {f"aws:ResourceTag/{INSTANCE_TAG}": "false"}
        ours = {**self._tagged(), "Null": there}
        yield _allow("ChangeCreatedNics", [nic], ours)
        yield _allow("AttachToInstances", [self._ec2("instance")], self._tagged())
        noted = {
            **self._tagged(),
            "Null": there,
            # True of no key at all, too: CreateTags wants at least one.
            "ForAllValues:StringEquals": {"aws:TagKeys": [ORPHAN_TAG]},
        }
        yield _allow("NoteUnusedNics", [nic], noted)

    def _log_in(self) -> Iterator[iam.PolicyStatement]:
        given = self._resources
        if given.login == "kubeconfig":
            if not given.secret_arn:
                raise ValueError("the login kubeconfig needs the ARN of the secret that holds it")
            yield _allow("ReadKubeconfig", [given.secret_arn])
        elif given.login == "web-identity":
            if not given.audience:
                raise ValueError("the login web-identity needs the cluster's audience: set the context clusterAudience")
            conditions: Conditions = {
                # True of no audience at all, too: STS wants at least one.
                "ForAllValues:StringEquals": {"sts:IdentityTokenAudience": [given.audience]},
                "NumericLessThanEquals": {"sts:DurationSeconds": str(TOKEN_LIFE.seconds)},
            }
            yield _allow("AskForToken", ["*"], conditions)
        elif given.login != "iam-authenticator":
            raise ValueError(f"no login is called {given.login}: web-identity, iam-authenticator or kubeconfig")

    def _log(self) -> iam.PolicyStatement:
        group = f"/aws/lambda/{Names(self._resources.cluster).of(self._function.name)}"
        streams = self._arn("logs", f"log-group:{group}:*")
        return _allow("WriteLog", [streams])

    def _tagged(self) -> Conditions:
        return {"StringEquals": {f"aws:ResourceTag/{CLUSTER_TAG}": self._resources.cluster}}

    def _ec2(self, kind: str) -> str:
        return self._arn("ec2", f"{kind}/*")

    def _parameter(self, name: str) -> str:
        return self._arn("ssm", f"parameter{name}")

    def _arn(self, service: str, resource: str) -> str:
        return self._stack.format_arn(service=service, resource=resource, arn_format=ArnFormat.NO_RESOURCE_NAME)


_BY_LAMBDA_ITSELF: Conditions = {"Null": {"lambda:SourceFunctionArn": "true"}}


def _allow(sid: str, arns: Sequence[str], conditions: Conditions | None = None) -> iam.PolicyStatement:
    return iam.PolicyStatement(sid=sid, actions=list(CALLS[sid]), resources=list(arns), conditions=conditions)
