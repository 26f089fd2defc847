"""What EC2 answers to Assign, Unassign, launches and describes: the second half of the table of `answers_nics`."""

from .answers_nics import API, CNI, ERRORS, GUIDE, VPC_GUIDE, Case, dual, full, old_instance, scattered
from .scene import Scene


def reserved(scene: Scene) -> None:
    scene.call("CreateSubnetCidrReservation", SubnetId=scene.b, Cidr="10.0.3.128/26", ReservationType="prefix")


def terminated(scene: Scene) -> None:
    scene.call("TerminateInstances", InstanceIds=[scene.instance])
    scene.clock.advance(60)


def nic(scene: Scene, **changes: object) -> dict[str, object]:
    return {"DeviceIndex": 0, "SubnetId": scene.a, **changes}


def run(nics: list[dict[str, object]], **changes: object) -> dict[str, object]:
    base = {"ImageId": "ami-0123456789abcdef0", "InstanceType": "m5.large", "MinCount": 1, "MaxCount": 1}
    return base | {"NetworkInterfaces": nics} | changes


ASSIGN = [
    Case(
        "Assign answers with the new addresses only",
        "AssignPrivateIpAddresses",
        lambda s: {"NetworkInterfaceId": s.nic0, "SecondaryPrivateIpAddressCount": 2},
        "code: aws/amazon-vpc-resource-controller-k8s pkg/aws/ec2/api/helper.go",
        before=lambda s: s.call(
            "AssignPrivateIpAddresses", NetworkInterfaceId=s.nic0, SecondaryPrivateIpAddressCount=3
        ),
        answer=lambda answer, s: (
            [new["PrivateIpAddress"] for new in answer["AssignedPrivateIpAddresses"]] == s.addresses(s.nic0)[-2:]
            and len(s.addresses(s.nic0)) == 6
        ),
    ),
    Case(
        "the primary address counts in the type's limit",
        "AssignPrivateIpAddresses",
        lambda s: {"NetworkInterfaceId": s.nic0, "SecondaryPrivateIpAddressCount": 10},
        f"{CNI}issues/989",
        error="PrivateIpAddressLimitExceeded",
        message="Number of private addresses will exceed limit.",
    ),
    Case(
        "nine secondary addresses are what an m5.large takes",
        "AssignPrivateIpAddresses",
        lambda s: {"NetworkInterfaceId": s.nic0, "SecondaryPrivateIpAddressCount": 9},
        "moto: m5.large has Ipv4AddressesPerInterface 10",
        answer=lambda answer, _: len(answer["AssignedPrivateIpAddresses"]) == 9,
    ),
    Case(
        "a prefix costs one slot of the limit",
        "AssignPrivateIpAddresses",
        lambda s: {"NetworkInterfaceId": s.nic0, "Ipv4PrefixCount": 2},
        f"{GUIDE}ec2-prefix-eni.html",
        before=lambda s: s.call(
            "AssignPrivateIpAddresses", NetworkInterfaceId=s.nic0, SecondaryPrivateIpAddressCount=8
        ),
        error="PrivateIpAddressLimitExceeded",
    ),
    Case(
        "a prefix is an aligned /28 and leaves the reserved block alone",
        "AssignPrivateIpAddresses",
        lambda s: {"NetworkInterfaceId": s.nic0, "Ipv4PrefixCount": 1},
        f"{GUIDE}ec2-prefix-eni.html",
        answer=lambda answer, _: answer["AssignedIpv4Prefixes"] == [{"Ipv4Prefix": "10.0.0.16/28"}],
    ),
    Case(
        "a subnet with room but no free block says InsufficientCidrBlocks",
        "AssignPrivateIpAddresses",
        lambda s: {"NetworkInterfaceId": s.spare, "Ipv4PrefixCount": 1},
        f"{CNI}pull/1585",
        before=scattered,
        error="InsufficientCidrBlocks",
    ),
    Case(
        "a subnet without addresses refuses to assign one",
        "AssignPrivateIpAddresses",
        lambda s: {"NetworkInterfaceId": s.create_eni(SubnetId=s.tiny), "SecondaryPrivateIpAddressCount": 11},
        f"{CNI}pull/1773",
        error="InsufficientFreeAddressesInSubnet",
    ),
    Case(
        "prefixes come from the ranges that are reserved for them",
        "AssignPrivateIpAddresses",
        lambda s: {"NetworkInterfaceId": s.create_eni(SubnetId=s.b), "Ipv4PrefixCount": 1},
        f"{VPC_GUIDE}subnet-cidr-reservation.html",
        before=reserved,
        answer=lambda answer, _: answer["AssignedIpv4Prefixes"] == [{"Ipv4Prefix": "10.0.3.128/28"}],
    ),
    Case(
        "prefixes on a type that is not Nitro are refused",
        "AssignPrivateIpAddresses",
        lambda s: {"NetworkInterfaceId": s.spare, "Ipv4PrefixCount": 1},
        f"{GUIDE}ec2-prefix-eni.html",
        before=old_instance,
        error="UnsupportedOperation",
    ),
    Case(
        "an address that somebody holds is not moved",
        "AssignPrivateIpAddresses",
        lambda s: {
            "NetworkInterfaceId": s.nic0,
            "PrivateIpAddresses": [s.addresses(s.create_eni(SubnetId=s.a, SecondaryPrivateIpAddressCount=1))[1]],
        },
        "code: Ansible's ec2_eni module quotes the answer in its examples",
        error="InvalidParameterValue",
        message="assigned, but move is not allowed.",
    ),
    Case(
        "with AllowReassignment a secondary address moves",
        "AssignPrivateIpAddresses",
        lambda s: {
            "NetworkInterfaceId": s.nic0,
            "AllowReassignment": True,
            "PrivateIpAddresses": [s.addresses(s.create_eni(SubnetId=s.a, SecondaryPrivateIpAddressCount=1))[1]],
        },
        f"{API}API_AssignPrivateIpAddresses.html",
        answer=lambda answer, s: (
            s.model.holder_of(answer["AssignedPrivateIpAddresses"][0]["PrivateIpAddress"]) == s.nic0
        ),
    ),
    Case(
        "with AllowReassignment a primary address still stays",
        "AssignPrivateIpAddresses",
        lambda s: {
            "NetworkInterfaceId": s.nic0,
            "AllowReassignment": True,
            "PrivateIpAddresses": s.addresses(s.create_eni(SubnetId=s.a)),
        },
        f"{API}API_AssignPrivateIpAddresses.html",
        error="InvalidParameterValue",
    ),
    Case(
        "addresses and a count exclude each other",
        "AssignPrivateIpAddresses",
        lambda s: {
            "NetworkInterfaceId": s.nic0,
            "PrivateIpAddresses": ["10.0.0.9"],
            "SecondaryPrivateIpAddressCount": 1,
        },
        f"{API}API_AssignPrivateIpAddresses.html",
        error="InvalidParameterCombination",
    ),
    Case(
        "neither addresses nor a count is a missing parameter",
        "AssignPrivateIpAddresses",
        lambda s: {"NetworkInterfaceId": s.nic0},
        f"{API}API_AssignPrivateIpAddresses.html",
        error="MissingParameter",
    ),
    Case(
        "the primary address cannot be unassigned",
        "UnassignPrivateIpAddresses",
        lambda s: {"NetworkInterfaceId": s.nic0, "PrivateIpAddresses": s.addresses(s.nic0)},
        f"{API}API_UnassignPrivateIpAddresses.html",
        error="InvalidParameterValue",
    ),
    Case(
        "an address that is not assigned cannot be unassigned",
        "UnassignPrivateIpAddresses",
        lambda s: {"NetworkInterfaceId": s.nic0, "PrivateIpAddresses": ["10.0.0.99"]},
        "code: Netflix/titus-executor compares with this text",
        error="InvalidParameterValue",
        message="Some of the specified addresses are not assigned to interface",
    ),
    Case(
        "IPv6 Assign answers with the new addresses only",
        "AssignIpv6Addresses",
        lambda s: {"NetworkInterfaceId": s.nic0, "Ipv6AddressCount": 1},
        f"{API}API_AssignIpv6Addresses.html",
        before=dual,
        answer=lambda answer, s: (
            answer["AssignedIpv6Addresses"] == [s.model.enis[s.nic0].ipv6_addresses[-1].address]
            and len(s.model.enis[s.nic0].ipv6_addresses) == 3
        ),
    ),
    Case(
        "an IPv6 prefix is a /80",
        "AssignIpv6Addresses",
        lambda s: {"NetworkInterfaceId": s.nic0, "Ipv6PrefixCount": 1},
        f"{GUIDE}ec2-prefix-eni.html",
        answer=lambda answer, _: answer["AssignedIpv6Prefixes"] == ["2a05:d018:1:0:1::/80"],
    ),
    Case(
        "more IPv6 addresses than the type allows are refused",
        "AssignIpv6Addresses",
        lambda s: {"NetworkInterfaceId": s.nic0, "Ipv6AddressCount": 11},
        "moto: m5.large has Ipv6AddressesPerInterface 10",
        error="PrivateIpAddressLimitExceeded",
    ),
    Case(
        "the primary IPv6 address cannot be unassigned",
        "UnassignIpv6Addresses",
        lambda s: {
            "NetworkInterfaceId": s.nic0,
            "Ipv6Addresses": [s.model.enis[s.nic0].ipv6_addresses[0].address],
        },
        f"{API}API_ModifyNetworkInterfaceAttribute.html",
        before=dual,
        error="OperationNotPermitted",
    ),
    Case(
        "a NIC in a full subnet still takes IPv6 addresses",
        "AssignIpv6Addresses",
        lambda s: {"NetworkInterfaceId": s.create_eni(SubnetId=s.tiny), "Ipv6AddressCount": 1},
        f"{GUIDE}using-instance-addressing.html",
        before=lambda s: s.create_eni(SubnetId=s.tiny, SecondaryPrivateIpAddressCount=9),
        answer=lambda answer, _: len(answer["AssignedIpv6Addresses"]) == 1,
    ),
]

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
    ),
    Case(
        "NICs and a subnet of the instance exclude each other",
        "RunInstances",
        lambda s: run([nic(s)], SubnetId=s.a),
        f"{API}API_RunInstances.html",
        error="InvalidParameterCombination",
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

DESCRIBE = [
    Case(
        "one id that does not exist fails the whole describe",
        "DescribeInstances",
        lambda s: {"InstanceIds": [s.instance, "i-0123456789abcdef0"]},
        ERRORS,
        error="InvalidInstanceID.NotFound",
    ),
    Case(
        "a filter on ids leaves out what does not exist",
        "DescribeInstances",
        lambda s: {"Filters": [{"Name": "instance-id", "Values": [s.instance, "i-0123456789abcdef0"]}]},
        f"{GUIDE}Using_Filtering.html",
        answer=lambda answer, s: (
            [i["InstanceId"] for r in answer["Reservations"] for i in r["Instances"]] == [s.instance]
        ),
    ),
    Case(
        "MaxResults and ids exclude each other",
        "DescribeInstances",
        lambda s: {"InstanceIds": [s.instance], "MaxResults": 5},
        f"{API}API_DescribeInstances.html",
        error="InvalidParameterCombination",
        message="The parameter instancesSet cannot be used with the parameter maxResults",
    ),
    Case(
        "a page of fewer than five is refused",
        "DescribeInstances",
        lambda _: {"MaxResults": 4},
        f"{API}API_DescribeInstances.html",
        error="InvalidParameterValue",
        message="Expecting a value greater than 5",
    ),
    Case(
        "a filter that does not exist is refused",
        "DescribeNetworkInterfaces",
        lambda _: {"Filters": [{"Name": "colour", "Values": ["red"]}]},
        f"{GUIDE}Using_Filtering.html",
        error="InvalidParameterValue",
        message="The filter 'colour' is invalid",
    ),
    Case(
        "201 filter values are too many",
        "DescribeInstances",
        lambda _: {"Filters": [{"Name": "instance-id", "Values": [f"i-{n:017x}" for n in range(201)]}]},
        f"{GUIDE}Using_Filtering.html",
        error="FilterLimitExceeded",
    ),
    Case(
        "a page token that is none is refused",
        "DescribeInstances",
        lambda _: {"NextToken": "bm90LWEtdG9rZW4="},
        ERRORS,
        error="InvalidNextToken",
    ),
    Case(
        "a NIC's tags are not in DescribeInstances",
        "DescribeInstances",
        lambda s: {"InstanceIds": [s.instance]},
        f"{API}API_InstanceNetworkInterface.html",
        before=lambda s: s.call("CreateTags", Resources=[s.nic0], Tags=[{"Key": "k", "Value": "v"}]),
        answer=lambda answer, _: (
            {"TagSet", "Tags"} & set(answer["Reservations"][0]["Instances"][0]["NetworkInterfaces"][0]) == set()
        ),
    ),
    Case(
        "a NIC's tags are in DescribeNetworkInterfaces",
        "DescribeNetworkInterfaces",
        lambda s: {"Filters": [{"Name": "attachment.instance-id", "Values": [s.instance]}]},
        f"{API}API_NetworkInterface.html",
        before=lambda s: s.call("CreateTags", Resources=[s.nic0], Tags=[{"Key": "k", "Value": "v"}]),
        answer=lambda answer, _: answer["NetworkInterfaces"][0]["TagSet"] == [{"Key": "k", "Value": "v"}],
    ),
    Case(
        "a subnet has five addresses fewer than its block, less what is assigned",
        "DescribeSubnets",
        lambda s: {"SubnetIds": [s.tiny]},
        f"{VPC_GUIDE}subnet-sizing.html",
        before=lambda s: s.create_eni(SubnetId=s.tiny, SecondaryPrivateIpAddressCount=2),
        answer=lambda answer, _: answer["Subnets"][0]["AvailableIpAddressCount"] == 8,
    ),
    Case(
        "a prefix takes sixteen of the free addresses",
        "DescribeSubnets",
        lambda s: {"SubnetIds": [s.b]},
        f"{GUIDE}ec2-prefix-eni.html",
        before=lambda s: s.create_eni(SubnetId=s.b, Ipv4PrefixCount=1),
        answer=lambda answer, _: answer["Subnets"][0]["AvailableIpAddressCount"] == 251 - 1 - 16,
    ),
    Case(
        "an instance type says how many NICs and addresses it takes",
        "DescribeInstanceTypes",
        lambda _: {"InstanceTypes": ["m5.large"]},
        "moto: instance_types.json",
        answer=lambda answer, _: answer["InstanceTypes"][0]["NetworkInfo"]["MaximumNetworkInterfaces"] == 3,
    ),
    Case(
        "an unknown instance type is refused",
        "DescribeInstanceTypes",
        lambda _: {"InstanceTypes": ["m5.tiny"]},
        ERRORS,
        error="InvalidInstanceType",
    ),
    Case(
        "a subnet must be within the VPC",
        "CreateSubnet",
        lambda s: {"VpcId": s.network.vpc_id, "CidrBlock": "10.9.0.0/24"},
        ERRORS,
        error="InvalidSubnet.Range",
    ),
    Case(
        "a subnet must not overlap another",
        "CreateSubnet",
        lambda s: {"VpcId": s.network.vpc_id, "CidrBlock": "10.0.0.128/25"},
        ERRORS,
        error="InvalidSubnet.Conflict",
    ),
]
