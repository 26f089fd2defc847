"""The rules: what one instance lacks or has in excess. Pure; an empty plan means converged.

    gone (EC2 says terminated)        Node, pods and pools go
    unknown to EC2                    nothing, until two complete listings lacked it (invariant 10)
    not of this cluster, or unmanaged nothing
    stopping, stopped, shutting-down  pools are disabled, addresses kept
    about to leave, or warm           the same, and its Auto Scaling group goes on when no pod is left
    pending, running                  per NIC: create and attach it; per family: assign what lacks, list what is
                                      assigned, give back what is too much; then the Node, then the life-cycle action

The order in which actions are due is data: `stages.Stage`.
"""

from dataclasses import replace

from spiderpool_aws.domain.actions.plan import NodePlan
from spiderpool_aws.domain.actions.pools import ApplyPool
from spiderpool_aws.domain.addresses import IPFamily
from spiderpool_aws.domain.instance import InstanceState, ObservedInstance
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.policy.model import Interface, Policy
from spiderpool_aws.domain.rules.doubts import find_doubts
from spiderpool_aws.domain.rules.draft import Draft
from spiderpool_aws.domain.rules.gone import forget_absence, plan_absent, plan_gone
from spiderpool_aws.domain.rules.ipv6_change import plan_defaults, plan_unwanted_family, report_held
from spiderpool_aws.domain.rules.leaving import plan_at_rest, plan_idle, plan_launched, plan_leaving, why_leaving
from spiderpool_aws.domain.rules.left_alone import cared_for, report_dropped, why_left_alone
from spiderpool_aws.domain.rules.multus import plan_multus
from spiderpool_aws.domain.rules.nic_family import NicFamily
from spiderpool_aws.domain.rules.nics import plan_kept, plan_missing_nic, plan_orphans, spares_needed
from spiderpool_aws.domain.rules.nodes import plan_name, plan_prepared
from spiderpool_aws.domain.rules.overrides import report_tags, with_overrides
from spiderpool_aws.domain.rules.pools import plan_nic_family
from spiderpool_aws.domain.rules.resting import plan_detached, plan_resting
from spiderpool_aws.domain.rules.stuck import report_stuck
from spiderpool_aws.metrics import Metric


def plan_node(observed: ObservedNode, policy: Policy) -> NodePlan:
    """Return what is missing or in excess for one instance; an empty plan means converged."""
    terminated = observed.instance is not None and observed.instance.state is InstanceState.TERMINATED
    draft = Draft(observed, gone=terminated)
    if observed.instance is None:
        plan_absent(draft, policy)
        plan_orphans(draft, (), policy)
    elif terminated:
        plan_gone(draft, policy, "its instance is terminated")
        plan_idle(draft, observed.instance, policy, "the instance is terminated")
        plan_orphans(draft, (), policy)
    else:
        _plan_known(draft, observed.instance, policy)
        forget_absence(draft)
    report_stuck(draft)
    report_held(draft, policy)
    return draft.to_plan()


def _plan_known(draft: Draft, instance: ObservedInstance, policy: Policy) -> None:
    """Plan for an instance that EC2 knows and does not call terminated."""
    if _is_left_alone(draft, instance, policy):
        return
    lifecycle = draft.observed.lifecycle
    if instance.state.is_resting:
        # A Spot instance that was stopped and starts again is as good as any.
        stopped = instance.state is InstanceState.STOPPED
        for pool in cared_for(draft.observed, instance, policy):
            memory = replace(pool.memory, interrupted=None, undated=False) if stopped else pool.memory
            plan_resting(draft, instance, pool, memory, f"the instance is {instance.state}")
        if stopped:
            _plan_loose(draft, instance, policy)
            _owe_when_served(draft, instance, policy)
        plan_at_rest(draft, instance, policy)
    elif why := why_leaving(draft.observed):
        plan_leaving(draft, instance, policy, why)
        if lifecycle is not None and lifecycle.is_warm:
            _plan_loose(draft, instance, policy)
        if lifecycle is None or not lifecycle.is_leaving:
            _owe_when_served(draft, instance, policy)
    else:
        _plan_live(draft, instance, policy)
        plan_launched(draft, policy)
    plan_defaults(draft, policy)
    draft.doubts.extend(find_doubts(draft, instance))


def _is_left_alone(draft: Draft, instance: ObservedInstance, policy: Policy) -> bool:
    """Tell whether nothing is done for the instance, and report why where a person would wonder."""
    reason = why_left_alone(instance, policy)
    if reason and (draft.observed.pools or instance.is_of(policy.cluster)):
        draft.report(Metric.LEFT_ALONE, f"{instance.instance_id} is left alone: {reason}")
        plan_idle(draft, instance, policy, f"it is left alone: {reason}")
    return bool(reason)


def _plan_live(draft: Draft, instance: ObservedInstance, policy: Policy) -> None:
    group = policy.group_of(instance)
    if group is None:
        return
    if draft.observed.limits is None:
        draft.wait(f"the limits of {instance.instance_type} could not be read")
        return
    node_name = plan_name(draft, instance, policy)
    for pool in draft.observed.pools:
        if pool.identity is not None and all(eni.eni_id != pool.identity.eni_id for eni in instance.enis):
            plan_detached(draft, pool)
    for interface in group.interfaces:
        _plan_interface(draft, instance, policy, with_overrides(interface, instance), node_name)
    report_dropped(draft, instance, group)
    report_tags(draft, group, instance)
    plan_orphans(draft, spares_needed(draft.observed, instance, policy).values(), policy)
    plan_multus(draft, policy.cluster, group)
    plan_prepared(draft, instance, policy)


def _plan_loose(draft: Draft, instance: ObservedInstance, policy: Policy) -> None:
    """Plan for the loose NICs of an instance that serves nobody now: what it will need is attached, the rest goes.

    Nothing is created for it; EC2 attaches a NIC to a stopped instance, too (EC2 API, AttachNetworkInterface).
    """
    group, needed = policy.group_of(instance), spares_needed(draft.observed, instance, policy)
    for interface in group.interfaces if group is not None else ():
        if interface.device_index in needed:
            plan_missing_nic(draft, instance, policy, interface)
    for eni in instance.enis:
        if eni.attached and not eni.why_left_alone:
            plan_kept(draft, eni, instance)
    plan_orphans(draft, needed.values(), policy)


def _owe_when_served(draft: Draft, instance: ObservedInstance, policy: Policy) -> None:
    """Note what the sizes take away from an instance that serves nobody now, as soon as it does again.

    A policy is judged once, by all nodes; the workers that carry it out when they start know one each (ADR 18).
    """
    served = replace(instance, state=InstanceState.RUNNING)
    then = Draft(replace(draft.observed, instance=served, removals_held=""))
    _plan_live(then, served, policy)
    draft.owed.extend(then.owed)
    now = {a.pool.name: a.dropped for a in draft.actions if isinstance(a, ApplyPool) and a.dropped is not None}
    for action in then.actions:
        if isinstance(action, ApplyPool) and action.dropped is not None:
            known = now.get(action.pool.name)
            draft.owe(action.pool.name, (action.dropped - known if known is not None else action.dropped).count())


def _plan_interface(
    draft: Draft, instance: ObservedInstance, policy: Policy, interface: Interface, node_name: str | None
) -> None:
    eni = instance.eni_at(interface.device_index)
    if eni is None:
        plan_missing_nic(draft, instance, policy, interface)
        return
    if not eni.attached:
        draft.wait(f"{eni.eni_id} is being attached or detached")
        return
    if eni.why_left_alone:
        draft.refuse(Metric.LEFT_ALONE, f"{eni.eni_id} is left alone: {eni.why_left_alone}")
        return
    plan_kept(draft, eni, instance)
    subnet = draft.observed.subnets.get(eni.subnet_id)
    if subnet is None or draft.observed.limits is None:
        draft.wait(f"subnet {eni.subnet_id} of {eni.eni_id} could not be read")
        return
    for family in IPFamily:
        nic = NicFamily(draft.observed, policy, interface, eni, family, subnet, draft.observed.limits, node_name)
        if family in interface.families:
            plan_nic_family(draft, nic)
        else:
            plan_unwanted_family(draft, nic)
