"""Which instances and NICs are none of our business, and why. Pure."""

from collections.abc import Container

from spiderpool_aws.domain.cluster.pool import Pool
from spiderpool_aws.domain.instance import CLUSTER_TAG, MANAGED_TAG, Eni, ObservedInstance
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.policy.model import Group, Policy
from spiderpool_aws.domain.rules.draft import Draft
from spiderpool_aws.domain.rules.remains import is_noted_gone
from spiderpool_aws.metrics import Metric


def why_remains_stay(model: ObservedNode, policy: Policy) -> str:
    """Return why the Node and the pods of an instance that is gone stay; empty when they go.

    EC2 takes the tags off a terminated instance after a while (EC2 user guide, "Instance termination"), and tells none
    of one that it no longer lists: then its pools, or what we noted on its Node, alone say that it was ours.
    """
    untold = model.instance is None or not model.instance.tags
    return "" if untold and (model.pools or is_noted_gone(model)) else why_left_alone(model.instance, policy)


def why_left_alone(instance: ObservedInstance | None, policy: Policy) -> str:
    """Return why nothing is done for an instance; empty when it is served."""
    if instance is None:
        return "EC2 does not know it"
    if not instance.is_of(policy.cluster):
        return f"it does not carry the tag {CLUSTER_TAG}={policy.cluster}"
    if not instance.is_managed:
        return f"it carries the tag {MANAGED_TAG}=false"
    if policy.group_of(instance) is None:
        return "no group of the policy matches it"
    return "Windows nodes have no ipvlan" if instance.platform == "windows" else ""


def cared_for(observed: ObservedNode, instance: ObservedInstance, policy: Policy) -> tuple[Pool, ...]:
    """Return the pools of the instance but those of NICs that are left alone: by their kind or tag, or the policy."""
    group = policy.group_of(instance)
    indexes = {interface.device_index for interface in group.interfaces} if group is not None else set()
    alone = {eni.eni_id for eni in instance.enis if eni.why_left_alone or not _is_named(eni, indexes)}
    return tuple(pool for pool in observed.pools if pool.identity is None or pool.identity.eni_id not in alone)


def _is_named(eni: Eni, indexes: Container[int]) -> bool:
    return eni.network_card == 0 and eni.device_index in indexes


def report_dropped(draft: Draft, instance: ObservedInstance, group: Group) -> None:
    """Report the NICs that have pools of ours and that the policy does not name (any more): they are left alone.

    As an instance that no group matches: a line that is missing is no order to take addresses from pods.
    """
    indexes = {interface.device_index for interface in group.interfaces}
    for eni in instance.enis:
        if _is_named(eni, indexes):
            continue
        live = ((pool.name, pool.identity) for pool in draft.observed.pools if not pool.terminating)
        names = sorted(name for name, identity in live if identity is not None and identity.eni_id == eni.eni_id)
        if names:
            draft.report(
                Metric.LEFT_ALONE,
                f"{eni.eni_id} is left alone: group {group.name} has no device index {eni.device_index}, and "
                f"{', '.join(names)} stay{'s' if len(names) == 1 else ''} as before; name the index again, or delete "
                "them when no pod uses them",
            )
