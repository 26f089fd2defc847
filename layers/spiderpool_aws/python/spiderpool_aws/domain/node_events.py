"""What the events of a Node tell (`kubectl describe node`): derived from one pass, pure.

| from | type | reason |
| --- | --- | --- |
| the last pool or the startup taint: the node may be used | Normal | `PoolsReady` |
| a lost address that was assigned again | Normal | `AddressReassigned` |
| prefixes for a NIC that has a pool already: they are to be had now | Normal | `PrefixesAssigned` |
| a field of a pool that somebody changed, set back | Normal | `FieldCorrected` |
| a network that is made as the policy has it | Normal | `NetworkChanged` |
| addresses that left a pool | Normal | `AddressesDropped` |
| the Node of an instance that is gone, deleted | Normal | `NodeDeleted` |
| the startup taint, put back on an adopted Node | Warning | `StartupTaintRestored` |
| a refused assignment | Warning | `SubnetExhausted`, `AddressTaken`, `AssignmentRefused` |
| another refusal | Warning | `PoolRefused`, `NetworkRefused`, `NodeRefused` |
| a finding | Warning | its code: `NodeMismatch`, `CapacityLimited`, `AddressLost`, … |
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

from spiderpool_aws.domain.actions.nics import (
    Assign,
    AttachNic,
    CreateNic,
    DeleteNic,
    KeepWithInstance,
    MarkPrimaryIpv6,
    NoteOrphan,
    Reassign,
    Unassign,
)
from spiderpool_aws.domain.actions.nodes import DeleteNode, DeletePod, NoteGone, PrepareNode, TaintNode
from spiderpool_aws.domain.actions.plan import Action, Finding, NodePlan
from spiderpool_aws.domain.actions.pools import (
    ApplyMultusConfig,
    ApplyPool,
    DeletePool,
    LiftQuarantine,
    PoolChange,
    Quarantine,
)
from spiderpool_aws.domain.cluster.node import Node
from spiderpool_aws.domain.cluster.pool import Pool
from spiderpool_aws.domain.errors import Code
from spiderpool_aws.domain.lifecycle import CompleteHook, ProlongHook
from spiderpool_aws.domain.observed import ObservedNode

NAME_LIMIT = 253
MESSAGE_LIMIT = 1024
BUCKET = timedelta(minutes=10)
"""A change that is made again and again (somebody undoes it) is told once in this time."""
# A number that stands alone: no part of an id, a name, an address, a range or a date, and no device index.
_COUNT = re.compile(r"(?<![\w.:/-])(?<!index )(?<!NIC )\d+(?![\w/-]|[.:]\w)")
OF_ANY_NODE = {"NodeMismatch", "StartupTaintRestored"}
"""What is told on a Node that is not proved the instance's."""


@dataclass(frozen=True, slots=True)
class Step:
    """One action of a pass: the model before it, and the refusal when there was one."""

    before: ObservedNode
    action: Action
    refusal: Finding | None = None


@dataclass(frozen=True, slots=True)
class NodeEvent:
    """A Kubernetes Event about a Node. Its name is made of what it tells: told again, it is there already."""

    node_name: str
    node_uid: str
    reason: str
    message: str
    at: datetime
    told_as: str
    """What makes it the same Event as another: a finding's text without counts, a change with its time bucket."""
    is_warning: bool = False

    @property
    def name(self) -> str:
        """Return the object's name."""
        digest = hashlib.sha256("\n".join((self.node_uid, self.reason, self.told_as)).encode()).hexdigest()[:16]
        return f"{self.node_name[: NAME_LIMIT - len(digest) - 1].rstrip('-.')}.{digest}"


def node_events(steps: Sequence[Step], plan: NodePlan, observed: ObservedNode) -> tuple[NodeEvent, ...]:
    """Return the events of a pass that took these steps and ended with this plan and model; none without a Node."""
    before = steps[0].before if steps else observed
    node = before.node
    if node is None or _has_another_owner(before):
        return ()
    refusals = {step.refusal for step in steps}
    events = [event for step in steps for event in _of_step(step, node)]
    if not plan.actions and not plan.incomplete and any(_completes(step) for step in steps):
        events.append(_ready(observed, node))
    findings = (finding for finding in plan.findings if finding not in refusals)
    events += [_event(node, observed, f.code, f.message, _without_counts(f.message)) for f in findings]
    if before.proved_node is None:
        events = [event for event in events if event.reason in OF_ANY_NODE]
    return tuple(dict.fromkeys(events))


def _has_another_owner(model: ObservedNode) -> bool:
    """Tell whether the Node is that of another instance which lives: it is told nothing of this one."""
    other = model.node.provider_instance_id if model.node is not None and model.proved_node is None else ""
    state = model.others.get(other)
    return state is not None and state.is_live


def _of_step(step: Step, node: Node) -> Iterator[NodeEvent]:
    if step.refusal is not None:
        # EC2's and the API server's messages may differ from one try to the next: the action and the code do not.
        told_as = _without_counts(f"{step.action.key} {step.refusal.code}")
        yield _event(node, step.before, _reason(step.action, step.refusal.code), step.refusal.message, told_as)
        return
    match step.action:
        case Reassign():
            yield _change(step, node, "AddressReassigned", str(step.action))
        case Assign(prefixes=True) if _has_pool(step.before, step.action):
            # Those of a launch are told with its pools.
            yield _change(step, node, "PrefixesAssigned", str(step.action))
        case Quarantine():
            yield _event(node, step.before, "AddressQuarantined", str(step.action), str(step.action))
        case CreateNic() | DeleteNic():
            reason = "NicCreated" if isinstance(step.action, CreateNic) else "NicDeleted"
            yield _change(step, node, reason, str(step.action))
        case ApplyPool():
            yield from _of_pool(step, step.action, node)
        case ApplyMultusConfig() if step.action.config.uid:
            config = step.action.config
            known = step.before.multus[config.key]
            was = f"on {known.master}" if known.master else "no ipvlan of one NIC"
            # Whether somebody changed it or the policy did, nobody has told us.
            message = f"SpiderMultusConfig {config.key} changed: it was {was}, it is on {config.master}"
            yield _change(step, node, "NetworkChanged", message)
        case TaintNode():
            told_as = f"{step.action} {_bucket(step.before.now)}"
            yield _event(node, step.before, "StartupTaintRestored", str(step.action), told_as)
        case DeleteNode():
            yield _change(step, node, "NodeDeleted", str(step.action))


def _has_pool(observed: ObservedNode, action: Assign) -> bool:
    owners = (pool.identity for pool in observed.pools if not pool.terminating)
    return any(known and (known.eni_id, known.family) == (action.eni_id, action.family) for known in owners)


def _of_pool(step: Step, action: ApplyPool, node: Node) -> Iterator[NodeEvent]:
    before = next((pool for pool in step.before.pools if pool.name == action.pool.name), None)
    if before is None:
        return
    if action.change is PoolChange.SHRINK:
        yield _change(step, node, "AddressesDropped", f"pool {before.name}: {action.why}")
    corrected = ", ".join(_corrections(before, action.pool))
    if corrected:
        yield _change(step, node, "FieldCorrected", f"pool {before.name}: somebody changed it: {corrected}")


def _corrections(before: Pool, after: Pool) -> Iterator[str]:
    """Tell which fields are set back. A field that nobody else wrote changes with EC2 or with the policy."""
    old, new = before.spec, after.spec
    for field, was, now in (
        ("ips", old.ips, new.ips),
        ("gateway", old.gateway, new.gateway),
        ("nodeName", ",".join(old.node_name), ",".join(new.node_name)),
        ("multusName", ",".join(old.multus_name), ",".join(new.multus_name)),
        ("default", str(old.default).lower(), str(new.default).lower()),
    ):
        # No gateway of ours: the field is the users'.
        if was != now and now is not None and field in before.taken:
            yield f"{field} was {was or 'empty'}, is {now} again"


def _completes(step: Step) -> bool:
    if step.refusal is not None:
        return False
    match step.action:
        case ApplyPool(change=PoolChange.CREATE):
            return True
        case PrepareNode(taint=taint):
            return bool(taint)
    return False


def _ready(observed: ObservedNode, node: Node) -> NodeEvent:
    pools = sorted(pool.name for pool in observed.pools if not pool.terminating)
    message = f"the pools of {observed.instance_id} are in place: {', '.join(pools)}"
    told_as = f"{message} {_bucket(observed.now)}"
    return NodeEvent(node.name, node.uid, "PoolsReady", message[:MESSAGE_LIMIT], observed.now, told_as)


def _reason(action: Action, code: str) -> str:
    match action:
        case Assign() | Reassign():
            return code if code in {Code.SUBNET_EXHAUSTED, Code.ADDRESS_TAKEN} else "AssignmentRefused"
        case (
            CreateNic() | AttachNic() | KeepWithInstance() | MarkPrimaryIpv6() | NoteOrphan() | DeleteNic() | Unassign()
        ):
            return code if code == Code.SUBNET_EXHAUSTED else "NicRefused"
        case ApplyPool() | DeletePool() | Quarantine() | LiftQuarantine():
            return "PoolRefused"
        case ApplyMultusConfig():
            return "NetworkRefused"
        case CompleteHook() | ProlongHook():
            return "HookRefused"
        case PrepareNode() | TaintNode() | DeleteNode() | NoteGone() | DeletePod():
            return "NodeRefused"
        case _:
            assert_never(action)


def _event(node: Node, observed: ObservedNode, reason: str, message: str, told_as: str) -> NodeEvent:
    return NodeEvent(node.name, node.uid, reason, message[:MESSAGE_LIMIT], observed.now, told_as, is_warning=True)


def _change(step: Step, node: Node, reason: str, message: str) -> NodeEvent:
    now = step.before.now
    return NodeEvent(node.name, node.uid, reason, message[:MESSAGE_LIMIT], now, f"{message} {_bucket(now)}")


def _without_counts(text: str) -> str:
    """Return a text with its counts left out: they change from pass to pass, and what it says does not."""
    return _COUNT.sub("#", text)


def _bucket(now: datetime) -> int:
    return int(now.timestamp() // BUCKET.total_seconds())
