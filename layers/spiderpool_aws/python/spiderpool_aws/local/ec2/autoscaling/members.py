"""An instance of a group, and where it stands.

Source: Amazon EC2 Auto Scaling API reference, AutoScalingInstanceDetails (`LifecycleState`).
"""

from dataclasses import dataclass, field
from enum import StrEnum

from spiderpool_aws.local.ec2.autoscaling.hooks import LifecycleAction, Transition
from spiderpool_aws.local.ec2.state import Instance


class Step(StrEnum):
    """A life-cycle state, without the `Warmed:` of the warm pool."""

    PENDING = "Pending"
    PENDING_WAIT = "Pending:Wait"
    PENDING_PROCEED = "Pending:Proceed"
    IN_SERVICE = "InService"
    STOPPED = "Stopped"
    RUNNING = "Running"
    TERMINATING = "Terminating"
    TERMINATING_WAIT = "Terminating:Wait"
    TERMINATING_PROCEED = "Terminating:Proceed"


class Place(StrEnum):
    """`Origin` and `Destination` of an event (user guide, "Warm pool example events and patterns")."""

    EC2 = "EC2"
    GROUP = "AutoScalingGroup"
    WARM_POOL = "WarmPool"


_LEAVING = (Step.TERMINATING, Step.TERMINATING_WAIT, Step.TERMINATING_PROCEED)
_READY = (Step.STOPPED, Step.RUNNING)
_ALIVE = ("pending", "running")
_RESTING = ("stopping", "stopped")


@dataclass(slots=True)
class Member:
    """One instance of a group. Its actions are those that still wait."""

    instance_id: str
    warm: bool
    """It is in the warm pool, or on its way there."""
    origin: Place = Place.EC2
    step: Step = Step.PENDING
    unhealthy: bool = False
    actions: list[LifecycleAction] = field(default_factory=list)

    @property
    def state(self) -> str:
        """Return `LifecycleState`."""
        return f"Warmed:{self.step}" if self.warm else self.step

    @property
    def is_leaving(self) -> bool:
        """Tell whether it is being terminated, and counts no more."""
        return self.step in _LEAVING

    @property
    def is_ready(self) -> bool:
        """Tell whether it waits in the warm pool for its service."""
        return self.warm and self.step in _READY

    @property
    def home(self) -> Place:
        """Return where it is, or will be when its launch is complete."""
        return Place.WARM_POOL if self.warm else Place.GROUP

    def way(self, transition: Transition) -> tuple[Place, Place]:
        """Return origin and destination of a transition."""
        return (self.origin, self.home) if transition is Transition.LAUNCHING else (self.home, Place.EC2)

    def is_sick(self, instance: Instance) -> bool:
        """Tell whether it has to be replaced: in the warm pool an instance may be at rest."""
        resting = self.warm and self.step in (Step.STOPPED, Step.PENDING_PROCEED)
        return self.unhealthy or instance.state not in (_ALIVE + _RESTING if resting else _ALIVE)
