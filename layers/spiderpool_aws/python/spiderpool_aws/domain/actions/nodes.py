"""What a plan does to Nodes and pods."""

from dataclasses import dataclass

from spiderpool_aws.domain.cluster.node import PodRef
from spiderpool_aws.domain.stages import PlannedAction, Stage


@dataclass(frozen=True, slots=True)
class PrepareNode(PlannedAction):
    """Set the Node's providerID, once, and take its startup taint off; one of the two may be empty."""

    node_name: str
    node_uid: str
    provider_id: str = ""
    taint: str = ""

    @property
    def stage(self) -> Stage:
        """When all its pools are in place."""
        return Stage.NODE

    @property
    def key(self) -> str:
        """Name the action."""
        return f"prepare node {self.node_name}"

    def __str__(self) -> str:
        parts = [f"set providerID {self.provider_id}"] if self.provider_id else []
        parts += [f"remove taint {self.taint}, all its pools are in place"] if self.taint else []
        return f"{self.key}: {'; '.join(parts)}"


@dataclass(frozen=True, slots=True)
class TaintNode(PlannedAction):
    """Put the startup taint back on a dead node's Node that the kubelet of its successor has adopted."""

    node_name: str
    node_uid: str
    taint: str
    instance_id: str
    """The successor."""

    @property
    def stage(self) -> Stage:
        """With the other fences: no pod may come before its pools."""
        return Stage.FENCE

    @property
    def key(self) -> str:
        """Name the action."""
        return f"taint node {self.node_name}"

    def __str__(self) -> str:
        return (
            f"{self.key} with {self.taint}: it has the address of {self.instance_id} and is not proved to be its Node"
        )


@dataclass(frozen=True, slots=True)
class DeleteNode(PlannedAction):
    """Delete the Node of an instance that is gone."""

    node_name: str
    node_uid: str
    why: str

    @property
    def stage(self) -> Stage:
        """It goes with its instance."""
        return Stage.RETIRE

    @property
    def key(self) -> str:
        """Name the action."""
        return f"delete node {self.node_name}"

    @property
    def is_removal(self) -> bool:
        """Something of the cluster goes."""
        return True

    def __str__(self) -> str:
        return f"{self.key}: {self.why}"


@dataclass(frozen=True, slots=True)
class NoteGone(PlannedAction):
    """Note on the Node of an instance that is gone whose it was, for EC2 forgets it, and who has it now.

    Empty: the instance is there after all, and the note goes.
    """

    node_name: str
    node_uid: str
    instance_id: str
    heir: str

    @property
    def stage(self) -> Stage:
        """Before the pools go, which know it, too."""
        return Stage.RETIRE

    @property
    def key(self) -> str:
        """Name the action."""
        if not self.instance_id:
            return f"take the note off node {self.node_name}"
        return f"note on node {self.node_name} that {self.instance_id} is gone and {self.heir} has it"

    def __str__(self) -> str:
        return f"{self.key}: {'the node goes when that one is terminated' if self.heir else 'EC2 knows its instance'}"


@dataclass(frozen=True, slots=True)
class DeletePod(PlannedAction):
    """Delete, with grace 0, a pod of an instance that is gone: it holds its addresses otherwise."""

    pod: PodRef
    why: str

    @property
    def stage(self) -> Stage:
        """It goes with its instance."""
        return Stage.RETIRE

    @property
    def key(self) -> str:
        """Name the action."""
        return f"delete pod {self.pod.namespace}/{self.pod.name}"

    @property
    def is_removal(self) -> bool:
        """Something of the cluster goes."""
        return True

    def __str__(self) -> str:
        return f"{self.key}: {self.why}"


NodeAction = PrepareNode | TaintNode | DeleteNode | NoteGone | DeletePod
