"""A group with life-cycle hooks, and its API."""

from typing import Any

from spiderpool_aws.local.ec2.autoscaling import AutoScaling, AutoScalingGroup, LifecycleHook, Transition

from .scene import Scene

LAUNCH, TERMINATE = "launch", "terminate"
LAUNCH_EVENT, TERMINATE_EVENT = "EC2 Instance-launch Lifecycle Action", "EC2 Instance-terminate Lifecycle Action"
COMPLETE, HEARTBEAT = "CompleteLifecycleAction", "RecordLifecycleActionHeartbeat"


class Hooked:
    """A group of one subnet with the hooks that are named, and its API."""

    def __init__(self, *hooks: LifecycleHook) -> None:
        self.scene = Scene()
        data: dict[str, Any] = {"ImageId": "ami-0123456789abcdef0", "InstanceType": "m5.large"}
        self.scene.call("CreateLaunchTemplate", LaunchTemplateName="nodes", LaunchTemplateData=data)
        self.events: list[dict[str, Any]] = []
        self.scene.model.subscribe(self.events.append)
        self.group = AutoScalingGroup(self.scene.model, "workers", [self.scene.a], {"LaunchTemplateName": "nodes"})
        for hook in hooks:
            self.group.put_hook(hook)
        self.api = AutoScaling(self.scene.model, [self.group])

    def run(self, seconds: float) -> None:
        self.scene.clock.advance(seconds)

    def grow(self, desired: int = 1) -> str:
        """Have so many instances launched; return the first, which waits by then if there is a launch hook."""
        self.group.set_desired(desired)
        self.run(20)
        return self.group.instance_ids[0]

    def act(self, operation: str, instance_id: str, hook: str, **params: Any) -> None:
        result = {"LifecycleActionResult": "CONTINUE"} if operation == COMPLETE else {}
        named = {"AutoScalingGroupName": "workers", "LifecycleHookName": hook, "InstanceId": instance_id}
        self.api.call(operation, {**named, **result, **params})

    def details(self, detail_type: str) -> list[dict[str, Any]]:
        return [event["detail"] for event in self.events if event["detail-type"] == detail_type]

    def states(self, seconds: int) -> list[str]:
        """Return the different states of the newest member in so many seconds, in order."""
        seen: list[str] = []
        for _ in range(seconds):
            for identifier in [*self.group.instance_ids, *self.group.warm_ids][-1:]:
                state = self.group.state_of(identifier)
                seen += [state] if seen[-1:] != [state] else []
            self.run(1)
        return seen


def launch_hook(name: str = LAUNCH, **changes: Any) -> LifecycleHook:
    return LifecycleHook(name, Transition.LAUNCHING, **changes)


def terminate_hook(name: str = TERMINATE, **changes: Any) -> LifecycleHook:
    return LifecycleHook(name, Transition.TERMINATING, **changes)
