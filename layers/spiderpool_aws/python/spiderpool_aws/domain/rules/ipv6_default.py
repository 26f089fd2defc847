"""When IPv6 pools become default: on every node at once, or on none. Pure.

One default IPv6 pool anywhere makes Spiderpool refuse every pod, for IPv4 too, on a NIC without one (recorded
behaviour). So where a cluster turns IPv6 on, its pools are not default until every node has its own, and then all of
them are flipped in one pass of the resync; a cluster that has IPv6 from its first node on has nothing to wait for.
"""

from collections.abc import Iterable

from spiderpool_aws.domain.addresses import IPFamily
from spiderpool_aws.domain.instance import Eni, InstanceState
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.policy.model import Policy


def may_be_default(observed: ObservedNode) -> bool:
    """Tell whether an IPv6 pool of the node may be default now."""
    claims, own = observed.claims, _ipv6_pools(observed)
    if observed.flip or claims.has_default_ipv6 or any(own.values()):
        return True
    return not own and not claims.has_ipv6 and not claims.lacks_ipv6(except_instance=observed.instance_id)


def flip_is_due(models: Iterable[ObservedNode], policy: Policy) -> bool:
    """Tell whether a complete listing shows that every node has its IPv6 pools, and none is default yet."""
    live = [m for m in models if _is_served(m, policy)]
    if not policy.pools.default or not live or live[0].claims.has_default_ipv6:
        return False
    return any(_ipv6_pools(m) for m in live) and all(_ipv4_nics(m) <= _ipv6_pools(m).keys() for m in live)


def flip_is_awaited(models: Iterable[ObservedNode], policy: Policy) -> bool:
    """Tell whether a node of the listing should have default IPv6 pools and lacks one.

    No message waits for the flip: in a group of the FIFO queue it would stand before the one that brings it.
    """
    live = [m for m in models if _is_served(m, policy)]
    return policy.pools.default and any(not _has_defaults(m) for m in live)


def _has_defaults(model: ObservedNode) -> bool:
    own = _ipv6_pools(model)
    return all(own.get(nic, False) for nic in _ipv4_nics(model))


def _is_served(model: ObservedNode, policy: Policy) -> bool:
    instance = model.instance
    running = instance is not None and instance.state in (InstanceState.PENDING, InstanceState.RUNNING)
    group = policy.group_of(instance) if instance is not None and running else None
    return group is not None and any(IPFamily.IPV6 in nic.families for nic in group.interfaces)


def _ipv6_pools(model: ObservedNode) -> dict[str, bool]:
    """Return ENI id -> whether its pool is default."""
    return {
        pool.identity.eni_id: pool.spec.default
        for pool in model.pools
        if pool.identity is not None and pool.family is IPFamily.IPV6 and not pool.terminating
    }


def _ipv4_nics(model: ObservedNode) -> set[str]:
    ours = {
        pool.identity.eni_id
        for pool in model.pools
        if pool.identity is not None and pool.family is IPFamily.IPV4 and not pool.terminating
    }
    return ours | {eni.eni_id for eni in model.instance.enis if _has_hand_made(eni, model)} if model.instance else ours


def _has_hand_made(eni: Eni, model: ObservedNode) -> bool:
    listed = model.claims.listed(eni.assigned(IPFamily.IPV4)).values()
    return any(pool.identity is None and not pool.terminating for pool, _ in listed)
