"""A plan: frozen, ordered, printable data. Nothing here does anything."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from spiderpool_aws.domain.addresses import AddressSet, IPFamily
from spiderpool_aws.domain.node import PodRef
from spiderpool_aws.domain.pool import MultusConfig, Pool
from spiderpool_aws.domain.removals import Doubt, Removals


class PoolChange(StrEnum):
    """What an apply does to a pool; `remember` writes only the state annotation."""

    CREATE = "create"
    GROW = "grow"
    SHRINK = "shrink"
    DISABLE = "disable"
    UPDATE = "update"
    REMEMBER = "remember"


@dataclass(frozen=True, slots=True)
class ApplyPool:
    """Write a pool as it should be."""

    change: PoolChange
    pool: Pool
    why: str
    dropped: AddressSet | None = None
    """What a shrink takes out."""

    @property
    def key(self) -> str:
        """Name the action, so that a refused one is not planned again in the same pass."""
        return f"{self.change} pool {self.pool.name}"

    def __str__(self) -> str:
        return f"{self.key} [{self.pool.spec.ips}]: {self.why}"


@dataclass(frozen=True, slots=True)
class DeletePool:
    """Delete a pool; Spiderpool keeps it until its last address is released."""

    pool: Pool
    why: str

    @property
    def key(self) -> str:
        """Name the action."""
        return f"delete pool {self.pool.name}"

    def __str__(self) -> str:
        return f"{self.key} [{self.pool.spec.ips}]: {self.why}"


@dataclass(frozen=True, slots=True)
class Assign:
    """Assign so many secondary addresses (or prefixes) of a family to a NIC; EC2 chooses which."""

    eni_id: str
    family: IPFamily
    count: int
    prefixes: bool = False

    @property
    def key(self) -> str:
        """Name the action."""
        return f"assign {self.family} {'prefixes' if self.prefixes else 'addresses'} to {self.eni_id}"

    def __str__(self) -> str:
        what = f"{self.family} {'prefix' if self.prefixes else 'address'}{'' if self.count == 1 else 'es'}"
        return f"assign {self.count} {what} to {self.eni_id}"


@dataclass(frozen=True, slots=True)
class Reassign:
    """Assign again the very addresses that a NIC lost while pods use them."""

    eni_id: str
    addresses: AddressSet
    why: str
    vpc_id: str = ""
    """Where somebody else may hold one of them."""

    @property
    def key(self) -> str:
        """Name the action."""
        return f"assign {self.addresses} again to {self.eni_id}"

    def __str__(self) -> str:
        return f"{self.key}: {self.why}"


@dataclass(frozen=True, slots=True)
class ApplyMultusConfig:
    """Create or mend the SpiderMultusConfig of a NIC."""

    config: MultusConfig
    cluster: str
    """The label that says whose it is."""

    @property
    def key(self) -> str:
        """Name the action."""
        return f"apply SpiderMultusConfig {self.config.key}"

    def __str__(self) -> str:
        return f"{self.key}: ipvlan on {self.config.master}"


@dataclass(frozen=True, slots=True)
class PrepareNode:
    """Set the Node's providerID, once, and take its startup taint off; one of the two may be empty."""

    node_name: str
    node_uid: str
    provider_id: str = ""
    taint: str = ""

    @property
    def key(self) -> str:
        """Name the action."""
        return f"prepare node {self.node_name}"

    def __str__(self) -> str:
        parts = [f"set providerID {self.provider_id}"] if self.provider_id else []
        parts += [f"remove taint {self.taint}, all its pools are in place"] if self.taint else []
        return f"{self.key}: {'; '.join(parts)}"


@dataclass(frozen=True, slots=True)
class TaintNode:
    """Put the startup taint back on a dead node's Node that the kubelet of its successor has adopted."""

    node_name: str
    node_uid: str
    taint: str
    instance_id: str
    """The successor."""

    @property
    def key(self) -> str:
        """Name the action."""
        return f"taint node {self.node_name}"

    def __str__(self) -> str:
        return (
            f"{self.key} with {self.taint}: it has the address of {self.instance_id} and is not proved to be its Node"
        )


@dataclass(frozen=True, slots=True)
class DeleteNode:
    """Delete the Node of an instance that is gone."""

    node_name: str
    node_uid: str
    why: str

    @property
    def key(self) -> str:
        """Name the action."""
        return f"delete node {self.node_name}"

    def __str__(self) -> str:
        return f"{self.key}: {self.why}"


@dataclass(frozen=True, slots=True)
class DeletePod:
    """Delete, with grace 0, a pod of an instance that is gone: it holds its addresses otherwise."""

    pod: PodRef
    why: str

    @property
    def key(self) -> str:
        """Name the action."""
        return f"delete pod {self.pod.namespace}/{self.pod.name}"

    def __str__(self) -> str:
        return f"{self.key}: {self.why}"


NodeAction = PrepareNode | TaintNode | DeleteNode | DeletePod
Action = ApplyPool | DeletePool | Assign | Reassign | ApplyMultusConfig | NodeAction


@dataclass(frozen=True, slots=True)
class Wait:
    """Something that time or somebody else will bring; the message comes back until it has."""

    reason: str
    delay_seconds: float | None = None
    """When to look again; None: the usual backoff."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a person should know: refused, left alone, or wrong. `code` is a metric's name."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class NodePlan:
    """What is to do for one instance, in order. No action, no wait: converged."""

    instance_id: str
    actions: tuple[Action, ...] = ()
    waits: tuple[Wait, ...] = ()
    findings: tuple[Finding, ...] = ()
    nudges: frozenset[str] = frozenset()
    """Other instances whose pools list what belongs here: they have to be looked at, too."""
    gone: bool = False
    """EC2 called the instance terminated: its removals are proved, and no fuse counts them."""
    incomplete: bool = False
    """A pool that the node needs is not in place."""
    doubts: tuple[Doubt, ...] = ()
    """What EC2 did not show and what goes when the next look does not show it either."""

    @property
    def converged(self) -> bool:
        """Nothing to do and nothing to wait for."""
        return not self.actions and not self.waits

    @property
    def only_removes(self) -> bool:
        """All that it would do is held while the fuse is tripped."""
        held = (isinstance(a, DeletePool | DeleteNode | DeletePod) or _shrinks(a) for a in self.actions)
        return not self.gone and all(held)

    @property
    def certain_removals(self) -> Removals:
        """What the plan would take away now, for invariant 10."""
        return self._removals(())

    @property
    def removals(self) -> Removals:
        """What it would take away now or after one more look: workers look again before the next listing is judged."""
        return self._removals(self.doubts)

    def _removals(self, doubts: Iterable[Doubt]) -> Removals:
        if self.gone:
            return Removals()
        whole = {action.pool.name: action.pool for action in self.actions if isinstance(action, DeletePool)}
        whole |= {doubt.pool.name: doubt.pool for doubt in doubts if doubt.whole}
        parts = {a.pool.name: a.dropped for a in self.actions if isinstance(a, ApplyPool) and a.dropped is not None}
        # One set a pool: the digest of what is doubted today and certain tomorrow has to stay the same.
        for doubt in doubts:
            known = parts.get(doubt.pool.name)
            parts[doubt.pool.name] = doubt.addresses if known is None else known | doubt.addresses
        shrunk = [addresses for name, addresses in parts.items() if name not in whole]
        nodes = [action.node_name for action in self.actions if isinstance(action, DeleteNode)]
        return Removals.of(list(whole.values()), shrunk, nodes)

    def __str__(self) -> str:
        lines = [str(action) for action in self.actions]
        lines += [f"wait: {wait.reason}" for wait in self.waits]
        lines += [f"{finding.code}: {finding.message}" for finding in self.findings]
        return "\n".join([f"{self.instance_id}: {'converged' if self.converged else 'to do'}", *lines])


def _shrinks(action: Action) -> bool:
    return isinstance(action, ApplyPool) and action.change is PoolChange.SHRINK
