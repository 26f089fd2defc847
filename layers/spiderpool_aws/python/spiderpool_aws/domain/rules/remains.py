"""What an instance that is gone leaves in the cluster: under which names, and who may have taken them. Pure."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from spiderpool_aws.domain.cluster.node import Node, NodeProof, fixed_node_name, is_node_name
from spiderpool_aws.domain.cluster.node_index import NodeIndex
from spiderpool_aws.domain.cluster.pool import Pool
from spiderpool_aws.domain.instance import InstanceState, ObservedInstance
from spiderpool_aws.domain.observed import LiveClaim, ObservedNode
from spiderpool_aws.domain.policy.model import Policy
from spiderpool_aws.domain.rules.nic_family import is_named_for

EVER = datetime.min.replace(tzinfo=UTC)
"""Since when somebody has a Node of whom nothing is known: no pod on it is older."""


@dataclass(frozen=True, slots=True)
class Remains:
    """The Nodes and node names of an instance that is gone."""

    nodes: tuple[Node, ...] = ()
    """Those that are proved its own, the newest first, then those that have a name of its own."""
    names: tuple[str, ...] = ()
    """Under which its pods may be."""


def is_surely_gone(model: ObservedNode) -> bool:
    """Tell whether EC2 calls the instance terminated, or two complete listings lacked it (invariant 10).

    When its pools are gone, too, one of its Nodes may say that it was so then.
    """
    if model.instance is not None:
        return model.instance.state is InstanceState.TERMINATED
    live = [pool for pool in model.pools if not pool.terminating]
    if not live:
        return is_noted_gone(model)
    return all(pool.memory.absent is not None and pool.memory.absent.proved(model.now) for pool in live)


def is_noted_gone(model: ObservedNode) -> bool:
    """Tell whether a Node that is proved the instance's says that it is gone, and no pool tells more of it."""
    if model.instance is not None or any(not pool.terminating for pool in model.pools):
        return False
    return any(node.gone_instance == model.instance_id and model.proof.holds(node) for node in model.nodes)


def node_names(pools: Iterable[Pool]) -> list[str]:
    """Return the node names that pools have."""
    names = dict.fromkeys(name for pool in pools for name in pool.spec.node_name)
    return [name for name in names if is_node_name(name)]


def find_remains(proof: NodeProof, pools: Sequence[Pool], nodes: NodeIndex, policy: Policy) -> Remains:
    """Return what is left of an instance that is gone.

    `nodeName` is a field that anybody may edit: of a name that a Node has which is not proved the instance's, its
    pods are looked for only when the pool was made for that name.
    """
    proved = nodes.proved(proof)
    names = [
        name
        for name in node_names(pools)
        if nodes.get(name) is None or any(is_named_for(pool, name, policy) for pool in pools)
    ]
    found = [*proved, *(node for name in names if (node := nodes.get(name)) is not None)]
    all_names = dict.fromkeys([*(node.name for node in proved), *names])
    return Remains(tuple({node.uid: node for node in found}.values()), tuple(all_names))


def node_ipv4(model: ObservedNode) -> list[str]:
    """Return the IPv4 addresses of the Nodes."""
    return [ip for node in model.nodes for ip in node.internal_ips if ":" not in ip]


def proved_others(model: ObservedNode) -> set[str]:
    """Return the other instances that the Nodes' providerIDs name."""
    return {node.provider_instance_id for node in model.nodes} - {"", model.instance_id}


def heirs_of(model: ObservedNode) -> set[str]:
    """Return who had the Nodes of an instance that is gone when that was noted on them."""
    return {node.heir for node in model.nodes if node.heir and node.gone_instance == model.instance_id}


def claim_of(
    model: ObservedNode, there: Iterable[ObservedInstance], unknown: Collection[str], policy: Policy
) -> LiveClaim | None:
    """Return the oldest instance, of some that are there, with the dead one's node name or primary address, if any.

    An heir whom EC2 does not know (`unknown`) has it, too: that it is gone is not proved (invariant 10).
    """
    addresses, proved = node_ipv4(model), proved_others(model) | heirs_of(model)
    claims = [
        LiveClaim(other.instance_id, other.launch_time)
        for other in there
        if other.instance_id != model.instance_id
        and (
            (fixed_node_name(policy, other) or other.private_dns_name) in model.left_names
            or other.private_ipv4 in addresses
            or other.instance_id in proved
        )
    ]
    claims += [LiveClaim(heir, EVER) for heir in sorted(heirs_of(model) & {*unknown})]
    return min(claims, key=lambda claim: claim.launch_time, default=None)
