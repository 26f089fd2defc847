"""Life-cycle actions of an Auto Scaling group: what one waits for, and what the instance's pools have to do with it.

The names of the hooks are ours: CDK makes them for the worker groups, and a hook of another name is somebody else's.
Source of the states: Amazon EC2 Auto Scaling user guide, "Amazon EC2 Auto Scaling instance lifecycle" and "Warm pool
instance lifecycle".
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from spiderpool_aws.domain.stages import PlannedAction, Stage

LAUNCH_HOOK = "spiderpool-aws-launch"
TERMINATE_HOOK = "spiderpool-aws-terminate"


class Transition(StrEnum):
    """Why an instance waits; the value is the name of our hook."""

    LAUNCHING = LAUNCH_HOOK
    TERMINATING = TERMINATE_HOOK


class HookResult(StrEnum):
    """What becomes of the instance."""

    CONTINUE = "CONTINUE"
    ABANDON = "ABANDON"


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """Where an instance stands in its Auto Scaling group."""

    group: str
    state: str
    """`LifecycleState` of DescribeAutoScalingInstances: `InService`, `Pending:Wait`, `Warmed:Stopped`, …"""

    @property
    def is_warm(self) -> bool:
        """Tell whether the instance is in the group's warm pool: no pod of it is wanted yet."""
        return self.state.startswith("Warmed:")

    @property
    def waiting(self) -> Transition | None:
        """Return what is held up until a hook is completed."""
        match self.state.removeprefix("Warmed:"):
            case "Pending:Wait":
                return Transition.LAUNCHING
            case "Terminating:Wait":
                return Transition.TERMINATING
        return None

    @property
    def is_leaving(self) -> bool:
        """Tell whether the group is about to terminate the instance."""
        return self.state.removeprefix("Warmed:").startswith("Terminating")

    def completed(self, result: HookResult) -> "Lifecycle":
        """Return where the instance stands when nothing waits for our hook any more; an abandoned launch leaves."""
        if self.waiting is Transition.LAUNCHING and result is HookResult.ABANDON:
            return replace(self, state="Terminating")
        return replace(self, state=self.state.replace(":Wait", ":Proceed"))


@dataclass(frozen=True, slots=True)
class CompleteHook(PlannedAction):
    """Let the Auto Scaling group go on."""

    group: str
    instance_id: str
    transition: Transition
    result: HookResult
    why: str

    @property
    def stage(self) -> Stage:
        """When nothing else is due."""
        return Stage.LIFECYCLE

    @property
    def key(self) -> str:
        """Name the action."""
        return f"complete the hook {self.transition} of {self.instance_id}"

    @property
    def scope(self) -> str:
        """A hook that cannot be completed runs out by itself, and nothing else waits for it."""
        return "hook"

    def __str__(self) -> str:
        return f"{self.key} with {self.result}: {self.why}"


@dataclass(frozen=True, slots=True)
class ProlongHook(PlannedAction):
    """Keep the Auto Scaling group waiting: a heartbeat."""

    group: str
    instance_id: str
    transition: Transition

    @property
    def stage(self) -> Stage:
        """When nothing else is due."""
        return Stage.LIFECYCLE

    @property
    def key(self) -> str:
        """Name the action."""
        return f"prolong the hook {self.transition} of {self.instance_id}"

    @property
    def scope(self) -> str:
        """A hook that cannot be prolonged runs out by itself."""
        return "hook"

    def __str__(self) -> str:
        return self.key


HookAction = CompleteHook | ProlongHook
