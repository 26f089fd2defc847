"""What EC2 answers to launches and to the other calls of an instance's life."""

from .case import API, ERRORS, GUIDE, Case, full
from .scene import Scene


def terminated(scene: Scene) -> None:
    scene.call("TerminateInstances", InstanceIds=[scene.instance])
    scene.clock.advance(60)


def nic(scene: Scene, **changes: object) -> dict[str, object]:
    return {"DeviceIndex": 0, "SubnetId": scene.a, **changes}


def run(nics: list[dict[str, object]], **changes: object) -> dict[str, object]:
    base = {"ImageId": "ami-0123456789abcdef0", "InstanceType": "m5.large", "MinCount": 1, "MaxCount": 1}
    return base | {"NetworkInterfaces": nics} | changes


RUN = [
    Case(
        "a launch with more addresses than the type allows is refused",
        "RunInstances",
        lambda s: run([nic(s, SecondaryPrivateIpAddressCount=10)]),
        ERRORS,
        error="InvalidInterface.IpAddressLimitExceeded",
    ),
    Case(
        "a launch with more NICs than the type allows is refused",
        "RunInstances",
        lambda s: run([nic(s, DeviceIndex=index) for index in range(4)]),
        "issue: https://github.com/chef/knife-ec2/pull/375",
        error="AttachmentLimitExceeded",
    ),
    Case(
        "a launch with NICs in two zones is refused",
        "RunInstances",
        lambda s: run([nic(s), nic(s, DeviceIndex=1, SubnetId=s.b)]),
        f"{GUIDE}using-eni.html",
        error="InvalidParameterCombination",
        code_is_ours=True,
    ),
    Case(
        "NICs and a subnet of the instance exclude each other",
        "RunInstances",
        lambda s: run([nic(s)], SubnetId=s.a),
        f"{API}API_RunInstances.html",
        error="InvalidParameterCombination",
        code_is_ours=True,
    ),
    Case(
        "a launch with an address in use is refused",
        "RunInstances",
        lambda s: run([nic(s, PrivateIpAddress=s.addresses(s.nic0)[0])]),
        "issue: https://github.com/aws/aws-cli/issues/7178",
        error="InvalidIPAddress.InUse",
    ),
    Case(
        "a launch into a full subnet is refused",
        "RunInstances",
        lambda s: run([nic(s, SubnetId=s.tiny)]),
        ERRORS,
        before=full,
        error="InsufficientFreeAddressesInSubnet",
    ),
    Case(
        "as many instances are launched as there are addresses, if that is at least MinCount",
        "RunInstances",
        lambda s: run([nic(s, SubnetId=s.tiny)], MaxCount=20),
        f"{API}API_RunInstances.html",
        answer=lambda answer, _: len(answer["Instances"]) == 11,
    ),
    Case(
        "with fewer addresses than MinCount needs nothing is launched",
        "RunInstances",
        lambda s: run([nic(s, SubnetId=s.tiny)], MinCount=12, MaxCount=12),
        f"{API}API_RunInstances.html",
        error="InsufficientFreeAddressesInSubnet",
    ),
    Case(
        "a type that does not exist is refused",
        "RunInstances",
        lambda s: run([nic(s)], InstanceType="m5.tiny"),
        ERRORS,
        error="InvalidParameterValue",
    ),
    Case(
        "IPv6 addresses and a count of them cannot come in one launch",
        "RunInstances",
        lambda s: run([nic(s, Ipv6AddressCount=1, Ipv6Addresses=[{"Ipv6Address": "2a05:d018:1::9"}])]),
        "issue: https://github.com/ansible/ansible/pull/40334",
        error="InvalidParameterCombination",
        message="IPv6 addresses and IPv6 address count may not be specified on the same request",
    ),
    Case(
        "an IPv6 prefix and a primary IPv6 address cannot come in one launch",
        "RunInstances",
        lambda s: run([nic(s, Ipv6AddressCount=1, Ipv6PrefixCount=1, PrimaryIpv6=True)]),
        "issue: https://github.com/aws/karpenter-provider-aws/issues/2187",
        error="InvalidParameterValue",
    ),
    Case(
        "a NIC that a launch makes is deleted on termination unless told otherwise",
        "RunInstances",
        lambda s: run([nic(s), nic(s, DeviceIndex=1, DeleteOnTermination=False)]),
        f"{GUIDE}using-eni.html",
        answer=lambda answer, _: (
            [made["Attachment"]["DeleteOnTermination"] for made in answer["Instances"][0]["NetworkInterfaces"]]
            == [True, False]
        ),
    ),
    Case(
        "a pending instance cannot be stopped",
        "StopInstances",
        lambda s: {"InstanceIds": [s.launch()]},
        "issue: https://github.com/cloud-custodian/cloud-custodian/pull/6014",
        error="IncorrectInstanceState",
        message="as it has never reached the 'running' state",
    ),
    Case(
        "an instance without hibernation cannot hibernate",
        "StopInstances",
        lambda s: {"InstanceIds": [s.instance], "Hibernate": True},
        ERRORS,
        error="UnsupportedHibernationConfiguration",
    ),
    Case(
        "a terminated instance cannot be started",
        "StartInstances",
        lambda s: {"InstanceIds": [s.instance]},
        f"{GUIDE}ec2-instance-lifecycle.html",
        before=terminated,
        error="IncorrectInstanceState",
    ),
    Case(
        "a launch template that does not exist is refused by name",
        "RunInstances",
        lambda _: {"LaunchTemplate": {"LaunchTemplateName": "none"}, "MinCount": 1, "MaxCount": 1},
        ERRORS,
        error="InvalidLaunchTemplateName.NotFoundException",
    ),
    Case(
        "an operation that the model does not have is no action",
        "RebootTheMoon",
        lambda _: {},
        ERRORS,
        error="InvalidAction",
    ),
    Case(
        "a dry run that would succeed says so as an error",
        "DeleteNetworkInterface",
        lambda s: {"NetworkInterfaceId": s.spare, "DryRun": True},
        ERRORS,
        error="DryRunOperation",
    ),
]
