"""Instances, NICs and subnets in the shapes that boto3 returns."""

from collections.abc import Iterable, Iterator
from typing import Any

from spiderpool_aws.local.ec2.documents import Document, Key
from spiderpool_aws.local.ec2.state import Attachment, Eni, Instance, InstanceState, SecurityGroup, Subnet, Tags

STATE_CODES: dict[InstanceState, int] = {
    "pending": 0,
    "running": 16,
    "shutting-down": 32,
    "terminated": 48,
    "stopping": 64,
    "stopped": 80,
}


def tag_list(tags: Tags) -> list[dict[str, str]]:
    """Return tags as EC2 lists them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def state(name: InstanceState) -> dict[str, Any]:
    """Return an InstanceState element."""
    return {"Code": STATE_CODES[name], "Name": name}


def dns_name(address: str, region: str) -> str:
    """Return the private DNS name that EC2 derives from an IPv4 address."""
    domain = "ec2.internal" if region == "us-east-1" else f"{region}.compute.internal"
    return f"ip-{address.replace('.', '-')}.{domain}"


def eni_document(eni: Eni, groups: list[SecurityGroup], region: str, account_id: str) -> Document:
    """Return a NIC as DescribeNetworkInterfaces has it: with its tags, and whose instance it is."""
    document = {
        **_common(eni, groups, region, account_id),
        "AvailabilityZone": eni.availability_zone,
        "RequesterManaged": eni.requester_managed,
        "TagSet": tag_list(eni.tags),
    }
    if eni.attachment:
        document["Attachment"] = _attachment(eni.attachment) | {
            "InstanceId": eni.attachment.instance_id,
            "InstanceOwnerId": account_id,
        }
    return document


def instance_eni_document(eni: Eni, groups: list[SecurityGroup], region: str, account_id: str) -> Document:
    """Return a NIC as DescribeInstances has it: without its tags."""
    document = _common(eni, groups, region, account_id)
    if eni.attachment:
        document["Attachment"] = _attachment(eni.attachment)
    return document


def _common(eni: Eni, groups: list[SecurityGroup], region: str, account_id: str) -> Document:
    addresses = [eni.primary_ip, *eni.secondary_ips]
    document: Document = {
        "Description": eni.description,
        "Groups": [{"GroupId": group.id, "GroupName": group.name} for group in groups],
        "InterfaceType": eni.interface_type,
        "Ipv6Addresses": [{"Ipv6Address": a.address, "IsPrimaryIpv6": a.is_primary} for a in eni.ipv6_addresses],
        "MacAddress": eni.mac,
        "NetworkInterfaceId": eni.id,
        "OwnerId": account_id,
        "PrivateDnsName": dns_name(eni.primary_ip, region),
        "PrivateIpAddress": eni.primary_ip,
        "PrivateIpAddresses": [
            {"Primary": place == 0, "PrivateDnsName": dns_name(address, region), "PrivateIpAddress": address}
            for place, address in enumerate(addresses)
        ],
        "SourceDestCheck": eni.source_dest_check,
        "Status": eni.status,
        "SubnetId": eni.subnet_id,
        "VpcId": eni.vpc_id,
    }
    # EC2 leaves these elements out when there is nothing in them.
    if eni.ipv4_prefixes:
        document["Ipv4Prefixes"] = [{"Ipv4Prefix": prefix} for prefix in eni.ipv4_prefixes]
    if eni.ipv6_prefixes:
        document["Ipv6Prefixes"] = [{"Ipv6Prefix": prefix} for prefix in eni.ipv6_prefixes]
    return document


def _attachment(attachment: Attachment) -> Document:
    return {
        "AttachTime": attachment.attach_time,
        "AttachmentId": attachment.id,
        "DeleteOnTermination": attachment.delete_on_termination,
        "DeviceIndex": attachment.device_index,
        "NetworkCardIndex": attachment.network_card_index,
        "Status": attachment.status,
    }


def instance_document(instance: Instance, enis: list[Document]) -> Document:
    """Return an instance as DescribeInstances has it; a terminated one has no network any more."""
    document: Document = {
        "AmiLaunchIndex": instance.launch_index,
        "ClientToken": instance.client_token,
        "Hypervisor": "xen",
        "ImageId": instance.image_id,
        "InstanceId": instance.id,
        "InstanceType": instance.instance_type,
        "LaunchTime": instance.launch_time,
        "Monitoring": {"State": "disabled"},
        "NetworkInterfaces": enis,
        "Placement": {"AvailabilityZone": instance.availability_zone, "GroupName": "", "Tenancy": "default"},
        "PrivateDnsName": instance.private_dns_name,
        "PublicDnsName": "",
        "SecurityGroups": enis[0]["Groups"] if enis else [],
        "State": state(instance.state),
        "StateTransitionReason": instance.transition_reason,
        "VirtualizationType": "hvm",
        **instance.attributes,
    }
    if instance.private_ip:
        document["PrivateIpAddress"] = instance.private_ip
        document["SubnetId"] = instance.subnet_id
        document["VpcId"] = instance.vpc_id
    if instance.state_reason:
        document["StateReason"] = instance.state_reason
    if instance.tags:
        document["Tags"] = tag_list(instance.tags)
    return document


def subnet_document(subnet: Subnet, free_addresses: int, region: str, account_id: str, partition: str) -> Document:
    """Return a subnet as DescribeSubnets has it."""
    document: Document = {
        "AssignIpv6AddressOnCreation": False,
        "AvailabilityZone": subnet.availability_zone,
        "AvailableIpAddressCount": free_addresses,
        "CidrBlock": subnet.cidr,
        "DefaultForAz": False,
        "Ipv6CidrBlockAssociationSet": [],
        "Ipv6Native": False,
        "MapPublicIpOnLaunch": False,
        "OwnerId": account_id,
        "State": "available",
        "SubnetArn": f"arn:{partition}:ec2:{region}:{account_id}:subnet/{subnet.id}",
        "SubnetId": subnet.id,
        "VpcId": subnet.vpc_id,
    }
    if subnet.ipv6_cidr:
        document["Ipv6CidrBlockAssociationSet"] = [
            {
                "AssociationId": subnet.id.replace("subnet-", "subnet-cidr-assoc-"),
                "Ipv6CidrBlock": subnet.ipv6_cidr,
                "Ipv6CidrBlockState": {"State": "associated"},
            }
        ]
    if subnet.tags:
        document["Tags"] = tag_list(subnet.tags)
    return document


def instance_keys(document: Document) -> Iterator[Key]:
    """Yield the filters by which instances are looked up without a scan."""
    yield "instance-id", document["InstanceId"]
    yield "private-ip-address", document.get("PrivateIpAddress", "")
    yield "private-dns-name", document["PrivateDnsName"]
    for eni in document["NetworkInterfaces"]:
        yield "network-interface.network-interface-id", eni["NetworkInterfaceId"]
    yield from _tag_keys(document.get("Tags", ()))


def eni_keys(document: Document) -> Iterator[Key]:
    """Yield the filters by which NICs are looked up without a scan."""
    yield "network-interface-id", document["NetworkInterfaceId"]
    yield "private-ip-address", document["PrivateIpAddress"]
    for address in document["PrivateIpAddresses"]:
        yield "addresses.private-ip-address", address["PrivateIpAddress"]
    for address in document["Ipv6Addresses"]:
        yield "ipv6-addresses.ipv6-address", address["Ipv6Address"]
    attachment = document.get("Attachment")
    if attachment:
        yield "attachment.instance-id", attachment["InstanceId"]
        yield "attachment.attachment-id", attachment["AttachmentId"]
    yield from _tag_keys(document["TagSet"])


def _tag_keys(tags: Iterable[Document]) -> Iterator[Key]:
    return ((f"tag:{tag['Key']}", tag["Value"]) for tag in tags)


def copy(value: Any) -> Any:
    """Return an answer's own copy of a document, so that a caller can do with it as it likes."""
    if isinstance(value, dict):
        return {key: copy(item) for key, item in value.items()}
    if isinstance(value, list):
        return [copy(item) for item in value]
    return value
