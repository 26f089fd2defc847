"""RunInstances: from its own parameters and those of a launch template to instances with NICs."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from spiderpool_aws.local.ec2.assigning import check_limits
from spiderpool_aws.local.ec2.enis import attach, check_place
from spiderpool_aws.local.ec2.errors import Ec2Error, combination_error, missing, value_error
from spiderpool_aws.local.ec2.idempotency import answer_once
from spiderpool_aws.local.ec2.instance_types import limits
from spiderpool_aws.local.ec2.lifecycle import begin
from spiderpool_aws.local.ec2.nic_requests import make_eni, parse, required
from spiderpool_aws.local.ec2.registry import Answer, Params, check_known, operation
from spiderpool_aws.local.ec2.rendering import copy, dns_name
from spiderpool_aws.local.ec2.state import Eni, Instance, Subnet
from spiderpool_aws.local.ec2.tagging import from_specifications
from spiderpool_aws.local.ec2.templates import find, version_data
from spiderpool_aws.local.ec2.world import World

_ADDRESSES = frozenset(
    {
        "PrivateIpAddress",
        "PrivateIpAddresses",
        "SecondaryPrivateIpAddressCount",
        "Ipv4Prefixes",
        "Ipv4PrefixCount",
        "Ipv6Addresses",
        "Ipv6AddressCount",
        "Ipv6Prefixes",
        "Ipv6PrefixCount",
    }
)
_NIC = _ADDRESSES | {
    "DeviceIndex",
    "NetworkCardIndex",
    "NetworkInterfaceId",
    "SubnetId",
    "Groups",
    "Description",
    "DeleteOnTermination",
    "PrimaryIpv6",
    "InterfaceType",
    "AssociatePublicIpAddress",
}
# Taken, and without effect on the network.
_IGNORED = (
    "KeyName UserData BlockDeviceMappings Monitoring EbsOptimized InstanceInitiatedShutdownBehavior"
    " MetadataOptions CreditSpecification CpuOptions MaintenanceOptions PrivateDnsNameOptions"
)
_TEMPLATE = frozenset(
    f"ImageId InstanceType NetworkInterfaces SecurityGroupIds TagSpecifications Placement HibernationOptions"
    f" IamInstanceProfile {_IGNORED}".split()
)


@dataclass(frozen=True, slots=True)
class _Nic:
    """One NIC of a launch: its parameters, its subnet (that of an existing NIC, if one is named)."""

    params: Params
    subnet: Subnet
    existing: Eni | None
    device_index: int
    card: int
    delete_on_termination: bool


@operation(
    "RunInstances",
    "ImageId InstanceType MinCount MaxCount SubnetId SecurityGroupIds NetworkInterfaces Placement TagSpecifications"
    " LaunchTemplate ClientToken PrivateIpAddress Ipv6AddressCount Ipv6Addresses EnablePrimaryIpv6 HibernationOptions"
    f" IamInstanceProfile {_IGNORED}",
)
def run_instances(world: World, params: Params) -> Answer:
    """Launch between MinCount and MaxCount instances; with fewer addresses than MinCount needs, none."""
    answer = answer_once(world, "RunInstances", params, lambda: _run(world, _with_template(world, params)))
    launched = [world.instances.get(document["InstanceId"]) for document in answer["Instances"]]
    if all(instance is None or instance.state == "terminated" for instance in launched):
        raise Ec2Error("IdempotentInstanceTerminated", "The instance of this client token has been terminated.")
    return answer


def _with_template(world: World, params: Params) -> dict[str, Any]:
    """Return the launch parameters; what the call gives replaces what the template gives."""
    merged = dict(params)
    specification = merged.pop("LaunchTemplate", None)
    if specification is None:
        return merged
    data = version_data(find(world, specification), specification.get("Version", "$Default"))
    check_known(data, _TEMPLATE, "LaunchTemplateData")
    given_types = {tags["ResourceType"] for tags in merged.get("TagSpecifications", ())}
    tags = [kept for kept in data.pop("TagSpecifications", ()) if kept["ResourceType"] not in given_types]
    merged = data | merged
    merged["TagSpecifications"] = [*tags, *params.get("TagSpecifications", ())]
    return merged


def _run(world: World, params: dict[str, Any]) -> Answer:
    instance_type = params.get("InstanceType", "m1.small")
    limits(instance_type)
    required(params, "ImageId")
    least, most = required(params, "MinCount"), required(params, "MaxCount")
    if not 1 <= least <= most:
        raise value_error(f"Value ({most}) for parameter maxCount is invalid.")
    nics = _nics(world, params)
    _check_nics(instance_type, nics, most)
    reservation = world.ids.new("r")
    instances: list[Instance] = []
    with ExitStack() as undo:
        for index in range(most):
            try:
                with ExitStack() as undo_one:
                    instances.append(_launch(world, params, nics, index, undo_one))
                    undo.push(undo_one.pop_all())
            except Ec2Error:
                if index < least:
                    raise
                break
        undo.pop_all()
    for instance in instances:
        world.reservations[instance.id] = reservation
        begin(world, instance)
    documents = [copy(world.render_instance(instance)) for instance in instances]
    return {"ReservationId": reservation, "OwnerId": world.account_id, "Groups": [], "Instances": documents}


def _nics(world: World, params: dict[str, Any]) -> list[_Nic]:
    """Return the NICs of the launch; without `NetworkInterfaces`, one from the top-level parameters."""
    listed = params.get("NetworkInterfaces")
    if listed is None:
        own = {name: params[name] for name in _ADDRESSES if name in params}
        own |= {"DeviceIndex": 0, "SubnetId": params.get("SubnetId"), "Groups": params.get("SecurityGroupIds", [])}
        own["PrimaryIpv6"] = params.get("EnablePrimaryIpv6", False)
        listed = [own]
    else:
        for name in ("SubnetId", "SecurityGroupIds", "PrivateIpAddress", "Ipv6AddressCount", "Ipv6Addresses"):
            if params.get(name):
                raise combination_error(
                    f"Network interfaces and an instance-level {name} may not be specified on the same request"
                )
    return [_nic(world, nic) for nic in listed]


def _nic(world: World, params: Params) -> _Nic:
    check_known(params, _NIC, "NetworkInterfaces")
    if params.get("DeviceIndex") is None:
        raise missing("networkInterface.deviceIndex")
    existing = world.eni(params["NetworkInterfaceId"]) if params.get("NetworkInterfaceId") else None
    if existing and existing.attachment:
        raise Ec2Error("InvalidNetworkInterface.InUse", f"Interface: [{existing.id}] in use.")
    return _Nic(
        params=params,
        subnet=world.subnets[existing.subnet_id] if existing else world.subnet(required(params, "SubnetId")),
        existing=existing,
        device_index=params["DeviceIndex"],
        card=params.get("NetworkCardIndex", 0),
        delete_on_termination=params.get("DeleteOnTermination", existing is None),
    )


def _check_nics(instance_type: str, nics: Sequence[_Nic], most: int) -> None:
    if not any(nic.device_index == 0 for nic in nics):
        raise value_error("A network interface with device index 0 is required")
    if len({nic.subnet.availability_zone for nic in nics}) > 1:
        raise combination_error("All network interfaces of an instance must be in the same availability zone")
    if len({nic.subnet.vpc_id for nic in nics}) > 1:
        raise combination_error("All network interfaces of an instance must be in the same VPC")
    for nic in nics:
        by_name = {"PrivateIpAddress", "PrivateIpAddresses", "Ipv6Addresses", "Ipv4Prefixes", "Ipv6Prefixes"}
        if most > 1 and (nic.existing or by_name & set(nic.params)):
            raise combination_error("Addresses and interfaces by name may not be specified for multiple instances")
        if nic.existing:
            held = nic.existing
            prefixes = bool(held.ipv4_prefixes or held.ipv6_prefixes)
            check_limits(instance_type, held.ipv4_slots, held.ipv6_slots, prefixes=prefixes, style="run")
            continue
        request = parse(nic.params, nic.params.get("Groups", []), primary_ipv6=nic.params.get("PrimaryIpv6", False))
        prefixes = bool(request.ipv4.prefix_slots or request.ipv6.prefix_slots)
        check_limits(instance_type, 1 + request.ipv4.slots, request.ipv6.slots, prefixes=prefixes, style="run")


def _launch(world: World, params: Params, nics: Sequence[_Nic], index: int, undo: ExitStack) -> Instance:
    first = next(nic for nic in nics if nic.device_index == 0 and nic.card == 0)
    instance = Instance(
        id=world.ids.new("i"),
        instance_type=params.get("InstanceType", "m1.small"),
        image_id=params["ImageId"],
        availability_zone=first.subnet.availability_zone,
        subnet_id=first.subnet.id,
        vpc_id=first.subnet.vpc_id,
        launch_time=world.now(),
        tags=from_specifications(params, "instance", "volume", "network-interface", "spot-instances-request"),
        client_token=params.get("ClientToken", ""),
        launch_index=index,
        attributes=_attributes(world, params),
        hibernation=params.get("HibernationOptions", {}).get("Configured", False),
    )
    _check_zone(params, instance)
    world.instances[instance.id] = instance
    undo.callback(world.instances.pop, instance.id)
    for nic in sorted(nics, key=lambda nic: (nic.card, nic.device_index)):
        _attach_nic(world, instance, nic, params, undo)
    instance.private_ip = world.enis_of(instance)[0].primary_ip
    instance.private_dns_name = dns_name(instance.private_ip, world.region)
    return instance


def _attach_nic(world: World, instance: Instance, nic: _Nic, params: Params, undo: ExitStack) -> None:
    check_place(world, instance, nic.device_index, nic.card)
    eni = nic.existing
    if eni is None:
        tags = from_specifications(params, "network-interface", "volume", "instance", "spot-instances-request")
        request = parse(nic.params, nic.params.get("Groups", []), primary_ipv6=nic.params.get("PrimaryIpv6", False))
        eni = make_eni(world, nic.subnet, request, tags, "run", undo)
    attachment = attach(world, instance, eni, nic.device_index, nic.card)
    attachment.delete_on_termination = nic.delete_on_termination
    undo.callback(world.enis_by_attachment.pop, attachment.id)
    if nic.existing:
        undo.callback(setattr, eni, "attachment", None)
        undo.callback(setattr, eni, "status", "available")


def _check_zone(params: Params, instance: Instance) -> None:
    zone = params.get("Placement", {}).get("AvailabilityZone")
    if zone and zone != instance.availability_zone:
        raise value_error(
            f"The availability zone '{zone}' of the placement and that of the subnet,"
            f" '{instance.availability_zone}', differ"
        )


def _attributes(world: World, params: Params) -> dict[str, Any]:
    attributes: dict[str, Any] = {}
    profile = params.get("IamInstanceProfile")
    if profile:
        name = profile.get("Name", "")
        arn = profile.get("Arn") or f"arn:{world.partition}:iam::{world.account_id}:instance-profile/{name}"
        attributes["IamInstanceProfile"] = {"Arn": arn, "Id": "AIPAMODEL"}
    if params.get("KeyName"):
        attributes["KeyName"] = params["KeyName"]
    return attributes
