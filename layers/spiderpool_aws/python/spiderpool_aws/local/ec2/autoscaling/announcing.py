"""The events of a group.

Sources: Amazon EC2 Auto Scaling user guide, "Amazon EC2 Auto Scaling event reference" and "Warm pool example events
and patterns".
"""

from spiderpool_aws.local.ec2.autoscaling.hooks import LifecycleAction, Transition
from spiderpool_aws.local.ec2.autoscaling.members import Member, Place
from spiderpool_aws.local.ec2.model import Ec2Model
from spiderpool_aws.local.ec2.registry import Answer

_SOURCE = "aws.autoscaling"
_ACTIONS = {
    Transition.LAUNCHING: "EC2 Instance-launch Lifecycle Action",
    Transition.TERMINATING: "EC2 Instance-terminate Lifecycle Action",
}


class Announcer:
    """Tells of one group's launches, terminations and waits."""

    def __init__(self, model: Ec2Model, group: str) -> None:
        self._model = model
        self._group = group

    def launched(self, member: Member) -> None:
        """Tell that a launch, into service or into the warm pool, is complete."""
        self._activity("EC2 Instance Launch Successful", member.instance_id, member.way(Transition.LAUNCHING))

    def terminated(self, member: Member) -> None:
        """Tell that a termination is complete."""
        self._activity("EC2 Instance Terminate Successful", member.instance_id, member.way(Transition.TERMINATING))

    def not_launched(self, why: str, destination: Place) -> None:
        """Tell that there is no instance."""
        self._activity("EC2 Instance Launch Unsuccessful", "", (Place.EC2, destination), why)

    def waits(self, member: Member, action: LifecycleAction) -> None:
        """Tell that an instance waits for a hook."""
        transition = action.hook.transition
        origin, destination = member.way(transition)
        detail: Answer = {
            "LifecycleActionToken": action.token,
            "AutoScalingGroupName": self._group,
            "LifecycleHookName": action.hook.name,
            "EC2InstanceId": action.instance_id,
            "LifecycleTransition": str(transition),
            "Origin": str(origin),
            "Destination": str(destination),
        }
        self._send(_ACTIONS[transition], [self._arn], detail)

    @property
    def _arn(self) -> str:
        world = self._model.world
        owner = f"{world.region}:{world.account_id}"
        return f"arn:{world.partition}:autoscaling:{owner}:autoScalingGroup:model:autoScalingGroupName/{self._group}"

    def _activity(self, detail_type: str, instance_id: str, way: tuple[Place, Place], message: str = "") -> None:
        world = self._model.world
        instance = f"arn:{world.partition}:ec2:{world.region}:{world.account_id}:instance/{instance_id}"
        detail: Answer = {
            "AutoScalingGroupName": self._group,
            "EC2InstanceId": instance_id,
            "Origin": str(way[0]),
            "Destination": str(way[1]),
            "StatusCode": "Failed" if message else "InProgress",
            "StatusMessage": message,
            "Description": detail_type,
            "ActivityId": world.ids.uuid(),
            "RequestId": world.ids.uuid(),
            "Details": {},
        }
        self._send(detail_type, [self._arn, instance] if instance_id else [self._arn], detail)

    def _send(self, detail_type: str, resources: list[str], detail: Answer) -> None:
        events = self._model.events
        events.send(events.envelope(_SOURCE, detail_type, resources, detail))
