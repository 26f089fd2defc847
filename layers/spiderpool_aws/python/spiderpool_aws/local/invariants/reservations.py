"""Invariants 7 and 8: what the system keeps back from pods (SpiderReservedIP)."""

from collections.abc import Iterable

from spiderpool_aws.domain.addresses import EMPTY, AddressSet
from spiderpool_aws.domain.cluster.pool import PoolIdentity
from spiderpool_aws.domain.cluster.reservation import Reservation, SpiderReservedIP
from spiderpool_aws.local.cluster import ClusterWrite
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
        """Tell which reservations of ours keep back what their pool does not list."""
        for stored in self._truth.double.objects(RESERVED):
            known = _read(stored)
            if known is not None and (excess := known.addresses - self._listed(known)):
                yield f"reservation {known.name} keeps back {excess}, which its pool does not list"

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

    def _listed(self, known: Reservation) -> AddressSet:
        pools = (pool for pool in self._truth.pools() if pool.name == known.name and pool.identity is not None)
        return next((pool.spec.ips for pool in pools), EMPTY[known.addresses.family])


def _read(stored: Json) -> Reservation | None:
    return SpiderReservedIP.model_validate(stored).to_reservation()
