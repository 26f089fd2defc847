"""Life-cycle hooks, and the actions that wait for somebody to complete them.

Sources: Amazon EC2 Auto Scaling API reference, LifecycleHook and LifecycleHookSpecification (30 to 7200 s, by default
3600 s and ABANDON; the global time-out); user guide, "Amazon EC2 Auto Scaling lifecycle hooks" (a heartbeat gives the
whole time-out again, from then on).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from spiderpool_aws.local.ec2.errors import Ec2Error

_SHORTEST, _LONGEST = 30, 7200
_GLOBAL = timedelta(hours=48)
_HEARTBEATS = 100


class Transition(StrEnum):
    """Which way an instance goes; the values are the API's."""

    LAUNCHING = "autoscaling:EC2_INSTANCE_LAUNCHING"
    TERMINATING = "autoscaling:EC2_INSTANCE_TERMINATING"


class Result(StrEnum):
    """How an action ends."""

    CONTINUE = "CONTINUE"
    ABANDON = "ABANDON"


@dataclass(frozen=True, slots=True)
class LifecycleHook:
    """One hook of a group."""

    name: str
    transition: Transition
    heartbeat_timeout_seconds: int = 3600
    default_result: Result = Result.ABANDON

    def __post_init__(self) -> None:
        if not _SHORTEST <= self.heartbeat_timeout_seconds <= _LONGEST:
            raise validation_error(f"HeartbeatTimeout must be between {_SHORTEST} and {_LONGEST} seconds")

    @property
    def heartbeat_timeout(self) -> timedelta:
        """Return how long an action waits for a completion or a heartbeat."""
        return timedelta(seconds=self.heartbeat_timeout_seconds)

    @property
    def global_timeout(self) -> timedelta:
        """Return how long an action waits whatever its heartbeats: 48 hours, or 100 times the heartbeat time-out."""
        return min(_GLOBAL, _HEARTBEATS * self.heartbeat_timeout)


@dataclass(slots=True)
class LifecycleAction:
    """What waits for one hook and one instance."""

    hook: LifecycleHook
    instance_id: str
    token: str
    started: datetime
    heartbeat: datetime

    @property
    def ends(self) -> datetime:
        """Return when the hook's default result is taken."""
        return min(self.heartbeat + self.hook.heartbeat_timeout, self.started + self.hook.global_timeout)


@dataclass(frozen=True, slots=True)
class CompletedAction:
    """An action at the moment at which somebody completes it."""

    caller: str
    instance_id: str
    warm: bool
    """It is in the warm pool, or on its way there."""
    transition: Transition
    started: datetime
    result: Result


def validation_error(message: str) -> Ec2Error:
    """Return the one code that Auto Scaling has for a request that does not fit."""
    return Ec2Error("ValidationError", message)
