"""The rules of what is not there: an instance that is gone, unknown or at rest, and a NIC that left. Pure."""

from dataclasses import replace
from datetime import datetime

from spiderpool_aws.domain.addresses import EMPTY, AddressSet
from spiderpool_aws.domain.draft import Draft
from spiderpool_aws.domain.instance import InstanceState, ObservedInstance
from spiderpool_aws.domain.lost import lost_addresses
from spiderpool_aws.domain.memory import PoolMemory
from spiderpool_aws.domain.node import Node
from spiderpool_aws.domain.node_actions import DeleteNode, DeletePod
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.policy import Policy
from spiderpool_aws.domain.pool import Pool
from spiderpool_aws.domain.pool_actions import ApplyPool, DeletePool, LiftQuarantine, PoolChange
from spiderpool_aws.domain.quarantine import plan_leftovers
from spiderpool_aws.metrics import Metric


def plan_absent(observed: ObservedNode, policy: Policy, draft: Draft) -> None:
    """Plan for an instance that EC2 does not know: nothing, until two complete listings lacked it."""
    live = [pool for pool in observed.pools if not pool.terminating]
    if live and all(pool.memory.absent is not None and pool.memory.absent.proved(observed.now) for pool in live):
        plan_gone(observed, policy, draft, "EC2 has not listed its instance for ten minutes")
        return
    if live:
        draft.report(
            Metric.INSTANCE_UNKNOWN, f"EC2 does not know {observed.instance_id}: its pools stay until that is sure"
        )
    plan_leftovers(draft)


def plan_gone(observed: ObservedNode, policy: Policy, draft: Draft, why: str) -> None:
    """Plan for an instance that is dead for certain: its Node, its pods, its pools and its reservations go."""
    if observed.removals_held and observed.instance is None:
        draft.report(Metric.REMOVAL_HELD, f"{observed.instance_id}: {observed.removals_held}")
        return
    node, kept = observed.node, []
    if policy.nodes.delete_terminated and node is not None and _was_its_node(observed, node):
        if observed.live_claim is None:
            draft.add(DeleteNode(node.name, node.uid, why))
        else:
            kept.append(f"Node {node.name}")
    if policy.nodes.delete_pods_of_terminated:
        until = _successor_since(observed)
        for pod in observed.pods:
            if until is None or pod.created < until:
                draft.add(DeletePod(pod, why))
            else:
                kept.append(f"pod {pod.namespace}/{pod.name}")
    _report_kept(observed, kept, draft)
    for pool in observed.pools:
        if not pool.terminating:
            draft.add(DeletePool(pool, why))
    for known in observed.reservations:
        draft.add(LiftQuarantine(known))


def _successor_since(observed: ObservedNode) -> datetime | None:
    """Return since when pods of the node's name may be a successor's; None when nobody has taken the name.

    A live instance has it since its launch; a Node whose providerID is another instance's is that one's since it was
    created, whether or not EC2 tells us of the instance.
    """
    moments = [observed.live_claim.launch_time] if observed.live_claim is not None else []
    if observed.node is not None and observed.node.provider_instance_id not in ("", observed.instance_id):
        moments.append(observed.node.created)
    return min(moments, default=None)


def _report_kept(observed: ObservedNode, kept: list[str], draft: Draft) -> None:
    claim = observed.live_claim
    if not kept or claim is None:
        return
    some = ", ".join(kept[:5]) + (f" and {len(kept) - 5} more" if len(kept) > 5 else "")
    draft.report(
        Metric.NODE_CLAIMED,
        f"{some} stay though {observed.instance_id} is gone: {claim.instance_id} is alive and has its node name, "
        "primary address or providerID; if it is not that node, delete them by hand",
    )


def _was_its_node(observed: ObservedNode, node: Node) -> bool:
    if node.provider_id:
        return node.provider_id.rsplit("/", 1)[-1] == observed.instance_id
    return any(pool.memory.node_uid == node.uid for pool in observed.pools)


def plan_resting(
    observed: ObservedNode, instance: ObservedInstance, pool: Pool, memory: PoolMemory, why: str, draft: Draft
) -> None:
    """A pool that should serve no new pod: disabled, and what its NIC loses meanwhile leaves it, too.

    `memory` is the pool's with what else it should remember.
    """
    eni = next((e for e in instance.enis if pool.identity is not None and e.eni_id == pool.identity.eni_id), None)
    if instance.state is InstanceState.SHUTTING_DOWN:
        # Its NICs vanish any moment, and the pool goes when EC2 says `terminated`.
        _disable(pool, memory, why, draft)
    elif eni is None:
        plan_detached(observed, pool, draft)
    else:
        lost = lost_addresses(pool, eni.assigned(pool.family), observed.now)
        dropped = EMPTY[pool.family] if observed.removals_held else lost.dropped
        if lost.next_look_seconds is not None:
            draft.wait(f"{pool.name}: EC2 does not show all its addresses, look again", lost.next_look_seconds)
        _disable(pool, replace(memory, missing=lost.without(dropped)), why, draft, dropped)


def _disable(pool: Pool, memory: PoolMemory, why: str, draft: Draft, dropped: AddressSet | None = None) -> None:
    memory = replace(memory, disabled=True, absent=None)
    if pool.terminating or (pool.spec.disable and pool.memory == memory and not dropped):
        return
    ips = pool.spec.ips - dropped if dropped else pool.spec.ips
    target = replace(pool, spec=replace(pool.spec, disable=True, ips=ips), memory=memory)
    change = PoolChange.SHRINK if dropped else PoolChange.DISABLE
    draft.add(ApplyPool(change, target, why, dropped or None))


def plan_detached(observed: ObservedNode, pool: Pool, draft: Draft) -> None:
    """A NIC that left: disable its pool at once, delete it when a second look has not found the NIC either."""
    if pool.terminating:
        return
    lost = lost_addresses(pool, EMPTY[pool.family], observed.now)
    why = "its NIC is no longer attached"
    if lost.next_look_seconds is not None:
        _disable(pool, replace(pool.memory, missing=lost.memory), why, draft)
        draft.wait(f"{pool.name}: {why}, look again", lost.next_look_seconds)
    elif observed.removals_held:
        draft.report(Metric.REMOVAL_HELD, f"{pool.name} stays: {observed.removals_held}")
    else:
        draft.add(DeletePool(pool, why))


def forget_absence(observed: ObservedNode, draft: Draft) -> None:
    """Take the note of an absence off each pool: EC2 knows the instance, whatever else is done or not done for it.

    A note that stays would count for the next absence, and one missing listing would be a proof (invariant 10). What
    is reserved for a pool that is gone is left of other times, too.
    """
    touched = {a.pool.name for a in draft.actions if isinstance(a, ApplyPool | DeletePool)}
    for pool in observed.pools:
        if pool.memory.absent is not None and not pool.terminating and pool.name not in touched:
            known = replace(pool, memory=replace(pool.memory, absent=None))
            draft.add(ApplyPool(PoolChange.REMEMBER, known, "EC2 knows its instance again"))
    plan_leftovers(draft)
