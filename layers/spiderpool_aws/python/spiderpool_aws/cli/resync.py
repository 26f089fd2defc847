"""`spiderpool-aws resync`: have the deployed functions look at every node, or at some."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from spiderpool_aws.cli.connect import Where, connected
from spiderpool_aws.cli.errors import TO_DO, Mistake
from spiderpool_aws.cli.options import OUTPUT, Output
from spiderpool_aws.cli.planning import checked_instances
from spiderpool_aws.cli.shown import visible
from spiderpool_aws.deployment import GIVE_UP

if TYPE_CHECKING:
    from collections.abc import Callable

    from spiderpool_aws.cli.world import DeployedPort

DIGEST = re.compile(r"[0-9a-f]{16}")
EVERY_SECONDS = 5.0


def run(
    where: Where,
    instance: Annotated[list[str] | None, typer.Option(help="Only this instance; give it once for each.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what differs; exit code 2 when anything does.")
    ] = False,
    confirm: Annotated[
        str, typer.Option(help="The digest of the removals that tripped the fuse: let them happen.")
    ] = "",
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until the queue is empty, for 20 minutes at most.")
    ] = False,
    output: OUTPUT = Output.TABLE,
) -> None:
    """Have the deployed functions plan every node and work on those that differ."""
    payload = checked_payload(instance or [], confirm, dry_run=dry_run, wait=wait)
    with connected(where) as world, _progress() as progress:
        advance = _bar(progress)
        answer = dry_run_pages(world.deployed, payload, advance) if dry_run else world.deployed.resync(payload)
        if not answer.get("done"):
            raise Mistake(f"the resync did nothing: {answer.get('reason', 'it does not say why')}")
        if wait:
            answer["left"] = wait_for_queue(world.deployed, int(answer.get("enqueued", 0)), advance)
    print(
        json.dumps(answer, indent=2)
        if output is Output.JSON
        else visible("\n".join(_lines(answer, confirm, dry_run=dry_run)))
    )
    if confirm and answer["fuse"]["state"] == "tripped":
        raise Mistake("nothing was confirmed: this is not the digest of what would be removed now, the answer has it")
    if (dry_run and answer.get("differing")) or answer.get("left"):
        raise typer.Exit(TO_DO)


def checked_payload(instances: list[str], confirm: str, *, dry_run: bool, wait: bool) -> dict[str, Any]:
    """Return what the function is invoked with. Raises Mistake for what does not go together."""
    if confirm and (dry_run or instances):
        raise Mistake("--confirm is about a pass over all instances: leave --dry-run and --instance out")
    if confirm and not DIGEST.fullmatch(confirm):
        raise Mistake(f"--confirm {confirm!r} is no digest: `resync --dry-run` shows it, 16 characters of 0-9 and a-f")
    if dry_run and wait:
        raise Mistake("a dry run enqueues nothing to wait for: give --dry-run or --wait, one of the two")
    payload: dict[str, Any] = {"instanceIds": list(checked_instances(instances))} if instances else {}
    return payload | ({"dryRun": True} if dry_run else {}) | ({"confirm": confirm} if confirm else {})


def dry_run_pages(
    deployed: DeployedPort, payload: dict[str, Any], advance: Callable[[int, int], None]
) -> dict[str, Any]:
    """Return the answer of a dry run with the plans of all its pages; `advance` is told how many of how many nodes."""
    answer = deployed.resync(payload)
    plans: list[Any] = answer.get("plans", [])
    token = answer.get("nextToken")
    while token:
        advance(len(plans), int(answer["instances"]))
        page = deployed.resync(payload | {"pageToken": token})
        plans += page.get("plans", [])
        token = page.get("nextToken")
    advance(len(plans), int(answer.get("instances", 0)))
    return {key: value for key, value in answer.items() if key != "nextToken"} | {"plans": plans}


def wait_for_queue(deployed: DeployedPort, enqueued: int, advance: Callable[[int, int], None]) -> int:
    """Wait until no request is in the queue; return how many are left when time is up.

    Requests of events that come meanwhile count as well: SQS tells only how many there are.
    """
    waited = 0.0
    while True:
        left = next((queue.messages or 0 for queue in deployed.queues() if queue.what == "requests"), 0)
        advance(max(0, enqueued - left), enqueued)
        if not left or waited >= GIVE_UP.total_seconds():
            return left
        deployed.pause(EVERY_SECONDS)
        waited += EVERY_SECONDS


def _progress() -> Progress:
    # On standard error, and only on a terminal: what is piped is the result.
    columns = (TextColumn("nodes"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, console=Console(file=sys.stderr), transient=True, disable=not sys.stderr.isatty())


def _bar(progress: Progress) -> Callable[[int, int], None]:
    task = progress.add_task("nodes", total=None)

    def advance(done: int, total: int) -> None:
        progress.update(task, completed=done, total=total)

    return advance


def _lines(answer: dict[str, Any], confirm: str, *, dry_run: bool) -> list[str]:
    if "instances" not in answer:
        return [f"{answer['enqueued']} instances were enqueued."]
    lines = []
    for plan in answer.get("plans", []):
        first, *rest = str(plan["plan"]).splitlines()
        lines += [first, *(f"  {line}" for line in rest)] if rest else []
    lines += [f"! {finding}" for finding in answer.get("findings", [])] if not dry_run else []
    removals, fuse = answer["removals"], answer["fuse"]
    lines.append(
        f"{answer['instances']} instances: {answer['converged']} have converged, {answer['differing']} differ, "
        f"{answer['waiting']} wait, {len(answer['absent'])} are absent."
    )
    # Where the fuse is tripped also of none: a policy that was put back is confirmed by that digest.
    if fuse["state"] == "tripped" or any(removals[what] for what in ("pools", "addresses", "nodes")):
        counts = ", ".join(f"{removals[what]} {what}" for what in ("pools", "addresses", "nodes"))
        lines.append(f"Removals: {counts}; their digest is {removals['digest']}.")
    if fuse["state"] != "whole":
        lines.append(f"The fuse is {fuse['state']}: {fuse['reason'] or 'the removals were confirmed'}")
    elif confirm:
        lines.append("The fuse is whole: nothing is held.")
    if not dry_run:
        lines.append(f"{answer['enqueued']} instances were enqueued{_reason(answer)}.")
    if "left" in answer:
        lines.append(
            "The queue is empty." if not answer["left"] else f"{answer['left']} requests are still in the queue."
        )
    return lines


def _reason(answer: dict[str, Any]) -> str:
    return f" ({answer['reason']})" if answer.get("reason") else ""
