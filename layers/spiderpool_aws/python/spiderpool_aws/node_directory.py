"""Which Nodes are an instance's, and what one that is gone has left: read by name, or in one listing for many."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from spiderpool_aws.domain.cluster.node import Node, fixed_node_name, is_node_name
from spiderpool_aws.domain.cluster.node_index import NodeIndex, proved_of
from spiderpool_aws.domain.cluster.pool import Pool
from spiderpool_aws.domain.instance import ObservedInstance
from spiderpool_aws.domain.observed import ObservedNode, node_proof
from spiderpool_aws.domain.policy.model import Policy
from spiderpool_aws.domain.rules.left_alone import why_remains_stay
from spiderpool_aws.domain.rules.remains import Remains, find_remains, is_surely_gone, node_names
from spiderpool_aws.ports import ClusterPort


@dataclass(slots=True)
class NodeDirectory:
    """Finds the Nodes of an instance: by name first, and by one listing of all Nodes where names do not do."""

    cluster: ClusterPort
    listed: NodeIndex | None = None
    """All Nodes, where they have been listed already; then none is read by name."""

    def get(self, name: str) -> Node | None:
        """Return the Node of a name."""
        return self.cluster.get_node(name) if self.listed is None else self.listed.get(name)

    def all(self) -> NodeIndex:
        """Return all Nodes, listed at most once."""
        if self.listed is None:
            self.listed = NodeIndex(self.cluster.list_nodes())
        return self.listed

    def of_gone(self, model: ObservedNode, policy: Policy) -> Remains:
        """Return what is left of an instance that is gone; of one that died before it had a pool, too.

        EC2 tells no name or address of it any more, so the Nodes are listed, once for all of a batch.
        """
        pools = model.pools
        if self.listed is not None:
            # A Node may say that its instance is gone.
            model = with_nodes(model, Remains(self.listed.proved(model.proof)))
        if not is_surely_gone(model):
            names = node_names(pools)
            return Remains(tuple(node for name in names if (node := self.get(name)) is not None))
        if why_remains_stay(model, policy) or not (pools or policy.nodes.delete_terminated):
            return Remains()
        return find_remains(model.proof, pools, self.all(), policy)

    def of_live(self, instance: ObservedInstance, pools: Sequence[Pool], policy: Policy) -> tuple[Node, ...]:
        """Return the Nodes that are proved the instance's, the newest first; else the one of its name, if any."""
        proof = node_proof(instance.instance_id, instance, pools)
        fixed, names = fixed_node_name(policy, instance), node_names(pools)
        names = [*names, instance.private_dns_name] if policy.node_name == "discover" else [fixed or "", *names]
        candidates = [
            node for name in dict.fromkeys(names) if is_node_name(name) and (node := self.get(name)) is not None
        ]
        proved = proved_of(candidates, proof)
        if policy.node_name == "discover" and (not proved or self.listed is not None):
            proved = self.all().proved(proof)
        return proved or tuple(candidates[:1])


def with_nodes(model: ObservedNode, left: Remains) -> ObservedNode:
    """Return a model with its Nodes and the node names that it left."""
    return replace(model, node=next(iter(left.nodes), None), other_nodes=left.nodes[1:], left_names=left.names)
