"""A cluster as it is at one moment, and its figures: what `status` tells and `map` draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spiderpool_aws.cli.condition import nics_of, state_of, subnets_of
from spiderpool_aws.cli.planning import make_plan
from spiderpool_aws.domain.instance import InstanceState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from spiderpool_aws.adapters.deployed import QueueDepth
    from spiderpool_aws.cli.planning import ClusterPlan, PlannedInstance
    from spiderpool_aws.cli.world import World
    from spiderpool_aws.domain.instance import Subnet


@dataclass(frozen=True, slots=True)
class Deployment:
    """What was read beside EC2 and the cluster."""

    policy_source: str
    queues: Sequence[QueueDepth]
    warnings: Sequence[str]


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything, read once."""

    at: datetime
    plan: ClusterPlan
    subnets: Mapping[str, Subnet]
    """Those of the NICs, with their free addresses counted; one that cannot be read is missing."""
    deployment: Deployment


def read(world: World) -> Reading:
    """Read everything once."""
    plan = make_plan(world)
    subnets = {nic.subnet_id for planned in plan.instances for nic in nics_of(planned, plan.policy)}
    counted = world.core.systems.ec2.subnets(sorted(subnets), fresh=True)
    queues = world.deployed.queues()
    deployment = Deployment(world.policy_source, queues, tuple(world.core.notes.warnings))
    return Reading(world.core.clock.now(), plan, counted, deployment)


def summary(reading: Reading) -> dict[str, Any]:
    """Return the figures as JSON has them. Pure."""
    plan, queues = reading.plan, reading.deployment.queues
    pools = [pool for planned in plan.instances for pool in planned.model.pools]
    here = [planned for planned in plan.instances if not _is_over(planned)]
    return {
        "at": reading.at.isoformat(),
        "cluster": plan.policy.cluster,
        "policy": reading.deployment.policy_source,
        "mode": plan.policy.mode,
        "fuse": {"state": str(plan.control.fuse.state), "reason": plan.control.removals_held},
        "nodes": [_node(planned, plan) for planned in here],
        "drift": _drift(here),
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
            for one in subnets_of(plan.instances, plan.policy, reading.subnets)
        ],
        "queues": {queue.what: queue.messages for queue in queues},
        "deadLetters": sum(queue.messages or 0 for queue in queues if queue.dead),
        "warnings": list(reading.deployment.warnings),
    }


def _is_over(planned: PlannedInstance) -> bool:
    """Tell of an instance that EC2 lists for an hour after its end, and that has left nothing behind."""
    instance = planned.model.instance
    terminated = instance is not None and instance.state is InstanceState.TERMINATED
    return terminated and not planned.model.pools and state_of(planned) == "converged"


def _drift(instances: Sequence[PlannedInstance]) -> dict[str, int]:
    return {
        "instances": len(instances),
        "converged": sum(state_of(planned) == "converged" for planned in instances),
        "drifting": sum(state_of(planned) == "drifts" for planned in instances),
        "waiting": sum(bool(planned.plan.waits) for planned in instances),
        "findings": sum(len(planned.plan.findings) for planned in instances),
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
