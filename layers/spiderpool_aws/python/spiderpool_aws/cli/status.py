"""`spiderpool-aws status`: how the cluster is, at a glance."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.live import Live
from rich.table import Column, Table
from rich.text import Text

from spiderpool_aws.cli.condition import nics_of, state_of, subnets_of
from spiderpool_aws.cli.connect import Where, connected
from spiderpool_aws.cli.options import OUTPUT, Output
from spiderpool_aws.cli.planning import make_plan

if TYPE_CHECKING:
    from rich.console import RenderableType

    from spiderpool_aws.cli.planning import ClusterPlan, PlannedInstance
    from spiderpool_aws.cli.world import World

STYLES = {"converged": "green", "drifts": "yellow", "waits": "cyan", "finding": "magenta"}


def run(
    where: Where,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Look again and again until Ctrl-C.")] = False,
    every: Annotated[float, typer.Option(min=1, help="Seconds between two looks.")] = 10,
    output: OUTPUT = Output.TABLE,
) -> None:
    """Show nodes, NICs, addresses (used, free, limit), pools, subnets, drift, queues and dead letters.

    With --watch and JSON each look is a line.
    """
    with connected(where) as world:
        if watch:
            _watch(world, every, output)
        elif output is Output.JSON:
            print(json.dumps(look(world), indent=2))
        else:
            Console(highlight=False).print(rendered(look(world)))


def _watch(world: World, every: float, output: Output) -> None:
    try:
        if output is Output.JSON:
            while True:
                print(json.dumps(look(world)), flush=True)
                world.deployed.pause(every)
        with Live(rendered(look(world)), console=Console(highlight=False), auto_refresh=False) as live:
            while True:
                world.deployed.pause(every)
                live.update(rendered(look(world)), refresh=True)
    except KeyboardInterrupt:
        # How a person ends it.
        return


def look(world: World) -> dict[str, Any]:
    """Read everything once and return it as JSON has it."""
    plan = make_plan(world)
    nics = {nic.subnet_id for planned in plan.instances for nic in nics_of(planned, plan.policy)}
    counted = world.core.systems.ec2.subnets(sorted(nics), fresh=True)
    pools = [pool for planned in plan.instances for pool in planned.model.pools]
    queues = world.deployed.queues()
    return {
        "at": world.core.clock.now().isoformat(),
        "cluster": plan.policy.cluster,
        "policy": world.policy_source,
        "mode": plan.policy.mode,
        "fuse": {"state": str(plan.fuse.state), "reason": plan.fuse.reason},
        "nodes": [_node(planned, plan) for planned in plan.instances],
        "drift": _drift(plan),
        "pools": {
            "pools": len(pools),
            "addresses": sum(pool.offered.count() for pool in pools),
            "used": sum(pool.allocated.count() for pool in pools),
            "disabled": sum(pool.spec.disable for pool in pools),
            "terminating": sum(pool.terminating for pool in pools),
            "quarantined": sum(r.addresses.count() for planned in plan.instances for r in planned.model.reservations),
        },
        "subnets": [
            {
                "subnet": one.subnet.subnet_id,
                "zone": one.subnet.availability_zone,
                "cidr": str(one.subnet.ipv4) if one.subnet.ipv4 else None,
                "free": one.subnet.available_ipv4,
                "reserve": one.reserve,
            }
            for one in subnets_of(plan.instances, plan.policy, counted)
        ],
        "queues": {queue.what: queue.messages for queue in queues},
        "deadLetters": sum(queue.messages or 0 for queue in queues if queue.dead),
        "warnings": list(world.core.notes.warnings),
    }


def _drift(plan: ClusterPlan) -> dict[str, int]:
    return {
        "instances": len(plan.instances),
        "converged": sum(state_of(planned) == "converged" for planned in plan.instances),
        "drifting": sum(state_of(planned) == "drifts" for planned in plan.instances),
        "waiting": sum(bool(planned.plan.waits) for planned in plan.instances),
        "findings": sum(len(planned.plan.findings) for planned in plan.instances),
    }


def _node(planned: PlannedInstance, plan: ClusterPlan) -> dict[str, Any]:
    instance, node = planned.model.instance, planned.model.node
    group = plan.policy.group_of(instance) if instance is not None else None
    return {
        "instance": planned.plan.instance_id,
        "node": node.name if node is not None else None,
        "state": str(instance.state) if instance is not None else None,
        "type": instance.instance_type if instance is not None else None,
        "zone": instance.availability_zone if instance is not None else None,
        "group": group.name if group is not None else None,
        "is": state_of(planned),
        "waits": [wait.reason for wait in planned.plan.waits],
        "findings": [f"{finding.code}: {finding.message}" for finding in planned.plan.findings],
        "nics": [
            {
                "deviceIndex": nic.device_index,
                "host": nic.host,
                "eni": nic.eni_id,
                "subnet": nic.subnet_id,
                **{
                    str(family).lower(): {
                        "assigned": has.assigned,
                        "prefixes": has.prefixes,
                        "listed": has.listed,
                        "used": has.used,
                        "free": has.free,
                        "slots": has.slots,
                        "limit": has.limit,
                    }
                    for family, has in nic.families.items()
                },
            }
            for nic in nics_of(planned, plan.policy)
        ],
    }


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
    if status["fuse"]["state"] == "tripped":
        lines.append(Text(f"! the fuse is tripped: {status['fuse']['reason']}", "red"))
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
