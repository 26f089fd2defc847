"""SpiderReservedIP: addresses that Spiderpool gives to no pod, whichever pool lists them."""

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from spiderpool_aws.domain.addresses import AddressSet
from spiderpool_aws.domain.cluster.pool import API_VERSION, Pool, PoolIdentity, PoolMetadata


@dataclass(frozen=True, slots=True)
class Reservation:
    """A SpiderReservedIP of ours: it has the labels of the pool whose addresses it keeps back, and the pool's name."""

    name: str
    identity: PoolIdentity
    addresses: AddressSet
    uid: str = ""
    """Empty until it exists."""

    def is_of(self, pool: Pool) -> bool:
        """Tell whether it keeps addresses of this pool back."""
        return self.name == pool.name and self.addresses.family is pool.family


class ReservedIPSpec(BaseModel):
    """What we read of `spec`."""

    model_config = ConfigDict(frozen=True)

    ips: tuple[str, ...] = ()


class SpiderReservedIP(BaseModel):
    """A SpiderReservedIP as the API server answers it."""

    model_config = ConfigDict(frozen=True)

    metadata: PoolMetadata
    spec: ReservedIPSpec = ReservedIPSpec()

    def to_reservation(self) -> Reservation | None:
        """Return the planner's view; None when it is not ours, or going. Raises AddressError on a spoiled address.

        Spiderpool's agent passes over one that is being deleted (upstream, pkg/reservedipmanager).
        """
        identity = PoolIdentity.from_labels(self.metadata.labels)
        if identity is None or self.metadata.deletion_timestamp is not None:
            return None
        addresses = AddressSet.parse(identity.family, self.spec.ips, strict=False)
        return Reservation(self.metadata.name, identity, addresses, self.metadata.uid)


def reservation_for(pool: Pool, addresses: AddressSet) -> Reservation:
    """Return the reservation of a pool of ours. Raises ValueError for somebody else's pool."""
    if pool.identity is None:
        raise ValueError(f"pool {pool.name} is not ours: none of its addresses is reserved")
    return Reservation(pool.name, pool.identity, addresses)


def reservation_manifest(reservation: Reservation) -> dict[str, Any]:
    """Return what server-side apply sends; Spiderpool takes ranges only, no CIDR (recorded behaviour).

    With a `uid` the API server refuses the apply when the object of that name is another one, or gone.
    """
    metadata: dict[str, Any] = {"name": reservation.name, "labels": reservation.identity.to_labels()}
    if reservation.uid:
        metadata["uid"] = reservation.uid
    return {
        "apiVersion": API_VERSION,
        "kind": "SpiderReservedIP",
        "metadata": metadata,
        "spec": {"ipVersion": int(reservation.identity.family), "ips": reservation.addresses.to_ranges()},
    }
