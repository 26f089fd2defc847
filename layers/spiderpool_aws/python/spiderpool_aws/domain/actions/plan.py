"""A plan: frozen, ordered, printable data. Nothing here does anything."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from spiderpool_aws.domain.actions.nics import NicAction
from spiderpool_aws.domain.actions.nodes import DeleteNode, NodeAction
from spiderpool_aws.domain.actions.pools import ApplyPool, DeletePool, PoolAction
from spiderpool_aws.domain.actions.removals import Doubt, Owed, Removals
from spiderpool_aws.domain.lifecycle import HookAction

Action = PoolAction | NicAction | NodeAction | HookAction


@dataclass(frozen=True, slots=True)
class Tried:
    """An action that was refused, or failed, in this pass."""

    action: Action
    code: str = ""
    """Of the refusal; empty: it failed, and nobody knows whether it took effect."""


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
    """What is to do for one instance, ordered by stage. No action, no wait: converged."""

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
    owed: tuple[Owed, ...] = ()
    """What the sizes take away and the fuse does not see in the actions."""

    @property
    def converged(self) -> bool:
        """Nothing to do and nothing to wait for."""
        return not self.actions and not self.waits

    @property
    def due(self) -> tuple[Action, ...]:
        """Return the actions of the first stage: what comes after them is planned again when they are done."""
        return next((tuple(actions) for _, actions in groupby(self.actions, key=lambda a: a.stage)), ())

    @property
    def only_removes(self) -> bool:
        """All that it would do is held while the fuse is tripped."""
        return not self.gone and all(action.is_removal for action in self.actions)

    @property
    def certain_removals(self) -> Removals:
        """What the plan would take away now, for invariant 10."""
        return self._removals(())

    @property
    def removals(self) -> Removals:
        """What it would take away now or after one more look: workers look again before the next listing is judged."""
        return self._removals(self.doubts)

    @property
    def lowered(self) -> Removals:
        """What goes when no pod uses it any more, because the policy asks for less."""
        return Removals.of_owed(owed for owed in self.owed if not owed.elastic)

    @property
    def surplus(self) -> Removals:
        """What elastic sizes give back, now or when they were too large for a while."""
        return Removals.of_owed(owed for owed in self.owed if owed.elastic)

    @property
    def later(self) -> tuple[Owed, ...]:
        """What no action takes away yet."""
        released = {a.pool.name for a in self.actions if isinstance(a, ApplyPool) and a.released is not None}
        return tuple(owed for owed in self.owed if not (owed.elastic and owed.pool in released))

    def _removals(self, doubts: Iterable[Doubt]) -> Removals:
        if self.gone:
            return Removals()
        whole = {action.pool.name: action.pool for action in self.actions if isinstance(action, DeletePool)}
        whole |= {doubt.pool.name: doubt.pool for doubt in doubts if doubt.whole}
        parts = {a.pool.name: a.dropped for a in self.actions if isinstance(a, ApplyPool) and a.dropped is not None}
        # One set a pool: what is doubted today and certain tomorrow counts once.
        for doubt in doubts:
            known = parts.get(doubt.pool.name)
            parts[doubt.pool.name] = doubt.addresses if known is None else known | doubt.addresses
        nodes = [action.node_name for action in self.actions if isinstance(action, DeleteNode)]
        return Removals.of(list(whole.values()), {name: part.count() for name, part in parts.items()}, nodes)

    def __str__(self) -> str:
        lines = [str(action) for action in self.actions]
        lines += [f"wait: {wait.reason}" for wait in self.waits]
        lines += [f"later: {owed}" for owed in self.later]
        lines += [f"{finding.code}: {finding.message}" for finding in self.findings]
        return "\n".join([f"{self.instance_id}: {'converged' if self.converged else 'to do'}", *lines])
