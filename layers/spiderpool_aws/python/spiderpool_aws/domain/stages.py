"""The order of a plan, as data (ADR 12): what is due first is done first, and then the plan is made again."""

from dataclasses import dataclass
from enum import IntEnum


class Stage(IntEnum):
    """When an action is due. Nothing of a later stage is done while something of an earlier one is."""

    RETIRE = 0
    """Node, pods and pools of what is gone."""
    FENCE = 1
    """Pools shrink or are disabled; an address in use that does not work is quarantined."""
    UNASSIGN = 2
    """Addresses that no pool lists go back to the subnet."""
    PROVIDE = 3
    """NICs are created and attached, addresses assigned."""
    OFFER = 4
    """Pools are created, grow and are mended; a quarantine ends."""
    NODE = 5
    """providerID and startup taint."""
    LIFECYCLE = 6
    """A life-cycle action of an Auto Scaling group is completed or prolonged."""
    CLEAN_UP = 7
    """NICs of ours that belong to nobody."""


@dataclass(frozen=True, slots=True)
class PlannedAction:
    """What every action has; the closed union is `plan.Action`."""

    @property
    def stage(self) -> Stage:
        """Return when it is due."""
        raise NotImplementedError

    @property
    def key(self) -> str:
        """Name the action: what was tried in a pass is not tried again in it."""
        raise NotImplementedError

    @property
    def scope(self) -> str:
        """Return the NIC whose matter alone it is: when it fails the rest of the node goes on. Empty: the pass ends."""
        return ""

    @property
    def is_removal(self) -> bool:
        """Tell whether the fuse holds it (invariant 10)."""
        return False

    @property
    def lags(self) -> bool:
        """Tell whether EC2 may not show it for some seconds: a describe is stale."""
        return False
