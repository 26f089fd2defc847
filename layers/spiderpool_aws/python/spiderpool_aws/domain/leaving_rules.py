"""The rules of an instance that is about to leave, or not yet in service, and of the life-cycle actions. Pure."""

from dataclasses import replace

from spiderpool_aws.domain.draft import Draft
from spiderpool_aws.domain.gone_rules import plan_resting
from spiderpool_aws.domain.instance import ObservedInstance
from spiderpool_aws.domain.lifecycle import CompleteHook, HookResult, Lifecycle, ProlongHook, Transition
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.policy import Policy

LOOK_AGAIN_SECONDS = 10.0


def why_leaving(observed: ObservedNode) -> str:
    """Return why no new pod should get an address although the instance runs; empty when it should."""
    if observed.interrupted or any(pool.memory.interrupted for pool in observed.pools):
        return "EC2 takes the Spot instance back"
    lifecycle = observed.lifecycle
    if lifecycle is not None and lifecycle.is_leaving:
        return f"{lifecycle.group} terminates it"
    if lifecycle is not None and lifecycle.is_warm:
        return f"it is in the warm pool of {lifecycle.group}"
    return ""


def plan_leaving(observed: ObservedNode, instance: ObservedInstance, why: str, policy: Policy, draft: Draft) -> None:
    """Disable the pools of an instance that runs and should get no new pod; complete what its group waits for."""
    for pool in observed.pools:
        memory = replace(
            pool.memory,
            interrupted=pool.memory.interrupted or observed.interrupted,
            leaving=pool.memory.leaving or (observed.now if _is_terminating(observed.lifecycle) else None),
        )
        plan_resting(observed, instance, pool, memory, why, draft)
    lifecycle = observed.lifecycle
    if lifecycle is None or lifecycle.waiting is None:
        return
    if lifecycle.waiting is Transition.LAUNCHING:
        _complete(observed, lifecycle, HookResult.CONTINUE, why, draft)
        return
    _plan_drained(observed, lifecycle, policy, draft)


def _is_terminating(lifecycle: Lifecycle | None) -> bool:
    return lifecycle is not None and lifecycle.waiting is Transition.TERMINATING


def _plan_drained(observed: ObservedNode, lifecycle: Lifecycle, policy: Policy, draft: Draft) -> None:
    """Hold the termination up until no pod has an address, or the policy's patience has run out."""
    live = [pool for pool in observed.pools if not pool.terminating]
    used = sum(len(pool.allocated) for pool in live)
    since = min((pool.memory.leaving for pool in live if pool.memory.leaving is not None), default=observed.now)
    left = policy.nodes.drain_seconds - (observed.now - since).total_seconds()
    if not used:
        _complete(observed, lifecycle, HookResult.CONTINUE, "no pod has an address of it any more", draft)
    elif left <= 0:
        _complete(observed, lifecycle, HookResult.CONTINUE, f"pods still have {used} addresses, and time is up", draft)
    else:
        draft.wait(f"pods still have {used} addresses of {observed.instance_id}", min(left, LOOK_AGAIN_SECONDS))


def plan_launched(observed: ObservedNode, policy: Policy, draft: Draft) -> None:
    """Complete the launch when all pools are in place; keep the group waiting while something is not there yet."""
    lifecycle = observed.lifecycle
    if lifecycle is None or lifecycle.waiting is not Transition.LAUNCHING:
        return
    if not draft.incomplete:
        _complete(observed, lifecycle, HookResult.CONTINUE, "its pools are in place", draft)
    elif draft.waits or draft.actions:
        if observed.heartbeat_due:
            draft.add(ProlongHook(lifecycle.group, observed.instance_id, lifecycle.waiting))
    elif policy.nodes.launch_failure == "abandon":
        _complete(
            observed, lifecycle, HookResult.ABANDON, "its pools cannot be had, and the policy says abandon", draft
        )


def _complete(observed: ObservedNode, lifecycle: Lifecycle, result: HookResult, why: str, draft: Draft) -> None:
    if lifecycle.waiting is not None:
        draft.add(CompleteHook(lifecycle.group, observed.instance_id, lifecycle.waiting, result, why))
