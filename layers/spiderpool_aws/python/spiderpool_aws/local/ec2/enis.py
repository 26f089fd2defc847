"""NICs: create, delete, attach, detach, modify."""

from contextlib import ExitStack

from spiderpool_aws.local.ec2.assigning import check_limits, give_back_all
from spiderpool_aws.local.ec2.errors import (
    Ec2Error,
    check_id,
    combination_error,
    missing,
    not_found,
    value_error,
)
from spiderpool_aws.local.ec2.idempotency import answer_once
from spiderpool_aws.local.ec2.instance_types import limits
from spiderpool_aws.local.ec2.nic_requests import checked_groups, make_eni, parse, required
from spiderpool_aws.local.ec2.registry import Answer, Params, operation
from spiderpool_aws.local.ec2.rendering import copy
from spiderpool_aws.local.ec2.state import Attachment, Eni, Instance, Ipv6Address
from spiderpool_aws.local.ec2.tagging import from_specifications
from spiderpool_aws.local.ec2.world import World


@operation(
    "CreateNetworkInterface",
    "SubnetId Description Groups PrivateIpAddress PrivateIpAddresses SecondaryPrivateIpAddressCount Ipv4Prefixes"
    " Ipv4PrefixCount Ipv6Addresses Ipv6AddressCount Ipv6Prefixes Ipv6PrefixCount EnablePrimaryIpv6 InterfaceType"
    " TagSpecifications ClientToken",
)
def create_network_interface(world: World, params: Params) -> Answer:
    """Make a NIC that is not attached; a client token makes a repetition answer with the first one."""
    return answer_once(world, "CreateNetworkInterface", params, lambda: _create(world, params))


def _create(world: World, params: Params) -> Answer:
    subnet = world.subnet(required(params, "SubnetId"))
    tags = from_specifications(params, "network-interface")
    request = parse(params, params.get("Groups", []), primary_ipv6=params.get("EnablePrimaryIpv6", False))
    with ExitStack() as undo:
        eni = make_eni(world, subnet, request, tags, "create", undo)
        undo.pop_all()
    world.changed(eni)
    document = copy(world.render_eni(eni))

    def become_available() -> None:
        if eni.status == "pending":
            eni.status = "available"
            world.changed(eni)

    world.later(world.options.eni_pending_seconds, become_available)
    answer: Answer = {"NetworkInterface": document}
    if params.get("ClientToken"):
        answer["ClientToken"] = params["ClientToken"]
    return answer


@operation("DeleteNetworkInterface", "NetworkInterfaceId")
def delete_network_interface(world: World, params: Params) -> Answer:
    """Delete a NIC that nothing uses; its addresses are free at once."""
    eni = world.eni(required(params, "NetworkInterfaceId"))
    if eni.attachment:
        raise value_error(f"Network interface '{eni.id}' is currently in use.")
    remove(world, eni)
    return {}


def remove(world: World, eni: Eni) -> None:
    """Take a NIC out of the world."""
    give_back_all(world, eni)
    del world.enis[eni.id]
    world.changed(eni)


@operation("AttachNetworkInterface", "NetworkInterfaceId InstanceId DeviceIndex NetworkCardIndex")
def attach_network_interface(world: World, params: Params) -> Answer:
    """Attach a NIC to a running or stopped instance of the same zone and VPC; DeleteOnTermination starts false."""
    eni = world.eni(required(params, "NetworkInterfaceId"))
    instance = world.instance(required(params, "InstanceId"))
    device_index = int(required(params, "DeviceIndex"))
    card = int(params.get("NetworkCardIndex") or 0)
    if instance.state not in ("running", "stopped"):
        raise Ec2Error("IncorrectState", f"Instance '{instance.id}' is not 'running' or 'stopped'.")
    if eni.attachment:
        raise Ec2Error("InvalidNetworkInterface.InUse", f"Interface: [{eni.id}] in use.")
    if eni.availability_zone != instance.availability_zone:
        raise combination_error(
            "You may not attach a network interface to an instance if they are not in the same availability zone"
        )
    if eni.vpc_id != instance.vpc_id:
        raise combination_error("You may not attach a network interface to an instance of another VPC")
    check_place(world, instance, device_index, card)
    prefixes = bool(eni.ipv4_prefixes or eni.ipv6_prefixes)
    check_limits(instance.instance_type, eni.ipv4_slots, eni.ipv6_slots, prefixes=prefixes, style="assign")
    attachment = attach(world, instance, eni, device_index, card)
    return {"AttachmentId": attachment.id, "NetworkCardIndex": card}


def check_place(world: World, instance: Instance, device_index: int, card: int) -> None:
    """Refuse a place that is taken or that the type does not have."""
    allowed = limits(instance.instance_type)
    if not 0 <= card < len(allowed.interfaces_of_card):
        raise value_error(f"Network card index '{card}' is invalid for {instance.instance_type}.")
    places = [
        (eni.attachment.network_card_index, eni.attachment.device_index)
        for eni in world.enis_of(instance)
        if eni.attachment
    ]
    if (card, device_index) in places:
        raise value_error(
            f"Instance '{instance.id}' already has an interface attached at device index '{device_index}'."
        )
    on_card = sum(place[0] == card for place in places)
    if len(places) >= allowed.interfaces or on_card >= allowed.interfaces_of_card[card]:
        raise Ec2Error(
            "AttachmentLimitExceeded",
            f"Interface count {len(places) + 1} exceeds the limit for {instance.instance_type}",
        )
    if not 0 <= device_index < allowed.interfaces:
        raise value_error(f"Device index '{device_index}' is invalid for {instance.instance_type}.")


def attach(world: World, instance: Instance, eni: Eni, device_index: int, card: int) -> Attachment:
    """Tie a NIC to an instance; after a while the attachment is done."""
    attachment = Attachment(
        id=world.ids.new("eni-attach"),
        instance_id=instance.id,
        device_index=device_index,
        network_card_index=card,
        status="attaching",
        delete_on_termination=False,
        attach_time=world.now(),
    )
    eni.attachment = attachment
    eni.status = "in-use"
    instance.eni_ids.append(eni.id)
    world.enis_by_attachment[attachment.id] = eni.id
    world.changed(eni)

    def become_attached() -> None:
        if eni.attachment is attachment and attachment.status == "attaching":
            attachment.status = "attached"
            world.changed(eni)

    world.later(world.options.attaching_seconds, become_attached)
    return attachment


@operation("DetachNetworkInterface", "AttachmentId Force")
def detach_network_interface(world: World, params: Params) -> Answer:
    """Begin to detach; the NIC is available again after a while. The NIC at index 0 stays."""
    eni = world.eni_of_attachment(required(params, "AttachmentId"))
    attachment = eni.attachment
    if attachment is None or attachment.status == "detaching":
        raise Ec2Error("IncorrectState", f"The attachment of '{eni.id}' is being detached.")
    if attachment.device_index == 0:
        raise Ec2Error(
            "OperationNotPermitted",
            f"The network interface at device index 0 and networkCard index {attachment.network_card_index} cannot be"
            " detached.",
        )
    attachment.status = "detaching"
    world.changed(eni)

    def become_detached() -> None:
        if eni.attachment is attachment:
            detach(world, eni, attachment)

    world.later(world.options.detaching_seconds, become_detached)
    return {}


def detach(world: World, eni: Eni, attachment: Attachment) -> None:
    """Untie a NIC; its primary IPv6 address is an ordinary one from then on."""
    instance = world.instances[attachment.instance_id]
    instance.eni_ids.remove(eni.id)
    del world.enis_by_attachment[attachment.id]
    eni.attachment = None
    eni.status = "available"
    eni.ipv6_addresses = [Ipv6Address(held.address) for held in eni.ipv6_addresses]
    world.changed(eni)
    world.changed(instance)


_ATTRIBUTES = ("Attachment", "Description", "EnablePrimaryIpv6", "Groups", "SourceDestCheck")


@operation("ModifyNetworkInterfaceAttribute", "NetworkInterfaceId " + " ".join(_ATTRIBUTES))
def modify_network_interface_attribute(world: World, params: Params) -> Answer:
    """Change one attribute; EC2 refuses two at a time."""
    eni = world.eni(required(params, "NetworkInterfaceId"))
    given = [name for name in _ATTRIBUTES if name in params]
    if not given:
        raise missing("attribute")
    if len(given) > 1:
        raise combination_error("Fields for multiple attribute types specified: " + ", ".join(given))
    match given[0]:
        case "Attachment":
            _modify_attachment(eni, params["Attachment"])
        case "Description":
            eni.description = params["Description"].get("Value", "")
        case "SourceDestCheck":
            eni.source_dest_check = params["SourceDestCheck"]["Value"]
        case "Groups":
            if not params["Groups"]:
                raise missing("groupSet")
            eni.groups = checked_groups(world, eni.vpc_id, params["Groups"])
        case _:
            _enable_primary_ipv6(eni, enable=params["EnablePrimaryIpv6"])
    world.changed(eni)
    return {}


def _modify_attachment(eni: Eni, change: Params) -> None:
    identifier = required(change, "AttachmentId")
    check_id("eni-attach", identifier)
    if change.get("DeleteOnTermination") is None:
        raise missing("attachment.deleteOnTermination")
    if eni.attachment is None or eni.attachment.id != identifier:
        raise not_found("eni-attach", [identifier])
    eni.attachment.delete_on_termination = change["DeleteOnTermination"]


def _enable_primary_ipv6(eni: Eni, *, enable: bool) -> None:
    has_primary = any(held.is_primary for held in eni.ipv6_addresses)
    if not enable:
        if has_primary:
            raise Ec2Error("OperationNotPermitted", "A primary IPv6 address cannot be disabled.")
        return
    if not eni.ipv6_addresses:
        raise value_error(f"The network interface '{eni.id}' has no IPv6 address.")
    if not has_primary:
        eni.ipv6_addresses[0] = Ipv6Address(eni.ipv6_addresses[0].address, is_primary=True)
