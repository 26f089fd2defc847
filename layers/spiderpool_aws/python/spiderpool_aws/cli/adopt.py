"""`spiderpool-aws adopt`: have hand-made pools taken over, after a look at what would become of each."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from spiderpool_aws.adopting import Adopter
from spiderpool_aws.cli.adopt_view import as_document, as_text, outcome_line
from spiderpool_aws.cli.connect import Where, connected
from spiderpool_aws.cli.errors import FAILED, TO_DO
from spiderpool_aws.cli.options import OUTPUT, Output
from spiderpool_aws.cli.shown import visible
from spiderpool_aws.domain.errors import Refused, RetryLater

if TYPE_CHECKING:
    from spiderpool_aws.adopting import Adopted
    from spiderpool_aws.domain.adoption.plan import AdoptionPlan


def run(
    where: Where,
    pool: Annotated[
        list[str] | None, typer.Option(help="A pool to adopt; give it once a pool. Without it: all that can be.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Adopt them, instead of only showing the plan.")] = False,
    output: OUTPUT = Output.TABLE,
) -> None:
    """Show what would become of hand-made pools that list addresses of the nodes' NICs; with --yes adopt them.

    Pods keep running. Exit code without --yes: 0 nothing to do; 2 there are pools to adopt; 1 there are only pools that
    cannot be adopted, or something failed. With --yes: 0 all are adopted, else 1.
    """
    outcomes: list[Adopted] = []
    problem = ""
    with connected(where) as world:
        _, policy = world.control()
        adopter = Adopter(world.core.systems, world.core.clock)
        plan = adopter.plan(policy, frozenset(pool or ()))
        if output is Output.TABLE:
            shown = f"Cluster {policy.cluster} at {world.facts.server}\n{as_text(plan, policy, yes=yes)}"
            print(visible(shown), flush=True)
        try:
            if yes:
                _adopt(adopter, plan, outcomes, output)
        except (Refused, RetryLater) as error:
            # Told after what was done until then: that is done, whatever came between.
            problem = error.reason
    if output is Output.JSON:
        print(json.dumps(as_document(plan, outcomes), indent=2))
    for said in (*world.core.notes.warnings, problem):
        if said:
            print(visible(said), file=sys.stderr)
    raise typer.Exit(_exit_code(plan, outcomes, problem, yes=yes))


def _adopt(adopter: Adopter, plan: AdoptionPlan, outcomes: list[Adopted], output: Output) -> None:
    for outcome in adopter.adopt(plan):
        outcomes.append(outcome)
        if output is Output.TABLE:
            print(visible(outcome_line(outcome)), flush=True)


def _exit_code(plan: AdoptionPlan, outcomes: list[Adopted], problem: str, *, yes: bool) -> int:
    if problem:
        return FAILED
    if not yes and plan.ready:
        return TO_DO
    done = [outcome for outcome in outcomes if not outcome.refusal]
    return FAILED if plan.refused or (yes and len(done) < len(plan.ready)) else 0
