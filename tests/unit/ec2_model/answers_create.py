"""What EC2 answers to creating and deleting NICs."""

from functools import partial

from .case import API, CNI, ERRORS, GUIDE, VPC_GUIDE, Case, Params, dual, full
from .scene import Scene


def in_b(address: str, scene: Scene) -> Params:
    return {"SubnetId": scene.b, "PrivateIpAddress": address}


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
        lambda s: {"SubnetId": s.b, "PrivateIpAddress": "10.0.3.31"},
        f"{GUIDE}ec2-prefix-eni.html",
        before=lambda s: s.create_eni(SubnetId=s.b, Ipv4Prefixes=[{"Ipv4Prefix": "10.0.3.16/28"}]),
        error="InvalidIPAddress.InUse",
    ),
    Case(
        "a NIC whose IPv6 address is in use is refused with all its IPv4 addresses",
        "CreateNetworkInterface",
        lambda s: {
            "SubnetId": s.a,
            "SecondaryPrivateIpAddressCount": 3,
            "Ipv6Addresses": [{"Ipv6Address": s.model.enis[s.nic0].ipv6_addresses[0].address}],
        },
        ERRORS,
        before=dual,
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
        code_is_ours=True,
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
        "the same client token answers with the first NIC though it was deleted since, and makes no other",
        "CreateNetworkInterface",
        lambda s: {"SubnetId": s.b, "ClientToken": "t"},
        f"{API}Run_Instance_Idempotency.html",
        before=lambda s: s.model.call(
            "DeleteNetworkInterface", {"NetworkInterfaceId": s.create_eni(SubnetId=s.b, ClientToken="t")}
        ),
        answer=lambda a, s: a["NetworkInterface"]["NetworkInterfaceId"] not in s.model.enis,
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
