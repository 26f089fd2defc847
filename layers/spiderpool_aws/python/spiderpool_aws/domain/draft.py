"""A plan in the making, shared by the rules."""

from dataclasses import dataclass, field

from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.plan import Action, Finding, NodePlan, Wait
from spiderpool_aws.domain.removals import Doubt
from spiderpool_aws.metrics import Metric


@dataclass(slots=True)
class Draft:
    """The rules add to it; the four lists of actions are in the order in which a plan is applied (DESIGN §2)."""

    observed: ObservedNode
    removals: list[Action] = field(default_factory=list)
    assignments: list[Action] = field(default_factory=list)
    growth: list[Action] = field(default_factory=list)
    node: list[Action] = field(default_factory=list)
    waits: list[Wait] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    nudges: set[str] = field(default_factory=set)
    doubts: list[Doubt] = field(default_factory=list)
    incomplete: bool = False
    """A pool that the node needs is not in place: its startup taint stays."""

    def add(self, actions: list[Action], action: Action) -> bool:
        """Add an action to one of the lists, unless it was refused in this pass; tell whether it was added."""
        if action.key in self.observed.settled:
            return False
        actions.append(action)
        return True

    def report(self, code: Metric, message: str) -> None:
        """Note something that a person should know."""
        self.findings.append(Finding(code, message))

    def refuse(self, code: Metric, message: str) -> None:
        """Note something that keeps the node from being complete and that only a person can mend."""
        self.report(code, message)
        self.incomplete = True

    def wait(self, reason: str, delay_seconds: float | None = None) -> None:
        """Note something that time will mend and that keeps the node from being complete."""
        self.waits.append(Wait(reason, delay_seconds))
        self.incomplete = True

    def to_plan(self, *, gone: bool) -> NodePlan:
        """Return the finished plan."""
        return NodePlan(
            instance_id=self.observed.instance_id,
            actions=(*self.removals, *self.assignments, *self.growth, *self.node),
            waits=tuple(self.waits),
            findings=tuple(dict.fromkeys((*self.observed.refusals, *self.findings))),
            nudges=frozenset(self.nudges),
            gone=gone,
            incomplete=self.incomplete,
            doubts=tuple(self.doubts),
        )
