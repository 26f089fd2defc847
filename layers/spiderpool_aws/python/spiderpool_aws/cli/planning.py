"""Plans of a cluster or of some instances, made as the functions make them; nothing is written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spiderpool_aws.cli.changes import Change, Kind, change_of
from spiderpool_aws.cli.errors import Mistake
from spiderpool_aws.cli.world import NoQueue
from spiderpool_aws.domain.rules.planner import plan_node
from spiderpool_aws.domain.verdict import judge
from spiderpool_aws.observation import Observer
from spiderpool_aws.resync import Resync
from spiderpool_aws.survey import Survey
from spiderpool_aws.telling import stranger_finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spiderpool_aws.cli.world import World
    from spiderpool_aws.domain.actions.plan import NodePlan
    from spiderpool_aws.domain.control import Control
    from spiderpool_aws.domain.observed import ObservedNode
    from spiderpool_aws.domain.policy.model import Policy
    from spiderpool_aws.domain.verdict import Verdict
    from spiderpool_aws.survey import Survey

INSTANCE = re.compile(r"i-[0-9a-f]{8,17}")


@dataclass(frozen=True, slots=True)
class PlannedInstance:
    """One instance with its plan and the model that it was made of."""

    model: ObservedNode
    plan: NodePlan
    changes: tuple[Change, ...]

    @property
    def title(self) -> str:
        """Return its id, its Node's name and its state."""
        node = self.model.node.name if self.model.node is not None else "no Node"
        state = str(self.model.instance.state) if self.model.instance is not None else "unknown to EC2"
        return f"{self.plan.instance_id} ({node}, {state})"

    @property
    def has_news(self) -> bool:
        """Tell whether a person has to read it."""
        return bool(self.changes or self.plan.waits or self.plan.findings)

    def to_document(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "instance": self.plan.instance_id,
            "node": self.model.node.name if self.model.node is not None else None,
            "state": str(self.model.instance.state) if self.model.instance is not None else None,
            "changes": [
                {
                    "kind": str(change.kind),
                    "what": change.what,
                    "why": change.why,
                    "added": list(change.added),
                    "removed": list(change.removed),
                    "updated": list(change.updated),
                }
                for change in self.changes
            ],
            "waits": [wait.reason for wait in self.plan.waits],
            "findings": [{"code": str(f.code), "message": f.message} for f in self.plan.findings],
        }


@dataclass(frozen=True, slots=True)
class ClusterPlan:
    """What is to do, and what the fuse says of it."""

    policy: Policy
    instances: tuple[PlannedInstance, ...]
    verdict: Verdict
    """What the fuse would say of it."""
    control: Control
    """What is in force now."""

    @property
    def excess(self) -> str:
        """Why it removes too much; empty when it does not, or when somebody has confirmed it."""
        return self.verdict.excess

    @property
    def digest(self) -> str:
        """Names the removals: what `resync --confirm` takes."""
        return self.verdict.digest

    @property
    def is_empty(self) -> bool:
        """Tell whether there is nothing to do."""
        return not any(planned.changes for planned in self.instances)

    def to_changes(self) -> dict[str, tuple[Change, ...]]:
        """Return the changes of each instance: what a person is asked about."""
        return {planned.plan.instance_id: planned.changes for planned in self.instances}

    def count(self, kind: Kind) -> int:
        """Return how many changes there are of a kind."""
        return sum(change.kind is kind for planned in self.instances for change in planned.changes)


def checked_instances(given: Sequence[str]) -> tuple[str, ...]:
    """Return instance ids, each once. Raises Mistake for what is none."""
    for instance_id in given:
        if not INSTANCE.fullmatch(instance_id):
            raise Mistake(f"{instance_id!r} is not an instance id (i-0123456789abcdef0)")
    return tuple(dict.fromkeys(given))


def make_plan(world: World, only: Sequence[str] = ()) -> ClusterPlan:
    """Read EC2 and the cluster and plan. Raises Mistake where the policy or an instance id is not the cluster's."""
    control, policy = world.control()
    survey = survey_of(world, control, policy, only)
    unknown = [i for i in only if i not in survey.plans]
    if unknown:
        raise Mistake(f"EC2 does not know {', '.join(unknown)}, and no pool carries it: check the id and the region")
    core = world.core
    observer = Observer(core.systems, core.clock)
    models = observer.with_lifecycles(observer.with_remains(survey.models, policy))
    plans = {instance_id: plan_node(model, policy) for instance_id, model in models.items()}
    verdict = judge(control.fuse, survey.evidence(core.clock.now()))
    planned = (
        PlannedInstance(models[i], plans[i], tuple(change_of(action, models[i].pools) for action in plans[i].actions))
        for i in sorted(plans)
    )
    return ClusterPlan(policy, tuple(planned), verdict, control)


def survey_of(world: World, control: Control, policy: Policy, only: Sequence[str] = ()) -> Survey:
    """Read and plan as the resync does. Raises Mistake where the pools are another cluster's."""
    survey = _resync(world).survey(control, policy, only)
    if survey.pools.are_anothers:
        raise Mistake(stranger_finding(policy, survey.pools).message)
    return survey


def _resync(world: World) -> Resync:
    core = world.core
    return Resync(core.systems, core.control, NoQueue(), core.clock, core.notes)
