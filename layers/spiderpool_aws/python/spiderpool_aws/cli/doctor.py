"""`spiderpool-aws doctor`: what is wrong, and the remedy."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import typer
from rich.text import Text

from spiderpool_aws.cli import checks_aws, checks_cluster, checks_nodes, checks_roles
from spiderpool_aws.cli.connect import Where, connected
from spiderpool_aws.cli.errors import FAILED
from spiderpool_aws.cli.findings import Health, Result, results_of
from spiderpool_aws.cli.options import OUTPUT, Output
from spiderpool_aws.cli.shown import console

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spiderpool_aws.cli.world import World

CHECKS = (*checks_aws.CHECKS, *checks_roles.CHECKS, *checks_cluster.CHECKS, *checks_nodes.CHECKS)
SIGNS = {Health.OK: ("ok     ", "green"), Health.WRONG: ("WRONG  ", "red"), Health.UNTRIED: ("untried", "yellow")}


def run(where: Where, output: OUTPUT = Output.TABLE) -> None:
    """Look at everything that has to fit together, a line each, with the remedy. Exit code 1 when something is wrong.

    Nothing is written: what looks like a write is a dry run.
    """
    with connected(where) as world:
        results = examine(world)
    if output is Output.JSON:
        print(json.dumps([_document(result) for result in results], indent=2))
    else:
        _show(results)
    if any(result.health is Health.WRONG for result in results):
        raise typer.Exit(FAILED)


def examine(world: World) -> list[Result]:
    """Run every check."""
    return [result for check in CHECKS for result in results_of(check, world)]


def _document(result: Result) -> dict[str, str]:
    return {
        "topic": result.topic,
        "health": str(result.health),
        "message": result.message,
        "remedy": result.remedy,
    }


def _show(results: Sequence[Result]) -> None:
    terminal = console(soft_wrap=True)
    for result in results:
        sign, style = SIGNS[result.health]
        remedy = f" -> {result.remedy}" if result.remedy else ""
        message = " ".join(result.message.split())
        terminal.print(Text.assemble((sign, style), f" {result.topic}: {message}", (remedy, "bold")))
    counts = Counter(result.health for result in results)
    terminal.print(Text(", ".join(f"{counts[health]} {health}" for health in Health), "bold"))
