"""`spiderpool-aws apply`: the functions' own reconcile of some instances, run on this machine."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

import typer

from spiderpool_aws.cli.connect import Where, connected
from spiderpool_aws.cli.errors import FAILED, TO_DO, Mistake
from spiderpool_aws.cli.options import OUTPUT, Output
from spiderpool_aws.cli.plan import ALLOWED, refuse_excess, show
from spiderpool_aws.cli.planning import checked_instances, make_plan
from spiderpool_aws.cli.shown import visible
from spiderpool_aws.cli.world import FixedControl, World
from spiderpool_aws.deployment import RECONCILE_NODES
from spiderpool_aws.domain.request import Hint, Outcome, ReconcileRequest, Status
from spiderpool_aws.reconciler import Reconciler

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from spiderpool_aws.cli.planning import ClusterPlan

LAST_PASS = RECONCILE_NODES.timeout + timedelta(seconds=5)
"""How long a worker that read the policy before it was changed may still write, and what clocks may differ."""


def run(
    where: Where,
    instance: Annotated[list[str], typer.Option(help="An instance; give it once for each.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    allow_removals: ALLOWED = False,
    output: OUTPUT = Output.TABLE,
) -> None:
    """Show the plan of some instances, ask, and do it from this machine. Exit code 2 when something is left to do.

    For a cluster whose functions are not deployed, or do not write: where they do, `resync --instance` has them do it.
    """
    only = checked_instances(instance)
    if output is Output.JSON and not yes:
        raise Mistake("with --output json nobody is shown what to agree to: give --yes, too (plan shows it before)")
    with connected(where) as world:
        refuse_race(world, only)
        plan = _judged(make_plan(world, only))
        if output is Output.TABLE:
            show(plan, world, output)
        refuse_excess(plan, allowed=allow_removals)
        if not yes and not plan.is_empty:
            _ask(world, plan, only)
        outcomes = reconcile(world, only)
    _tell(outcomes, world, output)
    raise typer.Exit(_code(outcomes))


def _judged(plan: ClusterPlan) -> ClusterPlan:
    """Return the plan for a person who has seen what it takes away: no resync has to judge the policy for it."""
    return replace(plan, control=plan.control.judged())


def refuse_race(world: World, only: Sequence[str]) -> None:
    """Raise Mistake while a deployed worker may write.

    The FIFO queue has one worker at a time for an instance, and a person is not in that queue: two at once would both
    assign what is missing, for EC2's Assign has no client token.
    """
    if not world.deployed.worker_runs():
        return
    policy = world.parameters.read().policy
    if policy is not None and policy.mode == "apply":
        named = " ".join(f"--instance {instance_id}" for instance_id in only)
        raise Mistake(
            f"the functions of {world.names.cluster} work on these instances themselves, and two at once would assign "
            f"twice: run `spiderpool-aws resync --cluster {world.names.cluster} {named}`, or set the mode of the "
            f"policy in {world.names.policy_parameter} to observe"
        )
    changed = world.deployed.policy_changed_at()
    left = changed + LAST_PASS - world.core.clock.now() if changed is not None else timedelta()
    if left > timedelta():
        raise Mistake(
            f"the policy was changed a moment ago, and a worker that read the old one may still write: repeat this in "
            f"{int(left.total_seconds()) + 1} s"
        )


def _ask(world: World, shown: ClusterPlan, only: Sequence[str]) -> None:
    """Ask, and raise Mistake when the answer is no, or when by then something else would be done."""
    if not typer.confirm("Do this?", err=True):
        raise Mistake("nothing was done")
    if make_plan(world, only).to_changes() != shown.to_changes():
        raise Mistake("nothing was done: EC2 or the cluster has changed since the plan was shown, look again")


def reconcile(world: World, only: Sequence[str]) -> Mapping[str, Outcome]:
    """Do one pass over the instances, as a worker does, whatever the policy's mode is: a person asks for it."""
    control, _ = world.control()
    core = world.core
    # As `_judged` has it.
    reconciler = Reconciler(core.systems, FixedControl(control.judged(), "apply"), core.clock, core.notes)
    event_id = f"cli-{uuid4()}"
    hints = frozenset({Hint.SPARES})
    return reconciler.reconcile([ReconcileRequest(i, event_id, "spiderpool-aws apply", hints) for i in only])


def _code(outcomes: Mapping[str, Outcome]) -> int:
    statuses = {outcome.status for outcome in outcomes.values()}
    if statuses & {Status.FAILED, Status.REFUSED}:
        return FAILED
    return TO_DO if Status.WAITING in statuses else 0


def _tell(outcomes: Mapping[str, Outcome], world: World, output: Output) -> None:
    nudged = sorted({other for outcome in outcomes.values() for other in outcome.nudges} - set(outcomes))
    if output is Output.JSON:
        document = {
            "instances": [
                {
                    "instance": outcome.subject,
                    "status": str(outcome.status),
                    "reason": outcome.reason,
                    "writes": outcome.writes,
                    "lookAgainSeconds": outcome.delay_seconds,
                    "findings": [{"code": str(f.code), "message": f.message} for f in outcome.findings],
                }
                for outcome in outcomes.values()
            ],
            "done": world.core.notes.done,
            "alsoLookAt": nudged,
            "warnings": world.core.notes.warnings,
        }
        print(json.dumps(document, indent=2))
        return
    for line in world.core.notes.done:
        print(visible(f"done: {line}"))
    for outcome in outcomes.values():
        stream = sys.stderr if outcome.status in (Status.FAILED, Status.REFUSED) else sys.stdout
        print(visible(f"{outcome.subject}: {outcome.status}: {outcome.reason}"), file=stream)
    if nudged:
        print(f"look at these, too: {', '.join(nudged)}")
