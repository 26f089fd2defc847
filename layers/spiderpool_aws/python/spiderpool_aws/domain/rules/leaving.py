"""The rules of an instance that is about to leave, or not yet in service, and of the life-cycle actions. Pure."""

from dataclasses import replace
from datetime import datetime

from spiderpool_aws.domain.errors import PASSING
from spiderpool_aws.domain.instance import CLUSTER_TAG, InstanceState, ObservedInstance
from spiderpool_aws.domain.lifecycle import CompleteHook, HookResult, Lifecycle, ProlongHook, Transition
from spiderpool_aws.domain.memory import INTERRUPTION, NO_MEMORY, PoolMemory
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.policy.model import Policy
from spiderpool_aws.domain.rules.draft import Draft
from spiderpool_aws.domain.rules.left_alone import cared_for
from spiderpool_aws.domain.rules.nodes import plan_marked
from spiderpool_aws.domain.rules.resting import plan_resting

LOOK_AGAIN_SECONDS = 15.0
"""How often it is looked whether the pods are gone: 80 looks in a message's 20 minutes, and SQS gives it up at 100."""


def why_leaving(observed: ObservedNode) -> str:
    """Return why no new pod should get an address although the instance runs; empty when it should."""
    memories = (pool.memory for pool in observed.pools)
    if _warned_at(observed) is not None or any(_warned_at(observed, memory) is not None for memory in memories):
        return "EC2 takes the Spot instance back"
    lifecycle = observed.lifecycle
    if lifecycle is not None and lifecycle.is_leaving:
        return f"{lifecycle.group} terminates it"
    if lifecycle is not None and lifecycle.is_warm:
        return f"it is in the warm pool of {lifecycle.group}"
    return ""


def _warned_at(observed: ObservedNode, memory: PoolMemory = NO_MEMORY) -> datetime | None:
    """Return when EC2 gave the last warning that still holds, of those that an event and a pool's memory tell."""
    known = observed.now if memory.undated else memory.interrupted
    holding = (moment for moment in (known, observed.warned) if moment is not None and _holds(observed, moment))
    return max(holding, default=None)


def _holds(observed: ObservedNode, warned: datetime) -> bool:
    """Tell whether a warning is not old, and about this run of the instance.

    Every start renews the launch time (EC2 API reference, Instance), and nobody need have seen that it was stopped.
    """
    started = observed.instance.started if observed.instance is not None else None
    return observed.now - warned < INTERRUPTION and (started is None or warned >= started)


def plan_leaving(draft: Draft, instance: ObservedInstance, policy: Policy, why: str) -> None:
    """Disable the pools of an instance that runs and should get no new pod; complete what its group waits for."""
    observed = draft.observed
    for pool in cared_for(observed, instance, policy):
        memory = replace(
            pool.memory,
            interrupted=_warned_at(observed, pool.memory),
            undated=False,
            leaving=pool.memory.leaving or (observed.now if _is_terminating(observed.lifecycle) else None),
        )
        plan_resting(draft, instance, pool, memory, why)
    if _warned_at(observed) is not None and all(pool.terminating for pool in observed.pools):
        # Nothing but the message remembers it, and whoever looks without it would create pools that serve.
        plan_marked(draft, instance, policy)
        draft.wait(f"{why}: no pool is made for {observed.instance_id} before that is over", LOOK_AGAIN_SECONDS)
    lifecycle = observed.lifecycle
    if lifecycle is None or lifecycle.waiting is None:
        return
    if lifecycle.waiting is Transition.LAUNCHING:
        _complete(draft, lifecycle, HookResult.CONTINUE, why)
        return
    _plan_drained(draft, lifecycle, policy)


def plan_idle(draft: Draft, instance: ObservedInstance, policy: Policy, why: str) -> None:
    """Hold up no group for an instance that is dead or left alone: nothing is to come that it could wait for.

    A hook holds up also an instance that died by itself (user guide, "Amazon EC2 Auto Scaling lifecycle hooks"). One of
    another cluster waits for that cluster's functions: its hooks have the same names.
    """
    lifecycle = draft.observed.lifecycle
    if lifecycle is not None and instance.tags.get(CLUSTER_TAG) == policy.cluster:
        _complete(draft, lifecycle, HookResult.CONTINUE, why)


def plan_at_rest(draft: Draft, instance: ObservedInstance, policy: Policy) -> None:
    """Hold up no group for an instance that is stopping, stopped or dying, unless it may be starting.

    One that leaves the warm pool is started, and EC2 may show it a while as it was. When it stays at rest nothing tells
    its group to wait on, and the hook runs out.
    """
    lifecycle, state = draft.observed.lifecycle, instance.state
    launched = lifecycle is not None and lifecycle.waiting is Transition.LAUNCHING and not lifecycle.is_warm
    if launched and state is not InstanceState.SHUTTING_DOWN:
        draft.wait(f"{instance.instance_id} is launched by its group, and EC2 shows it {state}")
    else:
        plan_idle(draft, instance, policy, f"the instance is {state}")


def _is_terminating(lifecycle: Lifecycle | None) -> bool:
    return lifecycle is not None and lifecycle.waiting is Transition.TERMINATING


def _plan_drained(draft: Draft, lifecycle: Lifecycle, policy: Policy) -> None:
    """Hold the termination up until no pod has an address and none can get one, or the policy's patience has run out.

    A pool that is not disabled (its write was refused) still gives addresses to pods.
    """
    observed = draft.observed
    live = [pool for pool in observed.pools if not pool.terminating]
    enabled = [pool.name for pool in live if not pool.spec.disable and pool.name not in draft.changed_pools]
    used = sum(pool.allocated.count() for pool in live)
    noted = [*(pool.memory.leaving for pool in live), observed.leaving_since]
    since = min((moment for moment in noted if moment is not None), default=observed.now)
    left = policy.nodes.drain_seconds - (observed.now - since).total_seconds()
    refused = f"{', '.join(enabled)} could not be disabled"
    if not used and not enabled:
        _complete(draft, lifecycle, HookResult.CONTINUE, "no pod has an address of it any more")
    elif left <= 0:
        standing = f"pods still have {used} of its addresses" if used else refused
        _complete(draft, lifecycle, HookResult.CONTINUE, f"{standing}, and time is up")
    else:
        standing = f"pods still have {used} addresses of {observed.instance_id}" if used else refused
        draft.wait(standing, min(left, LOOK_AGAIN_SECONDS))
        _prolong(draft, lifecycle)


def plan_launched(draft: Draft, policy: Policy) -> None:
    """Complete the launch when all pools are in place; keep the group waiting while something is not there yet."""
    lifecycle = draft.observed.lifecycle
    if lifecycle is None or lifecycle.waiting is not Transition.LAUNCHING:
        return
    if not draft.incomplete:
        _complete(draft, lifecycle, HookResult.CONTINUE, "its pools are in place")
    elif draft.waits or draft.actions or draft.may_pass or _may_pass(draft.observed):
        _prolong(draft, lifecycle)
    elif policy.nodes.launch_failure == "abandon":
        _complete(draft, lifecycle, HookResult.ABANDON, "its pools cannot be had, and the policy says abandon")


def _may_pass(observed: ObservedNode) -> bool:
    """Tell whether something failed or was refused in this pass that another look may find otherwise.

    That a subnet is full is one of them: the successor would find the same subnet, with one address less.
    """
    return bool(observed.stuck) or any(finding.code in PASSING for finding in observed.refusals)


def _prolong(draft: Draft, lifecycle: Lifecycle) -> None:
    if lifecycle.waiting is not None and draft.observed.heartbeat_due:
        draft.add(ProlongHook(lifecycle.group, draft.observed.instance_id, lifecycle.waiting))


def _complete(draft: Draft, lifecycle: Lifecycle, result: HookResult, why: str) -> None:
    if lifecycle.waiting is not None:
        draft.add(CompleteHook(lifecycle.group, draft.observed.instance_id, lifecycle.waiting, result, why))
