"""What an instance that is gone leaves in the cluster: under which names, and who may have taken them. Pure."""

from collections.abc import Iterable

from spiderpool_aws.domain.instance import ObservedInstance
from spiderpool_aws.domain.node import fixed_node_name
from spiderpool_aws.domain.observed import LiveClaim, ObservedNode
from spiderpool_aws.domain.policy import Policy
from spiderpool_aws.domain.pool import Pool


def node_names(pools: Iterable[Pool]) -> list[str]:
    """Return the node names that pools have."""
    return list(dict.fromkeys(name for pool in pools for name in pool.spec.node_name))


def remains_names(model: ObservedNode) -> list[str]:
    """Return the node names of an instance that is gone: those that its pools have, or that of the Node found."""
    return node_names(model.pools) or ([model.node.name] if model.node is not None else [])


def node_ipv4(model: ObservedNode) -> list[str]:
    """Return the IPv4 addresses of the Node."""
    return [ip for ip in model.node.internal_ips if ":" not in ip] if model.node else []


def proved_other(model: ObservedNode) -> str:
    """Return the other instance that the Node's providerID names; empty when it names none."""
    named = model.node.provider_instance_id if model.node is not None else ""
    return named if named != model.instance_id else ""


def claim_of(model: ObservedNode, live: Iterable[ObservedInstance], policy: Policy) -> LiveClaim | None:
    """Return the oldest live instance that has the dead one's node name or primary address; None when none has."""
    names, addresses, proved = remains_names(model), node_ipv4(model), proved_other(model)
    claims = [
        LiveClaim(other.instance_id, other.launch_time)
        for other in live
        if other.instance_id != model.instance_id
        and (
            (fixed_node_name(policy, other) or other.private_dns_name) in names
            or other.private_ipv4 in addresses
            or other.instance_id == proved
        )
    ]
    return min(claims, key=lambda claim: claim.launch_time, default=None)
