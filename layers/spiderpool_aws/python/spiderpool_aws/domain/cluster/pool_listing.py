"""All pools of a listing, sorted by whose they are. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from spiderpool_aws.domain.cluster.pool import Pool
from spiderpool_aws.domain.cluster.reservation import Reservation


@dataclass(frozen=True, slots=True)
class PoolListing:
    """All pools of the cluster, sorted by whose they are."""

    everyone: Sequence[Pool]
    ours: Mapping[str, tuple[Pool, ...]]
    """Instance id -> our pools."""
    strangers: frozenset[str]
    """Names of other clusters on our labels."""
    reserved: Mapping[str, tuple[Reservation, ...]] = field(default_factory=dict)
    """Instance id -> our reservations, also those whose pools are gone."""

    @classmethod
    def of(cls, pools: Sequence[Pool], reservations: Iterable[Reservation], cluster: str) -> "PoolListing":
        """Sort a listing."""
        ours: dict[str, tuple[Pool, ...]] = {}
        strangers = set()
        for pool in pools:
            if pool.identity is None:
                continue
            if pool.identity.cluster == cluster:
                ours[pool.identity.instance_id] = (*ours.get(pool.identity.instance_id, ()), pool)
            else:
                strangers.add(pool.identity.cluster)
        reserved: dict[str, tuple[Reservation, ...]] = {}
        for known in reservations:
            if known.identity.cluster == cluster:
                reserved[known.identity.instance_id] = (*reserved.get(known.identity.instance_id, ()), known)
        return cls(pools, ours, frozenset(strangers), reserved)

    @property
    def are_anothers(self) -> bool:
        """Tell whether all pools with our labels are another cluster's: then the policy's `cluster` is not this one's.

        A single one among ours is somebody's edit of a label: left alone, and no reason to leave all others.
        """
        return bool(self.strangers) and not self.ours

    def instances_of(self, subject: str) -> frozenset[str]:
        """Return the instances whose pools carry an ENI or attachment id."""
        owners = (pool.identity for pools in self.ours.values() for pool in pools if pool.identity is not None)
        return frozenset(o.instance_id for o in owners if subject in (o.eni_id, o.attachment_id))
