"""EC2's documents, as boto3 returns them, to the domain's. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from spiderpool_aws.domain.addresses import AddressSet, IPFamily, parse_network
from spiderpool_aws.domain.instance import (
    CLUSTER_TAG,
    INDEX_TAG,
    INSTANCE_TAG,
    Eni,
    InstanceState,
    InstanceTypeLimits,
    ObservedInstance,
    Subnet,
    is_instance_id,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from types_boto3_ec2.type_defs import (
        InstanceNetworkInterfaceTypeDef,
        InstanceTypeDef,
        InstanceTypeInfoTypeDef,
        NetworkInterfaceTypeDef,
        SubnetTypeDef,
        TagTypeDef,
    )


def parse_eni(
    document: NetworkInterfaceTypeDef | InstanceNetworkInterfaceTypeDef, tags: Iterable[TagTypeDef] = ()
) -> Eni | None:
    """Return an instance's NIC of either describe call; None when it is attached to nothing.

    Only DescribeNetworkInterfaces has the tags, as `TagSet`; DescribeInstances leaves them out.
    """
    attachment = document.get("Attachment")
    if not attachment or "DeviceIndex" not in attachment:
        return None
    return replace(
        parse_unattached(document, _tags(tags)),
        attachment_id=attachment.get("AttachmentId", ""),
        device_index=attachment["DeviceIndex"],
        attached=attachment.get("Status") == "attached",
        delete_on_termination=attachment.get("DeleteOnTermination", True),
        network_card=attachment.get("NetworkCardIndex", 0),
    )


def parse_own(document: NetworkInterfaceTypeDef, cluster: str) -> Eni | None:
    """Return a NIC that we created for an instance of the cluster; None for others, and for one that another has.

    In whatever state: with an attachment id when this document has it at its instance, without when it is loose.
    """
    tags = _tags(document.get("TagSet", ()))
    instance_id, attachment = tags.get(INSTANCE_TAG, ""), document.get("Attachment")
    if tags.get(CLUSTER_TAG) != cluster or not is_instance_id(instance_id):
        return None
    if not attachment:
        return parse_unattached(document, tags)
    return parse_eni(document, document.get("TagSet", ())) if attachment.get("InstanceId") == instance_id else None


def parse_spare(document: NetworkInterfaceTypeDef, cluster: str) -> Eni | None:
    """Return a NIC that we created for an instance of the cluster and that is attached to nothing; None for others."""
    return parse_own(document, cluster) if not document.get("Attachment") else None


def parse_unattached(
    document: NetworkInterfaceTypeDef | InstanceNetworkInterfaceTypeDef, tags: Mapping[str, str]
) -> Eni:
    """Return a NIC as if it were attached to nothing. Its device index is that of its tag; -1 when it has none.

    The primary IPv6 address is the one that is marked, and no other: CreateNetworkInterface's documentation says that
    the first address becomes it, but not when, nor in which order an answer lists them.
    """
    private = document.get("PrivateIpAddresses", [])
    secondary = [item["PrivateIpAddress"] for item in private if not item.get("Primary")]
    ipv6 = document.get("Ipv6Addresses", [])
    index = tags.get(INDEX_TAG, "")
    return Eni(
        eni_id=document["NetworkInterfaceId"],
        attachment_id="",
        device_index=int(index) if index.isdecimal() else -1,
        attached=False,
        subnet_id=document.get("SubnetId", ""),
        primary_ipv4=next((item["PrivateIpAddress"] for item in private if item.get("Primary")), ""),
        ipv4=AddressSet.of(IPFamily.IPV4, secondary),
        ipv4_prefixes=tuple(parse_network(item["Ipv4Prefix"]) for item in document.get("Ipv4Prefixes", [])),
        ipv6=AddressSet.of(IPFamily.IPV6, [item["Ipv6Address"] for item in ipv6]),
        primary_ipv6=next((item["Ipv6Address"] for item in ipv6 if item.get("IsPrimaryIpv6")), None),
        ipv6_prefixes=tuple(parse_network(item["Ipv6Prefix"]) for item in document.get("Ipv6Prefixes", [])),
        groups=tuple(group["GroupId"] for group in document.get("Groups", [])),
        interface_type=document.get("InterfaceType", "interface"),
        tags=tags,
    )


def parse_instance(document: InstanceTypeDef) -> ObservedInstance:
    """Return an instance of DescribeInstances, whose NICs come without their tags (see `with_described_enis`)."""
    enis = [eni for item in document.get("NetworkInterfaces", []) if (eni := parse_eni(item)) is not None]
    primary = next((eni.primary_ipv4 for eni in enis if eni.device_index == 0 and eni.network_card == 0), "")
    return ObservedInstance(
        instance_id=document["InstanceId"],
        instance_type=document.get("InstanceType", ""),
        state=InstanceState(document["State"]["Name"]),
        availability_zone=document.get("Placement", {}).get("AvailabilityZone", ""),
        launch_time=_launch_time(document),
        started=document["LaunchTime"],
        private_dns_name=document.get("PrivateDnsName", ""),
        private_ipv4=document.get("PrivateIpAddress", primary),
        platform=document.get("Platform", "").lower(),
        tags=_tags(document.get("Tags", [])),
        enis=tuple(sorted(enis, key=_slot)),
    )


def with_described_enis(instance: ObservedInstance, described: Mapping[str, Eni]) -> ObservedInstance:
    """Return the instance with its NICs as DescribeNetworkInterfaces, which was asked after it, has them: with tags.

    A NIC that the second answer lacks counts as not attached yet: without its tags nobody knows whether it may be
    touched.
    """
    unsettled = [replace(eni, attached=False) for eni in instance.enis if eni.eni_id not in described]
    return replace(instance, enis=tuple(sorted([*described.values(), *unsettled], key=_slot)))


def _slot(eni: Eni) -> tuple[int, int]:
    return eni.network_card, eni.device_index


def _launch_time(document: InstanceTypeDef) -> datetime:
    """Return the first launch.

    `LaunchTime` is "the time that the instance was last launched. The time is updated when … stopped and started"
    (EC2 API, Instance); the primary NIC stays attached over a stop, so its attach time is the first launch.
    """
    for nic in document.get("NetworkInterfaces", []):
        attachment = nic.get("Attachment", {})
        primary = attachment.get("DeviceIndex") == 0 and attachment.get("NetworkCardIndex", 0) == 0
        if primary and "AttachTime" in attachment:
            return attachment["AttachTime"]
    return document["LaunchTime"]


def parse_limits(document: InstanceTypeInfoTypeDef) -> InstanceTypeLimits:
    """Return the limits of DescribeInstanceTypes for network card 0.

    Bare metal has no hypervisor at all and counts as Nitro (EC2 user guide, "Instances built on the AWS Nitro System").
    """
    network = document.get("NetworkInfo", {})
    cards = network.get("NetworkCards", [])
    first = next((card for card in cards if card.get("NetworkCardIndex") == 0), None)
    whole = network.get("MaximumNetworkInterfaces", 0)
    return InstanceTypeLimits(
        instance_type=document["InstanceType"],
        enis=first.get("MaximumNetworkInterfaces", whole) if first else whole,
        ipv4_per_eni=network.get("Ipv4AddressesPerInterface", 0),
        ipv6_per_eni=network.get("Ipv6AddressesPerInterface", 0),
        nitro=document.get("Hypervisor") == "nitro" or document.get("BareMetal", False),
    )


def parse_subnet(document: SubnetTypeDef) -> Subnet:
    """Return a subnet with the free addresses that EC2 counted at this moment."""
    ipv6: Sequence[str] = [
        block["Ipv6CidrBlock"]
        for block in document.get("Ipv6CidrBlockAssociationSet", [])
        if block.get("Ipv6CidrBlockState", {}).get("State") == "associated"
    ]
    return Subnet(
        subnet_id=document["SubnetId"],
        vpc_id=document.get("VpcId", ""),
        availability_zone=document.get("AvailabilityZone", ""),
        # An IPv6-only subnet has no IPv4 block.
        ipv4=parse_network(document["CidrBlock"]) if document.get("CidrBlock") else None,
        ipv6=parse_network(ipv6[0]) if ipv6 else None,
        available_ipv4=document.get("AvailableIpAddressCount"),
        tags=_tags(document.get("Tags", [])),
    )


def _tags(tags: Iterable[TagTypeDef]) -> dict[str, str]:
    return {tag["Key"]: tag.get("Value", "") for tag in tags if "Key" in tag}
