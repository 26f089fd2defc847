"""`spiderpool-aws plan`: what would be done, read like a Terraform plan."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from spiderpool_aws.cli.changes import Change, Kind
from spiderpool_aws.cli.connect import Where, connected
from spiderpool_aws.cli.errors import TO_DO, Mistake
from spiderpool_aws.cli.options import OUTPUT, Output
from spiderpool_aws.cli.planning import ClusterPlan, PlannedInstance, checked_instances, make_plan
from spiderpool_aws.cli.shown import console

if TYPE_CHECKING:
    from spiderpool_aws.cli.world import World

STYLES = {Kind.ADD: "green", Kind.CHANGE: "yellow", Kind.REMOVE: "red"}
ALLOW = "--allow-removals"

INSTANCES = Annotated[list[str] | None, typer.Option("--instance", help="An instance; give it once for each.")]
ALLOWED = Annotated[
    bool, typer.Option(ALLOW, help="Go on although more than a tenth of the pools, addresses or nodes would go.")
]


def run(
    where: Where,
    instance: INSTANCES = None,
    all_instances: Annotated[bool, typer.Option("--all", help="Every instance of the cluster: the default.")] = False,
    allow_removals: ALLOWED = False,
    output: OUTPUT = Output.TABLE,
) -> None:
    """Show what is to be added, changed and removed, and why. Exit code 2 when there is something to do, 0 if not.

    Nothing is written. A plan that removes more than a tenth of the pools, addresses or nodes is shown and refused.
    """
    only = checked_instances(instance or ())
    if only and all_instances:
        raise Mistake("give --instance or --all, one of the two")
    with connected(where) as world:
        plan = make_plan(world, only)
        show(plan, world, output)
    refuse_excess(plan, allowed=allow_removals)
    if not plan.is_empty:
        raise typer.Exit(TO_DO)


def refuse_excess(plan: ClusterPlan, *, allowed: bool) -> None:
    """Raise Mistake for a plan that removes too much, as the fuse judges it."""
    if plan.excess and not allowed:
        raise Mistake(
            f"refused: {plan.excess}. If that is right, repeat it with {ALLOW}; the functions want "
            f"`spiderpool-aws resync --confirm {plan.digest}`"
        )


def show(plan: ClusterPlan, world: World, output: Output) -> None:
    """Print a plan."""
    if output is Output.JSON:
        print(json.dumps(to_document(plan, world), indent=2))
        return
    terminal = console(soft_wrap=True)
    terminal.print(Text(f"Cluster {plan.policy.cluster}, policy {world.policy_source}, mode {plan.policy.mode}"))
    held = plan.control.removals_held
    for warning in [*world.core.notes.warnings, *([f"removals are held: {held}"] if held else [])]:
        terminal.print(Text(f"! {warning}", "yellow"))
    for planned in plan.instances:
        if planned.has_news:
            terminal.print(_instance(planned))
    terminal.print(Text(_summary(plan), "bold"))


def to_document(plan: ClusterPlan, world: World) -> dict[str, Any]:
    """Return a plan as JSON has it."""
    return {
        "cluster": plan.policy.cluster,
        "policy": world.policy_source,
        "mode": plan.policy.mode,
        "add": plan.count(Kind.ADD),
        "change": plan.count(Kind.CHANGE),
        "remove": plan.count(Kind.REMOVE),
        "instances": [planned.to_document() for planned in plan.instances if planned.has_news],
        "converged": sum(planned.plan.converged for planned in plan.instances),
        "excess": plan.excess,
        "digest": plan.digest,
        "removalsHeld": plan.control.removals_held,
        "warnings": world.core.notes.warnings,
    }


def _instance(planned: PlannedInstance) -> Text:
    text = Text(f"\n{planned.title}", "bold")
    for change in planned.changes:
        _append(text, change)
    for owed in planned.plan.later:
        text.append(f"\n  … later: {owed}", "cyan")
    for wait in planned.plan.waits:
        text.append(f"\n  … waits: {wait.reason}", "cyan")
    for finding in planned.plan.findings:
        text.append(f"\n  ! {finding.code}: {finding.message}", "magenta")
    return text


def _append(text: Text, change: Change) -> None:
    text.append(f"\n  {change.kind.sign} {change.what}", f"not bold {STYLES[change.kind]}")
    for kind, entries in ((Kind.ADD, change.added), (Kind.REMOVE, change.removed), (Kind.CHANGE, change.updated)):
        for entry in entries:
            text.append(f"\n      {kind.sign} {entry}", f"not bold {STYLES[kind]}")
    if change.why:
        text.append(f"\n      why: {change.why}", "not bold dim")


def _summary(plan: ClusterPlan) -> str:
    converged = sum(planned.plan.converged for planned in plan.instances)
    of_all = f"{converged} of {len(plan.instances)} instances have converged"
    if plan.is_empty:
        return f"\nNothing to do: {of_all}."
    counts = (f"{plan.count(kind)} to {kind}" for kind in Kind)
    return f"\nPlan: {', '.join(counts)}; {of_all}."
