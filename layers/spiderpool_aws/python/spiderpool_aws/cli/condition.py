"""How a cluster is: nodes, NICs, addresses, pools, subnets. Pure: made of plans and of what was read for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from spiderpool_aws.domain.addresses import IPFamily
from spiderpool_aws.domain.rules.overrides import with_overrides

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from spiderpool_aws.cli.planning import PlannedInstance
    from spiderpool_aws.domain.cluster.pool import Pool
    from spiderpool_aws.domain.instance import Eni, Subnet
    from spiderpool_aws.domain.policy.model import Interface, Policy


@dataclass(frozen=True, slots=True)
class Addresses:
    """What a NIC has of one family, and what is done with it."""

    assigned: int
    """In EC2, beside the primary address; an IPv4 prefix counts with all its addresses, an IPv6 prefix as one."""
    prefixes: int
    listed: int
    """By its pool: what pods may get, so without what it excludes."""
    used: int
    """By pods."""
    slots: int
    """Slots of the NIC that are taken: each holds one address, the primary one too, or one prefix."""
    limit: int | None
    """Slots that the type allows a NIC; None: not known."""

    @property
    def free(self) -> int:
        """Return what pods may still get."""
        return max(0, self.listed - self.used)


@dataclass(frozen=True, slots=True)
class Nic:
    """A NIC of a node."""

    device_index: int
    host: str
    """The host's name for it in the policy; empty when the policy has no such NIC."""
    eni_id: str
    subnet_id: str
    families: Mapping[IPFamily, Addresses]


@dataclass(frozen=True, slots=True)
class SubnetRoom:
    """What a subnet has left."""

    subnet: Subnet
    reserve: int
    """How many IPv4 addresses the policy keeps free in it."""


def interfaces_of(planned: PlannedInstance, policy: Policy) -> dict[int, Interface]:
    """Return the NICs that the policy wants, by device index, with what the instance's own tags say."""
    instance = planned.model.instance
    group = policy.group_of(instance) if instance is not None else None
    if instance is None or group is None:
        return {}
    return {nic.device_index: with_overrides(nic, instance) for nic in group.interfaces}


def nics_of(planned: PlannedInstance, policy: Policy) -> tuple[Nic, ...]:
    """Return the NICs of an instance in order of their device index."""
    instance = planned.model.instance
    if instance is None:
        return ()
    wanted = interfaces_of(planned, policy)
    return tuple(
        Nic(
            eni.device_index,
            wanted[eni.device_index].host if eni.device_index in wanted else "",
            eni.eni_id,
            eni.subnet_id,
            dict(_families(planned, eni)),
        )
        for eni in sorted(instance.enis, key=lambda eni: eni.device_index)
    )


def _families(planned: PlannedInstance, eni: Eni) -> Iterator[tuple[IPFamily, Addresses]]:
    limits = planned.model.limits
    for family in IPFamily:
        pools = pools_of(planned, eni.eni_id, family)
        blocks = eni.prefixes(family)
        assigned = eni.assigned(family).count() if family is IPFamily.IPV4 else eni.ipv6.count() + len(blocks)
        if not assigned and not pools:
            continue
        yield (
            family,
            Addresses(
                assigned,
                len(blocks),
                sum(pool.offered.count() for pool in pools),
                sum(pool.allocated.count() for pool in pools),
                eni.addresses(family).count() + len(blocks) + (family is IPFamily.IPV4),
                limits.per_eni(family) if limits is not None else None,
            ),
        )


def pools_of(planned: PlannedInstance, eni_id: str, family: IPFamily) -> list[Pool]:
    """Return our pools of a NIC and family, dying ones included."""
    return [
        pool
        for pool in planned.model.pools
        if pool.identity is not None and pool.identity.eni_id == eni_id and pool.family is family
    ]


def subnets_of(instances: Sequence[PlannedInstance], policy: Policy, counted: Mapping[str, Subnet]) -> list[SubnetRoom]:
    """Return the subnets of the NICs with what they keep, the largest where instances differ."""
    reserves: dict[str, int] = {}
    for instance in (known for planned in instances if (known := planned.model.instance) is not None):
        for subnet_id in {eni.subnet_id for eni in instance.enis} & counted.keys():
            reserve = policy.reserve_of(counted[subnet_id], instance)
            reserves[subnet_id] = max(reserve, reserves.get(subnet_id, 0))
    return [SubnetRoom(counted[i], reserve) for i, reserve in sorted(reserves.items())]


def state_of(planned: PlannedInstance) -> str:
    """Return how an instance is, in a word or two."""
    if planned.changes:
        return "drifts"
    if planned.plan.waits:
        return "waits"
    return "finding" if planned.plan.findings else "converged"
