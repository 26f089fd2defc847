"""A small Auto Scaling on top of the model: groups that keep a number of instances, life-cycle hooks, a warm pool.

What a group cannot launch it tries again. Its instances go through the states of the Amazon EC2 Auto Scaling user
guide, "Amazon EC2 Auto Scaling instance lifecycle" and "Use lifecycle hooks with a warm pool".
"""

from spiderpool_aws.local.ec2.autoscaling.api import AutoScaling
from spiderpool_aws.local.ec2.autoscaling.group import GROUP_TAG, AutoScalingGroup
from spiderpool_aws.local.ec2.autoscaling.hooks import CompletedAction, LifecycleHook, Result, Transition

__all__ = ["AutoScaling", "AutoScalingGroup", "CompletedAction", "LifecycleHook", "Transition", "Result", "GROUP_TAG"]
