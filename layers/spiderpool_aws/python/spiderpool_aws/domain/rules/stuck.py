"""Pools that are deleted and do not go: somebody has to release their addresses. Pure.

Spiderpool keeps a deleted pool until its last address is released. The pods of a Node that is gone are deleted with it;
what else holds a pool, a pod of a living Node or a record that Spiderpool does not clear, is a person's.
"""

from datetime import timedelta

from spiderpool_aws.domain.cluster.pool import Pool
from spiderpool_aws.domain.rules.draft import Draft
from spiderpool_aws.domain.words import first_of
from spiderpool_aws.metrics import Metric

STUCK_AFTER = timedelta(minutes=10)
"""Spiderpool's own collection of what dead pods hold takes a minute (recorded behaviour)."""
SHOWN = 5


def report_stuck(draft: Draft) -> None:
    """Report each of the instance's pools that has been going for too long, and who holds it."""
    for pool in draft.observed.pools:
        since = pool.terminating_since
        if since is None or draft.observed.now - since < STUCK_AFTER:
            continue
        draft.report(
            Metric.POOL_STUCK,
            f"pool {pool.name} is deleted since {since:%Y-%m-%d %H:%M:%S}Z and cannot go, its addresses are held by "
            f"{_holders(pool)}",
        )


def _holders(pool: Pool) -> str:
    """Return who holds the pool's addresses, and what to do; some names only, for a pool may have 5,000 pods."""
    users = sorted(set(pool.users.values()))
    if users:
        return f"{first_of(users, SHOWN)}; nobody else can have them: delete those pods"
    if pool.allocated:
        return "records of no pod (status.allocatedIPs): nobody else can have them; look at Spiderpool's controller"
    return "nobody: is Spiderpool's controller running?"
