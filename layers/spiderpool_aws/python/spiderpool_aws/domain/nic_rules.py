"""The rules of NICs that are missing, and of those that belong to nobody. Pure.

Created is looked for before it is created; a NIC that cannot be attached is deleted again; one of ours that nobody
needs is noted, and deleted when it was noted ten minutes ago (DESIGN §2, invariant 6).
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from spiderpool_aws.domain.addresses import IPFamily
from spiderpool_aws.domain.desired import PREFIX_ADDRESSES, is_exhausted
from spiderpool_aws.domain.draft import Draft
from spiderpool_aws.domain.errors import Code
from spiderpool_aws.domain.instance import (
    CLUSTER_TAG,
    INDEX_TAG,
    INSTANCE_TAG,
    MANAGED_TAG,
    ORPHAN_TAG,
    Eni,
    InstanceState,
    InstanceTypeLimits,
    ObservedInstance,
    Subnet,
)
from spiderpool_aws.domain.memory import ABSENCE
from spiderpool_aws.domain.nic_actions import Amount, AttachNic, CreateNic, DeleteNic, KeepWithInstance, NoteOrphan
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.policy import Elastic, Interface, Policy, Size
from spiderpool_aws.metrics import Metric

TOKEN_LENGTH = 64


def spare_for(observed: ObservedNode, interface: Interface) -> Eni | None:
    """Return the NIC that we created for a device index of this instance and that is not attached yet."""
    index = str(interface.device_index)
    return next((eni for eni in observed.spares if eni.tags.get(INDEX_TAG) == index), None)


def plan_missing_nic(
    observed: ObservedNode, instance: ObservedInstance, policy: Policy, interface: Interface, draft: Draft
) -> None:
    """Plan for a device index of the policy at which the instance has no NIC."""
    spare = spare_for(observed, interface)
    if spare is not None:
        _plan_attach(observed, instance, interface, spare, draft)
        return
    if not interface.subnets.tags and not interface.subnets.ids:
        draft.refuse(
            Metric.NIC_MISSING,
            f"{instance.instance_id} has no NIC at device index {interface.device_index} ({interface.host}): pin it in "
            "the launch template, or say in the policy in which subnets it may be created",
        )
        return
    if instance.state is not InstanceState.RUNNING:
        draft.wait(f"{instance.instance_id} is {instance.state}: a NIC can be attached when it runs")
        return
    if _attach_was_refused(observed, interface, draft):
        return
    limits = observed.limits
    if limits is None or _beyond_type(instance, interface, limits, draft):
        return
    subnet = _choose(observed, instance, interface, draft)
    if subnet is not None:
        action = _create(observed, instance, policy, interface, subnet, limits)
        draft.add(action)
        draft.incomplete = True


def _attach_was_refused(observed: ObservedNode, interface: Interface, draft: Draft) -> bool:
    """Tell whether a NIC could not be attached, in this pass or lately: another one would fare no better."""
    end = f" to {observed.instance_id} at {interface.device_index}"
    now = any(key.startswith("attach ") and key.endswith(end) for key in observed.tried)
    until = observed.cooling.get(attach_key(observed.instance_id, interface.device_index))
    if now:
        draft.incomplete = True
    elif until is not None and until > observed.now:
        draft.refuse(
            Metric.NIC_MISSING,
            f"a NIC for device index {interface.device_index} of {observed.instance_id} was refused lately: another is "
            f"tried after {until:%H:%M:%S}Z",
        )
        return True
    return now


def attach_key(instance_id: str, device_index: int) -> str:
    """Return under which key a refused attach is remembered."""
    return f"attach to {instance_id} at {device_index}"


def _beyond_type(instance: ObservedInstance, interface: Interface, limits: InstanceTypeLimits, draft: Draft) -> bool:
    """Refuse before the create what the attach would refuse after it."""
    count = sum(eni.network_card == 0 for eni in instance.enis)
    if interface.device_index < limits.enis and count < limits.enis:
        return False
    draft.refuse(
        Metric.NIC_LIMITED,
        f"{instance.instance_id} cannot get a NIC at device index {interface.device_index}: {limits.instance_type} "
        f"carries {limits.enis} and it has {count}; take a larger type, or lower the policy",
    )
    return True


def _plan_attach(
    observed: ObservedNode, instance: ObservedInstance, interface: Interface, spare: Eni, draft: Draft
) -> None:
    draft.incomplete = True
    action = AttachNic(instance.instance_id, interface.device_index, spare.eni_id)
    refused = observed.tried.get(action.key)
    if refused is None:
        draft.add(action)
    elif refused:
        draft.add(DeleteNic(spare.eni_id, "it could not be attached", at_once=True))


def _choose(observed: ObservedNode, instance: ObservedInstance, interface: Interface, draft: Draft) -> Subnet | None:
    """Return the subnet with the most room above its reserve; None, with the reason, when there is none."""
    fitting = [s for s in observed.subnets.values() if _fits(s, observed, instance, interface)]
    if not fitting:
        draft.refuse(
            Metric.NO_SUBNET,
            f"{instance.instance_id} needs a NIC at device index {interface.device_index}, and no subnet of the "
            f"policy's choice is in its VPC and availability zone {instance.availability_zone} and has the families "
            "that are asked for: tag one, or correct the policy",
        )
        return None
    open_ = [s for s in fitting if not _is_closed(s, observed, instance, interface)]
    # The primary address and one for a pod: less is not worth a NIC.
    roomy = [s for s in open_ if _room(s, interface) >= 2]
    if not roomy:
        names = ", ".join(sorted(s.subnet_id for s in fitting))
        draft.report(Code.SUBNET_EXHAUSTED, f"a NIC for {instance.instance_id} has no room in {names}")
        draft.wait(f"no room for a NIC in {names}")
        return None
    return max(roomy, key=lambda s: (_room(s, interface), s.subnet_id))


def _fits(subnet: Subnet, observed: ObservedNode, instance: ObservedInstance, interface: Interface) -> bool:
    choice = interface.subnets
    first = instance.eni_at(0)
    home = observed.subnets.get(first.subnet_id) if first is not None else None
    return (
        subnet.availability_zone == instance.availability_zone
        and (home is None or home.vpc_id == subnet.vpc_id)
        and all(subnet.tags.get(key) == value for key, value in choice.tags.items())
        and (not choice.ids or subnet.subnet_id in choice.ids)
        and all(subnet.cidr(family) is not None for family in interface.families)
    )


def _is_closed(subnet: Subnet, observed: ObservedNode, instance: ObservedInstance, interface: Interface) -> bool:
    """Tell whether EC2 said, in this pass or a moment ago, that the subnet has no room."""
    key = f"create NIC {interface.device_index} of {instance.instance_id} in {subnet.subnet_id}"
    cooling = observed.cooling.get(subnet.subnet_id)
    return is_exhausted(observed.tried.get(key, "")) or (cooling is not None and cooling > observed.now)


def _room(subnet: Subnet, interface: Interface) -> int:
    return max(0, (subnet.available_ipv4 or 0) - interface.subnets.reserve)


def _create(
    observed: ObservedNode,
    instance: ObservedInstance,
    policy: Policy,
    interface: Interface,
    subnet: Subnet,
    limits: InstanceTypeLimits,
) -> CreateNic:
    first = instance.eni_at(0)
    groups = interface.security_groups or (first.groups if first is not None else ())
    amounts = dict(_amounts(interface, limits, _room(subnet, interface)))
    tags = {
        CLUSTER_TAG: policy.cluster,
        INSTANCE_TAG: instance.instance_id,
        INDEX_TAG: str(interface.device_index),
        "Name": f"{instance.instance_id}-{interface.host}",
    }
    action = CreateNic(instance.instance_id, interface.device_index, subnet.subnet_id, tuple(groups), amounts, tags)
    return replace(action, token=_token(observed.token_seed, action))


def _amounts(interface: Interface, limits: InstanceTypeLimits, room: int) -> Iterator[tuple[IPFamily, Amount]]:
    """Yield what the NIC is created with: what the policy asks for, as far as the type and the subnet have room."""
    for family in interface.families:
        size, slots = interface.size(family), limits.per_eni(family)
        if size is None:
            continue
        if family is IPFamily.IPV4:
            # The primary address takes a slot, and an address of the subnet.
            slots, left = slots - 1, room - 1
        else:
            left = slots
        if size.prefixes is not None:
            count = min(size.prefixes, slots, left // PREFIX_ADDRESSES if family is IPFamily.IPV4 else left)
            amount = Amount(count if limits.nitro else 0, prefixes=True)
        else:
            # The host's own IPv6 address is one more: it is marked as primary, and no pod gets it.
            own = 1 if family is IPFamily.IPV6 else 0
            amount = Amount(min(_singles(size, slots) + own, slots, left))
        if amount.count > 0:
            yield family, amount


def _singles(size: Size, slots: int) -> int:
    match size.addresses:
        case Elastic() as elastic:
            return min(max(elastic.min, elastic.warm), elastic.max)
        case int() as count:
            return count
        case _:
            return slots


def _token(seed: str, action: CreateNic) -> str:
    """Return the client token: of the message and of all that the request holds, for EC2 refuses a token whose request
    differs (`IdempotentParameterMismatch`)."""
    amounts = {str(family): str(amount) for family, amount in action.amounts.items()}
    text = json.dumps([seed, action.key, sorted(action.groups), amounts, dict(action.tags)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:TOKEN_LENGTH]


def plan_kept(eni: Eni, instance: ObservedInstance, draft: Draft) -> None:
    """Have a NIC that we created for this instance deleted with it."""
    if eni.is_ours and eni.tags.get(INSTANCE_TAG) == instance.instance_id and not eni.delete_on_termination:
        draft.add(KeepWithInstance(eni.eni_id, eni.attachment_id))


def plan_orphans(observed: ObservedNode, needed: Mapping[str, Eni], policy: Policy, draft: Draft) -> None:
    """Plan for the spare NICs that nobody needs: gone with a terminated instance, else after ten minutes."""
    for eni in observed.spares:
        is_ours = eni.is_ours and eni.tags.get(CLUSTER_TAG) == policy.cluster
        if eni.eni_id in needed or not is_ours or eni.tags.get(MANAGED_TAG) == "false":
            continue
        noted = _noted(eni)
        if draft.gone:
            draft.add(DeleteNic(eni.eni_id, "its instance is terminated"))
        elif noted is None:
            draft.add(NoteOrphan(eni.eni_id, observed.now.isoformat(timespec="seconds")))
        elif observed.now - noted >= ABSENCE:
            draft.add(DeleteNic(eni.eni_id, f"it belongs to nobody since {noted:%Y-%m-%d %H:%M:%S}Z"))


def _noted(eni: Eni) -> datetime | None:
    try:
        noted = datetime.fromisoformat(eni.tags.get(ORPHAN_TAG, ""))
    except ValueError:
        return None
    return noted if noted.tzinfo is not None else None
