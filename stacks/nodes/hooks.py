"""The life-cycle hooks of the nodes' groups: a launch waits for its pools, a termination for its pods."""

from aws_cdk import aws_autoscaling as autoscaling

from spiderpool_aws.deployment import HOOK_TIMEOUT
from spiderpool_aws.domain.lifecycle import LAUNCH_HOOK, TERMINATE_HOOK, HookResult

Hook = autoscaling.CfnAutoScalingGroup.LifecycleHookSpecificationProperty


def hooks() -> list[Hook]:
    """Return the two hooks. Nobody answers in time: the group goes on, so an outage of ours ends no node's launch.

    As a part of the group, because a hook that is a resource of its own comes after the first instances. They need no
    target: EventBridge tells of every action. Instances that enter a warm pool, or leave it, wait by the same hooks.
    Source: Amazon EC2 Auto Scaling user guide, "Amazon EC2 Auto Scaling lifecycle hooks" and "Use lifecycle hooks with
    a warm pool".
    """
    return [
        Hook(
            lifecycle_hook_name=name,
            lifecycle_transition=f"autoscaling:EC2_INSTANCE_{transition}",
            heartbeat_timeout=int(HOOK_TIMEOUT.total_seconds()),
            default_result=HookResult.CONTINUE,
        )
        for transition, name in (("LAUNCHING", LAUNCH_HOOK), ("TERMINATING", TERMINATE_HOOK))
    ]
