"""What EC2 does not show of a node's pools: not proved by one look, and already a removal to the fuse. Pure.

The second look is a worker's, seconds later; the next listing would find nothing left to judge (ADR 0008).
"""

from collections.abc import Iterator

from spiderpool_aws.domain.actions.pools import ApplyPool
from spiderpool_aws.domain.actions.removals import Doubt
from spiderpool_aws.domain.addresses import EMPTY, AddressSet
from spiderpool_aws.domain.cluster.pool import Pool
from spiderpool_aws.domain.instance import InstanceState, ObservedInstance
from spiderpool_aws.domain.rules.draft import Draft


def find_doubts(draft: Draft, instance: ObservedInstance) -> Iterator[Doubt]:
    """Yield what the next look may take out of the pools of an instance that is not terminated."""
    if instance.state is InstanceState.SHUTTING_DOWN:
        # Its NICs vanish any moment, and nothing leaves a pool until EC2 says `terminated`.
        return
    enis = {eni.eni_id: eni for eni in instance.enis}
    for pool in draft.observed.pools:
        if pool.terminating or pool.identity is None:
            continue
        eni = enis.get(pool.identity.eni_id)
        if eni is None:
            yield Doubt(pool, pool.spec.ips, whole=True)
        elif unseen := _unseen(draft, pool):
            yield Doubt(pool, unseen)


def _unseen(draft: Draft, pool: Pool) -> AddressSet:
    """Return what the pool is about to remember, or remembers, as missing and no pod uses."""
    written = [a.pool for a in draft.actions if isinstance(a, ApplyPool) and a.pool.name == pool.name]
    unseen = EMPTY[pool.family]
    for _, addresses in (written[0] if written else pool).memory.missing:
        unseen = unseen | addresses
    return (unseen & pool.spec.ips) - pool.allocated
