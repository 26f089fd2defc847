"""Steps of Auto Scaling: a group's size, its life-cycle hooks, its warm pool, and Spot interruptions."""

from spiderpool_aws.deployment import HOOK_TIMEOUT
from spiderpool_aws.domain.lifecycle import LAUNCH_HOOK, TERMINATE_HOOK
from spiderpool_aws.local.ec2 import interrupt_spot
from spiderpool_aws.local.ec2.autoscaling import LifecycleHook, Result, Transition
from tests.simulation.script import step
from tests.simulation.steps_ec2 import Ec2Steps

HOOKS = {
    "launch": LifecycleHook(LAUNCH_HOOK, Transition.LAUNCHING, int(HOOK_TIMEOUT.total_seconds()), Result.CONTINUE),
    "terminate": LifecycleHook(
        TERMINATE_HOOK, Transition.TERMINATING, int(HOOK_TIMEOUT.total_seconds()), Result.CONTINUE
    ),
}


class ScalingSteps(Ec2Steps):
    """What Auto Scaling does, and people do with it."""

    @step
    def scale(self, desired: int) -> None:
        """Change how many instances the group has."""
        self.group.set_desired(desired)

    @step
    def replace(self, number: int) -> None:
        """Have the group replace one of its instances."""
        if self.group.instance_ids:
            self.group.set_unhealthy(self.group.instance_ids[number % len(self.group.instance_ids)])

    @step
    def hooks(self, which: str = "both") -> None:
        """Let the group have our hooks: "launch", "terminate", "both", or none."""
        for name, hook in HOOKS.items():
            if which in (name, "both"):
                self.group.put_hook(hook)
            elif hook.name in self.group.room.hooks:
                self.group.delete_hook(hook.name)

    @step
    def warm_pool(self, size: int, running: bool = False) -> None:
        """Keep so many instances beside those in service."""
        self.group.put_warm_pool(size, "Running" if running else "Stopped")

    @step
    def interrupt(self, number: int, stops: bool = False) -> None:
        """Let EC2 take a Spot instance back: a warning, and two minutes later the end."""
        instance = self._instance(number)
        if instance is not None and instance.state == "running":
            interrupt_spot(self.stack.model, instance.id, "stop" if stops else "terminate")
