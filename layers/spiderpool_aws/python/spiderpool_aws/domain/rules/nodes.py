"""The rules of the Node of an instance that lives: its name, whose it is, its providerID and its taint. Pure."""

from spiderpool_aws.domain.actions.nodes import PrepareNode, TaintNode
from spiderpool_aws.domain.cluster.node import Node, fixed_node_name, provider_id, why_no_name
from spiderpool_aws.domain.instance import ObservedInstance
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.policy.model import Policy
from spiderpool_aws.domain.rules.draft import Draft
from spiderpool_aws.domain.rules.remains import node_names
from spiderpool_aws.domain.stages import Stage
from spiderpool_aws.metrics import Metric


def others_of(observed: ObservedNode, policy: Policy) -> set[str]:
    """Return the instances of which it matters here whether they live: who has the Node, or the name."""
    if observed.instance is None or observed.proved_node is not None:
        return set()
    if observed.node is not None:
        return {observed.node.provider_instance_id} - {"", observed.instance_id}
    name = fixed_node_name(policy, observed.instance)
    return observed.holders_of(name) if name is not None else set()


def plan_name(draft: Draft, instance: ObservedInstance, policy: Policy) -> str | None:
    """Return the node name for the instance's pools; None when there is none yet, or it is another's."""
    node, fixed = draft.observed.proved_node, fixed_node_name(policy, instance)
    if node is not None:
        _report_names(draft, node, fixed, policy)
        return node.name
    if draft.observed.node is not None:
        _report_mismatch(draft, draft.observed.node, instance)
        _plan_adopted(draft, instance, draft.observed.node, policy.nodes.startup_taint)
        return None
    if why := why_no_name(policy, instance):
        draft.refuse(Metric.NODE_NAME_MISSING, why)
        return None
    draft.wait(f"{instance.instance_id} has not joined the cluster")
    return fixed if fixed is not None and _is_free(draft, fixed, policy) else None


def _report_names(draft: Draft, node: Node, fixed: str | None, policy: Policy) -> None:
    """Tell of a second Node, and of a name that the policy gives and the Node has not."""
    doubles = [other.name for other in draft.observed.other_nodes if draft.observed.proof.holds(other)]
    if doubles:
        draft.report(
            Metric.NODE_DOUBLED,
            f"{draft.observed.instance_id} has more than one Node: its pools follow {node.name}, the newest; delete "
            f"{', '.join(doubles)}",
        )
    if fixed is not None and fixed != node.name:
        draft.report(
            Metric.NODE_RENAMED,
            f"nodeName {policy.node_name} gives {fixed}, but Node {node.name} is proved to be that of "
            f"{draft.observed.instance_id}: its pools follow the Node; correct the name or the policy",
        )


def _report_mismatch(draft: Draft, node: Node, instance: ObservedInstance) -> None:
    draft.wait(f"Node {node.name} is not proved to be that of {instance.instance_id}")
    draft.report(
        Metric.NODE_MISMATCH,
        f"Node {node.name} (providerID {node.provider_id or 'empty'}, created {node.created:%Y-%m-%d %H:%M:%S}Z) "
        f"is not proved to be that of {instance.instance_id}: if it is a dead node's, delete it and restart the "
        "kubelet, so that it registers anew",
    )


def _is_free(draft: Draft, name: str, policy: Policy) -> bool:
    """Tell whether no other instance has the name; what a pool already has stays until a Node is proved."""
    observed = draft.observed
    holders = sorted(observed.holders_of(name))
    alive = [holder for holder in holders if not observed.is_dead(holder)]
    if alive:
        draft.refuse(
            Metric.NODE_NAME_TAKEN,
            f"nodeName {policy.node_name} gives {name} for {observed.instance_id}, and the pools of {alive[0]} have "
            "it: give each instance its own",
        )
    elif holders:
        draft.wait(f"the pools of {', '.join(holders)}, which is gone, still have the node name {name}")
        draft.nudges.update(holders)
    elif old := [known for known in node_names(observed.pools) if known != name]:
        draft.report(
            Metric.NODE_RENAMED,
            f"nodeName {policy.node_name} gives {name} for {observed.instance_id}, and there is no such Node: its "
            f"pools keep {', '.join(old)} until one is proved",
        )
    return not holders


def _plan_adopted(draft: Draft, instance: ObservedInstance, node: Node, taint: str | None) -> None:
    """The kubelet of a new instance has adopted the Node of a dead one, whose taint is gone: no pod fits it yet.

    VPCs may have the same addresses, so a Node with a providerID is tainted only when its instance is known to be dead.
    """
    if taint is None or taint in node.taints or instance.private_ipv4 not in node.internal_ips:
        return
    if not node.provider_id or draft.observed.is_dead(node.provider_instance_id):
        draft.add(TaintNode(node.name, node.uid, taint, instance.instance_id))


def plan_prepared(draft: Draft, instance: ObservedInstance, policy: Policy) -> None:
    """Set the providerID and take the startup taint off when the node may be used."""
    node = draft.observed.proved_node
    if node is None:
        return
    taint = policy.nodes.startup_taint
    tainted = taint is not None and taint in node.taints
    if tainted and (draft.incomplete or any(action.stage < Stage.NODE for action in draft.actions)):
        # One write for both, when the node may be used.
        return
    wanted = _missing_provider_id(node, instance, policy)
    if wanted or tainted:
        drop = taint if tainted and taint is not None else ""
        draft.add(PrepareNode(node.name, node.uid, wanted, drop))


def plan_marked(draft: Draft, instance: ObservedInstance, policy: Policy) -> None:
    """Set the providerID of a node that gets no pool any more: nothing else says whose it was when it is dead."""
    node = draft.observed.proved_node
    if node is not None and (wanted := _missing_provider_id(node, instance, policy)):
        draft.add(PrepareNode(node.name, node.uid, wanted, ""))


def _missing_provider_id(node: Node, instance: ObservedInstance, policy: Policy) -> str:
    return provider_id(instance) if policy.nodes.set_provider_id and not node.provider_id else ""
