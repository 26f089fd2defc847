"""The rules of pools that should serve no new pod: of an instance at rest or about to leave, of a NIC that left. Pure.

They are disabled, and serve again when the instance does; that of a NIC goes when a second look lacks the NIC, too.
"""

from dataclasses import replace
from datetime import timedelta

from spiderpool_aws.domain.actions.pools import ApplyPool, DeletePool, PoolChange
from spiderpool_aws.domain.addresses import EMPTY, AddressSet
from spiderpool_aws.domain.cluster.pool import Pool
from spiderpool_aws.domain.instance import InstanceState, ObservedInstance
from spiderpool_aws.domain.memory import SECOND_LOOK, PoolMemory
from spiderpool_aws.domain.rules.draft import Draft
from spiderpool_aws.domain.rules.lost import lost_addresses
from spiderpool_aws.metrics import Metric


def plan_resting(draft: Draft, instance: ObservedInstance, pool: Pool, memory: PoolMemory, why: str) -> None:
    """A pool that should serve no new pod: disabled, and what its NIC loses meanwhile leaves it, too.

    `memory` is the pool's with what else it should remember.
    """
    eni = draft.observed.eni(pool.identity.eni_id) if pool.identity is not None else None
    if instance.state is InstanceState.SHUTTING_DOWN:
        # Its NICs vanish any moment, and the pool goes when EC2 says `terminated`.
        _disable(draft, pool, memory, why)
    elif eni is None:
        plan_detached(draft, pool)
    else:
        lost = lost_addresses(pool, eni.assigned(pool.family), draft.observed.now)
        dropped = EMPTY[pool.family] if draft.observed.removals_held else lost.dropped
        if lost.next_look_seconds is not None:
            draft.wait(f"{pool.name}: EC2 does not show all its addresses, look again", lost.next_look_seconds)
        _disable(draft, pool, replace(memory, missing=lost.without(dropped), detached=None), why, dropped)


def _disable(draft: Draft, pool: Pool, memory: PoolMemory, why: str, dropped: AddressSet | None = None) -> None:
    memory = replace(memory, disabled=True, absent=None)
    if pool.terminating or (pool.spec.disable and pool.memory == memory and not dropped):
        return
    ips = pool.spec.ips - dropped if dropped else pool.spec.ips
    target = replace(pool, spec=replace(pool.spec, disable=True, ips=ips), memory=memory)
    change = PoolChange.SHRINK if dropped else PoolChange.DISABLE
    draft.add(ApplyPool(change, target, why, dropped or None))


def plan_detached(draft: Draft, pool: Pool) -> None:
    """A NIC that left: disable its pool at once, delete it when a second look has not found the NIC either."""
    if pool.terminating:
        return
    why = "its NIC is no longer attached"
    since = pool.memory.detached or draft.observed.now
    if (left := since + SECOND_LOOK - draft.observed.now) > timedelta():
        _disable(draft, pool, replace(pool.memory, detached=since), why)
        draft.wait(f"{pool.name}: {why}, look again", left.total_seconds())
    elif draft.observed.removals_held:
        draft.report(Metric.REMOVAL_HELD, f"{pool.name} stays: {draft.observed.removals_held}")
    else:
        draft.add(DeletePool(pool, why))
