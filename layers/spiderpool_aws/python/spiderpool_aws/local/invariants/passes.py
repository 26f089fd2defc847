"""Invariant 10: whether the fuse trips at all. Judged at the end of each pass over the whole cluster.

It says anew what such a pass is about to take away from the living, and counts only what no stale describe can hide and
no pod can change: who finds less than this, and lets it go, has not looked.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from spiderpool_aws.domain.addresses import EMPTY, AddressSet
from spiderpool_aws.domain.cluster.pool import Pool
from spiderpool_aws.domain.instance import CLUSTER_TAG, MANAGED_TAG
from spiderpool_aws.local.ec2.state import Eni, Instance
from spiderpool_aws.local.invariants.history import assigned
from spiderpool_aws.local.invariants.truth import Truth

FEW, TENTH = 5, 10


@dataclass(frozen=True, slots=True)
class Takings:
    """What of a pool goes."""

    pool: Pool
    addresses: int
    whole: bool = False


class PassRules:
    """Judges what one pass has let through."""

    def __init__(self, truth: Truth) -> None:
        self._truth = truth
        self._broken = truth.report
        self._judged = ""
        """The digest of the policy that a pass has judged last and found harmless, or that a person has agreed to."""

    def judge(self, held: str, agreed: Mapping[str, int]) -> None:
        """Report what goes now. `held` says why nothing may; `agreed` how much a person has agreed to, by kind."""
        policy = self._truth.policy().digest
        takings = list(self._takings(judged=policy == self._judged))
        if held:
            return
        self._judged = policy
        pools = [pool for pool in self._truth.pools() if pool.identity is not None]
        for kind, count, total in (
            ("pools", sum(one.whole for one in takings), len(pools)),
            ("addresses", sum(one.addresses for one in takings), sum(pool.spec.ips.count() for pool in pools)),
        ):
            more = count - agreed.get(kind, 0)
            if more > FEW and more * TENTH > total:
                self._broken(10, f"a pass found that {count} of {total} {kind} go, and let them: {_named(takings)}")

    def _takings(self, *, judged: bool) -> Iterator[Takings]:
        for pool in self._truth.pools():
            identity = pool.identity
            instance = self._truth.model.instances.get(identity.instance_id) if identity is not None else None
            if identity is None or pool.terminating or instance is None or not self._surely_cared_for(instance):
                continue
            eni = self._truth.model.enis.get(identity.eni_id)
            # A NIC that was attached again is the same one; of one that the policy does not name nothing goes.
            if eni is None or all(place[0] != identity.instance_id for place in self._truth.history.places(eni.id)):
                yield Takings(pool, pool.spec.ips.count(), whole=True)
            elif self._truth.interface_of(eni) and not self._truth.history.retagged_lately(eni.id, MANAGED_TAG):
                yield Takings(pool, (self._lost(pool, eni) | self._over(pool, eni, judged=judged)).count())

    def _surely_cared_for(self, instance: Instance) -> bool:
        """Say whether the policy has NICs for the instance, for longer than a describe may show it otherwise."""
        lately = any(self._truth.history.retagged_lately(instance.id, key) for key in (CLUSTER_TAG, MANAGED_TAG))
        settled = not lately and not self._truth.is_new(instance)
        return settled and self._truth.is_cared_for(instance) and any(self._truth.interfaces_of(instance))

    def _lost(self, pool: Pool, eni: Eni) -> AddressSet:
        """Return what the NIC has lost and no pod uses: it goes at the next look."""
        shown = assigned(eni, pool.family) | self._truth.history.recently_lost(eni.id, pool.family)
        return pool.spec.ips - shown - pool.allocated

    def _over(self, pool: Pool, eni: Eni, *, judged: bool) -> AddressSet:
        """Return what a size that is a number has no place for; under a new policy what pods use of it, too."""
        interface = self._truth.interface_of(eni)
        size = self._truth.size(eni, pool.family)
        if interface is None or size is None or not isinstance(size.addresses, int):
            return EMPTY[pool.family]
        if self._truth.history.changed_lately(eni.id) or eni.ipv4_prefixes or eni.ipv6_prefixes:
            return EMPTY[pool.family]
        listed = pool.spec.ips & self._truth.singles(eni, pool.family)
        free = listed - pool.allocated if judged else listed
        return free.highest(max(0, listed.count() - size.addresses))


def _named(takings: list[Takings]) -> str:
    return ", ".join(f"{one.addresses} of {one.pool.name}" for one in takings if one.addresses)
