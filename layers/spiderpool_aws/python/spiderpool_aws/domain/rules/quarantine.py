"""Addresses that a pod uses and that its NIC has lost to another one: no pod may get them once they are released. Pure.

A pool cannot drop an address in use, and Spiderpool gives a released one again at once; a SpiderReservedIP keeps it
back, across all pools, until the pool has dropped it.
"""

from spiderpool_aws.domain.actions.pools import LiftQuarantine, Quarantine
from spiderpool_aws.domain.addresses import EMPTY
from spiderpool_aws.domain.cluster.pool import Pool
from spiderpool_aws.domain.rules.draft import Draft
from spiderpool_aws.domain.rules.lost import Lost, taken_addresses


def plan_quarantine(draft: Draft, pool: Pool, lost: Lost) -> None:
    """Plan the pool's reservation as it should be: what somebody else holds, as long as the pool lists it."""
    known = draft.observed.reservation_of(pool)
    held = known.addresses if known is not None else EMPTY[pool.family]
    missing = EMPTY[pool.family]
    for _, addresses in lost.memory:
        missing = missing | addresses
    wanted = (held & missing) | (lost.in_use & taken_addresses(pool.family, draft.observed))
    if wanted and wanted != held:
        draft.add(Quarantine(pool, wanted, "a pod uses them, and another NIC holds them"))
    elif known is not None and not wanted:
        draft.add(LiftQuarantine(known))


def plan_leftovers(draft: Draft) -> None:
    """Plan the end of what is kept back for no pool: the pool is gone or going, or it no longer lists the addresses.

    Reservations hold across pools, so the pool of the NIC that has such an address now could not give it to a pod.
    """
    offered = {pool.name: pool for pool in draft.observed.pools if not pool.terminating}
    planned = {action.key for action in draft.actions}
    for known in draft.observed.reservations:
        pool = offered.get(known.name)
        if pool is not None and not known.is_of(pool):
            pool = None
        listed = known.addresses & pool.spec.ips if pool is not None else EMPTY[known.addresses.family]
        action: Quarantine | LiftQuarantine = LiftQuarantine(known)
        if pool is not None and listed:
            action = Quarantine(pool, listed, "the pool no longer lists the others")
        if listed != known.addresses and action.key not in planned:
            draft.add(action)
