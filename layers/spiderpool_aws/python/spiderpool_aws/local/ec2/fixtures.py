"""Networks and nodes to start from, built through the API itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from spiderpool_aws.local.ec2.model import Ec2Model

_IMAGE = "ami-0123456789abcdef0"


@dataclass(frozen=True, slots=True)
class Network:
    """A VPC with its subnets by name, and one security group."""

    vpc_id: str
    ipv6_cidr: str | None
    group_id: str
    subnets: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SubnetPlan:
    """A subnet to be made: its block, the letter of its zone, its tags. Dual-stack where the VPC is."""

    cidr: str
    zone: str = "a"
    tags: Mapping[str, str] = field(default_factory=dict)


def create_network(
    model: Ec2Model, plans: Mapping[str, SubnetPlan], *, cidrs: tuple[str, ...] = ("10.0.0.0/16",), ipv6: bool = True
) -> Network:
    """Make a VPC with these blocks, a security group, and the subnets; the n-th subnet gets the n-th /64."""
    vpc = model.call("CreateVpc", {"CidrBlock": cidrs[0], "AmazonProvidedIpv6CidrBlock": ipv6})["Vpc"]
    for cidr in cidrs[1:]:
        model.call("AssociateVpcCidrBlock", {"VpcId": vpc["VpcId"], "CidrBlock": cidr})
    group = model.call(
        "CreateSecurityGroup", {"GroupName": "nodes", "Description": "nodes and pods", "VpcId": vpc["VpcId"]}
    )
    block: str | None = vpc["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"] if ipv6 else None
    subnets = {
        name: _create_subnet(model, vpc["VpcId"], plan, name, _nth_64(block, place) if block else None)
        for place, (name, plan) in enumerate(plans.items())
    }
    return Network(vpc["VpcId"], block, group["GroupId"], subnets)


def _nth_64(block: str, place: int) -> str:
    return f"{block.removesuffix('::/56')}:{place:x}::/64"


def _create_subnet(model: Ec2Model, vpc_id: str, plan: SubnetPlan, name: str, ipv6_cidr: str | None) -> str:
    params: dict[str, Any] = {
        "VpcId": vpc_id,
        "CidrBlock": plan.cidr,
        "AvailabilityZone": f"{model.region}{plan.zone}",
        "TagSpecifications": [{"ResourceType": "subnet", "Tags": tag_list({"Name": name, **plan.tags})}],
    }
    if ipv6_cidr:
        params["Ipv6CidrBlock"] = ipv6_cidr
    subnet_id: str = model.call("CreateSubnet", params)["Subnet"]["SubnetId"]
    return subnet_id


def launch(
    model: Ec2Model,
    nics: list[dict[str, Any]],
    *,
    instance_type: str = "m5.large",
    tags: Mapping[str, str] | None = None,
    nic_tags: Mapping[str, str] | None = None,
) -> str:
    """Launch one instance with these `NetworkInterfaces` and return its id; a NIC's index is its place if not given."""
    params: dict[str, Any] = {
        "ImageId": _IMAGE,
        "InstanceType": instance_type,
        "MinCount": 1,
        "MaxCount": 1,
        "NetworkInterfaces": [{"DeviceIndex": index, **nic} for index, nic in enumerate(nics)],
    }
    specifications = [("instance", tags), ("network-interface", nic_tags)]
    params["TagSpecifications"] = [
        {"ResourceType": kind, "Tags": tag_list(given)} for kind, given in specifications if given
    ]
    identifier: str = model.call("RunInstances", params)["Instances"][0]["InstanceId"]
    return identifier


def addresses(primary: str, *secondary: str) -> dict[str, Any]:
    """Return the `PrivateIpAddresses` of a NIC with exactly these addresses."""
    return {
        "PrivateIpAddresses": [
            {"PrivateIpAddress": address, "Primary": place == 0} for place, address in enumerate((primary, *secondary))
        ]
    }


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags as EC2 takes them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]
