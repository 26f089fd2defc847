"""The demo for people: lines as they happen, then tables."""

from collections.abc import Callable
from datetime import datetime

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from spiderpool_aws.local.clock import START
from spiderpool_aws.local.demo import DemoResult, run
from spiderpool_aws.local.stack import LocalStack

DOMAIN = ".compute.internal"
"""The end of a node's name: the tables leave the domain out, which all nodes have in common."""


def show(console: Console | None = None, at_end: Callable[[LocalStack], None] = lambda _stack: None) -> DemoResult:
    """Play the demo on a console and return its result; `at_end` is given the stack before it is gone."""
    console = console or Console(highlight=False)

    def say(line: str, at: datetime) -> None:
        minutes, seconds = divmod(int((at - START).total_seconds()), 60)
        style = "bold" if line.startswith("==") else "cyan" if line.startswith("event") else None
        console.print(f"[dim]{minutes:3d}:{seconds:02d}[/]  {line}", style=style, soft_wrap=True)

    result = run(say, at_end)
    console.print(_steps(result), _nodes(result), _pools(result))
    console.print(f"{result.writes_judged} writes were judged by the invariants; none broke one.", style="bold green")
    return result


def _steps(result: DemoResult) -> Table:
    # A terminal of 80 columns shows the calls' whole names.
    table = Table(
        "step", "virtual time", title="What the product did", box=SIMPLE_HEAD, show_edge=False, pad_edge=False
    )
    table.add_column("EC2 calls", no_wrap=True)
    table.add_column("to the API server", no_wrap=True)
    for step in result.steps:
        calls = (
            "\n".join(f"{count} {name}" for name, count in sorted(counts.items()))
            for counts in (step.ec2_calls, step.cluster_calls)
        )
        table.add_row(step.title, f"{step.virtual_seconds:.0f} s", *calls)
        table.add_section()
    return table


def _nodes(result: DemoResult) -> Table:
    table = Table(
        "node", "NIC", "ENI", "primary", "secondary IPv4", "IPv6 prefixes", title="Nodes and NICs, as EC2 has them"
    )
    for row in result.nodes:
        ipv4 = f"{len(row['ipv4'])}: {row['ipv4'][0]} …" if row["ipv4"] else "none"
        table.add_row(
            row["node"].split(".")[0], row["nic"], row["eni"][-8:], row["primary"], ipv4, ", ".join(row["ipv6Prefixes"])
        )
    return table


def _pools(result: DemoResult) -> Table:
    table = Table("pool", title="SpiderIPPools, as the cluster has them")
    table.add_column("ips", overflow="fold")
    table.add_column("in use")
    for pool in result.pools:
        node, _, rest = pool["name"].partition(".")
        _, dot, tail = rest.partition(DOMAIN)
        table.add_row(f"{node}…{tail}" if dot else pool["name"], ", ".join(pool["ips"]), str(pool["allocated"]))
    return table
