"""All Nodes of a listing, found by what may prove them an instance's: a look costs no second listing, nor a scan."""

from collections import defaultdict
from collections.abc import Iterable

from spiderpool_aws.domain.cluster.node import Node, NodeProof


class NodeIndex:
    """Immutable once made."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        self._by_name: dict[str, Node] = {}
        self._by_uid: dict[str, Node] = {}
        self._by_instance: defaultdict[str, list[Node]] = defaultdict(list)
        self._by_address: defaultdict[str, list[Node]] = defaultdict(list)
        self._noted: defaultdict[str, list[Node]] = defaultdict(list)
        for node in nodes:
            self._by_name[node.name] = self._by_uid[node.uid] = node
            if node.provider_id:
                self._by_instance[node.named_instance_id].append(node)
            for address in node.internal_ips:
                self._by_address[address].append(node)
            if node.gone_instance and NodeProof(node.gone_instance).holds(node):
                self._noted[node.gone_instance].append(node)

    @property
    def gone_instances(self) -> frozenset[str]:
        """The instances of which a Node says that they are gone, and that it was theirs."""
        return frozenset(self._noted)

    def get(self, name: str) -> Node | None:
        """Return the Node of a name."""
        return self._by_name.get(name)

    def proved(self, proof: NodeProof) -> tuple[Node, ...]:
        """Return the Nodes that are proved an instance's, the newest first."""
        candidates = [
            *self._by_instance.get(proof.instance_id, ()),
            *(node for uid in proof.uids if (node := self._by_uid.get(uid)) is not None),
            *self._by_address.get(proof.address, ()),
            *self._noted.get(proof.instance_id, ()),
        ]
        return proved_of(candidates, proof)


def proved_of(candidates: Iterable[Node], proof: NodeProof) -> tuple[Node, ...]:
    """Return those of some Nodes that are proved an instance's, the newest first."""
    proved = {node.uid: node for node in candidates if proof.holds(node)}
    return tuple(sorted(proved.values(), key=lambda node: (node.created, node.name), reverse=True))
