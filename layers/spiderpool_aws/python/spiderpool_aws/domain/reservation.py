"""SpiderReservedIP: addresses that Spiderpool gives to no pod, whichever pool lists them."""

from dataclasses import dataclass
from typing import Any

from spiderpool_aws.domain.addresses import AddressSet
from spiderpool_aws.domain.pool import API_VERSION, Pool, PoolIdentity


@dataclass(frozen=True, slots=True)
class Reservation:
    """A SpiderReservedIP of ours: it has the labels of the pool whose addresses it keeps back, and the pool's name."""

    name: str
    identity: PoolIdentity
    addresses: AddressSet
    uid: str = ""


def reservation_for(pool: Pool, addresses: AddressSet) -> Reservation:
    """Return the reservation of a pool of ours. Raises ValueError for somebody else's pool."""
    if pool.identity is None:
        raise ValueError(f"pool {pool.name} is not ours: none of its addresses is reserved")
    return Reservation(pool.name, pool.identity, addresses)


def reservation_manifest(reservation: Reservation) -> dict[str, Any]:
    """Return what server-side apply sends; Spiderpool takes ranges only, no CIDR (recorded behaviour)."""
    metadata: dict[str, Any] = {"name": reservation.name, "labels": reservation.identity.to_labels()}
    if reservation.uid:
        metadata["uid"] = reservation.uid
    return {
        "apiVersion": API_VERSION,
        "kind": "SpiderReservedIP",
        "metadata": metadata,
        "spec": {"ipVersion": int(reservation.identity.family), "ips": reservation.addresses.to_ranges()},
    }
