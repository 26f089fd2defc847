"""Invariants 7 and 8: what the system keeps back from pods (SpiderReservedIP)."""

from collections.abc import Iterable

from spiderpool_aws.domain.addresses import EMPTY, AddressSet, IPFamily
from spiderpool_aws.domain.cluster.pool import Pool, PoolIdentity
from spiderpool_aws.domain.cluster.reservation import Reservation, SpiderReservedIP
from spiderpool_aws.local.cluster import ClusterWrite
from spiderpool_aws.local.invariants.history import assigned
from spiderpool_aws.local.invariants.truth import Json, Truth

RESERVED = "spiderreservedips"


class ReservationRules:
    """Judges one write of a reservation at a time, and what is left at the end."""

    def __init__(self, truth: Truth) -> None:
        self._truth = truth
        self._broken = truth.report

    def judge(self, write: ClusterWrite) -> None:
        """Report what a write of a reservation broke."""
        if write.verb not in ("patch", "delete") or write.subresource:
            self._broken(7, f"{RESERVED} {write.name} is not ours to {write.verb}")
        if write.before is not None:
            self._judge_owner(write, write.before)
        if write.verb == "patch" and write.after is not None:
            self._judge_addresses(write.name, write.after)

    def left_over(self) -> Iterable[str]:
        """Tell which reservations of ours keep back what there is no reason for any more.

        There is one as long as a pod uses the address and its NIC does not have it: then its pool cannot let it go.
        """
        for known in self._ours():
            pool = self._pool_of(known)
            if excess := known.addresses - self._listed(known):
                yield f"reservation {known.name} keeps back {excess}, which its pool does not list"
            elif pool is None or pool.terminating:
                yield f"reservation {known.name} keeps back {known.addresses}, and its pool is going"
            elif useless := known.addresses - pool.allocated:
                yield f"reservation {known.name} keeps back {useless}, which no pod uses any more"
            elif held := known.addresses & self._held(pool):
                yield f"reservation {known.name} keeps back {held}, which its NIC has again"

    def lacking(self) -> Iterable[str]:
        """Tell what pods would get although another NIC has it: its last user still keeps it in a pool of ours."""
        kept = {family: EMPTY[family] for family in IPFamily}
        for known in self._ours():
            kept[known.addresses.family] |= known.addresses
        for pool in self._truth.pools():
            identity = pool.identity
            if identity is None or pool.terminating or self._truth.is_gone(identity.instance_id):
                continue
            for address in (pool.spec.ips & pool.allocated) - self._held(pool) - kept[pool.family]:
                holder = self._truth.model.holder_of(address)
                if holder and holder != identity.eni_id and self._is_wanted(identity.eni_id):
                    yield f"pool {pool.name} gives {address} to the next pod, and {holder} has it"

    def _judge_owner(self, write: ClusterWrite, before: Json) -> None:
        cluster = self._truth.policy().cluster
        identity = PoolIdentity.from_labels(before["metadata"].get("labels", {}))
        if identity is None or identity.cluster != cluster:
            owner = "not ours" if identity is None else f"of {identity.cluster}"
            self._broken(7, f"reservation {write.name} is {owner} and was written ({write.verb})")

    def _judge_addresses(self, name: str, after: Json) -> None:
        known = _read(after)
        if known is None:
            self._broken(7, f"reservation {name} was written without the labels that say whose it is")
        elif excess := known.addresses - self._listed(known):
            self._broken(7, f"reservation {name} was written for {excess}, which its pool does not list")

    def _ours(self) -> Iterable[Reservation]:
        return (known for stored in self._truth.double.objects(RESERVED) if (known := _read(stored)) is not None)

    def _pool_of(self, known: Reservation) -> Pool | None:
        ours = (pool for pool in self._truth.pools() if pool.name == known.name and pool.identity is not None)
        return next(ours, None)

    def _held(self, pool: Pool) -> AddressSet:
        eni = self._truth.model.enis.get(pool.identity.eni_id) if pool.identity is not None else None
        return assigned(eni, pool.family) if eni is not None else EMPTY[pool.family]

    def _is_wanted(self, eni_id: str) -> bool:
        """Say whether the NIC is one of a running instance that the policy asks for."""
        eni = self._truth.model.enis.get(eni_id)
        if eni is None or eni.attachment is None or self._truth.interface_of(eni) is None:
            return False
        return self._truth.model.instances[eni.attachment.instance_id].state == "running"

    def _listed(self, known: Reservation) -> AddressSet:
        pool = self._pool_of(known)
        return pool.spec.ips if pool is not None else EMPTY[known.addresses.family]


def _read(stored: Json) -> Reservation | None:
    return SpiderReservedIP.model_validate(stored).to_reservation()
