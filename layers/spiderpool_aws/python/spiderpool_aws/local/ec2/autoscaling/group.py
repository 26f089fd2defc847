"""A group: it keeps as many instances as it should, in service and in its warm pool."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Literal

from spiderpool_aws.local.ec2.autoscaling.announcing import Announcer
from spiderpool_aws.local.ec2.autoscaling.hooks import LifecycleHook, Result, Transition
from spiderpool_aws.local.ec2.autoscaling.members import Member, Place, Step
from spiderpool_aws.local.ec2.autoscaling.waiting import WaitingRoom
from spiderpool_aws.local.ec2.errors import Ec2Error
from spiderpool_aws.local.ec2.model import Ec2Model
from spiderpool_aws.local.ec2.registry import Answer
from spiderpool_aws.local.ec2.rendering import copy
from spiderpool_aws.local.ec2.templates import find, version_data

GROUP_TAG = "aws:autoscaling:groupName"
_CHECK_SECONDS = 5.0
_PROCEED_SECONDS = 1.0


class AutoScalingGroup:
    """Keeps `desired` instances of one launch template, spread over the subnets.

    A template whose NIC at index 0 names no subnet gets one of the group's; one that pins its subnets is used as is.
    Without life-cycle hooks an instance is `InService` as soon as it runs.
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
        self.warm = 0
        self._warm_state: Literal["Stopped", "Running"] = "Stopped"
        self._model = model
        self._subnet_ids = list(subnet_ids)
        self._launch_template = dict(launch_template)
        self._role = (
            f"arn:{model.world.partition}:iam::{model.account_id}:role/aws-service-role/AWSServiceRoleForAutoScaling"
        )
        self._members: dict[str, Member] = {}
        self._announcer = Announcer(model, name)
        self.room = WaitingRoom(model.world, self._announcer, self._waited)
        self._watching = False
        self._watch()

    @property
    def instance_ids(self) -> list[str]:
        """Return the instances in service, on their way there, or on their way out of it; the oldest first."""
        return [member.instance_id for member in self._members.values() if not member.warm]

    @property
    def warm_ids(self) -> list[str]:
        """Return the instances of the warm pool, and those on their way into it."""
        return [member.instance_id for member in self._members.values() if member.warm]

    def set_desired(self, desired: int) -> None:
        """Change how many instances there shall be; launches and terminations begin at once."""
        self.desired = desired
        self._reconcile()
        self._watch()

    def put_hook(self, hook: LifecycleHook) -> None:
        """Add a hook, or change one; who waits already goes on waiting as it began (PutLifecycleHook)."""
        self.room.hooks[hook.name] = hook

    def delete_hook(self, name: str) -> None:
        """Remove a hook. What waits for it is abandoned when it is launching, and continues when it is terminating.

        Source: API reference, DeleteLifecycleHook.
        """
        hook = self.room.hooks.pop(name)
        result = Result.ABANDON if hook.transition is Transition.LAUNCHING else Result.CONTINUE
        for member in list(self._members.values()):
            if any(action.hook.name == name for action in member.actions):
                self.room.complete(member, name, (member.instance_id, ""), result)

    def put_warm_pool(self, size: int, state: Literal["Stopped", "Running"] = "Stopped") -> None:
        """Keep so many instances beside those in service, stopped or running (PutWarmPool with an absolute size)."""
        self.warm, self._warm_state = size, state
        self._reconcile()
        self._watch()

    def set_unhealthy(self, instance_id: str) -> None:
        """Have an instance terminated and replaced at the next check, as `SetInstanceHealth` does."""
        self._members[instance_id].unhealthy = True
        self._watch()

    def member(self, instance_id: str, token: str = "") -> Member | None:
        """Return a member by its id, or by the token of an action that it waits for; None when there is none."""
        if instance_id:
            return self._members.get(instance_id)
        waiting = (m for m in self._members.values() if any(action.token == token for action in m.actions))
        return next(waiting, None)

    def state_of(self, instance_id: str) -> str:
        """Return an instance's `LifecycleState`; empty when it is not of this group (any more)."""
        member = self._members.get(instance_id)
        return member.state if member is not None else ""

    def describe_instances(self) -> list[Answer]:
        """Return the group's elements of DescribeAutoScalingInstances."""
        known = self._model.instances
        return [
            {
                "InstanceId": member.instance_id,
                "InstanceType": known[member.instance_id].instance_type,
                "AutoScalingGroupName": self.name,
                "AvailabilityZone": known[member.instance_id].availability_zone,
                "LifecycleState": member.state,
                "HealthStatus": "UNHEALTHY" if member.unhealthy else "HEALTHY",
                "ProtectedFromScaleIn": False,
                "LaunchTemplate": {**self._launch_template},
            }
            for member in self._members.values()
            if member.instance_id in known
        ]

    # --- what happens by itself

    def _watch(self) -> None:
        if not self._watching:
            self._watching = True
            self._model.world.later(_CHECK_SECONDS, self._check)

    def _check(self) -> None:
        self._watching = False
        self._reconcile()
        if self.desired or self.warm or self._members:
            self._watch()

    def _reconcile(self) -> None:
        for member in list(self._members.values()):
            self._advance(member)
        for member in self._members.values():
            if not member.is_leaving and member.is_sick(self._model.instances[member.instance_id]):
                self._terminate(member)
        self._resize_service()
        self._resize_warm_pool()

    def _advance(self, member: Member) -> None:
        """Let a member go on whose instance has become what it waited for."""
        instance = self._model.instances.get(member.instance_id)
        if instance is None or (instance.state == "terminated" and member.step is Step.TERMINATING_PROCEED):
            del self._members[member.instance_id]
            self._announcer.terminated(member)
        elif member.step is Step.PENDING and instance.state == "running":
            member.step = Step.PENDING_WAIT
            if not self.room.enter(member, Transition.LAUNCHING):
                self._settle(member)
        elif member.step is Step.PENDING_PROCEED and member.warm and instance.state == "stopped":
            self._arrive(member, Step.STOPPED)

    def _resize_service(self) -> None:
        serving = [member for member in self._members.values() if not member.warm and not member.is_leaving]
        for member in serving[self.desired :]:
            self._terminate(member)
        for _ in range(self.desired - len(serving)):
            ready = next((member for member in self._members.values() if member.is_ready), None)
            if ready is not None:
                self._take(ready)
            elif not self._launch(warm=False):
                break

    def _resize_warm_pool(self) -> None:
        kept = [member for member in self._members.values() if member.warm and not member.is_leaving]
        for member in kept[self.warm :]:
            self._terminate(member)
        for _ in range(self.warm - len(kept)):
            if not self._launch(warm=True):
                break

    def _waited(self, member: Member, result: Result) -> None:
        """Go on after a wait. An abandoned launch ends the instance; a termination goes on either way."""
        if member.step is Step.PENDING_WAIT and result is Result.ABANDON:
            self._terminate(member)
            self._watch()
            return
        proceed, then = (
            (Step.PENDING_PROCEED, self._settle)
            if member.step is Step.PENDING_WAIT
            else (Step.TERMINATING_PROCEED, self._kill)
        )
        member.step = proceed
        self._model.world.later(_PROCEED_SECONDS, partial(self._proceed, member, proceed, then))

    def _proceed(self, member: Member, expected: Step, then: Callable[[Member], None]) -> None:
        if member.step is expected:
            then(member)

    def _settle(self, member: Member) -> None:
        """Put a launched instance into service, or to rest in the warm pool."""
        if not member.warm:
            self._arrive(member, Step.IN_SERVICE)
        elif self._warm_state == "Running":
            self._arrive(member, Step.RUNNING)
        else:
            member.step = Step.PENDING_PROCEED
            self._model.call("StopInstances", {"InstanceIds": [member.instance_id]}, self._role)

    def _arrive(self, member: Member, step: Step) -> None:
        member.step = step
        self._announcer.launched(member)

    def _take(self, member: Member) -> None:
        """Take an instance out of the warm pool: it starts, and waits for the launch hooks once more."""
        member.warm, member.origin, member.step = False, Place.WARM_POOL, Step.PENDING
        self._model.call("StartInstances", {"InstanceIds": [member.instance_id]}, self._role)

    def _terminate(self, member: Member) -> None:
        """Begin a termination. The hooks hold up also an instance that is dead already: EC2 took it, or a person.

        Source: user guide, "Amazon EC2 Auto Scaling lifecycle hooks", section "Spot Instances": the action of an
        instance that terminates must still be completed.
        """
        member.step = Step.TERMINATING_WAIT
        if not self.room.enter(member, Transition.TERMINATING):
            self._kill(member)

    def _kill(self, member: Member) -> None:
        member.step = Step.TERMINATING_PROCEED
        instance = self._model.instances.get(member.instance_id)
        if instance is not None and instance.state not in ("shutting-down", "terminated"):
            self._model.call("TerminateInstances", {"InstanceIds": [member.instance_id]}, self._role)

    def _launch(self, *, warm: bool) -> bool:
        params: dict[str, Any] = {"LaunchTemplate": self._launch_template, "MinCount": 1, "MaxCount": 1}
        params |= self._network()
        try:
            answer = self._model.call("RunInstances", params, self._role)
        except Ec2Error as error:
            self._announcer.not_launched(error.message, Place.WARM_POOL if warm else Place.GROUP)
            return False
        identifier: str = answer["Instances"][0]["InstanceId"]
        instance = self._model.instances[identifier]
        # EC2 refuses `aws:` tags from anyone else; Auto Scaling sets its own.
        instance.tags[GROUP_TAG] = self.name
        self._model.world.changed(instance)
        self._members[identifier] = Member(identifier, warm=warm)
        return True

    def _network(self) -> Answer:
        """Return what the launch adds to the template, so that the instance is in the emptiest of the subnets."""
        world = self._model.world
        data = version_data(find(world, self._launch_template), self._launch_template.get("Version", "$Default"))
        nics = copy(data.get("NetworkInterfaces"))
        known = self._model.instances
        used = [known[identifier].subnet_id for identifier in self._members if identifier in known]
        subnet_id = min(self._subnet_ids, key=used.count)
        if nics is None:
            return {"SubnetId": subnet_id}
        for nic in nics:
            if nic.get("DeviceIndex") == 0 and not nic.get("NetworkInterfaceId"):
                nic.setdefault("SubnetId", subnet_id)
        return {"NetworkInterfaces": nics}
