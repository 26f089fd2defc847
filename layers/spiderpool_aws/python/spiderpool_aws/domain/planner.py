"""The rules: what one instance lacks or has in excess. Pure; an empty plan means converged.

    gone (EC2 says terminated)        Node, pods and pools go
    unknown to EC2                    nothing, until two complete listings lacked it (invariant 10)
    not of this cluster, or unmanaged nothing
    stopping, stopped, shutting-down  pools are disabled, addresses kept
    pending, running                  per NIC and family: assign what lacks, list what is assigned; then the Node

The actions come in the order in which they are applied: disable and shrink pools, delete, assign, grow pools, Node.
"""

from dataclasses import replace

from spiderpool_aws.domain.addresses import EMPTY, AddressSet, IPFamily
from spiderpool_aws.domain.draft import Draft
from spiderpool_aws.domain.instance import CLUSTER_TAG, MANAGED_TAG, InstanceState, ObservedInstance
from spiderpool_aws.domain.lost import lost_addresses
from spiderpool_aws.domain.memory import PoolMemory
from spiderpool_aws.domain.node import Node, fixed_node_name, provider_id
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.plan import (
    ApplyMultusConfig,
    ApplyPool,
    DeleteNode,
    DeletePod,
    DeletePool,
    NodePlan,
    PoolChange,
    PrepareNode,
    TaintNode,
)
from spiderpool_aws.domain.policy import Group, Interface, Policy
from spiderpool_aws.domain.pool import MultusConfig, Pool
from spiderpool_aws.domain.pool_rules import NicFamily, plan_nic_family

RESTING = {InstanceState.STOPPING, InstanceState.STOPPED, InstanceState.SHUTTING_DOWN}


def plan_node(observed: ObservedNode, policy: Policy) -> NodePlan:
    """Return what is missing or in excess for one instance; an empty plan means converged."""
    draft = Draft(observed)
    gone = observed.instance is not None and observed.instance.state is InstanceState.TERMINATED
    if observed.instance is None:
        _plan_absent(observed, policy, draft)
    elif gone:
        _plan_gone(observed, policy, draft, "its instance is terminated")
    elif _is_left_alone(observed, observed.instance, policy, draft):
        pass
    elif observed.instance.state in RESTING:
        for pool in observed.pools:
            _plan_resting(observed, observed.instance, pool, draft)
    else:
        _plan_live(observed, observed.instance, policy, draft)
    return draft.to_plan(gone=gone)


def _is_left_alone(observed: ObservedNode, instance: ObservedInstance, policy: Policy, draft: Draft) -> bool:
    """Tell whether nothing is done for the instance, and report why where a person would wonder."""
    reason = ""
    if instance.tags.get(CLUSTER_TAG) != policy.cluster:
        reason = f"it does not carry the tag {CLUSTER_TAG}={policy.cluster}"
        if not observed.pools:
            return True
    elif instance.tags.get(MANAGED_TAG) == "false":
        reason = f"it carries the tag {MANAGED_TAG}=false"
    elif policy.group_of(instance) is None:
        reason = "no group of the policy matches it"
    elif instance.platform == "windows":
        reason = "Windows nodes have no ipvlan"
    if reason:
        draft.report("LeftAlone", f"{instance.instance_id} is left alone: {reason}")
    return bool(reason)


def _plan_absent(observed: ObservedNode, policy: Policy, draft: Draft) -> None:
    live = [pool for pool in observed.pools if not pool.terminating]
    if live and all(pool.memory.absent is not None and pool.memory.absent.proved for pool in live):
        _plan_gone(observed, policy, draft, "EC2 has not listed its instance for ten minutes")
    elif live:
        draft.report("InstanceUnknown", f"EC2 does not know {observed.instance_id}: its pools stay until that is sure")


def _plan_gone(observed: ObservedNode, policy: Policy, draft: Draft, why: str) -> None:
    if observed.removals_held and observed.instance is None:
        draft.report("RemovalHeld", f"{observed.instance_id}: {observed.removals_held}")
        return
    node, claim = observed.node, observed.live_claim
    if policy.nodes.delete_terminated and node is not None and claim is None and _was_its_node(observed, node):
        draft.add(draft.removals, DeleteNode(node.name, node.uid, why))
    if policy.nodes.delete_pods_of_terminated:
        # A live instance may have taken the node's name: what was created after its launch is its own.
        for pod in observed.pods:
            if claim is None or pod.created < claim.launch_time:
                draft.add(draft.removals, DeletePod(pod, why))
    for pool in observed.pools:
        if not pool.terminating:
            draft.add(draft.removals, DeletePool(pool, why))


def _was_its_node(observed: ObservedNode, node: Node) -> bool:
    if node.provider_id:
        return node.provider_id.rsplit("/", 1)[-1] == observed.instance_id
    return any(pool.memory.node_uid == node.uid for pool in observed.pools)


def _plan_resting(observed: ObservedNode, instance: ObservedInstance, pool: Pool, draft: Draft) -> None:
    """A pool of an instance that does not run: disabled, and what its NIC loses meanwhile leaves it, too."""
    why = f"the instance is {instance.state}"
    eni = next((e for e in instance.enis if pool.identity is not None and e.eni_id == pool.identity.eni_id), None)
    if instance.state is InstanceState.SHUTTING_DOWN:
        # Its NICs vanish any moment, and the pool goes when EC2 says `terminated`.
        _disable(pool, pool.memory, why, draft)
    elif eni is None:
        _plan_detached(observed, pool, draft)
    else:
        lost = lost_addresses(pool, eni.assigned(pool.family), observed.now)
        dropped = EMPTY[pool.family] if observed.removals_held else lost.dropped
        if lost.next_look_seconds is not None:
            draft.wait(f"{pool.name}: EC2 does not show all its addresses, look again", lost.next_look_seconds)
        _disable(pool, replace(pool.memory, missing=lost.without(dropped)), why, draft, dropped)


def _disable(
    pool: Pool, memory: PoolMemory, why: str, draft: Draft, dropped: AddressSet = EMPTY[IPFamily.IPV4]
) -> None:
    memory = replace(memory, disabled=True)
    if pool.terminating or (pool.spec.disable and pool.memory == memory and not dropped):
        return
    ips = pool.spec.ips - dropped if dropped else pool.spec.ips
    target = replace(pool, spec=replace(pool.spec, disable=True, ips=ips), memory=memory)
    change = PoolChange.SHRINK if dropped else PoolChange.DISABLE
    draft.add(draft.removals, ApplyPool(change, target, why, dropped or None))


def _plan_live(observed: ObservedNode, instance: ObservedInstance, policy: Policy, draft: Draft) -> None:
    group = policy.group_of(instance)
    if group is None:
        return
    if observed.limits is None:
        draft.wait(f"the limits of {instance.instance_type} could not be read")
        return
    node_name = _node_name(observed, instance, policy, draft)
    for pool in observed.pools:
        if pool.identity is not None and all(eni.eni_id != pool.identity.eni_id for eni in instance.enis):
            _plan_detached(observed, pool, draft)
    for interface in group.interfaces:
        _plan_interface(observed, instance, policy, interface, node_name, draft)
    _plan_multus(observed, policy.cluster, group, draft)
    _plan_node_object(observed, instance, policy, draft)


def _node_name(observed: ObservedNode, instance: ObservedInstance, policy: Policy, draft: Draft) -> str | None:
    node = observed.node
    if node is not None and node.belongs_to(instance, _known_uid(observed)):
        return node.name
    if node is not None:
        draft.wait(f"Node {node.name} is not proved to be that of {instance.instance_id}")
        draft.report(
            "NodeMismatch",
            f"Node {node.name} (providerID {node.provider_id or 'empty'}, created {node.created:%Y-%m-%d %H:%M:%S}Z) "
            f"is not proved to be that of {instance.instance_id}: if it is a dead node's, delete it and restart the "
            "kubelet, so that it registers anew",
        )
        _plan_adopted(observed, instance, node, policy.nodes.startup_taint, draft)
        return None
    name = fixed_node_name(policy, instance)
    if name is None and policy.node_name.startswith("tag:"):
        draft.refuse("NodeNameMissing", f"{instance.instance_id} lacks the tag {policy.node_name.removeprefix('tag:')}")
    else:
        draft.wait(f"{instance.instance_id} has not joined the cluster")
    return name


def _plan_adopted(
    observed: ObservedNode, instance: ObservedInstance, node: Node, taint: str | None, draft: Draft
) -> None:
    """The kubelet of a new instance has adopted the Node of a dead one, whose taint is gone: no pod fits it yet."""
    if taint is None or taint in node.taints or instance.private_ipv4 not in node.internal_ips:
        return
    other = node.provider_instance_id
    if (node.provider_id and not other) or (other and observed.claims.serves(other)):
        # Another provider's Node, or one whose own instance is served: VPCs may have the same addresses.
        return
    draft.add(draft.node, TaintNode(node.name, node.uid, taint, instance.instance_id))


def _known_uid(observed: ObservedNode) -> str:
    return next((pool.memory.node_uid for pool in observed.pools if pool.memory.node_uid), "")


def _plan_detached(observed: ObservedNode, pool: Pool, draft: Draft) -> None:
    """A NIC that left: fence its pool at once, delete it when a second look has not found the NIC either."""
    if pool.terminating:
        return
    lost = lost_addresses(pool, EMPTY[pool.family], observed.now)
    why = "its NIC is no longer attached"
    if lost.next_look_seconds is not None:
        _disable(pool, replace(pool.memory, missing=lost.memory), why, draft)
        draft.wait(f"{pool.name}: {why}, look again", lost.next_look_seconds)
    elif observed.removals_held:
        draft.report("RemovalHeld", f"{pool.name} stays: {observed.removals_held}")
    else:
        draft.add(draft.removals, DeletePool(pool, why))


def _plan_interface(
    observed: ObservedNode,
    instance: ObservedInstance,
    policy: Policy,
    interface: Interface,
    node_name: str | None,
    draft: Draft,
) -> None:
    eni = instance.eni_at(interface.device_index)
    if eni is None:
        draft.refuse(
            "NicMissing",
            f"{instance.instance_id} has no NIC at device index {interface.device_index} ({interface.host}): attach "
            "one, or pin it in the launch template",
        )
        return
    if not eni.attached:
        draft.wait(f"{eni.eni_id} is being attached or detached")
        return
    if eni.tags.get(MANAGED_TAG) == "false" or eni.interface_type != "interface":
        why = f"tag {MANAGED_TAG}=false" if MANAGED_TAG in eni.tags else f"type {eni.interface_type}"
        draft.refuse("LeftAlone", f"{eni.eni_id} is left alone: {why}")
        return
    subnet = observed.subnets.get(eni.subnet_id)
    if subnet is None or observed.limits is None:
        draft.wait(f"subnet {eni.subnet_id} of {eni.eni_id} could not be read")
        return
    for family in interface.families:
        plan_nic_family(NicFamily(observed, policy, interface, eni, family, subnet, observed.limits, node_name), draft)


def _plan_multus(observed: ObservedNode, cluster: str, group: Group, draft: Draft) -> None:
    for interface in group.interfaces:
        namespace, name = interface.multus.split("/")
        known = observed.multus.get(interface.multus)
        if known is not None and known.master == interface.host:
            continue
        if known is not None and not known.ours:
            draft.report(
                "ForeignMultusConfig",
                f"SpiderMultusConfig {known.key} is not ours and is not an ipvlan on {interface.host}: change it, or "
                "name another one in the policy",
            )
            continue
        config = MultusConfig(namespace, name, interface.host, uid=known.uid if known is not None else "")
        draft.add(draft.growth, ApplyMultusConfig(config, cluster))


def _plan_node_object(observed: ObservedNode, instance: ObservedInstance, policy: Policy, draft: Draft) -> None:
    node = observed.node
    if node is None or not node.belongs_to(instance, _known_uid(observed)):
        return
    taint = policy.nodes.startup_taint
    tainted = taint is not None and taint in node.taints
    if tainted and draft.incomplete:
        # One write for both, when the node may be used.
        return
    wanted = provider_id(instance) if policy.nodes.set_provider_id and not node.provider_id else ""
    if wanted or tainted:
        drop = taint if tainted and taint is not None else ""
        draft.add(draft.node, PrepareNode(node.name, node.uid, wanted, drop))
