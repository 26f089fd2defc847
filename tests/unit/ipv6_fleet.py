"""A fleet that turns IPv6 on or off, and what a person or EC2 changes of it meanwhile."""

from dataclasses import replace
from typing import Any

from spiderpool_aws.domain.addresses import IPFamily
from spiderpool_aws.domain.cluster.pool import Pool
from spiderpool_aws.domain.control import Control
from spiderpool_aws.domain.instance import Eni
from spiderpool_aws.domain.policy.model import Policy
from spiderpool_aws.domain.request import Hint, ReconcileRequest
from tests.unit import build
from tests.unit.fleet import POLICY as OFF
from tests.unit.fleet import Fleet

DUAL = build.policy(nics=1, ipv4={"addresses": 3}, ipv6={"addresses": 2})
MANAGED = "spiderpool-aws/managed"


def defaults(fleet: Fleet) -> dict[str, bool]:
    """Return instance id -> whether its IPv6 pool is default."""
    return {
        pool.identity.instance_id: pool.spec.default
        for pool in fleet.cluster.pools.values()
        if pool.identity is not None and pool.family is IPFamily.IPV6
    }


def turned_on(nodes: int) -> Fleet:
    """Return a running IPv4 cluster whose policy has just got IPv6."""
    fleet = Fleet(nodes)
    fleet.control.control = Control(DUAL)
    return fleet


def resynced(fleet: Fleet) -> list[ReconcileRequest]:
    fleet.run()
    return list(fleet.queue.sent)


def work_off(fleet: Fleet, requests: list[ReconcileRequest]) -> None:
    for request in requests:
        fleet.reconciler.reconcile([request])


def turned_off(nodes: int = 2, policy: Policy = OFF) -> Fleet:
    """Return a running dual-stack cluster whose policy has just lost IPv6."""
    fleet = Fleet(nodes, DUAL)
    fleet.control.control = Control(policy)
    return fleet


def prepared(nodes: int = 2) -> Fleet:
    """Return a cluster that turns IPv6 on and whose nodes have got their pools, none of them default yet."""
    fleet = turned_on(nodes)
    fleet.work([f"i-{number}" for number in range(nodes)])
    return fleet


def flips(fleet: Fleet) -> set[str]:
    return {request.subject for request in resynced(fleet) if Hint.FLIP in request.hints}


def pool_of(fleet: Fleet, instance_id: str, family: IPFamily = IPFamily.IPV6) -> Pool:
    return next(pool for pool in fleet.pools_of(instance_id) if pool.family is family)


def change_pool(fleet: Fleet, pool: Pool, **changes: Any) -> None:
    spec = {key: value for key, value in changes.items() if key in ("default", "disable", "ips")}
    rest = {key: value for key, value in changes.items() if key not in spec}
    fleet.cluster.pools[pool.name] = replace(pool, spec=replace(pool.spec, **spec), **rest)


def change_instance(fleet: Fleet, instance_id: str, **changes: Any) -> None:
    fleet.ec2.put(replace(fleet.ec2.known[instance_id], **changes))


def change_nic(fleet: Fleet, instance_id: str, **changes: Any) -> Eni:
    (eni,) = fleet.ec2.known[instance_id].enis
    fleet.ec2.change_eni(replace(eni, **changes))
    return eni


def untag(fleet: Fleet, instance_id: str) -> None:
    tags = fleet.ec2.known[instance_id].tags
    change_instance(fleet, instance_id, tags={**tags, MANAGED: "false"})


def held(fleet: Fleet) -> list[str]:
    """Return what the resync finds held."""
    findings = fleet.run(dry_run=True)["findings"]
    return [text for text in findings if any(word in text for word in ("holds IPv6", "keeps IPv6", " default"))]
