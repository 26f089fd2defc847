"""The describe operations."""

from collections.abc import Iterator
from typing import Any

from spiderpool_aws.local.ec2 import filter_tables, instance_types
from spiderpool_aws.local.ec2.describing import Describe, Page, describe_listed, describe_stored
from spiderpool_aws.local.ec2.documents import Document
from spiderpool_aws.local.ec2.networks import group_document, vpc_document
from spiderpool_aws.local.ec2.registry import Answer, Params, operation
from spiderpool_aws.local.ec2.rendering import subnet_document
from spiderpool_aws.local.ec2.templates import template_document
from spiderpool_aws.local.ec2.world import World

_INSTANCES = Describe(
    "InstanceIds",
    "instancesSet",
    "i",
    filter_tables.INSTANCES,
    ("instance-id", "network-interface.network-interface-id", "private-ip-address", "private-dns-name"),
)
_ENIS = Describe(
    "NetworkInterfaceIds",
    "networkInterfaceIds",
    "eni",
    filter_tables.NETWORK_INTERFACES,
    (
        "network-interface-id",
        "attachment.attachment-id",
        "attachment.instance-id",
        "private-ip-address",
        "addresses.private-ip-address",
        "ipv6-addresses.ipv6-address",
    ),
)
_SUBNETS = Describe("SubnetIds", "subnetIds", "subnet", filter_tables.SUBNETS)
_VPCS = Describe("VpcIds", "vpcIds", "vpc", filter_tables.VPCS)
_GROUPS = Describe("GroupIds", "groupIds", "sg", filter_tables.SECURITY_GROUPS)
_TEMPLATES = Describe("LaunchTemplateIds", "launchTemplateIds", "lt", filter_tables.LAUNCH_TEMPLATES, least=1, most=200)
_TYPES = Describe("InstanceTypes", "instanceTypes", "", filter_tables.INSTANCE_TYPES, most=100)


@operation("DescribeInstances", "InstanceIds Filters MaxResults NextToken", mutating=False)
def describe_instances(world: World, params: Params) -> Answer:
    """List instances in their reservations; the tags of their NICs are not there, as in EC2."""
    page = describe_stored(_INSTANCES, world.instance_documents, params)
    reservations: dict[str, Document] = {}
    for document in page.documents:
        identifier = world.reservation_of(document["InstanceId"])
        reservation = reservations.setdefault(
            identifier, {"ReservationId": identifier, "OwnerId": world.account_id, "Groups": [], "Instances": []}
        )
        reservation["Instances"].append(document)
    return _answer("Reservations", Page(list(reservations.values()), page.next_token))


@operation("DescribeNetworkInterfaces", "NetworkInterfaceIds Filters MaxResults NextToken", mutating=False)
def describe_network_interfaces(world: World, params: Params) -> Answer:
    """List NICs with their tags."""
    return _answer("NetworkInterfaces", describe_stored(_ENIS, world.eni_documents, params))


@operation("DescribeSubnets", "SubnetIds Filters MaxResults NextToken", mutating=False)
def describe_subnets(world: World, params: Params) -> Answer:
    """List subnets with the number of IPv4 addresses that are free."""
    ids = params.get("SubnetIds") or world.subnets
    documents = (
        (
            subnet.id,
            subnet_document(subnet, world.free_addresses(subnet), world.region, world.account_id, world.partition),
        )
        for subnet in (world.subnets.get(identifier) for identifier in ids)
        if subnet is not None
    )
    return _answer("Subnets", describe_listed(_SUBNETS, documents, params))


@operation("DescribeVpcs", "VpcIds Filters MaxResults NextToken", mutating=False)
def describe_vpcs(world: World, params: Params) -> Answer:
    """List VPCs."""
    documents = ((vpc.id, vpc_document(world, vpc)) for vpc in world.vpcs.values())
    return _answer("Vpcs", describe_listed(_VPCS, documents, params))


@operation("DescribeSecurityGroups", "GroupIds Filters MaxResults NextToken", mutating=False)
def describe_security_groups(world: World, params: Params) -> Answer:
    """List security groups."""
    documents = ((group.id, group_document(world, group)) for group in world.groups.values())
    return _answer("SecurityGroups", describe_listed(_GROUPS, documents, params))


@operation(
    "DescribeLaunchTemplates", "LaunchTemplateIds LaunchTemplateNames Filters MaxResults NextToken", mutating=False
)
def describe_launch_templates(world: World, params: Params) -> Answer:
    """List launch templates."""
    names = params.get("LaunchTemplateNames")
    documents = (
        (template.id, template_document(template))
        for template in world.templates.values()
        if not names or template.name in names
    )
    return _answer("LaunchTemplates", describe_listed(_TEMPLATES, documents, params))


@operation("DescribeInstanceTypes", "InstanceTypes Filters MaxResults NextToken", mutating=False)
def describe_instance_types(world: World, params: Params) -> Answer:
    """List instance types with their network limits."""
    del world
    known = instance_types.descriptions()
    wanted = params.get("InstanceTypes") or known
    documents = ((name, known[name]) for name in wanted if name in known)
    return _answer("InstanceTypes", describe_listed(_TYPES, documents, params))


@operation("DescribeTags", "Filters MaxResults NextToken", mutating=False)
def describe_tags(world: World, params: Params) -> Answer:
    """List tags of instances, NICs, subnets, VPCs and security groups."""
    return _answer("Tags", describe_listed(_TAGS, _tags(world), params))


_TAGS = Describe("", "", "", filter_tables.TAGS)


def _tags(world: World) -> Iterator[tuple[str, Document]]:
    tables: dict[str, dict[str, Any]] = {
        "instance": world.instances,
        "network-interface": world.enis,
        "subnet": world.subnets,
        "vpc": world.vpcs,
        "security-group": world.groups,
    }
    for resource_type, things in tables.items():
        for identifier, thing in things.items():
            for key, value in thing.tags.items():
                yield (
                    f"{identifier} {key}",
                    {"Key": key, "Value": value, "ResourceId": identifier, "ResourceType": resource_type},
                )


def _answer(name: str, page: Page) -> Answer:
    answer: Answer = {name: page.documents}
    if page.next_token:
        answer["NextToken"] = page.next_token
    return answer
