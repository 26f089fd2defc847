"""What EC2 answers about NICs, as a table: a claim, what is so before, the call, the answer or the error, the source.

Sources: `doc:` a page of AWS's documentation, `issue:` a thread in which EC2's answer is quoted, `code:` a public
controller's source that depends on the answer, `moto:` a fact of moto's data.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from .scene import Scene

API = "doc: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/"
GUIDE = "doc: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/"
VPC_GUIDE = "doc: https://docs.aws.amazon.com/vpc/latest/userguide/"
ERRORS = f"{API}errors-overview.html"
CNI = "issue: https://github.com/aws/amazon-vpc-cni-k8s/"

Params = Mapping[str, Any]


def nothing(scene: Scene) -> None:
    """Leave the scene as it is."""


@dataclass(frozen=True)
class Case:
    claim: str
    operation: str
    params: Callable[[Scene], Params]
    source: str
    before: Callable[[Scene], object] = nothing
    error: str | None = None
    message: str = ""
    answer: Callable[[dict[str, Any], Scene], object] = lambda *_: True


def full(scene: Scene) -> None:
    """Leave no address in the /28: 16 minus 5 reserved is 11."""
    scene.create_eni(SubnetId=scene.tiny, SecondaryPrivateIpAddressCount=10)


def in_b(address: str, scene: Scene) -> Params:
    return {"SubnetId": scene.b, "PrivateIpAddress": address}


def scattered(scene: Scene) -> None:
    """Put one address into every aligned block of the /24."""
    for block in range(16):
        scene.create_eni(SubnetId=scene.a2, PrivateIpAddress=f"10.0.1.{block * 16 + 8}")


def dual(scene: Scene) -> None:
    scene.call("AssignIpv6Addresses", NetworkInterfaceId=scene.nic0, Ipv6AddressCount=2)
    scene.call("ModifyNetworkInterfaceAttribute", NetworkInterfaceId=scene.nic0, EnablePrimaryIpv6=True)


def xen_instance(scene: Scene) -> str:
    """Have an instance that is not Nitro run."""
    identifier = scene.launch(instance_type="m4.large")
    scene.clock.advance(60)
    return identifier


def old_instance(scene: Scene) -> None:
    """Attach the spare NIC to a Xen instance."""
    scene.attach(scene.spare, xen_instance(scene))


CREATE = [
    Case(
        "the first four addresses of a subnet are reserved, so the lowest that EC2 gives is the fifth",
        "CreateNetworkInterface",
        lambda s: {"SubnetId": s.b},
        f"{VPC_GUIDE}subnet-sizing.html",
        answer=lambda answer, _: answer["NetworkInterface"]["PrivateIpAddress"] == "10.0.3.4",
    ),
    *(
        Case(
            f"the reserved address {address} cannot be asked for",
            "CreateNetworkInterface",
            partial(in_b, address),
            f"{VPC_GUIDE}subnet-sizing.html",
            error="InvalidParameterValue",
            message="reserved",
        )
        for address in ("10.0.3.0", "10.0.3.1", "10.0.3.3", "10.0.3.255")
    ),
    Case(
        "an address outside the subnet is refused",
        "CreateNetworkInterface",
        lambda s: {"SubnetId": s.b, "PrivateIpAddress": "10.0.4.9"},
        "issue: https://github.com/JamesWoolfenden/terraform-aws-cassandra/issues/18",
        error="InvalidParameterValue",
        message="does not fall within the subnet's address range",
    ),
    Case(
        "an address that another NIC holds is in use",
        "CreateNetworkInterface",
        lambda s: {"SubnetId": s.a, "PrivateIpAddress": s.addresses(s.nic0)[0]},
        "issue: https://github.com/pulumi/pulumi/issues/10923",
        error="InvalidIPAddress.InUse",
    ),
    Case(
        "an address within a prefix that another NIC holds is in use",
        "CreateNetworkInterface",
        lambda s: {"SubnetId": s.b, "PrivateIpAddress": "10.0.3.20"},
        f"{GUIDE}ec2-prefix-eni.html",
        before=lambda s: s.create_eni(SubnetId=s.b, Ipv4Prefixes=[{"Ipv4Prefix": "10.0.3.16/28"}]),
        error="InvalidIPAddress.InUse",
    ),
    Case(
        "a NIC in a full subnet is refused",
        "CreateNetworkInterface",
        lambda s: {"SubnetId": s.tiny},
        ERRORS,
        before=full,
        error="InsufficientFreeAddressesInSubnet",
    ),
    Case(
        "a NIC with more secondary addresses than the subnet has left is refused in other words",
        "CreateNetworkInterface",
        lambda s: {"SubnetId": s.tiny, "SecondaryPrivateIpAddressCount": 11},
        "issue: https://github.com/cilium/cilium/pull/31016",
        error="InvalidParameterValue",
        message="There aren't sufficient free Ipv4 addresses or prefixes",
    ),
    Case(
        "a NIC with a prefix in a subnet that is too small for one is refused",
        "CreateNetworkInterface",
        lambda s: {"SubnetId": s.tiny, "Ipv4PrefixCount": 1},
        f"{CNI}issues/3105",
        error="InvalidParameterValue",
        message="There aren't sufficient free Ipv4 addresses or prefixes",
    ),
    Case(
        "a NIC cannot be created with IPv4 prefixes and secondary addresses at once",
        "CreateNetworkInterface",
        lambda s: {"SubnetId": s.a, "Ipv4PrefixCount": 1, "SecondaryPrivateIpAddressCount": 1},
        f"{API}API_CreateNetworkInterface.html",
        error="InvalidParameterCombination",
    ),
    Case(
        "a NIC cannot be created with an IPv6 prefix and IPv6 addresses at once",
        "CreateNetworkInterface",
        lambda s: {"SubnetId": s.a, "Ipv6PrefixCount": 1, "Ipv6AddressCount": 1},
        "issue: https://github.com/aws/karpenter-provider-aws/issues/2187",
        error="InvalidParameterValue",
        message="You can and can only specify one of ipv6-addresses",
    ),
    Case(
        "a NIC may be created with more addresses than any instance type takes",
        "CreateNetworkInterface",
        lambda s: {"SubnetId": s.a, "SecondaryPrivateIpAddressCount": 60},
        f"{API}API_CreateNetworkInterface.html",
        answer=lambda answer, _: len(answer["NetworkInterface"]["PrivateIpAddresses"]) == 61,
    ),
    Case(
        "a new NIC is pending in the answer, and carries its tags from the first moment",
        "CreateNetworkInterface",
        lambda s: {
            "SubnetId": s.a,
            "TagSpecifications": [{"ResourceType": "network-interface", "Tags": [{"Key": "k", "Value": "v"}]}],
        },
        f"{API}API_CreateNetworkInterface.html",
        answer=lambda answer, _: (
            answer["NetworkInterface"]["Status"] == "pending"
            and answer["NetworkInterface"]["TagSet"] == [{"Key": "k", "Value": "v"}]
        ),
    ),
    Case(
        "without groups a NIC gets the VPC's default group",
        "CreateNetworkInterface",
        lambda s: {"SubnetId": s.a},
        f"{API}API_CreateNetworkInterface.html",
        answer=lambda answer, _: answer["NetworkInterface"]["Groups"][0]["GroupName"] == "default",
    ),
    Case(
        "a group that does not exist is refused",
        "CreateNetworkInterface",
        lambda s: {"SubnetId": s.a, "Groups": ["sg-0123456789abcdef0"]},
        ERRORS,
        error="InvalidGroup.NotFound",
    ),
    Case(
        "a subnet that does not exist is refused",
        "CreateNetworkInterface",
        lambda _: {"SubnetId": "subnet-0123456789abcdef0"},
        ERRORS,
        error="InvalidSubnetID.NotFound",
    ),
    Case(
        "the same client token with the same parameters answers with the first NIC",
        "CreateNetworkInterface",
        lambda s: {"SubnetId": s.b, "ClientToken": "t"},
        f"{API}Run_Instance_Idempotency.html",
        before=lambda s: s.create_eni(SubnetId=s.b, ClientToken="t"),
        answer=lambda _, s: len([eni for eni in s.model.enis.values() if eni.subnet_id == s.b]) == 1,
    ),
    Case(
        "the same client token with other parameters is a mismatch",
        "CreateNetworkInterface",
        lambda s: {"SubnetId": s.a, "ClientToken": "t"},
        ERRORS,
        before=lambda s: s.create_eni(SubnetId=s.b, ClientToken="t"),
        error="IdempotentParameterMismatch",
    ),
    Case(
        "a tag key that begins with aws: is refused",
        "CreateTags",
        lambda s: {"Resources": [s.spare], "Tags": [{"Key": "aws:x", "Value": "y"}]},
        f"{GUIDE}Using_Tags.html",
        error="InvalidParameterValue",
    ),
]

DELETE = [
    Case(
        "an attached NIC cannot be deleted",
        "DeleteNetworkInterface",
        lambda s: {"NetworkInterfaceId": s.nic0},
        ERRORS,
        error="InvalidParameterValue",
        message="is currently in use",
    ),
    Case(
        "a NIC that is gone cannot be deleted again",
        "DeleteNetworkInterface",
        lambda s: {"NetworkInterfaceId": s.spare},
        ERRORS,
        before=lambda s: s.call("DeleteNetworkInterface", NetworkInterfaceId=s.spare),
        error="InvalidNetworkInterfaceID.NotFound",
    ),
    Case(
        "an id that is none is malformed",
        "DeleteNetworkInterface",
        lambda _: {"NetworkInterfaceId": "eni-1"},
        ERRORS,
        error="InvalidNetworkInterfaceId.Malformed",
    ),
]

ATTACH = [
    Case(
        "a used device index is refused",
        "AttachNetworkInterface",
        lambda s: {"NetworkInterfaceId": s.spare, "InstanceId": s.instance, "DeviceIndex": 0},
        "issue: https://github.com/lstoll/k8s-vpcnet/issues/71",
        error="InvalidParameterValue",
        message="already has an interface attached at device index '0'",
    ),
    Case(
        "an attached NIC is in use",
        "AttachNetworkInterface",
        lambda s: {"NetworkInterfaceId": s.nic0, "InstanceId": s.instance, "DeviceIndex": 1},
        "issue: https://github.com/hashicorp/terraform-provider-aws/issues/27513",
        error="InvalidNetworkInterface.InUse",
    ),
    Case(
        "a NIC of another zone is refused",
        "AttachNetworkInterface",
        lambda s: {"NetworkInterfaceId": s.create_eni(SubnetId=s.b), "InstanceId": s.instance, "DeviceIndex": 1},
        f"{GUIDE}using-eni.html",
        error="InvalidParameterCombination",
        message="not in the same availability zone",
    ),
    Case(
        "more NICs than the type allows are refused",
        "AttachNetworkInterface",
        lambda s: {"NetworkInterfaceId": s.spare, "InstanceId": s.instance, "DeviceIndex": 3},
        "issue: https://github.com/chef/knife-ec2/pull/375",
        before=lambda s: [s.attach(s.create_eni(SubnetId=s.a), index=index) for index in (1, 2)],
        error="AttachmentLimitExceeded",
        message="Interface count 4 exceeds the limit for m5.large",
    ),
    Case(
        "a device index that the type does not have is refused",
        "AttachNetworkInterface",
        lambda s: {"NetworkInterfaceId": s.spare, "InstanceId": s.instance, "DeviceIndex": 3},
        "issue: https://github.com/aws/aws-parallelcluster/pull/4278",
        error="InvalidParameterValue",
    ),
    Case(
        "a network card that the type does not have is refused",
        "AttachNetworkInterface",
        lambda s: {
            "NetworkInterfaceId": s.spare,
            "InstanceId": s.instance,
            "DeviceIndex": 1,
            "NetworkCardIndex": 1,
        },
        f"{GUIDE}using-eni.html#network-cards",
        error="InvalidParameterValue",
    ),
    Case(
        "an over-filled NIC fails when it is attached",
        "AttachNetworkInterface",
        lambda s: {
            "NetworkInterfaceId": s.create_eni(SubnetId=s.a2, SecondaryPrivateIpAddressCount=10),
            "InstanceId": s.instance,
            "DeviceIndex": 1,
        },
        ERRORS,
        error="PrivateIpAddressLimitExceeded",
    ),
    Case(
        "a NIC with a prefix cannot be attached to an instance that is not Nitro",
        "AttachNetworkInterface",
        lambda s: {
            "NetworkInterfaceId": s.create_eni(SubnetId=s.a2, Ipv4PrefixCount=1),
            "InstanceId": next(i.id for i in s.model.instances.values() if i.instance_type == "m4.large"),
            "DeviceIndex": 1,
        },
        f"{GUIDE}ec2-prefix-eni.html",
        before=xen_instance,
        error="UnsupportedOperation",
    ),
    Case(
        "a pending instance takes no NIC yet",
        "AttachNetworkInterface",
        lambda s: {"NetworkInterfaceId": s.spare, "InstanceId": s.launch(), "DeviceIndex": 1},
        f"{GUIDE}using-eni.html#attach_eni",
        error="IncorrectState",
    ),
    Case(
        "an instance that does not exist is refused",
        "AttachNetworkInterface",
        lambda s: {"NetworkInterfaceId": s.spare, "InstanceId": "i-0123456789abcdef0", "DeviceIndex": 1},
        ERRORS,
        error="InvalidInstanceID.NotFound",
    ),
    Case(
        "the NIC at index 0 cannot be detached",
        "DetachNetworkInterface",
        lambda s: {"AttachmentId": s.attachment_of(s.nic0)},
        "issue: https://github.com/getmoto/moto/issues/7678",
        error="OperationNotPermitted",
        message="The network interface at device index 0 and networkCard index 0 cannot be detached.",
    ),
    Case(
        "an attachment that does not exist is refused",
        "DetachNetworkInterface",
        lambda _: {"AttachmentId": "eni-attach-0123456789abcdef0"},
        ERRORS,
        error="InvalidAttachmentID.NotFound",
    ),
    Case(
        "only one attribute can be modified in a call",
        "ModifyNetworkInterfaceAttribute",
        lambda s: {"NetworkInterfaceId": s.spare, "Description": {"Value": "x"}, "SourceDestCheck": {"Value": False}},
        f"{API}API_ModifyNetworkInterfaceAttribute.html",
        error="InvalidParameterCombination",
    ),
    Case(
        "DeleteOnTermination is changed through the attachment's id",
        "ModifyNetworkInterfaceAttribute",
        lambda s: {
            "NetworkInterfaceId": s.nic0,
            "Attachment": {"AttachmentId": s.attachment_of(s.nic0), "DeleteOnTermination": False},
        },
        f"{API}API_ModifyNetworkInterfaceAttribute.html",
        answer=lambda _, s: (
            s.call("DescribeNetworkInterfaces", NetworkInterfaceIds=[s.nic0])["NetworkInterfaces"][0]["Attachment"][
                "DeleteOnTermination"
            ]
            is False
        ),
    ),
    Case(
        "another NIC's attachment id is refused",
        "ModifyNetworkInterfaceAttribute",
        lambda s: {
            "NetworkInterfaceId": s.spare,
            "Attachment": {"AttachmentId": s.attachment_of(s.nic0), "DeleteOnTermination": False},
        },
        ERRORS,
        error="InvalidAttachmentID.NotFound",
    ),
    Case(
        "a NIC without IPv6 addresses cannot have a primary one",
        "ModifyNetworkInterfaceAttribute",
        lambda s: {"NetworkInterfaceId": s.nic0, "EnablePrimaryIpv6": True},
        f"{API}API_ModifyNetworkInterfaceAttribute.html",
        error="InvalidParameterValue",
    ),
    Case(
        "the first IPv6 address becomes the primary one",
        "DescribeNetworkInterfaces",
        lambda s: {"NetworkInterfaceIds": [s.nic0]},
        f"{API}API_ModifyNetworkInterfaceAttribute.html",
        before=dual,
        answer=lambda answer, _: (
            [held["IsPrimaryIpv6"] for held in answer["NetworkInterfaces"][0]["Ipv6Addresses"]] == [True, False]
        ),
    ),
    Case(
        "a primary IPv6 address cannot be disabled again",
        "ModifyNetworkInterfaceAttribute",
        lambda s: {"NetworkInterfaceId": s.nic0, "EnablePrimaryIpv6": False},
        f"{API}API_ModifyNetworkInterfaceAttribute.html",
        before=dual,
        error="OperationNotPermitted",
    ),
]
