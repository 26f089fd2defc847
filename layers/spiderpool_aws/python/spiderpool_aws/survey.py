"""What one pass over the whole cluster found, what it says to the fuse, and what it answers. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from spiderpool_aws.domain.actions.plan import NodePlan
from spiderpool_aws.domain.actions.removals import Removals
from spiderpool_aws.domain.cluster.pool_listing import PoolListing
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.policy.model import Policy
from spiderpool_aws.domain.request import Hint
from spiderpool_aws.domain.rules.remains import is_noted_gone
from spiderpool_aws.domain.verdict import Evidence, Scale, Verdict
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
    partial: bool = False
    """Only some instances were looked at."""

    def evidence(self, now: datetime) -> Evidence:
        """Return what the pass says of removals, terminated instances left out."""
        plans = self.plans.values()
        return Evidence(
            self.policy.digest,
            self._scale(),
            now,
            certain=self._total(plan.certain_removals for plan in plans),
            removals=self._total(plan.removals for plan in plans),
            lowered=Removals.sum(plan.lowered for plan in plans),
            surplus=Removals.sum(plan.surplus for plan in plans),
        )

    def _total(self, removals: Iterable[Removals]) -> Removals:
        absent = (Removals.of_instance(self.pools.ours[instance_id]) for instance_id in sorted(self.absent))
        return Removals.sum([*removals, *absent])

    def _scale(self) -> Scale:
        """Return how much there is, to compare removals with."""
        ours = [pool for pools in self.pools.ours.values() for pool in pools]
        return Scale(
            pools=len(ours),
            addresses=sum(pool.spec.ips.count() for pool in ours),
            nodes=len(self.pools.ours),
            empty_listing=not self.partial and self.listed == 0 and bool(ours),
        )

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
        return stuck or (model.seems_gone and bool(model.pools))

    def hints(self, instance_id: str) -> frozenset[Hint]:
        """Return what the worker could not know, or only at the price of one more read."""
        model = self.models[instance_id]
        nodes = is_noted_gone(model) if model.seems_gone else bool(model.other_nodes)
        said = {Hint.SPARES: bool(model.spares), Hint.NODES: nodes, Hint.FLIP: model.flip}
        return frozenset(hint for hint, true in said.items() if true)


def counts_of(survey: Survey, verdict: Verdict) -> dict[str, Any]:
    """Return what the resync answers."""
    plans, asked = survey.plans.values(), verdict.asked
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
            "pools": asked.pools,
            "addresses": asked.addresses,
            "nodes": asked.nodes,
            "digest": verdict.digest,
        },
        "fuse": {"state": str(verdict.fuse.state), "reason": verdict.fuse.reason},
        "findings": findings[:PAGE],
    }


def page_of(survey: Survey, token: str) -> dict[str, Any]:
    """Return a page of plans: an answer of a Lambda function stays under 6 MB."""
    ids = sorted(i for i in survey.plans if i > token)
    page = [{"instance": i, "plan": str(survey.plans[i])} for i in ids[:PAGE]]
    return {"plans": page, "nextToken": ids[PAGE - 1] if len(ids) > PAGE else None}
