"""What one pass of the resync found: the plan of every node, and what the pass as a whole would take away."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from spiderpool_aws.domain.actions.plan import NodePlan
from spiderpool_aws.domain.actions.removals import Removals
from spiderpool_aws.domain.cluster.pool_listing import PoolListing
from spiderpool_aws.domain.fuse import Verdict
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.policy.model import Policy
from spiderpool_aws.domain.request import Hint
from spiderpool_aws.metrics import Metric

PAGE = 200


@dataclass(frozen=True)
class Survey:
    """What one pass found."""

    policy: Policy
    pools: PoolListing
    models: Mapping[str, ObservedNode]
    plans: Mapping[str, NodePlan]
    listed: int
    absent: frozenset[str]
    """Instances that have pools and that EC2 knows neither by tag nor by id."""

    @cached_property
    def removals(self) -> Removals:
        """What the workers would remove if this pass were believed, terminated instances left out."""
        return self._total({i: plan.removals for i, plan in self.plans.items()})

    @cached_property
    def certain_removals(self) -> Removals:
        """The same without what only one look has not found on a NIC."""
        return self._total({i: plan.certain_removals for i, plan in self.plans.items()})

    def _total(self, removals: Mapping[str, Removals]) -> Removals:
        total = Removals()
        for instance_id, of_plan in removals.items():
            absent = instance_id in self.absent
            total = total | (Removals.of_instance(self.pools.ours[instance_id]) if absent else of_plan)
        return total

    @cached_property
    def differing(self) -> frozenset[str]:
        """The instances that a worker has to look at."""
        return frozenset(i for i, plan in self.plans.items() if plan.actions or self._is_held(plan))

    def _is_held(self, plan: NodePlan) -> bool:
        """Tell whether a hook holds it up (a drain may outlive its message), or pods its pools.

        The worker alone reads the pods of the dead, and tells of the others.
        """
        model = self.models[plan.instance_id]
        if model.lifecycle is not None and model.lifecycle.waiting is not None:
            return True
        stuck = any(finding.code == Metric.POOL_STUCK for finding in plan.findings)
        return stuck or (model.is_gone and bool(model.pools))

    def hints(self, instance_id: str) -> frozenset[Hint]:
        """Return what the worker could not know, or only at the price of one more read."""
        model = self.models[instance_id]
        doubled = bool(model.other_nodes) and not model.is_gone
        said = {Hint.SPARES: bool(model.spares), Hint.NODES: doubled, Hint.FLIP: model.flip}
        return frozenset(hint for hint, true in said.items() if true)


def counts(survey: Survey, verdict: Verdict) -> dict[str, Any]:
    """Return what the function answers."""
    plans, removals = survey.plans.values(), survey.removals
    findings = [f"{plan.instance_id}: {finding.message}" for plan in plans for finding in plan.findings]
    return {
        "done": True,
        "mode": survey.policy.mode,
        "instances": len(plans),
        "converged": sum(plan.converged for plan in plans),
        "differing": len(survey.differing),
        "waiting": sum(bool(plan.waits) for plan in plans),
        "absent": sorted(survey.absent)[:PAGE],
        "removals": {
            "pools": len(removals.pools),
            "addresses": removals.address_count,
            "nodes": len(removals.nodes),
            "digest": verdict.digest,
        },
        "fuse": {"state": str(verdict.fuse.state), "reason": verdict.fuse.reason},
        "findings": findings[:PAGE],
    }


def page(survey: Survey, token: str) -> dict[str, Any]:
    """Return a page of plans: an answer of a Lambda function stays under 6 MB."""
    ids = sorted(i for i in survey.plans if i > token)
    plans = [{"instance": i, "plan": str(survey.plans[i])} for i in ids[:PAGE]]
    return {"plans": plans, "nextToken": ids[PAGE - 1] if len(ids) > PAGE else None}
