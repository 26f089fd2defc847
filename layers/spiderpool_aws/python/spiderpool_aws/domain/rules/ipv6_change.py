"""The rules of IPv6 pools beside their NIC's own: their `default`, what holds it, and a family that goes. Pure."""

from dataclasses import replace

from spiderpool_aws.domain.actions.pools import ApplyPool, DeletePool, PoolChange
from spiderpool_aws.domain.addresses import EMPTY, IPFamily
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.policy.model import UNWANTED, Policy
from spiderpool_aws.domain.rules.amounts import plan_amounts
from spiderpool_aws.domain.rules.draft import Draft
from spiderpool_aws.domain.rules.ipv6_default import held_back, lacking, wanted_default
from spiderpool_aws.domain.rules.left_alone import why_left_alone
from spiderpool_aws.domain.rules.lost import lost_addresses
from spiderpool_aws.domain.rules.nic_family import NicFamily, holding_of, host_ipv6
from spiderpool_aws.domain.rules.pools import leaving_of, memory_of, report_losses
from spiderpool_aws.domain.rules.quarantine import plan_quarantine
from spiderpool_aws.metrics import Metric


def plan_defaults(draft: Draft, policy: Policy) -> None:
    """Have each IPv6 pool of the instance default, or not, as the others are: those of NICs out of the policy, too.

    So also where nothing else is done: a pool counts as default while its instance is stopped (recorded behaviour).
    """
    instance = draft.observed.instance
    alone = {eni.eni_id for eni in instance.enis if eni.why_left_alone} if instance is not None else set()
    for pool in draft.observed.pools:
        if pool.family is not IPFamily.IPV6 or pool.terminating or pool.name in draft.changed_pools:
            continue
        if pool.identity is None or pool.identity.eni_id in alone:
            continue
        default = wanted_default(draft.observed, policy, pool)
        if pool.spec.default is not default:
            why = "IPv6 pools are default everywhere" if default else "IPv6 pools are default nowhere any more"
            draft.add(ApplyPool(PoolChange.UPDATE, replace(pool, spec=replace(pool.spec, default=default)), why))


def report_held(draft: Draft, policy: Policy) -> None:
    """Report what keeps the IPv6 pools of the whole cluster from becoming default, or from being it no longer."""
    observed = draft.observed
    if not policy.pools.default or draft.gone:
        return
    if not policy.has_ipv6:
        _report_held_back(draft, policy)
        return
    claims = observed.claims
    if observed.flip_held and any(pool.family is IPFamily.IPV6 and not pool.spec.default for pool in observed.pools):
        draft.report(Metric.IPV6_HELD, observed.flip_held)
    # What is being done about it is no finding.
    if draft.actions or claims.ipv6.has_default or not claims.ipv6.has_withheld:
        return
    if enis := sorted(lacking(observed, policy)):
        why = why_left_alone(observed.instance, policy)
        draft.report(
            Metric.IPV6_HELD,
            f"{_named(observed)} holds IPv6 up for the whole cluster: pods get IPv4 addresses on {', '.join(enis)} and "
            f"there is no IPv6 pool that serves them{f', for {why}' if why else ''}; mend that, or disable its IPv4 "
            "pools",
        )


def _report_held_back(draft: Draft, policy: Policy) -> None:
    observed = draft.observed
    own = [pool for pool in observed.pools if pool.family is IPFamily.IPV6 and pool.spec.default]
    foreign = observed.claims.ipv6.foreign_defaults
    if own and foreign:
        draft.report(
            Metric.IPV6_HELD,
            f"the policy gives no IPv6, and the IPv6 pools of {_named(observed)} stay default: so is pool "
            f"{', '.join(foreign)}, which is not ours, and pods would fail on each NIC without one; set `default: "
            "false` there",
        )
    for pool, why in held_back(observed, policy):
        if not pool.terminating:
            draft.report(
                Metric.IPV6_HELD,
                f"{_named(observed)} keeps IPv6 in the whole cluster, which the policy no longer gives: its pool "
                f"{pool.name} is default, and {why}; set `default: false` there, or have it served",
            )


def _named(observed: ObservedNode) -> str:
    names = {name for pool in observed.pools for name in pool.spec.node_name}
    names = {observed.node.name} if observed.node is not None else names
    return f"{observed.instance_id} (Node {', '.join(sorted(names))})" if names else observed.instance_id


def plan_unwanted_family(draft: Draft, nic: NicFamily) -> None:
    """Give back what pods had of a family that the policy no longer gives, and then the pool.

    As any size that is lowered, to nothing: what a pod uses stays until it is released. It begins when no IPv6 pool is
    default any more: a default one that is empty takes an IPv4 address from each pod that fails (recorded behaviour).
    """
    pool = nic.pool
    if pool is None:
        return
    if nic.observed.claims.ipv6.has_default:
        # The policy is judged by it now: workers may take it away as soon as the last pool is not default any more.
        draft.owe(pool.name, pool.spec.ips.count())
        return
    host = host_ipv6(nic) if nic.family is IPFamily.IPV6 else EMPTY[nic.family]
    lost = lost_addresses(pool, nic.eni.assigned(nic.family), nic.observed.now)
    holding = holding_of(nic, host, lost)
    release = plan_amounts(draft, nic, UNWANTED, holding, lost)
    report_losses(draft, nic, pool, lost)
    plan_quarantine(draft, pool, lost)
    leaving = leaving_of(draft, nic, pool, holding, release, lost)
    memory = memory_of(nic, pool, release, lost, leaving.all)
    why = f"the policy gives {nic.eni.eni_id} no {nic.family}"
    if leaving.all:
        spec = replace(pool.spec, ips=pool.spec.ips - leaving.all)
        draft.add(ApplyPool(PoolChange.SHRINK, replace(pool, spec=spec, memory=memory), why, leaving.dropped))
        return
    if pool.spec.ips:
        if memory.missing != pool.memory.missing:
            draft.add(ApplyPool(PoolChange.REMEMBER, replace(pool, memory=memory), "EC2 does not show all of it"))
    elif not release.excess.unassign and not release.excess.unassign_prefixes:
        # Last, because what was released and is not unassigned yet is remembered in it.
        draft.add(DeletePool(pool, why))
