"""For each condition of the roles, a call that only this condition keeps from being allowed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from spiderpool_aws.local.ec2.fixtures import Network, SubnetPlan, create_network, launch, tag_list
from spiderpool_aws.local.stack import POLICY_PARAMETER, LocalStack
from tests.integration.iam.roles import AUDIENCE, SECRET
from tests.integration.scene import SUBNETS, TAGS

OTHER = {"spiderpool-aws/cluster": "staging"}
CLUSTER_THERE = "aws:ResourceTag/spiderpool-aws/cluster"
INSTANCE_THERE = "aws:ResourceTag/spiderpool-aws/instance"
CLUSTER_ASKED, INSTANCE_ASKED = (f"aws:RequestTag/spiderpool-aws/{tag}" for tag in ("cluster", "instance"))


@dataclass(frozen=True, slots=True)
class World:
    """What the calls are about."""

    stack: LocalStack
    ours: Network
    elsewhere: Network
    """Another VPC."""
    instance: str
    other_instance: str
    """One of the cluster `staging`."""
    created: str
    """A NIC as the system creates it."""
    launched: str
    """One that the launch template tagged with the cluster, and no more."""
    of_others: str
    """As if created, by the cluster `staging`."""
    distant: str
    """In the other VPC."""

    @property
    def other_attachment(self) -> str:
        """Return what holds the other instance's NIC."""
        attachments = (eni.attachment for eni in self.stack.model.enis.values())
        return next(one.id for one in attachments if one and one.instance_id == self.other_instance)


def build(stack: LocalStack) -> World:
    ours = create_network(stack.model, SUBNETS)
    elsewhere = create_network(stack.model, {"nodes": SubnetPlan("10.9.0.0/24")}, cidrs=("10.9.0.0/16",))
    nics = [{"SubnetId": ours.subnets["nodes"]}]
    instance = launch(stack.model, nics, tags=TAGS)
    other_instance = launch(stack.model, nics, tags=OTHER)
    whose = {"spiderpool-aws/instance": "i-0123456789abcdef0"}
    return World(
        stack,
        ours,
        elsewhere,
        instance,
        other_instance,
        created=_nic(stack, ours, TAGS | whose),
        launched=_nic(stack, ours, TAGS),
        of_others=_nic(stack, ours, OTHER | whose),
        distant=_nic(stack, elsewhere, TAGS | whose),
    )


def _nic(stack: LocalStack, network: Network, tags: dict[str, str]) -> str:
    params = {"SubnetId": network.subnets["nodes"], "TagSpecifications": _tagged(tags)}
    nic: str = stack.model.call("CreateNetworkInterface", params)["NetworkInterface"]["NetworkInterfaceId"]
    return nic


def _tagged(tags: dict[str, str]) -> list[dict[str, Any]]:
    return [{"ResourceType": "network-interface", "Tags": tag_list(tags)}]


@dataclass(frozen=True, slots=True)
class WrongCall:
    """A call, and the one condition that refuses it."""

    sid: str
    operator: str
    key: str
    operation: str
    params: Callable[[World], dict[str, Any]]
    service: str = "ec2"
    function: str = "reconcile_nodes"
    variant: str = "tagged"

    @property
    def condition(self) -> tuple[str, str, str, str]:
        return self.function, self.sid, self.operator, self.key

    @property
    def name(self) -> str:
        return f"{self.variant} {self.function} {self.sid} {self.operator} {self.key} {self.operation}"


def _on(nic: str, **more: Any) -> Callable[[World], dict[str, Any]]:
    return lambda world: {"NetworkInterfaceId": getattr(world, nic), **more}


def _attach(nic: str, instance: str) -> Callable[[World], dict[str, Any]]:
    return lambda w: {"NetworkInterfaceId": getattr(w, nic), "InstanceId": getattr(w, instance), "DeviceIndex": 1}


def _create(tags: dict[str, str] | None, *, subnet_of: str = "ours", group_of: str = "ours") -> Any:
    def params(world: World) -> dict[str, Any]:
        subnet = getattr(world, subnet_of).subnets["nodes"]
        given = {"SubnetId": subnet, "Groups": [getattr(world, group_of).group_id]}
        return given if tags is None else given | {"TagSpecifications": _tagged(tags)}

    return params


def _retag(nic: str, *tags: dict[str, str]) -> Callable[[World], dict[str, Any]]:
    return lambda world: {"Resources": [getattr(world, nic)], "Tags": list(tags)}


def _queue(name: str) -> Callable[[World], dict[str, Any]]:
    return lambda world: {"QueueUrl": f"https://sqs.{world.stack.model.region}.amazonaws.com/123456789012/{name}"}


def _message(name: str) -> Callable[[World], dict[str, Any]]:
    return lambda world: _queue(name)(world) | {"MessageBody": "{}"}


def _token(seconds: int, *audience: str) -> Callable[[World], dict[str, Any]]:
    return lambda _: {"Audience": list(audience), "SigningAlgorithm": "ES384", "DurationSeconds": seconds}


_WHOSE = {"spiderpool-aws/instance": "i-0123456789abcdef0"}
_RIGHT = TAGS | _WHOSE
_STAYS = {"AttachmentId": "eni-attach-0123456789abcdef0", "DeleteOnTermination": False}
_SEEN = {"Key": "spiderpool-aws/orphan-since", "Value": "2026-01-01T00:00:00Z"}
_OURS_NOW = {"Key": "spiderpool-aws/cluster", "Value": "prod"}
_HOOK = {"AutoScalingGroupName": "staging-a", "LifecycleHookName": "ready", "LifecycleActionResult": "ABANDON"}
_BY_LAMBDA = ("Null", "lambda:SourceFunctionArn")

_ADDRESSES = [
    WrongCall("ChangeAddresses", operator, key, operation, _on(nic, **asked), variant=variant)
    for variant, operator, key, nic in (
        ("tagged", "StringEquals", CLUSTER_THERE, "of_others"),
        ("alone", "ArnEquals", "ec2:Vpc", "distant"),
    )
    for operation, asked in (
        ("AssignPrivateIpAddresses", {"SecondaryPrivateIpAddressCount": 1}),
        ("AssignIpv6Addresses", {"Ipv6AddressCount": 1}),
        ("UnassignPrivateIpAddresses", {"PrivateIpAddresses": ["10.0.0.99"]}),
        ("UnassignIpv6Addresses", {"Ipv6Addresses": ["2600::99"]}),
    )
]
_CREATION = [
    WrongCall(sid, operator, key, "CreateNetworkInterface", params)
    for sid, operator, key, params in (
        ("CreateNics", "StringEquals", CLUSTER_ASKED, _create(OTHER | _WHOSE)),
        ("CreateNics", "StringEquals", CLUSTER_ASKED, _create(_WHOSE)),
        ("CreateNics", "Null", INSTANCE_ASKED, _create(TAGS)),
        ("CreateNicsInSubnets", "ArnEquals", "ec2:Vpc", _create(_RIGHT, subnet_of="elsewhere")),
        ("CreateNicsWithGroups", "ArnEquals", "ec2:Vpc", _create(_RIGHT, group_of="elsewhere")),
        ("TagCreatedNics", "StringEquals", CLUSTER_ASKED, _create(OTHER | _WHOSE)),
    )
]
_TAGS = [
    # Otherwise the worker could make the NICs of others its own.
    WrongCall("TagCreatedNics", "StringEquals", "ec2:CreateAction", "CreateTags", _retag("of_others", _OURS_NOW)),
    WrongCall("NoteUnusedNics", "StringEquals", CLUSTER_THERE, "CreateTags", _retag("of_others", _SEEN)),
    WrongCall("NoteUnusedNics", "Null", INSTANCE_THERE, "CreateTags", _retag("launched", _SEEN)),
    WrongCall("NoteUnusedNics", "ForAllValues:StringEquals", "aws:TagKeys", "CreateTags", _retag("created", _OURS_NOW)),
]
_CREATED = [
    WrongCall("ChangeCreatedNics", operator, key, operation, params(nic))
    for operator, key, nic in (("StringEquals", CLUSTER_THERE, "of_others"), ("Null", INSTANCE_THERE, "launched"))
    for operation, params in (
        ("AttachNetworkInterface", lambda nic: _attach(nic, "instance")),
        ("DeleteNetworkInterface", _on),
    )
]
_OTHERS = [
    WrongCall(
        "AttachToInstances",
        "StringEquals",
        CLUSTER_THERE,
        "AttachNetworkInterface",
        _attach("created", "other_instance"),
    ),
    WrongCall(
        "AnswerLifecycleHooks",
        "StringEquals",
        CLUSTER_THERE,
        "CompleteLifecycleAction",
        lambda world: _HOOK | {"InstanceId": world.other_instance},
        service="autoscaling",
    ),
    WrongCall("TakeRequests", *_BY_LAMBDA, "ReceiveMessage", _queue("requests.fifo"), service="sqs"),
    WrongCall(
        "KeepFailedEvents", *_BY_LAMBDA, "SendMessage", _message("lost-events"), service="sqs", function="resync"
    ),
    WrongCall("NicsOfLambda", *_BY_LAMBDA, "CreateNetworkInterface", _create(None)),
    WrongCall("NicsOfLambda", *_BY_LAMBDA, "DeleteNetworkInterface", _on("of_others"), function="resync"),
]
_TOKENS = [
    WrongCall("AskForToken", operator, key, "GetWebIdentityToken", params, "sts", function, "web-identity")
    for function in ("reconcile_nodes", "resync")
    for operator, key, params in (
        ("ForAllValues:StringEquals", "sts:IdentityTokenAudience", _token(300, "staging.example.org")),
        ("ForAllValues:StringEquals", "sts:IdentityTokenAudience", _token(300, AUDIENCE, "staging.example.org")),
        ("NumericLessThanEquals", "sts:DurationSeconds", _token(3600, AUDIENCE)),
    )
]
WRONG_CALLS = (*_ADDRESSES, *_CREATION, *_TAGS, *_CREATED, *_OTHERS, *_TOKENS)

# Refused for more than one reason, or because no statement is about them.
NEVER = (
    ("ec2", "CreateNetworkInterface", _create(None)),
    ("ec2", "CreateNetworkInterface", _create({})),
    ("ec2", "ModifyNetworkInterfaceAttribute", _on("of_others", Attachment=_STAYS)),
    ("ec2", "ModifyNetworkInterfaceAttribute", lambda w: _on("created", Groups=[w.ours.group_id])(w)),
    ("ec2", "DetachNetworkInterface", lambda w: {"AttachmentId": w.other_attachment}),
    ("ec2", "DeleteNetworkInterface", lambda _: {"NetworkInterfaceId": "eni-0123456789abcdef0"}),
    ("ec2", "DeleteTags", lambda w: {"Resources": [w.created], "Tags": [_SEEN]}),
    ("ec2", "CreateTags", lambda w: {"Resources": [w.other_instance], "Tags": [_OURS_NOW]}),
    ("ssm", "PutParameter", lambda _: {"Name": POLICY_PARAMETER, "Value": "version: 1", "Overwrite": True}),
    ("ssm", "GetParameters", lambda _: {"Names": [POLICY_PARAMETER, "/of/others"]}),
    ("sqs", "SendMessage", _message("of-others")),
    ("sqs", "ReceiveMessage", _queue("requests-dead.fifo")),
    ("secretsmanager", "GetSecretValue", lambda _: {"SecretId": SECRET.replace("prod", "staging")}),
    ("sts", "GetWebIdentityToken", _token(300, AUDIENCE)),
)
