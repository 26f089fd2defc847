"""A small Auto Scaling on top of the model: groups that keep a number of instances, their answers and events.

Without life-cycle hooks an instance is `InService` as soon as it runs. What a group cannot launch it tries again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from spiderpool_aws.local.ec2.calls import Ec2Call
from spiderpool_aws.local.ec2.errors import Ec2Error, not_modelled
from spiderpool_aws.local.ec2.model import Ec2Model
from spiderpool_aws.local.ec2.registry import Answer, Params
from spiderpool_aws.local.ec2.rendering import copy
from spiderpool_aws.local.ec2.state import Instance
from spiderpool_aws.local.ec2.templates import find, version_data

GROUP_TAG = "aws:autoscaling:groupName"
_CHECK_SECONDS = 5.0
_ALIVE = ("pending", "running")
_SOURCE = "aws.autoscaling"


class AutoScalingGroup:
    """Keeps `desired` instances of one launch template, spread over the subnets.

    A template whose NIC at index 0 names no subnet gets one of the group's; one that pins its subnets is used as is.
    """

    def __init__(
        self,
        model: Ec2Model,
        name: str,
        subnet_ids: Sequence[str],
        launch_template: Mapping[str, str],
        desired: int = 0,
    ) -> None:
        self.name = name
        self.desired = desired
        self.instance_ids: list[str] = []
        self._model = model
        self._subnet_ids = list(subnet_ids)
        self._launch_template = dict(launch_template)
        self._role = (
            f"arn:{model.world.partition}:iam::{model.account_id}:role/aws-service-role/AWSServiceRoleForAutoScaling"
        )
        self._unhealthy: set[str] = set()
        self._launching: set[str] = set()
        self._terminating: set[str] = set()
        self._watching = False
        self._watch()

    def set_desired(self, desired: int) -> None:
        """Change how many instances there shall be; launches and terminations begin at once."""
        self.desired = desired
        self._reconcile()
        self._watch()

    def set_unhealthy(self, instance_id: str) -> None:
        """Have an instance terminated and replaced at the next check, as `SetInstanceHealth` does."""
        self._unhealthy.add(instance_id)
        self._watch()

    def describe_instances(self) -> list[Answer]:
        """Return the group's elements of DescribeAutoScalingInstances."""
        return [
            {
                "InstanceId": instance.id,
                "InstanceType": instance.instance_type,
                "AutoScalingGroupName": self.name,
                "AvailabilityZone": instance.availability_zone,
                "LifecycleState": self._lifecycle_state(instance),
                "HealthStatus": "UNHEALTHY" if instance.id in self._unhealthy else "HEALTHY",
                "ProtectedFromScaleIn": False,
                "LaunchTemplate": {**self._launch_template},
            }
            for instance in self._members()
        ]

    def _members(self) -> list[Instance]:
        known = self._model.instances
        return [known[identifier] for identifier in self.instance_ids if identifier in known]

    def _lifecycle_state(self, instance: Instance) -> str:
        if instance.id in self._terminating:
            return "Terminating"
        return "Pending" if instance.state == "pending" else "InService"

    def _watch(self) -> None:
        if not self._watching:
            self._watching = True
            self._model.world.later(_CHECK_SECONDS, self._check)

    def _check(self) -> None:
        self._watching = False
        self._reconcile()
        if self.desired or self.instance_ids:
            self._watch()

    def _reconcile(self) -> None:
        self._announce()
        members = [instance for instance in self._members() if instance.id not in self._terminating]
        for instance in members:
            if instance.state not in _ALIVE or instance.id in self._unhealthy:
                self._terminate(instance)
        alive = [instance for instance in members if instance.id not in self._terminating]
        for instance in alive[self.desired :]:
            self._terminate(instance)
        for _ in range(self.desired - len(alive)):
            if not self._launch():
                break

    def _announce(self) -> None:
        """Tell of launches and terminations that are complete, and forget those that are gone."""
        known = self._model.instances
        for identifier in list(self.instance_ids):
            state = known[identifier].state if identifier in known else "terminated"
            if identifier in self._launching and state == "running":
                self._launching.discard(identifier)
                self._tell("EC2 Instance Launch Successful", identifier, "")
            if state == "terminated":
                self.instance_ids.remove(identifier)
                self._launching.discard(identifier)
                self._unhealthy.discard(identifier)
                self._terminating.discard(identifier)
                self._tell("EC2 Instance Terminate Successful", identifier, "")

    def _terminate(self, instance: Instance) -> None:
        self._terminating.add(instance.id)
        if instance.state not in ("shutting-down", "terminated"):
            self._model.call("TerminateInstances", {"InstanceIds": [instance.id]}, self._role)

    def _launch(self) -> bool:
        params: dict[str, Any] = {"LaunchTemplate": self._launch_template, "MinCount": 1, "MaxCount": 1}
        params |= self._network()
        try:
            answer = self._model.call("RunInstances", params, self._role)
        except Ec2Error as error:
            self._tell("EC2 Instance Launch Unsuccessful", "", error.message)
            return False
        identifier: str = answer["Instances"][0]["InstanceId"]
        instance = self._model.instances[identifier]
        # EC2 refuses `aws:` tags from anyone else; Auto Scaling sets its own.
        instance.tags[GROUP_TAG] = self.name
        self._model.world.changed(instance)
        self.instance_ids.append(identifier)
        self._launching.add(identifier)
        return True

    def _network(self) -> Answer:
        """Return what the launch adds to the template, so that the instance is in the emptiest of the subnets."""
        world = self._model.world
        data = version_data(find(world, self._launch_template), self._launch_template.get("Version", "$Default"))
        nics = copy(data.get("NetworkInterfaces"))
        members = self._members()
        subnet_id = min(
            self._subnet_ids, key=lambda identifier: sum(member.subnet_id == identifier for member in members)
        )
        if nics is None:
            return {"SubnetId": subnet_id}
        for nic in nics:
            if nic.get("DeviceIndex") == 0 and not nic.get("NetworkInterfaceId"):
                nic.setdefault("SubnetId", subnet_id)
        return {"NetworkInterfaces": nics}

    def _tell(self, detail_type: str, instance_id: str, message: str) -> None:
        world, events = self._model.world, self._model.events
        owner = f"{world.region}:{world.account_id}"
        group = f"arn:{world.partition}:autoscaling:{owner}:autoScalingGroup:model:autoScalingGroupName/{self.name}"
        instance = f"arn:{world.partition}:ec2:{owner}:instance/{instance_id}"
        detail: Answer = {
            "AutoScalingGroupName": self.name,
            "EC2InstanceId": instance_id,
            "Origin": "AutoScalingGroup" if "Terminate" in detail_type else "EC2",
            "Destination": "EC2" if "Terminate" in detail_type else "AutoScalingGroup",
            "StatusCode": "Failed" if message else "InProgress",
            "StatusMessage": message,
            "Description": detail_type,
            "ActivityId": world.ids.uuid(),
            "RequestId": world.ids.uuid(),
            "Details": {},
        }
        events.send(events.envelope(_SOURCE, detail_type, [group, instance] if instance_id else [group], detail))


class AutoScaling:
    """The API of Auto Scaling, as far as it is needed: which instance is in which group, in which state."""

    def __init__(self, model: Ec2Model, groups: Sequence[AutoScalingGroup] = ()) -> None:
        self.groups = list(groups)
        self._world = model.world

    def call(self, operation: str, params: Params) -> Answer:
        """Answer DescribeAutoScalingInstances with boto3's parameters and shapes."""
        if operation != "DescribeAutoScalingInstances":
            raise not_modelled(operation, "Auto Scaling")
        described = [instance for group in self.groups for instance in group.describe_instances()]
        wanted = params.get("InstanceIds")
        # Auto Scaling leaves out what it does not know, where EC2 would fail the call.
        return {"AutoScalingInstances": [found for found in described if not wanted or found["InstanceId"] in wanted]}

    def execute(self, operation: str, params: Params) -> Ec2Call:
        """Make a call and return it with its answer or its error, instead of raising."""
        call = Ec2Call(operation, params, "", None, None, self._world.now(), self._world.ids.uuid(), took_effect=False)
        with self._world.lock:
            try:
                return replace(call, answer=self.call(operation, params))
            except Ec2Error as error:
                return replace(call, error=error)
