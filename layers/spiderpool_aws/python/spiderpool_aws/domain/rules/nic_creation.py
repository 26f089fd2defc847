"""What a NIC that is missing is created with, and in which subnet. Pure."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from spiderpool_aws.domain.actions.nics import Amount, CreateNic
from spiderpool_aws.domain.addresses import IPFamily
from spiderpool_aws.domain.errors import Code
from spiderpool_aws.domain.instance import (
    CLUSTER_TAG,
    INDEX_TAG,
    INSTANCE_TAG,
    Eni,
    InstanceTypeLimits,
    ObservedInstance,
    Subnet,
)
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.policy.model import Interface, Policy, Size
from spiderpool_aws.domain.rules.desired import PREFIX_ADDRESSES, cooling_key, is_exhausted
from spiderpool_aws.domain.rules.draft import Draft
from spiderpool_aws.domain.words import first_of
from spiderpool_aws.metrics import Metric

TOKEN_LENGTH = 64
SHOWN = 5
"""How many subnets a message names."""


@dataclass(frozen=True, slots=True)
class MissingNic:
    """A NIC that an instance lacks, with what the choice of its subnet depends on."""

    observed: ObservedNode
    instance: ObservedInstance
    policy: Policy
    interface: Interface
    limits: InstanceTypeLimits

    def room(self, subnet: Subnet) -> int:
        """Return how many IPv4 addresses the subnet may still give."""
        return subnet.room(self.policy.reserve_of(subnet, self.instance)) or 0

    @property
    def least_room(self) -> int:
        """What is worth a NIC: the primary address, and one for a pod or a whole prefix."""
        return 1 + (PREFIX_ADDRESSES if self.interface.ipv4.prefixes is not None else 1)

    @property
    def with_singles(self) -> "MissingNic | None":
        """The same with single addresses in place of IPv4 prefixes, where the policy allows it.

        As many as the type carries beside a free slot for each prefix, so that they can come back.
        """
        size = self.interface.ipv4
        if size.prefixes is None or size.fallback != "addresses":
            return None
        slots = self.limits.per_eni(IPFamily.IPV4) - 1 - size.prefixes
        if slots < 1:
            return None
        singles = Size(addresses=min(PREFIX_ADDRESSES * size.prefixes, slots))
        return replace(self, interface=self.interface.model_copy(update={"ipv4": singles}))


def creation_key(action: CreateNic) -> str:
    """Return under which key a subnet that had no room for a NIC is remembered.

    Who has no room for a NIC with prefixes may still have it for one without.
    """
    if action.asks_prefixes:
        return cooling_key(action.subnet_id, IPFamily.IPV4, prefixes=True)
    return action.subnet_id


def choose_creation(draft: Draft, nic: MissingNic) -> CreateNic | None:
    """Return the creation in the subnet with the most room above its reserve; None, with the reason, if none has."""
    known = nic.observed.subnets.values()
    fitting = [draft.left_of(s) for s in known if _fits(s, nic.observed, nic.instance, nic.interface)]
    if not fitting:
        instance, index = nic.instance, nic.interface.device_index
        draft.refuse(
            Metric.NO_SUBNET,
            f"{instance.instance_id} needs a NIC at device index {index}, and no subnet of the policy's choice is in "
            f"its VPC and availability zone {instance.availability_zone} and has the families that are asked for: tag "
            "one, or correct the policy",
        )
        return None
    for choice in (nic, nic.with_singles):
        found = _roomiest(choice, fitting) if choice is not None else None
        if found is not None:
            return found
    ids = sorted(subnet.subnet_id for subnet in fitting)
    names = first_of(ids, SHOWN)
    draft.report(Code.SUBNET_EXHAUSTED, f"a NIC for {nic.instance.instance_id} has no room in {names}")
    until = [moment for subnet in fitting if (moment := _closed_until(nic, subnet)) is not None]
    if until:
        draft.wait_for_room(f"no room for a NIC in {names}", min(until))
    else:
        draft.wait(f"no room for a NIC in {names}")
    return None


def _closed_until(nic: MissingNic, subnet: Subnet) -> datetime | None:
    """Return until when a subnet is not asked although its count says that it has room; None where it says none.

    The earliest of all that may be asked of it: a NIC with prefixes, or one without.
    """
    moments = []
    for choice in (nic, nic.with_singles):
        if choice is not None and choice.room(subnet) >= choice.least_room:
            moments += [_cooling_until(_creation(choice, subnet), nic.observed)]
    known = [moment for moment in moments if moment is not None]
    return min(known, default=None)


def _roomiest(nic: MissingNic, fitting: list[Subnet]) -> CreateNic | None:
    roomy = [subnet for subnet in fitting if nic.room(subnet) >= nic.least_room]
    ordered = sorted(roomy, key=lambda s: (nic.room(s), s.subnet_id), reverse=True)
    creations = (_creation(nic, subnet) for subnet in ordered)
    return next((action for action in creations if not _is_closed(action, nic.observed)), None)


def is_as_created(eni: Eni, observed: ObservedNode, instance: ObservedInstance, interface: Interface) -> bool:
    """Tell whether the policy would create a NIC in this subnet, and with these security groups."""
    subnet, groups = observed.subnets.get(eni.subnet_id), _groups(instance, interface)
    if groups and set(groups) != set(eni.groups):
        return False
    return subnet is not None and _fits(subnet, observed, instance, interface)


def _groups(instance: ObservedInstance, interface: Interface) -> tuple[str, ...]:
    first = instance.eni_at(0)
    return tuple(interface.security_groups or (first.groups if first is not None else ()))


def _fits(subnet: Subnet, observed: ObservedNode, instance: ObservedInstance, interface: Interface) -> bool:
    first = instance.eni_at(0)
    home = observed.subnets.get(first.subnet_id) if first is not None else None
    return (
        subnet.availability_zone == instance.availability_zone
        and (home is None or home.vpc_id == subnet.vpc_id)
        and interface.subnets.fits(subnet)
        and all(subnet.cidr(family) is not None for family in interface.families)
    )


def _is_closed(action: CreateNic, observed: ObservedNode) -> bool:
    """Tell whether EC2 said, in this pass or a moment ago, that the subnet has no room for it."""
    return _cooling_until(action, observed) is not None or is_exhausted(observed.outcome_of(action) or "")


def _cooling_until(action: CreateNic, observed: ObservedNode) -> datetime | None:
    until = [observed.cooling.get(key) for key in {action.subnet_id, creation_key(action)}]
    return max((moment for moment in until if moment is not None and moment > observed.now), default=None)


def _creation(nic: MissingNic, subnet: Subnet) -> CreateNic:
    interface, instance_id = nic.interface, nic.instance.instance_id
    tags = {
        CLUSTER_TAG: nic.policy.cluster,
        INSTANCE_TAG: instance_id,
        INDEX_TAG: str(interface.device_index),
        "Name": f"{instance_id}-{interface.host}",
    }
    amounts = dict(_amounts(interface, nic.limits, nic.room(subnet)))
    action = CreateNic(
        instance_id, interface.device_index, subnet.subnet_id, _groups(nic.instance, interface), amounts, tags
    )
    return replace(action, token=_token(nic.observed.token_seed, action))


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
            amount = Amount(count, prefixes=True)
        else:
            # The host's own IPv6 address is one more: it is marked as primary, and no pod gets it.
            own = 1 if family is IPFamily.IPV6 else 0
            amount = Amount(min(size.at_first(slots) + own, slots, left))
        if amount.count > 0:
            yield family, amount


def _token(seed: str, action: CreateNic) -> str:
    """Return the client token: of the message and of all that the request holds, for EC2 refuses a token whose request
    differs (`IdempotentParameterMismatch`)."""
    amounts = {str(family): str(amount) for family, amount in action.amounts.items()}
    text = json.dumps([seed, action.key, sorted(action.groups), amounts, dict(action.tags)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:TOKEN_LENGTH]
