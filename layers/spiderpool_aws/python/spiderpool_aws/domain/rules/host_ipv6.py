"""A NIC of which nothing says which IPv6 address is the host's own: no other one may be a pod's (invariant 4). Pure.

EC2 marks the first address of a NIC as its primary one when it is asked to, and takes the mark off when the NIC is
detached (EC2 API, `NetworkInterfaceIpv6Address`). So a NIC that we created before IPv6 was asked for, or that was
detached, has none. Of ours we have one marked; of somebody else's nothing is changed (invariant 7).
"""

from spiderpool_aws.domain.actions.nics import Assign, MarkPrimaryIpv6
from spiderpool_aws.domain.instance import INSTANCE_TAG
from spiderpool_aws.domain.memory import SECOND_LOOK
from spiderpool_aws.domain.rules.draft import Draft
from spiderpool_aws.domain.rules.nic_family import NicFamily
from spiderpool_aws.metrics import Metric


def needs_slot(nic: NicFamily) -> bool:
    """Tell whether a NIC of ours is full of prefixes: one of them has to go before the host can have its own address.

    That is the size's matter, as wherever something else takes the slots of what lacks; EC2 would only refuse more.
    """
    eni = nic.eni
    full = len(eni.prefixes(nic.family)) >= nic.limits.per_eni(nic.family)
    return full and not eni.ipv6 and _is_own(nic)


def plan_host_ipv6(draft: Draft, nic: NicFamily) -> None:
    """Plan for a NIC without a host's own IPv6 address: it gets one, it is marked, and then the pods get theirs.

    A pod that has an address of the NIC keeps it from being marked: EC2 might choose that one.
    """
    eni = nic.eni
    if not _is_own(nic):
        draft.refuse(
            Metric.HOST_ADDRESS_UNKNOWN,
            f"{eni.eni_id} has no address marked as primary IPv6 and none that is the Node's InternalIP: launch "
            "with PrimaryIpv6, or use ipv6 prefixes",
        )
        return
    used = nic.pool.allocated & eni.ipv6 if nic.pool is not None else None
    if used:
        draft.refuse(
            Metric.HOST_ADDRESS_UNKNOWN,
            f"{eni.eni_id} has no address marked as primary IPv6, and pods use {used}: it is marked when they are gone",
        )
        return
    draft.incomplete = True
    if not eni.ipv6:
        draft.add(Assign(eni.eni_id, nic.family, 1))
    elif eni.marked_ipv6:
        reason = f"EC2 has to show which IPv6 address of {eni.eni_id} is the primary one"
        draft.wait(reason, SECOND_LOOK.total_seconds())
    else:
        draft.add(MarkPrimaryIpv6(eni.eni_id))


def _is_own(nic: NicFamily) -> bool:
    return nic.eni.is_ours and nic.eni.tags.get(INSTANCE_TAG) == nic.observed.instance_id
