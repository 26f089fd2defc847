"""The rules of the networks that pods ask for: a SpiderMultusConfig for each NIC of the policy. Pure."""

from spiderpool_aws.domain.actions.pools import ApplyMultusConfig
from spiderpool_aws.domain.cluster.multus import MultusConfig
from spiderpool_aws.domain.policy.model import Group
from spiderpool_aws.domain.rules.draft import Draft
from spiderpool_aws.metrics import Metric


def plan_multus(draft: Draft, cluster: str, group: Group) -> None:
    """Plan for the networks of a group's NICs: what is missing or has drifted is written, what is not ours refused."""
    for interface in group.interfaces:
        namespace, name = interface.multus.split("/")
        known = draft.observed.multus.get(interface.multus)
        if known is not None and known.master == interface.host:
            continue
        if known is not None and not known.ours:
            draft.refuse(
                Metric.FOREIGN_MULTUS_CONFIG,
                f"SpiderMultusConfig {known.key} is not ours and is not an ipvlan on {interface.host}: change it, or "
                "name another one in the policy",
            )
            continue
        config = MultusConfig(namespace, name, interface.host, uid=known.uid if known is not None else "")
        draft.add(ApplyMultusConfig(config, cluster))
        draft.incomplete = True
