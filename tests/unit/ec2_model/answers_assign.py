"""What EC2 answers to Assign and Unassign, in both families."""

from functools import partial

from .case import API, CNI, GUIDE, VPC_GUIDE, Case, dual, xen_instance
from .scene import Scene


def ipv6(end: str, scene: Scene) -> dict[str, object]:
    return {"NetworkInterfaceId": scene.nic0, "Ipv6Addresses": [f"2a05:d018:1:0:{end}"]}


def scattered(scene: Scene) -> None:
    """Put one address into every aligned block of the /24."""
    for block in range(16):
        scene.create_eni(SubnetId=scene.a2, PrivateIpAddress=f"10.0.1.{block * 16 + 8}")


def old_instance(scene: Scene) -> None:
    """Attach the spare NIC to a Xen instance."""
    scene.attach(scene.spare, xen_instance(scene))


def reserved(scene: Scene) -> None:
    scene.call("CreateSubnetCidrReservation", SubnetId=scene.b, Cidr="10.0.3.128/26", ReservationType="prefix")


ASSIGN = [
    *(
        Case(
            f"the reserved IPv6 address that ends in {end} cannot be asked for",
            "AssignIpv6Addresses",
            partial(ipv6, end),
            f"{VPC_GUIDE}subnet-sizing.html",
            error="InvalidParameterValue",
            message="reserved",
        )
        for end in (":0", ":3", "ffff:ffff:ffff:ffff")
    ),
    Case(
        "the last IPv6 address but one can be asked for",
        "AssignIpv6Addresses",
        lambda s: {"NetworkInterfaceId": s.nic0, "Ipv6Addresses": ["2a05:d018:1:0:ffff:ffff:ffff:fffe"]},
        f"{VPC_GUIDE}subnet-sizing.html",
        answer=lambda answer, _: answer["AssignedIpv6Addresses"] == ["2a05:d018:1:0:ffff:ffff:ffff:fffe"],
    ),
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
        code_is_ours=True,
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
        code_is_ours=True,
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
        code_is_ours=True,
    ),
    Case(
        "neither addresses nor a count is a missing parameter",
        "AssignPrivateIpAddresses",
        lambda s: {"NetworkInterfaceId": s.nic0},
        f"{API}API_AssignPrivateIpAddresses.html",
        error="MissingParameter",
        code_is_ours=True,
    ),
    Case(
        "the primary address cannot be unassigned",
        "UnassignPrivateIpAddresses",
        lambda s: {"NetworkInterfaceId": s.nic0, "PrivateIpAddresses": s.addresses(s.nic0)},
        f"{API}API_UnassignPrivateIpAddresses.html",
        error="InvalidParameterValue",
        code_is_ours=True,
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
        "an IPv6 prefix with an address that is in use cannot be had",
        "AssignIpv6Addresses",
        lambda s: {"NetworkInterfaceId": s.nic0, "Ipv6Prefixes": ["2a05:d018:1:0:7::/80"]},
        f"{GUIDE}ec2-prefix-eni.html",
        before=lambda s: s.call("AssignIpv6Addresses", NetworkInterfaceId=s.nic0, Ipv6Addresses=["2a05:d018:1:0:7::1"]),
        error="InsufficientCidrBlocks",
        code_is_ours=True,
    ),
    Case(
        "more IPv6 addresses than the type allows are refused",
        "AssignIpv6Addresses",
        lambda s: {"NetworkInterfaceId": s.nic0, "Ipv6AddressCount": 11},
        "moto: m5.large has Ipv6AddressesPerInterface 10",
        error="PrivateIpAddressLimitExceeded",
        code_is_ours=True,
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
        code_is_ours=True,
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
