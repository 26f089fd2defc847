"""What EC2 answers to attaching, detaching and modifying NICs."""

from spiderpool_aws.local.ec2.fixtures import SubnetPlan, create_network

from .case import API, ERRORS, GUIDE, Case, dual, xen_instance
from .scene import Scene


def eni_of_another_vpc(scene: Scene) -> str:
    other = create_network(scene.model, {"other": SubnetPlan("10.0.0.0/24", "a")}, ipv6=False)
    return scene.create_eni(SubnetId=other.subnets["other"])


def card_full(scene: Scene) -> str:
    """Have an instance run whose network card 0 is full: an hpc7a.12xlarge takes two NICs on each of two cards."""
    identifier = scene.launch({"SubnetId": scene.a}, {"SubnetId": scene.a}, instance_type="hpc7a.12xlarge")
    scene.clock.advance(60)
    return identifier


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
        "a NIC of another VPC is refused",
        "AttachNetworkInterface",
        lambda s: {"NetworkInterfaceId": eni_of_another_vpc(s), "InstanceId": s.instance, "DeviceIndex": 1},
        f"{GUIDE}using-eni.html",
        error="InvalidParameterCombination",
        message="another VPC",
        code_is_ours=True,
    ),
    Case(
        "more NICs on a network card than it takes are refused, although the type takes more on its others",
        "AttachNetworkInterface",
        lambda s: {"NetworkInterfaceId": s.spare, "InstanceId": card_full(s), "DeviceIndex": 2},
        f"{GUIDE}using-eni.html#network-cards",
        error="AttachmentLimitExceeded",
        code_is_ours=True,
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
        code_is_ours=True,
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
        code_is_ours=True,
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
        code_is_ours=True,
    ),
    Case(
        "a pending instance takes no NIC yet",
        "AttachNetworkInterface",
        lambda s: {"NetworkInterfaceId": s.spare, "InstanceId": s.launch(), "DeviceIndex": 1},
        f"{GUIDE}using-eni.html#attach_eni",
        error="IncorrectState",
        code_is_ours=True,
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
        code_is_ours=True,
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
        code_is_ours=True,
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
        code_is_ours=True,
    ),
]
