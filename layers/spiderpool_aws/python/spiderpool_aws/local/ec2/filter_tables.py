"""The filter names of each describe, as AWS's API reference lists them, on the documents of `rendering`."""

from collections.abc import Mapping

from spiderpool_aws.local.ec2.filters import FilterTable, at_each

_ENI: Mapping[str, str] = {
    "addresses.primary": "PrivateIpAddresses.Primary",
    "addresses.private-ip-address": "PrivateIpAddresses.PrivateIpAddress",
    "attachment.attach-time": "Attachment.AttachTime",
    "attachment.attachment-id": "Attachment.AttachmentId",
    "attachment.delete-on-termination": "Attachment.DeleteOnTermination",
    "attachment.device-index": "Attachment.DeviceIndex",
    "attachment.status": "Attachment.Status",
    "availability-zone": "AvailabilityZone",
    "description": "Description",
    "group-id": "Groups.GroupId",
    "group-name": "Groups.GroupName",
    "ipv6-addresses.ipv6-address": "Ipv6Addresses.Ipv6Address",
    "mac-address": "MacAddress",
    "network-interface-id": "NetworkInterfaceId",
    "owner-id": "OwnerId",
    "private-dns-name": "PrivateDnsName",
    "requester-managed": "RequesterManaged",
    "source-dest-check": "SourceDestCheck",
    "status": "Status",
    "subnet-id": "SubnetId",
    "vpc-id": "VpcId",
}

NETWORK_INTERFACES = FilterTable(
    at_each(_ENI)
    | at_each(
        {
            "attachment.instance-id": "Attachment.InstanceId",
            "attachment.instance-owner-id": "Attachment.InstanceOwnerId",
            "interface-type": "InterfaceType",
            "private-ip-address": "PrivateIpAddress",
        }
    ),
    tags_field="TagSet",
)

_OF_INSTANCES_ENI = {
    name: f"NetworkInterfaces.{path}" for name, path in _ENI.items() if name not in ("requester-managed",)
} | {
    # Within an instance the NIC has no zone of its own: it is the instance's.
    "availability-zone": "Placement.AvailabilityZone",
    "attachment.instance-id": "InstanceId",
    "addresses.primary": "NetworkInterfaces.PrivateIpAddresses.Primary",
}

INSTANCES = FilterTable(
    at_each(_OF_INSTANCES_ENI, "network-interface.")
    | at_each(
        {
            "availability-zone": "Placement.AvailabilityZone",
            "client-token": "ClientToken",
            "group-id": "SecurityGroups.GroupId",
            "iam-instance-profile.arn": "IamInstanceProfile.Arn",
            "image-id": "ImageId",
            "instance-id": "InstanceId",
            "instance-state-code": "State.Code",
            "instance-state-name": "State.Name",
            "instance-type": "InstanceType",
            "instance.group-id": "SecurityGroups.GroupId",
            "key-name": "KeyName",
            "placement.availability-zone": "Placement.AvailabilityZone",
            "private-dns-name": "PrivateDnsName",
            "private-ip-address": "PrivateIpAddress",
            "reason": "StateTransitionReason",
            "state-reason-code": "StateReason.Code",
            "subnet-id": "SubnetId",
            "vpc-id": "VpcId",
        }
    )
)

SUBNETS = FilterTable(
    at_each(
        {
            "availability-zone": "AvailabilityZone",
            "availabilityZone": "AvailabilityZone",
            "available-ip-address-count": "AvailableIpAddressCount",
            "cidr": "CidrBlock",
            "cidr-block": "CidrBlock",
            "cidrBlock": "CidrBlock",
            "default-for-az": "DefaultForAz",
            "ipv6-cidr-block-association.association-id": "Ipv6CidrBlockAssociationSet.AssociationId",
            "ipv6-cidr-block-association.ipv6-cidr-block": "Ipv6CidrBlockAssociationSet.Ipv6CidrBlock",
            "ipv6-native": "Ipv6Native",
            "owner-id": "OwnerId",
            "state": "State",
            "subnet-arn": "SubnetArn",
            "subnet-id": "SubnetId",
            "vpc-id": "VpcId",
        }
    )
)

VPCS = FilterTable(
    at_each(
        {
            "cidr": "CidrBlock",
            "cidr-block-association.cidr-block": "CidrBlockAssociationSet.CidrBlock",
            "ipv6-cidr-block-association.ipv6-cidr-block": "Ipv6CidrBlockAssociationSet.Ipv6CidrBlock",
            "is-default": "IsDefault",
            "owner-id": "OwnerId",
            "state": "State",
            "vpc-id": "VpcId",
        }
    )
)

SECURITY_GROUPS = FilterTable(
    at_each(
        {
            "description": "Description",
            "group-id": "GroupId",
            "group-name": "GroupName",
            "owner-id": "OwnerId",
            "vpc-id": "VpcId",
        }
    )
)

LAUNCH_TEMPLATES = FilterTable(at_each({"launch-template-name": "LaunchTemplateName", "create-time": "CreateTime"}))

INSTANCE_TYPES = FilterTable(
    at_each(
        {
            "bare-metal": "BareMetal",
            "current-generation": "CurrentGeneration",
            "hypervisor": "Hypervisor",
            "instance-type": "InstanceType",
            "network-info.ipv4-addresses-per-interface": "NetworkInfo.Ipv4AddressesPerInterface",
            "network-info.ipv6-addresses-per-interface": "NetworkInfo.Ipv6AddressesPerInterface",
            "network-info.ipv6-supported": "NetworkInfo.Ipv6Supported",
            "network-info.maximum-network-interfaces": "NetworkInfo.MaximumNetworkInterfaces",
            "processor-info.supported-architecture": "ProcessorInfo.SupportedArchitectures",
        }
    )
)

TAGS = FilterTable(
    at_each({"key": "Key", "resource-id": "ResourceId", "resource-type": "ResourceType", "value": "Value"})
)
