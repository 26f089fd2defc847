"""`spiderpool-aws verify`: do pods have a network? The tests of Spiderpool's guide for AWS, on the real cluster."""

from __future__ import annotations

import json
import signal
import sys
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import typer
from rich.text import Text

from spiderpool_aws.cli.connect import Where, connected
from spiderpool_aws.cli.errors import FAILED, Mistake
from spiderpool_aws.cli.options import OUTPUT, Output
from spiderpool_aws.cli.shown import console
from spiderpool_aws.cli.verify_plan import Site, Spot, Verdict, host_checks, pod_checks, site_of
from spiderpool_aws.cli.verify_pods import IMAGE, Manifests
from spiderpool_aws.cli.verify_rights import NAMESPACE, lacking_rights
from spiderpool_aws.cli.verify_run import Verification
from spiderpool_aws.domain.cluster.pool_listing import PoolListing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spiderpool_aws.cli.verify_run import ProbePort
    from spiderpool_aws.cli.world import World

EGRESS = "http://checkip.amazonaws.com"


def run(
    where: Where,
    nodes: Annotated[int, typer.Option(help="At how many nodes to look.", min=1, max=20)] = 4,
    namespace: Annotated[str, typer.Option(help="Where the pods are created.")] = NAMESPACE,
    image: Annotated[str, typer.Option(help="An image with sh, httpd, wget, ping, ip and awk.")] = IMAGE,
    egress: Annotated[str, typer.Option(help="A URL outside; empty: none is tried.")] = EGRESS,
    timeout: Annotated[float, typer.Option(help="Seconds that a pod may take to start, and to end.", min=2)] = 120,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be tried, and create nothing.")] = False,
    output: OUTPUT = Output.TABLE,
) -> None:
    """Create pods on some nodes, have them and the hosts reach each other, and remove the pods again.

    Exit code 1 when something does not reach what it should, or a host holds an address of a pool.
    """
    manifests = Manifests(uuid4().hex[:8], namespace, image)
    with connected(where) as world:
        site = _site(world, nodes)
        if dry_run:
            _show_plan(site, egress, output)
            return
        probes = _probes(world)
        refuse_without_rights(world, namespace)
        # So that the pods are removed as after Ctrl-C when the command is ended, or its terminal closed.
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.default_int_handler)
        verification = Verification(probes, manifests, site, egress, time.sleep, timeout)
        try:
            found = verification.run()
        finally:
            for what in verification.left_behind:
                print(f"not removed: kubectl delete -n {namespace} {what}", file=sys.stderr)
    _show(found, output)
    if not all(verdict.ok for verdict in found):
        raise typer.Exit(FAILED)


def refuse_without_rights(world: World, namespace: str) -> None:
    """Raise Mistake before anything is created, when it could not be looked at or removed again."""
    if lacking := lacking_rights(world.facts, namespace):
        raise Mistake(f"nothing was created: you may not {', '.join(lacking)} in namespace {namespace}")


def _probes(world: World) -> ProbePort:
    if world.beside.probes is None:
        raise Mistake("the demo's nodes run no containers: take --dry-run, or a cluster of your own")
    return world.beside.probes


def _site(world: World, limit: int) -> Site:
    _, policy = world.control()
    cluster = world.core.systems.cluster
    listing = PoolListing.of(cluster.list_pools(), (), policy.cluster)
    pools = [pool for pools in listing.ours.values() for pool in pools]
    site = site_of(pools, cluster.list_nodes(), policy, limit)
    if not site.spots:
        raise Mistake("no node has a pool of ours with a free address: spiderpool-aws status says what there is")
    return site


def _show_plan(site: Site, egress: str, output: Output) -> None:
    """Show the checks with the pods' addresses left open: they are known when the pods run."""
    servers: dict[Spot, Sequence[str]] = dict.fromkeys(site.spots, ("<its address>",))
    checks = [check for spot in site.spots for check in pod_checks(spot, site, servers, "<a ClusterIP>", egress)]
    checks += [check for node in site.hosts for check in host_checks(node, servers)]
    pods = 2 * len(site.spots) + len(site.hosts)
    if output is Output.JSON:
        planned = [{"kind": str(c.kind), "source": c.source, "target": c.target} for c in checks]
        print(json.dumps({"pods": pods, "checks": planned}, indent=2))
        return
    for check in checks:
        print(f"{check.kind}: {check.source} to {check.target}")
    print(f"{pods} pods on {len(site.hosts)} nodes, {len(checks)} checks, and the addresses of each host's NICs.")


def _show(found: Sequence[Verdict], output: Output) -> None:
    if output is Output.JSON:
        print(json.dumps([_document(verdict) for verdict in found], indent=2))
        return
    terminal = console(soft_wrap=True)
    for verdict in found:
        sign, style = ("ok    ", "green") if verdict.ok else ("FAILED", "red")
        detail = f": {verdict.detail}" if verdict.detail else ""
        terminal.print(Text.assemble((sign, style), f" {verdict.kind}: {verdict.source} to {verdict.target}{detail}"))
    good = sum(verdict.ok for verdict in found)
    terminal.print(Text(f"{good} of {len(found)} checks are ok", "bold"))


def _document(verdict: Verdict) -> dict[str, Any]:
    return {**asdict(verdict), "kind": str(verdict.kind)}
