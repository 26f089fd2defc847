"""The resync: plan every node, enqueue those that differ, and judge the listing as a whole (invariant 10).

    read the policy and the fuse; list all pools, instances and Nodes
    plan each instance; for pools whose instance is not listed, look it up by id without the tag
    plan those again that seem to lack something and belong to an Auto Scaling group, with where they stand in it
    would the pass remove too much, or a policy that is judged for the first time, in the end?
                trip the fuse: nobody removes anything until a person confirms
    otherwise   write down that the policy was judged: until then no worker removes anything under it;
                note the absent ones (twice, ten minutes apart: gone), enqueue what differs

It writes nothing to EC2, and to the cluster only the note of an absence: the rest is the workers', one per instance.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from spiderpool_aws.cool_downs import Asked, asked_of
from spiderpool_aws.deployment import RESYNC_PERIOD
from spiderpool_aws.domain.actions.plan import Finding, NodePlan
from spiderpool_aws.domain.cluster.node_index import NodeIndex
from spiderpool_aws.domain.cluster.pool import Pool
from spiderpool_aws.domain.control import Control
from spiderpool_aws.domain.errors import Refused, RetryLater
from spiderpool_aws.domain.fuse import FuseState
from spiderpool_aws.domain.instance import ObservedInstance
from spiderpool_aws.domain.memory import Absence
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.policy.model import Policy
from spiderpool_aws.domain.request import ReconcileRequest
from spiderpool_aws.domain.rules.ipv6_default import flip_is_awaited, flip_is_due, unlisted_users
from spiderpool_aws.domain.rules.planner import plan_node
from spiderpool_aws.domain.verdict import Verdict, judge
from spiderpool_aws.events import ResyncRequest
from spiderpool_aws.flip_watch import FlipWatch
from spiderpool_aws.gauges import Gauges
from spiderpool_aws.metrics import Metric
from spiderpool_aws.node_directory import NodeDirectory
from spiderpool_aws.observation import Observer
from spiderpool_aws.ports import Clock, ControlPort, QueuePort, Reporter, Systems
from spiderpool_aws.survey import Survey, counts_of, page_of
from spiderpool_aws.telling import about_subject, report_control, stranger_finding

EVERY_MINUTES = RESYNC_PERIOD // timedelta(minutes=1)


class Resync:
    """One pass over the whole cluster, or over some instances when a person names them."""

    def __init__(
        self, systems: Systems, control: ControlPort, queue: QueuePort, clock: Clock, reporter: Reporter
    ) -> None:
        self._ec2 = systems.ec2
        self._cluster = systems.cluster
        self._control = control
        self._queue = queue
        self._clock = clock
        self._reporter = reporter
        self._observer = Observer(systems, clock)
        self._gauges = Gauges(systems.ec2, clock, reporter)
        self._flip = FlipWatch(reporter)

    def run(self, request: ResyncRequest) -> dict[str, Any]:
        """Return counts, and for a dry run a page of plans. Raises RetryLater when something cannot be read."""
        control = self._control.read()
        report_control(control, self._reporter)
        policy = control.policy
        if policy is None:
            return {"done": False, "reason": f"no valid policy: {control.problem}"}
        if policy.mode == "paused" and not request.dry_run:
            return {"done": False, "reason": "paused by the policy"}
        if request.at is not None and request.at.minute % EVERY_MINUTES and not self._is_due(policy):
            return {"done": False, "reason": f"due every {EVERY_MINUTES} minutes, as no size of the policy is elastic"}
        if request.instance_ids and not request.dry_run:
            self._queue.send([ReconcileRequest(i, request.request_id, "resync") for i in request.instance_ids])
            return {"done": True, "enqueued": len(request.instance_ids)}
        survey = self.survey(control, policy, request.instance_ids)
        if survey.pools.strangers:
            stranger = self._report_strangers(survey)
            if survey.pools.are_anothers:
                return {"done": False, "reason": stranger.message}
        verdict = judge(control.fuse, survey.evidence(self._clock.now()), request.confirm)
        answer = counts_of(survey, verdict)
        if request.dry_run:
            return answer | page_of(survey, request.page_token)
        if verdict.fuse.state is FuseState.TRIPPED:
            self._reporter.warning(verdict.fuse.reason, digest=verdict.fuse.digest, held=verdict.fuse.reason)
        self._report_findings(survey)
        if not request.instance_ids:
            self._gauges.measure(survey)
        if policy.mode == "observe":
            said = "the policy's mode is observe: nothing is written"
            if request.confirm:
                return {"done": False, "reason": f"{said}, so nothing can be confirmed"}
            return answer | {"enqueued": 0, "reason": said}
        return self._carry_on(control, survey, verdict, request, answer)

    def _carry_on(
        self, control: Control, survey: Survey, verdict: Verdict, request: ResyncRequest, answer: dict[str, Any]
    ) -> dict[str, Any]:
        """Store the fuse and enqueue what differs; what is removed is not, while the fuse holds it or is unknown."""
        tripped = verdict.fuse.state is FuseState.TRIPPED
        if tripped and not control.fuse.held:
            self._reporter.count(Metric.FUSE_TRIPPED)
        failure: RetryLater | None = None
        try:
            if verdict.fuse != control.fuse and not self._control.write_fuse(verdict.fuse, instead_of=control.fuse):
                return {"done": False, "reason": "another resync has changed the fuse meanwhile: the next one judges"}
        except RetryLater as later:
            failure = later
        enqueued = self._hand_over(survey, request, tripped=tripped or failure is not None)
        shown = {key: answer[key] for key in ("instances", "converged", "differing", "waiting")}
        said = ", ".join(f"{count} {what}" for what, count in shown.items())
        self._reporter.info(f"resync: {said}, {enqueued} enqueued", **shown, enqueued=enqueued)
        if failure is not None:
            raise failure
        return answer | {"enqueued": enqueued}

    def _is_due(self, policy: Policy) -> bool:
        """Tell whether every minute counts: sizes follow use, or IPv6 pools are about to change."""
        return policy.is_elastic or self._flip.is_urgent(self._clock.now())

    def _hand_over(self, survey: Survey, request: ResyncRequest, *, tripped: bool) -> int:
        """Enqueue what differs, who is there first: a note of absence that fails keeps no other node waiting."""
        present = sorted(survey.differing - survey.absent)
        if tripped:
            present = [i for i in present if not survey.plans[i].only_removes]
        self._enqueue(present, request, survey)
        # After the notes: the worker believes what the pools say, not the message.
        certain = [] if tripped else self._note_absences(survey)
        self._enqueue(certain, request, survey)
        return len(present) + len(certain)

    def survey(self, control: Control, policy: Policy, only: Sequence[str]) -> Survey:
        """Read and plan the whole cluster, or `only` some instances; nothing is written."""
        pools = self._observer.list_pools(policy)
        if only:
            known: dict[str, ObservedInstance] = dict(self._ec2.observe_instances(only))
            spares = self._ec2.own_nics(only, policy.cluster)
        else:
            listing = self._ec2.list_instances(policy.cluster)
            known, spares = {i.instance_id: i for i in listing.instances}, listing.spares
        listed = len(known)
        nodes = NodeDirectory(self._cluster, NodeIndex(self._cluster.list_nodes()))
        noted = nodes.all().gone_instances
        missing = sorted(i for i in (only or {*pools.ours, *pools.reserved, *spares, *noted}) if i not in known)
        if missing:
            known |= self._ec2.observe_instances(missing)
        absent = frozenset(i for i in missing if i not in known and i in pools.ours)
        remembered = {*absent, *spares, *pools.reserved, *noted}
        unknown = [i for i in missing if i not in known and i in remembered]
        instances: dict[str, ObservedInstance | None] = {**known, **dict.fromkeys(unknown)}
        # Planned as if the fuse were whole: the question is what would be removed. The workers hold it back.
        models = self._observer.observe(instances, pools, control.unheld(), policy, nodes)
        models = {i: model.with_own_nics(spares.get(i, ())) for i, model in models.items()}
        if not only:
            models = self._with_flip(models, policy)
        plans = {instance_id: plan_node(model, policy) for instance_id, model in models.items()}
        models, plans = self._counted(models, plans, policy)
        # In a group that holds it up, or keeps it warm, it lacks nothing; asked only of those that seem to.
        scaled = self._observer.with_lifecycles({i: models[i] for i, plan in plans.items() if plan.actions})
        plans |= {i: plan_node(model, policy) for i, model in scaled.items() if model.lifecycle is not None}
        return Survey(policy, pools, models | scaled, plans, listed, absent, partial=bool(only))

    def _counted(
        self, models: dict[str, ObservedNode], plans: dict[str, NodePlan], policy: Policy
    ) -> tuple[dict[str, ObservedNode], dict[str, NodePlan]]:
        """Plan anew those that lack addresses, with their subnets counted: of a full one no worker can get any."""
        asked = {i: {asked.subnet_id for asked in _asked(models[i], plan)} for i, plan in plans.items()}
        lacking = {i: models[i] for i, subnets in asked.items() if subnets}
        counted = self._observer.counted(lacking, set().union(*asked.values()))
        return models | counted, plans | {i: plan_node(model, policy) for i, model in counted.items()}

    def _with_flip(self, models: Mapping[str, ObservedNode], policy: Policy) -> dict[str, ObservedNode]:
        """Add what only a complete listing says of IPv6: whether its pools may change now, or who holds that up."""
        due, held = flip_is_due(models.values(), policy), unlisted_users(tuple(models.values()))
        self._flip.note(self._clock.now(), policy, due=due, awaited=flip_is_awaited(models.values(), policy))
        why = (
            f"IPv6 pools are not default yet: pods use pool {', '.join(held)}, which is not ours and is default, on no "
            "NIC of the cluster's instances; give that NIC an IPv6 pool, or set `default: false` there"
        )
        return {i: replace(model, flip=due, flip_held=why if held else "") for i, model in models.items()}

    def _report_strangers(self, survey: Survey) -> Finding:
        finding = stranger_finding(survey.policy, survey.pools)
        self._reporter.warning(finding.message)
        self._reporter.count(finding.code)
        return finding

    def _report_findings(self, survey: Survey) -> None:
        """Count what stands without a change: no worker looks at those nodes, and an alarm must not clear by itself."""
        for plan in survey.plans.values():
            if plan.instance_id not in survey.differing:
                for finding in plan.findings:
                    self._reporter.count(finding.code)

    def _note_absences(self, survey: Survey) -> list[str]:
        """Write down who is absent; return those whose absence is now certain, for a worker to clean up."""
        certain = []
        for instance_id in sorted(survey.absent):
            try:
                if self._note_absence(survey.pools.ours[instance_id]):
                    certain.append(instance_id)
            except Refused as refused:
                self._not_noted(instance_id, refused.reason)
            except RetryLater as later:
                # The API server's own trouble: the next pass notes this one and the others.
                self._not_noted(instance_id, later.reason)
                break
        return certain

    def _note_absence(self, pools: Sequence[Pool]) -> bool:
        now, proved = self._clock.now(), []
        for pool in pools:
            if pool.terminating:
                continue
            absence = (pool.memory.absent or Absence(now)).seen_again(now)
            if absence != pool.memory.absent:
                self._cluster.note_pool(replace(pool, memory=replace(pool.memory, absent=absence)))
            proved.append(absence.proved(now))
        return bool(proved) and all(proved)

    def _not_noted(self, instance_id: str, reason: str) -> None:
        with self._reporter.about(about_subject(instance_id, "")):
            self._reporter.warning(f"the absence of {instance_id} could not be noted: {reason}")
        self._reporter.count(Metric.ABSENCE_NOT_NOTED)

    def _enqueue(self, instance_ids: Sequence[str], request: ResyncRequest, survey: Survey) -> None:
        self._queue.send([ReconcileRequest(i, request.request_id, "resync", survey.hints(i)) for i in instance_ids])


def _asked(model: ObservedNode, plan: NodePlan) -> list[Asked]:
    return [asked for action in plan.actions if (asked := asked_of(action, model)) is not None and asked.counted]
