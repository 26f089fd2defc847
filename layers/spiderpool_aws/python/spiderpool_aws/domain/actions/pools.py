"""What a plan does to pools and networks of the cluster."""

from dataclasses import dataclass
from enum import StrEnum

from spiderpool_aws.domain.addresses import AddressSet
from spiderpool_aws.domain.cluster.multus import MultusConfig
from spiderpool_aws.domain.cluster.pool import Pool
from spiderpool_aws.domain.cluster.reservation import Reservation
from spiderpool_aws.domain.stages import PlannedAction, Stage


class PoolChange(StrEnum):
    """What an apply does to a pool; `remember` writes only the state annotation."""

    CREATE = "create"
    GROW = "grow"
    SHRINK = "shrink"
    DISABLE = "disable"
    UPDATE = "update"
    REMEMBER = "remember"


@dataclass(frozen=True, slots=True)
class ApplyPool(PlannedAction):
    """Write a pool as it should be."""

    change: PoolChange
    pool: Pool
    why: str
    dropped: AddressSet | None = None
    """What a shrink takes out, beside what an elastic size releases."""
    released: AddressSet | None = None
    """What an elastic size gives back: free, and no removal to the fuse."""

    @property
    def stage(self) -> Stage:
        """A shrink and a disabling are fences; all else offers."""
        return Stage.FENCE if self.change in (PoolChange.SHRINK, PoolChange.DISABLE) else Stage.OFFER

    @property
    def key(self) -> str:
        """Name the action."""
        return f"{self.change} pool {self.pool.name}"

    @property
    def is_removal(self) -> bool:
        """A shrink takes addresses away."""
        return self.change is PoolChange.SHRINK

    def __str__(self) -> str:
        return f"{self.key} [{self.pool.spec.ips}]: {self.why}"


@dataclass(frozen=True, slots=True)
class DeletePool(PlannedAction):
    """Delete a pool; Spiderpool keeps it until its last address is released."""

    pool: Pool
    why: str

    @property
    def stage(self) -> Stage:
        """It goes with what it was for."""
        return Stage.RETIRE

    @property
    def key(self) -> str:
        """Name the action."""
        return f"delete pool {self.pool.name}"

    @property
    def is_removal(self) -> bool:
        """A pool goes."""
        return True

    def __str__(self) -> str:
        return f"{self.key} [{self.pool.spec.ips}]: {self.why}"


@dataclass(frozen=True, slots=True)
class Quarantine(PlannedAction):
    """Write the pool's SpiderReservedIP: addresses that do not work, and that no pod may get once they are released."""

    pool: Pool
    addresses: AddressSet
    why: str

    @property
    def stage(self) -> Stage:
        """A reservation is a fence."""
        return Stage.FENCE

    @property
    def key(self) -> str:
        """Name the action."""
        return f"quarantine addresses of pool {self.pool.name}"

    def __str__(self) -> str:
        return f"quarantine {self.addresses} of pool {self.pool.name}: {self.why}"


@dataclass(frozen=True, slots=True)
class LiftQuarantine(PlannedAction):
    """Delete a SpiderReservedIP of ours."""

    reservation: Reservation

    @property
    def stage(self) -> Stage:
        """When no pool lists what was reserved."""
        return Stage.OFFER

    @property
    def key(self) -> str:
        """Name the action."""
        return f"lift the quarantine {self.reservation.name}"

    def __str__(self) -> str:
        return f"{self.key} of {self.reservation.addresses}"


@dataclass(frozen=True, slots=True)
class ApplyMultusConfig(PlannedAction):
    """Create or mend the SpiderMultusConfig of a NIC."""

    config: MultusConfig
    cluster: str
    """The label that says whose it is."""

    @property
    def stage(self) -> Stage:
        """A pool's network is offered with it."""
        return Stage.OFFER

    @property
    def key(self) -> str:
        """Name the action."""
        return f"apply SpiderMultusConfig {self.config.key}"

    def __str__(self) -> str:
        return f"{self.key}: ipvlan on {self.config.master}"


PoolAction = ApplyPool | DeletePool | Quarantine | LiftQuarantine | ApplyMultusConfig
