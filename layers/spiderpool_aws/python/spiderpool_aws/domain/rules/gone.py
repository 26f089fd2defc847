"""The rules of an instance that is gone, or unknown to EC2: what it leaves goes when that is sure. Pure."""

from dataclasses import replace
from datetime import datetime

from spiderpool_aws.domain.actions.nodes import DeleteNode, DeletePod, NoteGone
from spiderpool_aws.domain.actions.pools import ApplyPool, DeletePool, LiftQuarantine, PoolChange
from spiderpool_aws.domain.cluster.node import PodRef
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.policy.model import Policy
from spiderpool_aws.domain.rules.draft import Draft
from spiderpool_aws.domain.rules.left_alone import why_remains_stay
from spiderpool_aws.domain.rules.quarantine import plan_leftovers
from spiderpool_aws.domain.rules.remains import is_noted_gone, is_surely_gone
from spiderpool_aws.domain.words import first_of
from spiderpool_aws.metrics import Metric

SHOWN = 5
"""How many pods and Nodes a message names."""


def plan_absent(draft: Draft, policy: Policy) -> None:
    """Plan for an instance that EC2 does not know: nothing, until two complete listings lacked it."""
    observed = draft.observed
    if is_surely_gone(observed):
        noted = is_noted_gone(observed)
        why = "its instance is gone" if noted else "EC2 has not listed its instance for ten minutes"
        plan_gone(draft, policy, why)
        return
    if any(not pool.terminating for pool in observed.pools):
        draft.report(
            Metric.INSTANCE_UNKNOWN, f"EC2 does not know {observed.instance_id}: its pools stay until that is sure"
        )
    plan_leftovers(draft)


def plan_gone(draft: Draft, policy: Policy, why: str) -> None:
    """Plan for an instance that is dead for certain: its Node, its pods, its pools and its reservations go."""
    observed = draft.observed
    if observed.removals_held and not draft.gone:
        draft.report(Metric.REMOVAL_HELD, f"{observed.instance_id}: {observed.removals_held}")
        return
    if alone := why_remains_stay(observed, policy):
        if observed.pools:
            draft.report(Metric.LEFT_ALONE, f"the Node and the pods of {observed.instance_id} stay: {alone}")
    else:
        _plan_remains(draft, policy, why)
    for pool in observed.pools:
        if not pool.terminating:
            draft.add(DeletePool(pool, why))
    for known in observed.reservations:
        draft.add(LiftQuarantine(known))


def _plan_remains(draft: Draft, policy: Policy, why: str) -> None:
    """Plan for the Nodes that are proved the dead one's, and for its pods.

    A Node goes first, so that nothing is scheduled onto it any more; but its pods go first where no pool has its name:
    nobody would find them without the Node when the worker is stopped in between.
    """
    kept: list[str] = []
    named = {name for pool in draft.observed.pools if not pool.terminating for name in pool.spec.node_name}
    nodes = _for_nodes(draft.observed, policy, why, kept)
    pods = _for_pods(draft.observed, policy, why, kept)
    early = [action for action in nodes if action.node_name in named]
    for action in (*early, *pods, *(action for action in nodes if action not in early)):
        draft.add(action)
    _report_kept(draft, kept)


def _for_nodes(observed: ObservedNode, policy: Policy, why: str, kept: list[str]) -> list[DeleteNode | NoteGone]:
    found: list[DeleteNode | NoteGone] = []
    for node in observed.nodes:
        if not policy.nodes.delete_terminated or not observed.proof.holds(node):
            continue
        if observed.live_claim is None:
            found.append(DeleteNode(node.name, node.uid, why))
        else:
            kept.append(f"Node {node.name}")
            heir = observed.live_claim.instance_id
            if (node.gone_instance, node.heir) != (observed.instance_id, heir):
                found.append(NoteGone(node.name, node.uid, observed.instance_id, heir))
    return found


def _for_pods(observed: ObservedNode, policy: Policy, why: str, kept: list[str]) -> list[DeletePod]:
    found = []
    for pod in observed.pods if policy.nodes.delete_pods_of_terminated else ():
        until = _successor_since(observed, pod)
        if until is None or pod.created < until:
            found.append(DeletePod(pod, why))
        else:
            kept.append(f"pod {pod.namespace}/{pod.name}")
    return found


def _successor_since(observed: ObservedNode, pod: PodRef) -> datetime | None:
    """Return since when pods of the pod's node name may be a successor's; None when nobody has taken the name.

    A live instance has it since its launch; a Node that is not proved the dead one's is another's since it was
    created, whether or not EC2 tells us of an instance.
    """
    moments = [observed.live_claim.launch_time] if observed.live_claim is not None else []
    moments += [n.created for n in observed.nodes if n.name == pod.node_name and not observed.proof.holds(n)]
    return min(moments, default=None)


def _report_kept(draft: Draft, kept: list[str]) -> None:
    claim = draft.observed.live_claim
    if not kept or claim is None:
        return
    draft.report(
        Metric.NODE_CLAIMED,
        f"{first_of(kept, SHOWN)} stay though {draft.observed.instance_id} is gone: {claim.instance_id}, which EC2 "
        "does not call terminated, has its node name, primary address or providerID; if it is not that node, delete "
        "them by hand",
    )


def forget_absence(draft: Draft) -> None:
    """Take the note of an absence off pools and Nodes: EC2 knows the instance, whatever else is done or not for it.

    A note that stays would count for the next absence, and one missing listing would be a proof (invariant 10). What
    is reserved for a pool that is gone is left of other times, too.
    """
    for pool in draft.observed.pools:
        if pool.memory.absent is not None and not pool.terminating and pool.name not in draft.changed_pools:
            known = replace(pool, memory=replace(pool.memory, absent=None))
            draft.add(ApplyPool(PoolChange.REMEMBER, known, "EC2 knows its instance again"))
    for node in draft.observed.nodes:
        if node.gone_instance == draft.observed.instance_id and draft.observed.proof.holds(node):
            draft.add(NoteGone(node.name, node.uid, "", ""))
    plan_leftovers(draft)
