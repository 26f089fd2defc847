"""A plan in the making, shared by the rules."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from spiderpool_aws.domain.actions.plan import Action, Finding, NodePlan, Wait
from spiderpool_aws.domain.actions.pools import ApplyPool, DeletePool
from spiderpool_aws.domain.actions.removals import Doubt, Owed
from spiderpool_aws.domain.errors import Code
from spiderpool_aws.domain.instance import Subnet
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.rules.room import room_taken
from spiderpool_aws.metrics import Metric

SOON = timedelta(minutes=1)
"""Until then a message waits for a full subnet. Behind one that waits longer newer ones would stand: the resync
looks again."""


@dataclass(slots=True)
class Draft:
    """Each rule takes it first, and adds to it, in any order: an action's stage says when it is due."""

    observed: ObservedNode
    """Planning changes nothing of it; what the plan takes from a subnet is in `left_of`."""
    gone: bool = False
    """EC2 calls the instance terminated, or a Node of it says so: its removals are proved, and no fuse holds them."""
    actions: list[Action] = field(default_factory=list)
    waits: list[Wait] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    nudges: set[str] = field(default_factory=set)
    doubts: list[Doubt] = field(default_factory=list)
    owed: list[Owed] = field(default_factory=list)
    incomplete: bool = False
    """A pool that the node needs is not in place: its startup taint stays."""
    may_pass: bool = False
    """What lacks comes when a subnet has room: no message waits for it, and nothing was refused for good."""

    @property
    def changed_pools(self) -> set[str]:
        """The names of the pools that the plan writes or deletes so far."""
        return {action.pool.name for action in self.actions if isinstance(action, ApplyPool | DeletePool)}

    def left_of(self, subnet: Subnet) -> Subnet:
        """Return a subnet with what the planned actions leave of it: the instance's NICs share what it has."""
        taken = (room_taken(self.observed, action) for action in self.actions)
        return subnet.without(sum(count for subnet_id, count in taken if subnet_id == subnet.subnet_id))

    def add(self, action: Action) -> bool:
        """Add an action, unless it was tried in this pass or the fuse holds it; tell whether it was added."""
        if self.observed.outcome_of(action) is not None or action.scope in self.observed.stuck:
            return False
        if action.is_removal and self.observed.removals_held and not self.gone:
            self.report(Metric.REMOVAL_HELD, f"{action.key}: {self.observed.removals_held}")
            return False
        self.actions.append(action)
        return True

    def report(self, code: Metric | Code, message: str) -> None:
        """Note something that a person should know."""
        self.findings.append(Finding(code, message))

    def refuse(self, code: Metric | Code, message: str) -> None:
        """Note something that keeps the node from being complete and that only a person can mend."""
        self.report(code, message)
        self.incomplete = True

    def wait(self, reason: str, delay_seconds: float | None = None) -> None:
        """Note something that time will mend and that keeps the node from being complete."""
        self.waits.append(Wait(reason, delay_seconds))
        self.incomplete = True

    def wait_for_room(self, reason: str, until: datetime) -> None:
        """Note a subnet that is not asked before a moment."""
        self.may_pass = self.incomplete = True
        left = until - self.observed.now
        if left <= SOON:
            self.wait(reason, left.total_seconds())

    def owe(self, pool: str, count: int, *, elastic: bool = False) -> None:
        """Note so many addresses of a pool that go later, if any."""
        if count > 0:
            self.owed.append(Owed(pool, count, elastic))

    def to_plan(self) -> NodePlan:
        """Return the finished plan."""
        return NodePlan(
            instance_id=self.observed.instance_id,
            actions=tuple(sorted(self.actions, key=lambda action: action.stage)),
            waits=tuple(self.waits),
            findings=tuple(dict.fromkeys((*self.observed.refusals, *self.findings))),
            nudges=frozenset(self.nudges),
            gone=self.gone,
            incomplete=self.incomplete,
            doubts=tuple(self.doubts),
            owed=tuple(self.owed),
        )
