"""Which instances are none of our business, and why. Pure."""

from spiderpool_aws.domain.instance import CLUSTER_TAG, MANAGED_TAG, ObservedInstance
from spiderpool_aws.domain.policy import Policy


def why_left_alone(instance: ObservedInstance, policy: Policy) -> str:
    """Return why nothing is done for an instance; empty when it is served."""
    if not instance.is_of(policy.cluster):
        return f"it does not carry the tag {CLUSTER_TAG}={policy.cluster}"
    if not instance.is_managed:
        return f"it carries the tag {MANAGED_TAG}=false"
    if policy.group_of(instance) is None:
        return "no group of the policy matches it"
    return "Windows nodes have no ipvlan" if instance.platform == "windows" else ""
