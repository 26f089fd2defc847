"""What EC2 asks IAM about a call: which resources it is about, and which keys each of them has.

Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon EC2": the resource types of
each action and the keys of each type. What is easily taken for granted: an instance has no `ec2:Vpc`; a NIC that is
being created has the tags of the request and none of its own; making it with tags is a second decision,
`ec2:CreateTags` with `ec2:CreateAction`. A resource that does not exist has no keys: what a condition is needed for, is
denied.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from spiderpool_aws.local.ec2 import Ec2Model, Eni
from spiderpool_aws.local.iam.errors import UnknownToIamError
from spiderpool_aws.local.iam.requests import Keys, Request, Target, Values, tags

Params = Mapping[str, Any]


class Ec2Requests:
    """Reads the resources' keys from the model's state."""

    def __init__(self, model: Ec2Model) -> None:
        self._model = model
        self._world = model.world

    def of(self, operation: str, params: Params) -> list[Request]:
        """Return the decisions of one call. Raises UnknownToIamError for a call that is not modelled."""
        action = f"ec2:{operation}"
        if operation == "CreateNetworkInterface":
            return self._creation(action, params)
        if operation in ("CreateTags", "DeleteTags"):
            return [Request(action, tuple(map(self._any, params["Resources"])), _tagging(params.get("Tags", ())))]
        if operation in _WITHOUT_RESOURCES:
            return [Request(action)]
        return [Request(action, tuple(self._targets(operation, params)))]

    def _targets(self, operation: str, params: Params) -> Iterable[Target]:
        if operation in _ON_A_NIC:
            return [self._any(params["NetworkInterfaceId"])]
        match operation:
            case "AttachNetworkInterface":
                return [self._any(params["InstanceId"]), self._any(params["NetworkInterfaceId"])]
            case "DetachNetworkInterface":
                return self._detach(params)
            case "ModifyNetworkInterfaceAttribute":
                return self._modify(params)
            case _:
                raise UnknownToIamError(f"which resources ec2:{operation} is about is not modelled")

    def _creation(self, action: str, params: Params) -> list[Request]:
        specifications = params.get("TagSpecifications", ())
        given = [tag for one in specifications if one["ResourceType"] == "network-interface" for tag in one["Tags"]]
        created = Target(self._arn("network-interface", "*"), _tagging(given))
        subnet = self._world.subnets.get(params["SubnetId"])
        default = [self._world.vpcs[subnet.vpc_id].default_group_id] if subnet else []
        groups = [self._any(group) for group in params.get("Groups") or default]
        requests = [Request(action, (created, self._any(params["SubnetId"]), *groups))]
        if given:
            requests.append(Request("ec2:CreateTags", (created,), {"ec2:CreateAction": ("CreateNetworkInterface",)}))
        return requests

    def _detach(self, params: Params) -> Iterable[Target]:
        nic = self._model.enis.get(self._world.enis_by_attachment.get(params["AttachmentId"], ""))
        yield self._any(nic.id if nic else "eni-unknown")
        yield self._instance_of(nic)

    def _modify(self, params: Params) -> Iterable[Target]:
        yield self._any(params["NetworkInterfaceId"])
        if "Attachment" in params:
            yield self._instance_of(self._model.enis.get(params["NetworkInterfaceId"]))
        yield from map(self._any, params.get("Groups", ()))

    def _instance_of(self, nic: Eni | None) -> Target:
        return self._any(nic.attachment.instance_id if nic and nic.attachment else "i-unknown")

    def _any(self, identifier: str) -> Target:
        match identifier.partition("-")[0]:
            case "eni":
                return Target(self._arn("network-interface", identifier), self._nic_keys(identifier))
            case "i":
                return Target(self._arn("instance", identifier), self._instance_keys(identifier))
            case "subnet":
                return Target(self._arn("subnet", identifier), self._subnet_keys(identifier))
            case "sg":
                return Target(self._arn("security-group", identifier), self._group_keys(identifier))
            case _:
                raise UnknownToIamError(f"which resource {identifier} is is not modelled")

    def _nic_keys(self, identifier: str) -> Keys:
        nic = self._model.enis.get(identifier)
        if nic is None:
            return {}
        place = {"ec2:AvailabilityZone": nic.availability_zone, "ec2:Subnet": self._arn("subnet", nic.subnet_id)}
        return _each(place | {"ec2:Vpc": self._arn("vpc", nic.vpc_id)}) | tags("aws:ResourceTag", nic.tags)

    def _instance_keys(self, identifier: str) -> Keys:
        instance = self._model.instances.get(identifier)
        if instance is None:
            return {}
        own = {"ec2:AvailabilityZone": instance.availability_zone, "ec2:InstanceType": instance.instance_type}
        return _each(own) | tags("aws:ResourceTag", instance.tags)

    def _subnet_keys(self, identifier: str) -> Keys:
        subnet = self._model.subnets.get(identifier)
        if subnet is None:
            return {}
        place = {"ec2:AvailabilityZone": subnet.availability_zone, "ec2:Vpc": self._arn("vpc", subnet.vpc_id)}
        return _each(place) | tags("aws:ResourceTag", subnet.tags)

    def _group_keys(self, identifier: str) -> Keys:
        group = self._world.groups.get(identifier)
        if group is None:
            return {}
        return _each({"ec2:Vpc": self._arn("vpc", group.vpc_id)}) | tags("aws:ResourceTag", group.tags)

    def _arn(self, kind: str, identifier: str) -> str:
        world = self._world
        return f"arn:{world.partition}:ec2:{world.region}:{world.account_id}:{kind}/{identifier}"


_WITHOUT_RESOURCES = {
    "DescribeInstances",
    "DescribeNetworkInterfaces",
    "DescribeInstanceTypes",
    "DescribeSubnets",
}
_ON_A_NIC = {
    "AssignPrivateIpAddresses",
    "AssignIpv6Addresses",
    "UnassignPrivateIpAddresses",
    "UnassignIpv6Addresses",
    "DeleteNetworkInterface",
}


def _tagging(given: Iterable[Mapping[str, str]]) -> dict[str, Values]:
    """Return the keys of a request that names tags; one that names none has no key at all."""
    named = {tag["Key"]: tag.get("Value") for tag in given}
    keys = tags("aws:RequestTag", {key: value for key, value in named.items() if value is not None})
    return keys | ({"aws:TagKeys": tuple(named)} if named else {})


def _each(keys: Mapping[str, str]) -> dict[str, Values]:
    return {name: (value,) for name, value in keys.items()}
