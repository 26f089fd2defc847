"""VPCs, subnets, CIDR reservations and security groups: what NICs are made in."""

from ipaddress import AddressValueError, IPv4Network, IPv6Network, NetmaskValueError, ip_network

from spiderpool_aws.local.ec2.addressing import Ipv4Pool
from spiderpool_aws.local.ec2.addressing6 import Ipv6Pool
from spiderpool_aws.local.ec2.errors import Ec2Error, missing, value_error
from spiderpool_aws.local.ec2.nic_requests import required
from spiderpool_aws.local.ec2.registry import Answer, Params, operation
from spiderpool_aws.local.ec2.rendering import subnet_document, tag_list
from spiderpool_aws.local.ec2.state import SecurityGroup, Subnet, Tags, Vpc
from spiderpool_aws.local.ec2.tagging import from_specifications
from spiderpool_aws.local.ec2.world import World

_IPV4_LENGTHS = range(16, 29)
_IPV6_LENGTHS = range(44, 65, 4)


@operation("CreateVpc", "CidrBlock AmazonProvidedIpv6CidrBlock Ipv6CidrBlock Ipv6Pool TagSpecifications")
def create_vpc(world: World, params: Params) -> Answer:
    """Make a VPC with its default security group, dual-stack if an IPv6 block is asked for."""
    cidr = str(_ipv4(required(params, "CidrBlock"), "InvalidVpc.Range"))
    tags = from_specifications(params, "vpc")
    ipv6 = params.get("Ipv6CidrBlock")
    if params.get("AmazonProvidedIpv6CidrBlock"):
        ipv6 = world.ids.ipv6_subnet_of_amazon()
    vpc = Vpc(world.ids.new("vpc"), [cidr], str(_ipv6(ipv6)) if ipv6 else None, "", tags)
    world.vpcs[vpc.id] = vpc
    vpc.default_group_id = _make_group(world, vpc, "default", "default VPC security group", {}).id
    return {"Vpc": vpc_document(world, vpc)}


@operation("AssociateVpcCidrBlock", "VpcId CidrBlock")
def associate_vpc_cidr_block(world: World, params: Params) -> Answer:
    """Add another IPv4 block to a VPC."""
    vpc = world.vpc(required(params, "VpcId"))
    block = _ipv4(required(params, "CidrBlock"), "InvalidVpc.Range")
    if any(block.overlaps(IPv4Network(cidr)) for cidr in vpc.cidrs):
        raise Ec2Error("CidrConflict", f"The CIDR '{block}' conflicts with another block of {vpc.id}")
    vpc.cidrs.append(str(block))
    return {"VpcId": vpc.id, "CidrBlockAssociation": _vpc_associations(vpc)[-1]}


@operation("CreateSubnet", "VpcId CidrBlock Ipv6CidrBlock AvailabilityZone TagSpecifications")
def create_subnet(world: World, params: Params) -> Answer:
    """Make a subnet within its VPC's blocks, overlapping no other."""
    vpc = world.vpc(required(params, "VpcId"))
    block = _ipv4(required(params, "CidrBlock"), "InvalidSubnet.Range")
    tags = from_specifications(params, "subnet")
    zone = params.get("AvailabilityZone") or f"{world.region}{world.options.zones[0]}"
    if zone not in {f"{world.region}{letter}" for letter in world.options.zones}:
        raise value_error(f"Value ({zone}) for parameter availabilityZone is invalid.")
    if not any(block.subnet_of(IPv4Network(cidr)) for cidr in vpc.cidrs):
        raise Ec2Error("InvalidSubnet.Range", f"The CIDR '{block}' is invalid.")
    siblings = [subnet for subnet in world.subnets.values() if subnet.vpc_id == vpc.id]
    if any(block.overlaps(IPv4Network(sibling.cidr)) for sibling in siblings):
        raise Ec2Error("InvalidSubnet.Conflict", f"The CIDR '{block}' conflicts with another subnet")
    ipv6 = _ipv6(params["Ipv6CidrBlock"]) if params.get("Ipv6CidrBlock") else None
    if ipv6:
        _check_ipv6_block(vpc, siblings, ipv6)
    subnet = Subnet(
        id=world.ids.new("subnet"),
        vpc_id=vpc.id,
        availability_zone=zone,
        cidr=str(block),
        ipv6_cidr=str(ipv6) if ipv6 else None,
        tags=tags,
        ipv4=Ipv4Pool(block, world.random),
        ipv6=Ipv6Pool(ipv6, world.random) if ipv6 else None,
    )
    world.subnets[subnet.id] = subnet
    return {"Subnet": subnet_document(subnet, subnet.ipv4.free_count, world.region, world.account_id, world.partition)}


def _check_ipv6_block(vpc: Vpc, siblings: list[Subnet], block: IPv6Network) -> None:
    if vpc.ipv6_cidr is None or not block.subnet_of(IPv6Network(vpc.ipv6_cidr)):
        raise Ec2Error("InvalidSubnet.Range", f"The CIDR '{block}' is invalid.")
    if any(sibling.ipv6_cidr and block.overlaps(IPv6Network(sibling.ipv6_cidr)) for sibling in siblings):
        raise Ec2Error("InvalidSubnet.Conflict", f"The CIDR '{block}' conflicts with another subnet")


@operation("CreateSubnetCidrReservation", "SubnetId Cidr ReservationType Description TagSpecifications")
def create_subnet_cidr_reservation(world: World, params: Params) -> Answer:
    """Keep a range of a subnet for prefixes, or for addresses that are asked for by name."""
    subnet = world.subnet(required(params, "SubnetId"))
    kind = required(params, "ReservationType")
    if kind not in ("prefix", "explicit"):
        raise value_error(f"Value ({kind}) for parameter reservationType is invalid.")
    try:
        cidr = ip_network(required(params, "Cidr"))
    except ValueError as error:
        raise value_error(f"Value ({params['Cidr']}) for parameter cidr is invalid.") from error
    _reserve(subnet, cidr, for_prefixes=kind == "prefix")
    reservation = {
        "SubnetCidrReservationId": world.ids.new("scr"),
        "SubnetId": subnet.id,
        "Cidr": str(cidr),
        "ReservationType": kind,
        "OwnerId": world.account_id,
    }
    subnet.reservations.append(reservation)
    return {"SubnetCidrReservation": dict(reservation)}


def _reserve(subnet: Subnet, cidr: IPv4Network | IPv6Network, *, for_prefixes: bool) -> None:
    outside = value_error(f"The CIDR '{cidr}' is not within the subnet")
    if any(cidr.overlaps(ip_network(other["Cidr"])) for other in subnet.reservations):
        raise Ec2Error("InvalidSubnetCidrReservation.Conflict", f"The CIDR '{cidr}' conflicts with another reservation")
    if isinstance(cidr, IPv4Network):
        if not cidr.subnet_of(IPv4Network(subnet.cidr)):
            raise outside
        subnet.ipv4.reserve(cidr, for_prefixes=for_prefixes)
        return
    if subnet.ipv6 is None or subnet.ipv6_cidr is None or not cidr.subnet_of(IPv6Network(subnet.ipv6_cidr)):
        raise outside
    subnet.ipv6.reserve(cidr, for_prefixes=for_prefixes)


@operation("CreateSecurityGroup", "GroupName Description VpcId TagSpecifications")
def create_security_group(world: World, params: Params) -> Answer:
    """Make a security group, without rules."""
    name = required(params, "GroupName")
    vpc = world.vpc(required(params, "VpcId"))
    if not params.get("Description"):
        raise missing("groupDescription")
    if any(group.vpc_id == vpc.id and group.name == name for group in world.groups.values()):
        raise Ec2Error("InvalidGroup.Duplicate", f"The security group '{name}' already exists for VPC '{vpc.id}'")
    tags = from_specifications(params, "security-group")
    group = _make_group(world, vpc, name, params["Description"], tags)
    return {"GroupId": group.id, "Tags": tag_list(group.tags)}


def _make_group(world: World, vpc: Vpc, name: str, description: str, tags: Tags) -> SecurityGroup:
    group = SecurityGroup(world.ids.new("sg"), name, description, vpc.id, tags)
    world.groups[group.id] = group
    return group


def vpc_document(world: World, vpc: Vpc) -> Answer:
    """Return a VPC as DescribeVpcs has it."""
    document: Answer = {
        "CidrBlock": vpc.cidrs[0],
        "CidrBlockAssociationSet": _vpc_associations(vpc),
        "InstanceTenancy": "default",
        "IsDefault": False,
        "OwnerId": world.account_id,
        "State": "available",
        "VpcId": vpc.id,
    }
    if vpc.ipv6_cidr:
        document["Ipv6CidrBlockAssociationSet"] = [
            {
                "AssociationId": vpc.id.replace("vpc-", "vpc-cidr-assoc-6"),
                "Ipv6CidrBlock": vpc.ipv6_cidr,
                "Ipv6CidrBlockState": {"State": "associated"},
            }
        ]
    if vpc.tags:
        document["Tags"] = tag_list(vpc.tags)
    return document


def group_document(world: World, group: SecurityGroup) -> Answer:
    """Return a security group as DescribeSecurityGroups has it."""
    return {
        "Description": group.description,
        "GroupId": group.id,
        "GroupName": group.name,
        "OwnerId": world.account_id,
        "Tags": tag_list(group.tags),
        "VpcId": group.vpc_id,
    }


def _vpc_associations(vpc: Vpc) -> list[Answer]:
    return [
        {
            "AssociationId": vpc.id.replace("vpc-", f"vpc-cidr-assoc-{place}"),
            "CidrBlock": cidr,
            "CidrBlockState": {"State": "associated"},
        }
        for place, cidr in enumerate(vpc.cidrs)
    ]


def _ipv4(text: str, range_code: str) -> IPv4Network:
    try:
        network = IPv4Network(text, strict=False)
    except (AddressValueError, NetmaskValueError) as error:
        raise value_error(f"Value ({text}) for parameter cidrBlock is invalid.") from error
    if network.prefixlen not in _IPV4_LENGTHS:
        raise Ec2Error(range_code, f"The CIDR '{text}' is invalid.")
    return network


def _ipv6(text: str) -> IPv6Network:
    try:
        network = IPv6Network(text)
    except ValueError as error:
        raise value_error(f"Value ({text}) for parameter ipv6CidrBlock is invalid.") from error
    if network.prefixlen not in _IPV6_LENGTHS:
        raise value_error(f"Value ({text}) for parameter ipv6CidrBlock is invalid.")
    return network
