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
from spiderpool_aws.domain.actions.pools import ApplyMultusConfig, ApplyPool
from spiderpool_aws.domain.addresses import IPFamily
from spiderpool_aws.domain.cluster.pool import MultusConfig
from spiderpool_aws.domain.instance import InstanceState, ObservedInstance
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.policy.model import Group, Interface, Policy
from spiderpool_aws.domain.rules.doubts import find_doubts
from spiderpool_aws.domain.rules.draft import Draft
from spiderpool_aws.domain.rules.gone import forget_absence, plan_absent, plan_detached, plan_gone, plan_resting
from spiderpool_aws.domain.rules.ipv6_change import plan_defaults, plan_unwanted_family, report_held
from spiderpool_aws.domain.rules.leaving import plan_idle, plan_launched, plan_leaving, why_leaving
from spiderpool_aws.domain.rules.left_alone import cared_for, report_dropped, why_left_alone
from spiderpool_aws.domain.rules.nic_family import NicFamily
from spiderpool_aws.domain.rules.nics import plan_kept, plan_missing_nic, plan_orphans, spare_for
from spiderpool_aws.domain.rules.nodes import plan_name, plan_prepared
from spiderpool_aws.domain.rules.overrides import report_useless, with_overrides
from spiderpool_aws.domain.rules.pools import plan_nic_family
from spiderpool_aws.domain.rules.remains import is_noted_gone
from spiderpool_aws.domain.rules.room import without_room
from spiderpool_aws.domain.rules.stuck import report_stuck
from spiderpool_aws.metrics import Metric


def plan_node(observed: ObservedNode, policy: Policy) -> NodePlan:
    """Return what is missing or in excess for one instance; an empty plan means converged."""
    terminated = observed.instance is not None and observed.instance.state is InstanceState.TERMINATED
    draft = Draft(observed, gone=terminated or is_noted_gone(observed))
    if observed.instance is None:
        plan_absent(observed, policy, draft)
        plan_orphans(observed, {}, policy, draft)
    elif terminated:
        plan_gone(observed, policy, draft, "its instance is terminated")
        plan_idle(observed, observed.instance, policy, "the instance is terminated", draft)
        plan_orphans(observed, {}, policy, draft)
    else:
        _plan_known(observed, observed.instance, policy, draft)
        forget_absence(observed, draft)
    report_stuck(draft)
    report_held(observed, policy, draft)
    return draft.to_plan()


def _plan_known(observed: ObservedNode, instance: ObservedInstance, policy: Policy, draft: Draft) -> None:
    """Plan for an instance that EC2 knows and does not call terminated."""
    if _is_left_alone(observed, instance, policy, draft):
        return
    if instance.state.is_resting:
        # A Spot instance that was stopped and starts again is as good as any.
        stopped = instance.state is InstanceState.STOPPED
        for pool in cared_for(observed, instance, policy):
            memory = replace(pool.memory, interrupted=None, undated=False) if stopped else pool.memory
            plan_resting(observed, instance, pool, memory, f"the instance is {instance.state}", draft)
        if stopped:
            _plan_loose(observed, instance, policy, draft)
            _owe_when_served(observed, instance, policy, draft)
        plan_idle(observed, instance, policy, f"the instance is {instance.state}", draft)
    elif why := why_leaving(observed):
        plan_leaving(observed, instance, why, policy, draft)
        if observed.lifecycle is not None and observed.lifecycle.is_warm:
            _plan_loose(observed, instance, policy, draft)
        if observed.lifecycle is None or not observed.lifecycle.is_leaving:
            _owe_when_served(observed, instance, policy, draft)
    else:
        _plan_live(observed, instance, policy, draft)
        plan_launched(observed, policy, draft)
    plan_defaults(observed, policy, draft)
    draft.doubts.extend(find_doubts(instance, observed.pools, draft))


def _is_left_alone(observed: ObservedNode, instance: ObservedInstance, policy: Policy, draft: Draft) -> bool:
    """Tell whether nothing is done for the instance, and report why where a person would wonder."""
    reason = why_left_alone(instance, policy)
    if reason and (observed.pools or instance.is_of(policy.cluster)):
        draft.report(Metric.LEFT_ALONE, f"{instance.instance_id} is left alone: {reason}")
        plan_idle(observed, instance, policy, f"it is left alone: {reason}", draft)
    return bool(reason)


def _plan_live(observed: ObservedNode, instance: ObservedInstance, policy: Policy, draft: Draft) -> None:
    group = policy.group_of(instance)
    if group is None:
        return
    if observed.limits is None:
        draft.wait(f"the limits of {instance.instance_type} could not be read")
        return
    node_name = plan_name(observed, instance, policy, draft)
    for pool in observed.pools:
        if pool.identity is not None and all(eni.eni_id != pool.identity.eni_id for eni in instance.enis):
            plan_detached(observed, pool, draft)
    needed = {}
    for interface in group.interfaces:
        spare = spare_for(observed, instance, policy, interface)
        if spare is not None and instance.eni_at(interface.device_index) is None:
            needed[spare.eni_id] = spare
        planned = len(draft.actions)
        _plan_interface(observed, instance, policy, with_overrides(interface, instance, draft), node_name, draft)
        # NICs of one subnet share what it has above its reserve.
        observed = without_room(observed, draft.actions[planned:])
    report_dropped(observed, instance, group, draft)
    report_useless(group, instance, draft)
    plan_orphans(observed, needed, policy, draft)
    _plan_multus(observed, policy.cluster, group, draft)
    plan_prepared(observed, instance, policy, draft)


def _plan_loose(observed: ObservedNode, instance: ObservedInstance, policy: Policy, draft: Draft) -> None:
    """Plan for the loose NICs of an instance that serves nobody now: what it will need is attached, the rest goes.

    Nothing is created for it; EC2 attaches a NIC to a stopped instance, too (EC2 API, AttachNetworkInterface).
    """
    group, needed = policy.group_of(instance), {}
    for interface in group.interfaces if group is not None else ():
        spare = spare_for(observed, instance, policy, interface)
        if spare is not None and instance.eni_at(interface.device_index) is None:
            needed[spare.eni_id] = spare
            plan_missing_nic(observed, instance, policy, interface, draft)
    for eni in instance.enis:
        if eni.attached and not eni.why_left_alone:
            plan_kept(eni, instance, draft)
    plan_orphans(observed, needed, policy, draft)


def _owe_when_served(observed: ObservedNode, instance: ObservedInstance, policy: Policy, draft: Draft) -> None:
    """Note what the sizes take away from an instance that serves nobody now, as soon as it does again.

    A policy is judged once, by all nodes; the workers that carry it out when they start know one each (ADR 18).
    """
    served = replace(instance, state=InstanceState.RUNNING)
    then = Draft(replace(observed, instance=served, removals_held=""))
    _plan_live(then.observed, served, policy, then)
    draft.owed.extend(then.owed)
    now = {a.pool.name: a.dropped for a in draft.actions if isinstance(a, ApplyPool) and a.dropped is not None}
    for action in then.actions:
        if isinstance(action, ApplyPool) and action.dropped is not None:
            known = now.get(action.pool.name)
            draft.owe(action.pool.name, (action.dropped - known if known is not None else action.dropped).count())


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
        plan_missing_nic(observed, instance, policy, interface, draft)
        return
    if not eni.attached:
        draft.wait(f"{eni.eni_id} is being attached or detached")
        return
    if eni.why_left_alone:
        draft.refuse(Metric.LEFT_ALONE, f"{eni.eni_id} is left alone: {eni.why_left_alone}")
        return
    plan_kept(eni, instance, draft)
    subnet = observed.subnets.get(eni.subnet_id)
    if subnet is None or observed.limits is None:
        draft.wait(f"subnet {eni.subnet_id} of {eni.eni_id} could not be read")
        return
    for family in IPFamily:
        nic = NicFamily(observed, policy, interface, eni, family, subnet, observed.limits, node_name)
        if family in interface.families:
            plan_nic_family(nic, draft)
        else:
            plan_unwanted_family(nic, draft)


def _plan_multus(observed: ObservedNode, cluster: str, group: Group, draft: Draft) -> None:
    for interface in group.interfaces:
        namespace, name = interface.multus.split("/")
        known = observed.multus.get(interface.multus)
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
