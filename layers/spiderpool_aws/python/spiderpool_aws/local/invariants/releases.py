"""Invariant 8: what goes back to the subnet is noted in its pool, and offered to no pod of its NIC for a minute.

The note is what a worker goes by that comes after one that was stopped between the shrink and the unassignment, and
what the rest is counted by (ADR 14). With its pool the note goes; an address that the NIC has lost has none.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from spiderpool_aws.domain.addresses import EMPTY, AddressSet, IPFamily
from spiderpool_aws.domain.cluster.pool import Pool
from spiderpool_aws.domain.policy.model import Elastic
from spiderpool_aws.local.ec2 import Ec2Call
from spiderpool_aws.local.ec2.state import Eni
from spiderpool_aws.local.invariants.history import assigned
from spiderpool_aws.local.invariants.truth import Truth

REST = timedelta(seconds=60)
"""How long a pool offers what it has released to no pod again (docs/policy.md, Sizes)."""

PATIENCE = timedelta(minutes=5)
"""How long an elastic size is too large before it shrinks (ADR 14)."""


class ReleaseRules:
    """Judges what leaves a pool to go back, what then is unassigned, and what comes back."""

    def __init__(self, truth: Truth) -> None:
        self._truth = truth
        self._broken = truth.report
        self._released: dict[str, list[tuple[datetime, AddressSet]]] = {}
        """By the pool's uid: one that is made anew knows of nothing."""

    def judge_pool(self, before: Pool | None, after: Pool | None) -> None:
        """Report what a pool lists again too early, and what it let go without a note."""
        if before is None or after is None or before.identity is None:
            return
        if early := (after.spec.ips - before.spec.ips) & self._resting(before):
            self._broken(8, f"pool {after.name} offers {early} again less than a minute after it was released")
        eni = self._truth.model.enis.get(before.identity.eni_id)
        if eni is None or self._truth.history.changed_lately(eni.id):
            # What a describe does not show is lost, and not released.
            return
        released = (before.spec.ips - after.spec.ips) & assigned(eni, before.family)
        if released:
            self._released.setdefault(before.uid, []).append((self._truth.model.clock.now(), released))
            self._judge_noted(after, released, "left the pool")
            self._judge_patience(before, released, eni)

    def judge_unassign(self, call: Ec2Call, named: Mapping[IPFamily, AddressSet]) -> None:
        """Report what is unassigned while its pool has forgotten that it rests."""
        for pool in self._truth.pools():
            if pool.identity is not None and pool.identity.eni_id == call.params.get("NetworkInterfaceId"):
                self._judge_noted(pool, named[pool.family] & self._resting(pool), "was unassigned")

    def _judge_patience(self, before: Pool, released: AddressSet, eni: Eni) -> None:
        """An elastic size shrinks when it was noted five minutes ago that it is too large: pods come back sooner.

        A prefix goes as soon as single addresses have taken its place.
        """
        size, known = self._truth.size(eni, before.family), before.memory.surplus
        released = released & self._truth.singles(eni, before.family)
        if size is None or not isinstance(size.addresses, Elastic) or not released:
            return
        if known is None or self._truth.model.clock.now() - known.since < PATIENCE:
            self._broken(8, f"elastic pool {before.name} lost {released}, and was not too large for five minutes")

    def _judge_noted(self, pool: Pool, released: AddressSet, how: str) -> None:
        noted = EMPTY[pool.family]
        for _, addresses in pool.memory.released:
            noted = noted | addresses
        if forgotten := released - noted:
            self._broken(8, f"{forgotten} {how}, and pool {pool.name} does not note that it goes back and rests")

    def _resting(self, pool: Pool) -> AddressSet:
        now, resting = self._truth.model.clock.now(), EMPTY[pool.family]
        for since, addresses in self._released.get(pool.uid, ()):
            resting = resting | (addresses if now - since < REST else EMPTY[pool.family])
        return resting
