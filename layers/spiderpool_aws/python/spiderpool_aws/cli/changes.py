"""A plan's actions as a person reads them: what is added, changed or removed, and why. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, assert_never

from spiderpool_aws.domain.actions.nics import (
    Assign,
    AttachNic,
    CreateNic,
    DeleteNic,
    KeepWithInstance,
    MarkPrimaryIpv6,
    NicAction,
    NoteOrphan,
    Reassign,
    Unassign,
)
from spiderpool_aws.domain.actions.nodes import DeleteNode, DeletePod, NodeAction, NoteGone, PrepareNode, TaintNode
from spiderpool_aws.domain.actions.pools import (
    ApplyMultusConfig,
    ApplyPool,
    DeletePool,
    LiftQuarantine,
    PoolAction,
    PoolChange,
    Quarantine,
)
from spiderpool_aws.domain.addresses import EMPTY, AddressSet
from spiderpool_aws.domain.lifecycle import CompleteHook, ProlongHook

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spiderpool_aws.domain.actions.plan import Action
    from spiderpool_aws.domain.cluster.pool import Pool

LATER = "known after apply: EC2 chooses them"


class Kind(StrEnum):
    """What a change does to the thing."""

    ADD = "add"
    CHANGE = "change"
    REMOVE = "remove"

    @property
    def sign(self) -> str:
        """Return how a plan marks it."""
        return {"add": "+", "change": "~", "remove": "-"}[self.value]


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one thing."""

    kind: Kind
    what: str
    why: str = ""
    added: tuple[str, ...] = field(default=())
    removed: tuple[str, ...] = field(default=())
    updated: tuple[str, ...] = field(default=())
    """Fields that get another value: `gateway: 10.0.0.9 -> 10.0.0.1`."""


def change_of(action: Action, pools: Sequence[Pool]) -> Change:
    """Return what an action changes; `pools` are the instance's, as they are."""
    match action:
        case ApplyPool() | DeletePool() | Quarantine() | LiftQuarantine() | ApplyMultusConfig():
            return _of_pools(action, pools)
        case PrepareNode() | TaintNode() | DeleteNode() | NoteGone() | DeletePod():
            return _of_node(action)
        case CompleteHook():
            return Change(Kind.CHANGE, f"life-cycle action of group {action.group}", str(action))
        case ProlongHook():
            return Change(Kind.CHANGE, f"life-cycle action of group {action.group}", "the group goes on waiting")
        case _:
            return _of_nic(action)


def _of_pools(action: PoolAction, pools: Sequence[Pool]) -> Change:
    match action:
        case ApplyPool():
            return _of_pool(action, next((pool for pool in pools if pool.name == action.pool.name), None))
        case DeletePool():
            return Change(Kind.REMOVE, f"pool {action.pool.name}", action.why, removed=_ranges(action.pool.spec.ips))
        case Quarantine():
            what = f"SpiderReservedIP {action.pool.name}"
            return Change(Kind.ADD, what, action.why, added=_ranges(action.addresses))
        case LiftQuarantine():
            known = action.reservation
            why = "the addresses work again, or no pool lists them"
            return Change(Kind.REMOVE, f"SpiderReservedIP {known.name}", why, removed=_ranges(known.addresses))
        case ApplyMultusConfig():
            kind = Kind.CHANGE if action.config.uid else Kind.ADD
            return Change(kind, f"SpiderMultusConfig {action.config.key}", f"ipvlan on {action.config.master}")
        case _:
            assert_never(action)


def _of_pool(action: ApplyPool, before: Pool | None) -> Change:
    after = action.pool
    what = f"pool {after.name}"
    if action.change is PoolChange.CREATE or before is None:
        return Change(Kind.ADD, what, action.why, added=_ranges(after.spec.ips))
    if action.change is PoolChange.REMEMBER:
        noted = after.memory.to_text() if after.memory else "nothing any more"
        return Change(Kind.CHANGE, what, f"{action.why}; only noted: {noted}")
    updated = tuple(
        f"{name}: {old or 'none'} -> {new or 'none'}"
        for name, old, new in (
            ("gateway", before.spec.gateway, after.spec.gateway),
            ("nodeName", ", ".join(before.spec.node_name), ", ".join(after.spec.node_name)),
            ("multusName", ", ".join(before.spec.multus_name), ", ".join(after.spec.multus_name)),
            ("default", str(before.spec.default).lower(), str(after.spec.default).lower()),
            ("disable", str(before.spec.disable).lower(), str(after.memory.disabled).lower()),
        )
        if old != new
    )
    added, removed = after.spec.ips - before.spec.ips, before.spec.ips - after.spec.ips
    return Change(Kind.CHANGE, what, action.why, _ranges(added), _ranges(removed), updated)


def _of_node(action: NodeAction) -> Change:
    match action:
        case PrepareNode():
            parts = [f"providerID: none -> {action.provider_id}"] if action.provider_id else []
            parts += [f"taint {action.taint}: taken off"] if action.taint else []
            why = "all its pools are in place" if action.taint else "it has none"
            return Change(Kind.CHANGE, f"Node {action.node_name}", why, updated=tuple(parts))
        case TaintNode():
            why = f"it is not proved to be the Node of {action.instance_id}"
            return Change(Kind.CHANGE, f"Node {action.node_name}", why, updated=(f"taint {action.taint}: put back",))
        case DeleteNode():
            return Change(Kind.REMOVE, f"Node {action.node_name}", action.why)
        case NoteGone():
            return Change(
                Kind.CHANGE, f"Node {action.node_name}", f"only noted: its instance {action.instance_id} is gone"
            )
        case DeletePod():
            return Change(Kind.REMOVE, f"pod {action.pod.namespace}/{action.pod.name}", action.why)
        case _:
            assert_never(action)


def _of_nic(action: NicAction) -> Change:
    match action:
        case Assign():
            what = f"{action.count} {action.family} {'prefixes' if action.prefixes else 'addresses'} for"
            return Change(Kind.ADD, f"{what} {action.eni_id}", "the NIC has fewer than the policy asks for", (LATER,))
        case Reassign():
            return Change(Kind.ADD, f"addresses of {action.eni_id}", action.why, added=_ranges(action.addresses))
        case Unassign():
            gone = tuple(map(str, action.prefixes)) or _ranges(action.addresses)
            return Change(Kind.REMOVE, f"addresses of {action.eni_id}", action.why, removed=gone)
        case CreateNic():
            added = tuple(f"{amount} of {family}" for family, amount in sorted(action.amounts.items()))
            what = f"NIC {action.device_index} of {action.instance_id}"
            return Change(Kind.ADD, what, f"it is missing; created in {action.subnet_id}", added)
        case AttachNic():
            what = f"{action.eni_id} at device index {action.device_index}"
            return Change(Kind.CHANGE, what, "it is attached to nothing yet")
        case KeepWithInstance():
            return Change(
                Kind.CHANGE, action.eni_id, "it goes with its instance", updated=("DeleteOnTermination: true",)
            )
        case MarkPrimaryIpv6():
            why = "it has no primary IPv6 address, and IPv6 pools need one"
            return Change(Kind.CHANGE, action.eni_id, why, updated=("EnablePrimaryIpv6: true",))
        case NoteOrphan():
            return Change(Kind.CHANGE, action.eni_id, f"it belongs to nobody since {action.since}; only noted")
        case DeleteNic():
            return Change(Kind.REMOVE, action.eni_id, action.why)
        case _:
            assert_never(action)


def _ranges(addresses: AddressSet) -> tuple[str, ...]:
    return tuple(addresses.to_ranges()) if addresses != EMPTY[addresses.family] else ()
