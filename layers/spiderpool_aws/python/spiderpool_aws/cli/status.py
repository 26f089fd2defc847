"""`spiderpool-aws status`: how the cluster is, at a glance."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.live import Live
from rich.table import Column, Table
from rich.text import Text

from spiderpool_aws.cli.connect import Where, connected
from spiderpool_aws.cli.errors import Mistake
from spiderpool_aws.cli.options import OUTPUT, Output
from spiderpool_aws.cli.reading import read, summary
from spiderpool_aws.cli.shown import console
from spiderpool_aws.domain.errors import Refused, RetryLater

if TYPE_CHECKING:
    from rich.console import RenderableType

    from spiderpool_aws.cli.world import World

STYLES = {"converged": "green", "drifts": "yellow", "waits": "cyan", "finding": "magenta"}


def run(
    where: Where,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Look again and again until Ctrl-C.")] = False,
    every: Annotated[float, typer.Option(min=1, help="Seconds between two looks.")] = 10,
    output: OUTPUT = Output.TABLE,
) -> None:
    """Show nodes, NICs, addresses (used, free, limit), pools, subnets, drift, queues and dead letters.

    With --watch and JSON each look is a line; one that got no answer has `problem` and goes on.
    """
    with connected(where) as world:
        if watch:
            _watch(world, every, output)
        elif output is Output.JSON:
            print(json.dumps(look(world), indent=2))
        else:
            console().print(rendered(look(world)))


def _watch(world: World, every: float, output: Output) -> None:
    """Look again and again. What cannot be read at first ends it; later it is shown, for it may be mended meanwhile."""
    status = look(world)
    try:
        if output is Output.JSON:
            print(json.dumps(status), flush=True)
            while True:
                world.deployed.pause(every)
                print(json.dumps(_look_again(world)), flush=True)
        with Live(rendered(status), console=console(), auto_refresh=False) as live:
            while True:
                world.deployed.pause(every)
                again = _look_again(world)
                status = status if "problem" in again else again
                live.update(_with_problem(rendered(status), again.get("problem", "")), refresh=True)
    except KeyboardInterrupt:
        # How a person ends it.
        return


def _look_again(world: World) -> dict[str, Any]:
    # Warnings are kept once each, and those of an earlier look may be true no more.
    world.core.notes.warnings.clear()
    try:
        return look(world)
    except (Refused, RetryLater) as error:
        problem = error.reason
    except Mistake as mistake:
        problem = str(mistake)
    return {"at": world.core.clock.now().isoformat(), "problem": problem}


def _with_problem(shown: RenderableType, problem: str) -> RenderableType:
    return (
        Group(Text(f"! this is how it was, for now there is no answer: {problem}", "red"), shown) if problem else shown
    )


def look(world: World) -> dict[str, Any]:
    """Read everything once and return it as JSON has it."""
    return summary(read(world))


def rendered(status: dict[str, Any]) -> RenderableType:
    """Return what `look` found as tables."""
    nodes = Table(
        Column("node, instance", overflow="fold"), "NIC", "IPv4 used/free", "slots", "IPv6 used/free", "slots", "is",
        box=SIMPLE_HEAD,
    )  # fmt: skip
    for node in status["nodes"]:
        names = [(node["node"] or "no Node").partition(".")[0], node["instance"]]
        state = Text(node["is"], STYLES[node["is"]])
        rows = [[_nic(nic), *_cells(nic, "ipv4"), *_cells(nic, "ipv6")] for nic in node["nics"]]
        for number in range(max(len(rows), len(names))):
            name = names[number] if number < len(names) else ""
            row = rows[number] if number < len(rows) else [""] * 5
            nodes.add_row(name, *row, state if not number else "")
    subnets = Table("subnet", "zone", "CIDR", "free IPv4", "kept free", box=SIMPLE_HEAD)
    for one in status["subnets"]:
        subnets.add_row(*(_shown(one[key]) for key in ("subnet", "zone", "cidr", "free", "reserve")))
    return Group(_head(status), nodes, subnets, *_told(status))


def _head(status: dict[str, Any]) -> Text:
    drift, pools = status["drift"], status["pools"]
    queues = ", ".join(f"{what} {_shown(count)}" for what, count in status["queues"].items())
    return Text(
        f"Cluster {status['cluster']}, mode {status['mode']}, fuse {status['fuse']['state']}\n"
        f"{drift['instances']} instances: {drift['converged']} converged, {drift['drifting']} drift, "
        f"{drift['waiting']} wait, {drift['findings']} findings\n"
        f"{pools['pools']} pools list {pools['addresses']} addresses, pods use {pools['used']}; "
        f"{pools['disabled']} disabled, {pools['terminating']} terminating, {pools['quarantined']} quarantined\n"
        f"Queues: {queues}"
    )


def _told(status: dict[str, Any]) -> list[Text]:
    lines = [Text(f"! {warning}", "yellow") for warning in status["warnings"]]
    if status["deadLetters"]:
        lines.append(Text(f"! {status['deadLetters']} dead letters wait for a person: docs/operations.md", "red"))
    if held := status["fuse"]["reason"]:
        lines.append(Text(f"! the fuse is {status['fuse']['state']}, and removals are held: {held}", "red"))
    for node in status["nodes"]:
        lines += [Text(f"… {node['instance']} waits: {reason}", "cyan") for reason in node["waits"]]
        lines += [Text(f"! {node['instance']}: {finding}", "magenta") for finding in node["findings"]]
    return lines


def _nic(nic: dict[str, Any]) -> str:
    return str(nic["host"] or f"index {nic['deviceIndex']}")


def _cells(nic: dict[str, Any], family: str) -> tuple[str, str]:
    has = nic.get(family)
    return (f"{has['used']}/{has['free']}", f"{has['slots']}/{_shown(has['limit'])}") if has else ("-", "-")


def _shown(value: object) -> str:
    return "unknown" if value is None else str(value)
