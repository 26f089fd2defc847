"""When IPv6 pools are default: on every node at once, or on none. Pure.

One default IPv6 pool anywhere makes Spiderpool refuse every pod, for IPv4 too, on a NIC without one (recorded
behaviour). So the field changes in one round of the workers, and a complete listing says when:

    the policy gets IPv6     when every NIC that serves pods has an IPv6 pool, whosever it is
    the policy loses IPv6    when every default IPv6 pool is one that we may write

Once the first pool has changed, every look at a node does the same. A cluster that has IPv6 from its first node on has
nothing to wait for.
"""

from collections.abc import Iterable, Iterator, Sequence

from spiderpool_aws.domain.addresses import IPFamily
from spiderpool_aws.domain.cluster.pool import Pool
from spiderpool_aws.domain.instance import InstanceState
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.policy.model import Policy
from spiderpool_aws.domain.rules.left_alone import why_left_alone


def wanted_default(observed: ObservedNode, policy: Policy, known: Pool | None = None) -> bool:
    """Tell whether an IPv6 pool of the node, `known` or a new one, should be default now."""
    if not policy.pools.default:
        return False
    if policy.has_ipv6:
        return _may_be_default(observed)
    return known is not None and known.spec.default and not _may_be_withdrawn(observed)


def _may_be_default(observed: ObservedNode) -> bool:
    ipv6 = observed.claims.ipv6
    if observed.flip or ipv6.has_default or _has_default(observed):
        return True
    # The listing is older than what this pass has written: a node's first pools, of both families, come together. One
    # that is there already and not default (it was adopted so) waits like any other.
    return not _live_ipv6(observed) and not ipv6.is_there and not ipv6.is_lacking


def _may_be_withdrawn(observed: ObservedNode) -> bool:
    # A flip that was under way when the policy changed has left pools of both kinds: it cannot get worse.
    return observed.flip or observed.claims.ipv6.has_withheld


def flip_is_due(models: Iterable[ObservedNode], policy: Policy) -> bool:
    """Tell whether a complete listing shows that all IPv6 pools may become default now, or none be it any more."""
    models = list(models)
    if not policy.pools.default or not models:
        return False
    claims = models[0].claims
    if not policy.has_ipv6:
        held = bool(claims.ipv6.foreign_defaults) or any(any(held_back(model, policy)) for model in models)
        return not held and any(_has_default(model) for model in models)
    if claims.ipv6.has_default or unlisted_users(models):
        return False
    return any(_serves_ipv6(model) for model in models) and not any(lacking(model, policy) for model in models)


def flip_is_awaited(models: Iterable[ObservedNode], policy: Policy) -> bool:
    """Tell whether a node of the listing has IPv6 pools that should be default and are not, or the other way round.

    No message waits for the flip: in a group of the FIFO queue it would stand before the one that brings it.
    """
    if not policy.pools.default:
        return False
    if not policy.has_ipv6:
        return any(_has_default(model) for model in models)
    served = (model for model in models if _is_running(model) and not why_left_alone(model.instance, policy))
    return any(_ipv4_nics(model) - {eni for eni, pool in _ipv6_nics(model) if pool.spec.default} for model in served)


def lacking(model: ObservedNode, policy: Policy) -> set[str]:
    """Return the NICs on which pods would fail if IPv6 pools became default now.

    Whether the instance is served does not matter: Spiderpool does not ask for it. What EC2 does not know may run yet.
    """
    if not _is_running(model) and model.instance is not None:
        return set()
    alone = _left_alone(model, policy)
    return _ipv4_nics(model) - {eni for eni, pool in _ipv6_nics(model) if pool.spec.default or eni not in alone}


def held_back(model: ObservedNode, policy: Policy) -> Iterator[tuple[Pool, str]]:
    """Yield the default IPv6 pools of the node that stay default whatever the policy says, and why."""
    alone = _left_alone(model, policy)
    for pool in model.pools:
        if pool.family is not IPFamily.IPV6 or not pool.spec.default or pool.identity is None:
            continue
        if pool.terminating:
            yield pool, "it is being deleted"
        elif pool.identity.eni_id in alone:
            yield pool, alone[pool.identity.eni_id]


def unlisted_users(models: Sequence[ObservedNode]) -> list[str]:
    """Return the hand-made default IPv4 pools whose pods run on no NIC of the listing: nothing says on which."""
    enis = [eni for model in models if model.instance is not None for eni in model.instance.enis]
    foreign = models[0].claims.ipv6.foreign_ipv4 if models else ()
    return sorted(
        pool.name
        for pool in foreign
        if pool.allocated and not any(pool.spec.ips & eni.assigned(IPFamily.IPV4) for eni in enis)
    )


def _left_alone(model: ObservedNode, policy: Policy) -> dict[str, str]:
    """Return ENI id -> why its pools are not written, of those that are left alone."""
    if why := why_left_alone(model.instance, policy):
        return {pool.identity.eni_id: why for pool in model.pools if pool.identity is not None}
    known = model.instance.enis if model.instance is not None else ()
    return {eni.eni_id: eni.why_left_alone for eni in known if eni.why_left_alone}


def _is_running(model: ObservedNode) -> bool:
    return model.instance is not None and model.instance.state in (InstanceState.PENDING, InstanceState.RUNNING)


def _live_ipv6(model: ObservedNode) -> list[Pool]:
    return [pool for pool in model.pools if pool.family is IPFamily.IPV6 and not pool.terminating]


def _has_default(model: ObservedNode) -> bool:
    return any(pool.spec.default for pool in _live_ipv6(model))


def _serves_ipv6(model: ObservedNode) -> bool:
    return any(True for _ in _ipv6_nics(model))


def _ipv6_nics(model: ObservedNode) -> Iterator[tuple[str, Pool]]:
    """Yield ENI id and pool of what gives pods IPv6 addresses: an empty pool, or one that is disabled, does not."""
    for pool in _live_ipv6(model):
        if pool.identity is not None and pool.spec.ips and pool.serves:
            yield pool.identity.eni_id, pool


def _ipv4_nics(model: ObservedNode) -> set[str]:
    """Return the NICs of which pods get IPv4 addresses, from pools of ours or hand-made ones."""
    ours = {
        pool.identity.eni_id
        for pool in model.pools
        if pool.identity is not None and pool.family is IPFamily.IPV4 and pool.serves
    }
    enis = model.instance.enis if model.instance is not None else ()
    listed = {eni.eni_id: model.claims.listed(eni.assigned(IPFamily.IPV4)).values() for eni in enis}
    return ours | {eni for eni, found in listed.items() if any(p.identity is None and p.serves for p, _ in found)}
