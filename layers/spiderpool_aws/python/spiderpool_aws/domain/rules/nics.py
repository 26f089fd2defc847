"""The rules of NICs that are missing, and of those that belong to nobody. Pure.

Created is looked for before it is created; a NIC that cannot be attached is deleted again; one of ours that nobody
needs is noted, and deleted when it was noted ten minutes ago (docs/architecture.md#invariants, 6).
"""

from collections.abc import Iterable
from datetime import datetime

from spiderpool_aws.domain.actions.nics import AttachNic, DeleteNic, KeepWithInstance, NoteOrphan
from spiderpool_aws.domain.instance import (
    CLUSTER_TAG,
    INDEX_TAG,
    INSTANCE_TAG,
    ORPHAN_TAG,
    Eni,
    InstanceState,
    InstanceTypeLimits,
    ObservedInstance,
)
from spiderpool_aws.domain.memory import ABSENCE, SKEW, STALE
from spiderpool_aws.domain.moments import read_moment
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.policy.model import Interface, Policy
from spiderpool_aws.domain.rules.draft import Draft
from spiderpool_aws.domain.rules.nic_creation import MissingNic, choose_creation, is_as_created
from spiderpool_aws.metrics import Metric


def spare_for(observed: ObservedNode, instance: ObservedInstance, policy: Policy, interface: Interface) -> Eni | None:
    """Return the NIC that we created for a device index of this instance and that is not attached yet.

    One that today's policy would not create like this is none: another is created, and the clean-up takes what is ours.
    To bring it in line would change its security groups, and a subnet never does. One that is left alone stands last.
    """
    own = {CLUSTER_TAG: policy.cluster, INSTANCE_TAG: instance.instance_id, INDEX_TAG: str(interface.device_index)}
    ours = [eni for eni in observed.spares if own.items() <= eni.tags.items()]
    fitting = [eni for eni in ours if eni.why_left_alone or is_as_created(eni, observed, instance, interface)]
    return min(fitting, key=lambda eni: bool(eni.why_left_alone), default=None)


def spares_needed(observed: ObservedNode, instance: ObservedInstance, policy: Policy) -> dict[int, Eni]:
    """Return, by device index, the loose NICs that the instance will be given."""
    group = policy.group_of(instance)
    lacking = (i for i in (group.interfaces if group is not None else ()) if instance.eni_at(i.device_index) is None)
    spares = {interface.device_index: spare_for(observed, instance, policy, interface) for interface in lacking}
    return {index: spare for index, spare in spares.items() if spare is not None}


def plan_missing_nic(draft: Draft, instance: ObservedInstance, policy: Policy, interface: Interface) -> None:
    """Plan for a device index of the policy at which the instance has no NIC."""
    if (unsettled := _unsettled_at(draft.observed, interface)) is not None:
        draft.wait(f"{unsettled.eni_id} is attached at one look and not at the other: one of them is stale")
        return
    spare = spare_for(draft.observed, instance, policy, interface)
    if spare is not None and spare.why_left_alone:
        # Another one would be a second NIC for one index as soon as this one is not left alone any more.
        draft.refuse(
            Metric.LEFT_ALONE,
            f"{spare.eni_id}, made for device index {interface.device_index} of {instance.instance_id}, is left alone: "
            f"{spare.why_left_alone}; take the tag off, or delete the NIC",
        )
        return
    if spare is not None:
        _plan_attach(draft, instance, interface, spare)
        return
    if not interface.subnets.names_any:
        draft.refuse(
            Metric.NIC_MISSING,
            f"{instance.instance_id} has no NIC at device index {interface.device_index} ({interface.host}): pin it in "
            "the launch template, or say in the policy in which subnets it may be created",
        )
        return
    if instance.state is not InstanceState.RUNNING:
        draft.wait(f"{instance.instance_id} is {instance.state}: a NIC can be attached when it runs")
        return
    if _attach_was_refused(draft, interface):
        return
    limits = draft.observed.limits
    if limits is None or _beyond_type(draft, instance, interface, limits):
        return
    action = choose_creation(draft, MissingNic(draft.observed, instance, policy, interface, limits))
    if action is not None:
        draft.add(action)
        draft.incomplete = True


def _unsettled_at(observed: ObservedNode, interface: Interface) -> Eni | None:
    """Return a NIC that has the device index, or was made for it and is about to be loose."""
    index = interface.device_index
    for eni in observed.unsettled:
        if eni.network_card == 0 and (eni.device_index == index or eni.tags.get(INDEX_TAG) == str(index)):
            return eni
    return None


def _attach_was_refused(draft: Draft, interface: Interface) -> bool:
    """Tell whether a NIC could not be attached, in this pass or lately: another one would fare no better."""
    observed = draft.observed
    attaches = (tried.action for tried in observed.tried if isinstance(tried.action, AttachNic))
    now = any(attach.device_index == interface.device_index for attach in attaches)
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


def _beyond_type(draft: Draft, instance: ObservedInstance, interface: Interface, limits: InstanceTypeLimits) -> bool:
    """Refuse before the create what the attach would refuse after it."""
    sizes = [size for family in interface.families if (size := interface.size(family)) is not None]
    if not limits.nitro and any(size.prefixes is not None for size in sizes):
        draft.refuse(
            Metric.NIC_LIMITED,
            f"{instance.instance_id} cannot get a NIC at device index {interface.device_index} with prefixes: "
            f"{limits.instance_type} is not a Nitro type; use addresses",
        )
        return True
    count = sum(eni.network_card == 0 for eni in instance.enis)
    if interface.device_index < limits.enis and count < limits.enis:
        return False
    draft.refuse(
        Metric.NIC_LIMITED,
        f"{instance.instance_id} cannot get a NIC at device index {interface.device_index}: {limits.instance_type} "
        f"carries {limits.enis} and it has {count}; take a larger type, or lower the policy",
    )
    return True


def _plan_attach(draft: Draft, instance: ObservedInstance, interface: Interface, spare: Eni) -> None:
    draft.incomplete = True
    action = AttachNic(instance.instance_id, interface.device_index, spare.eni_id)
    refused = draft.observed.outcome_of(action)
    if refused is None:
        draft.add(action)
    elif refused:
        draft.add(DeleteNic(spare.eni_id, "it could not be attached", at_once=True))


def plan_kept(draft: Draft, eni: Eni, instance: ObservedInstance) -> None:
    """Have a NIC that we created for this instance deleted with it."""
    if eni.is_ours and eni.tags.get(INSTANCE_TAG) == instance.instance_id and not eni.delete_on_termination:
        draft.add(KeepWithInstance(eni.eni_id, eni.attachment_id))


def plan_orphans(draft: Draft, needed: Iterable[Eni], policy: Policy) -> None:
    """Plan for the spare NICs but those that are needed: gone with a terminated instance, else after ten minutes.

    A NIC whose pool is still there stays: its addresses may be in use, and go with it (invariants 2 and 3).
    """
    observed = draft.observed
    kept = {eni.eni_id for eni in needed}
    pooled = {pool.identity.eni_id for pool in observed.pools if pool.identity is not None}
    for eni in observed.spares:
        is_ours = eni.is_ours and eni.tags.get(CLUSTER_TAG) == policy.cluster
        if eni.eni_id in kept or not is_ours or eni.why_left_alone:
            continue
        noted = _noted(eni, observed.now)
        # While it has to stay anyhow, a note that grows old is no reason to write.
        has_note = ORPHAN_TAG in eni.tags
        if has_note and eni.eni_id in pooled:
            continue
        if draft.gone and eni.eni_id not in pooled:
            draft.add(DeleteNic(eni.eni_id, "its instance is terminated"))
        elif noted is None and has_note and observed.removals_held:
            continue
        elif noted is None:
            draft.add(NoteOrphan(eni.eni_id, observed.now.isoformat(timespec="seconds")))
        elif observed.now - noted >= ABSENCE:
            draft.add(DeleteNic(eni.eni_id, f"it belongs to nobody since {noted:%Y-%m-%d %H:%M:%S}Z"))


def _noted(eni: Eni, now: datetime) -> datetime | None:
    """Return since when the NIC belongs to nobody; None when that has to be noted, for the first time or anew.

    A NIC that was attached meanwhile still carries the note of then: like that of an absence, it counts for so long
    only as looks may be apart. One that is spoiled, or of the future, is not ours.
    """
    noted = read_moment(eni.tags.get(ORPHAN_TAG))
    return noted if noted is not None and -SKEW <= now - noted <= STALE else None
