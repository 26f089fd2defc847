"""The API of Auto Scaling, as far as it is needed: where instances stand, and life-cycle actions.

Source: Amazon EC2 Auto Scaling API reference, DescribeAutoScalingInstances, CompleteLifecycleAction,
RecordLifecycleActionHeartbeat.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from spiderpool_aws.local.ec2.autoscaling.group import AutoScalingGroup
from spiderpool_aws.local.ec2.autoscaling.hooks import CompletedAction, Result, validation_error
from spiderpool_aws.local.ec2.calls import Ec2Call, FaultHook
from spiderpool_aws.local.ec2.errors import Ec2Error, Ec2TimeoutError, not_modelled
from spiderpool_aws.local.ec2.model import Ec2Model
from spiderpool_aws.local.ec2.registry import Answer, Params, check_known

PAGE = 50
_HOOK = "AutoScalingGroupName LifecycleHookName InstanceId LifecycleActionToken"


class AutoScaling:
    """Answers with boto3's parameters and shapes. `calls` has every call that came, without its answer."""

    def __init__(self, model: Ec2Model, groups: Sequence[AutoScalingGroup] = ()) -> None:
        self.groups = list(groups)
        self.calls: list[Ec2Call] = []
        self._world = model.world
        self._faults: list[FaultHook] = []
        self._observers: list[Callable[[CompletedAction], None]] = []
        self._operations: dict[str, tuple[str, Callable[[Params], Answer]]] = {
            "DescribeAutoScalingInstances": ("InstanceIds MaxRecords NextToken", self._describe),
            "CompleteLifecycleAction": (f"{_HOOK} LifecycleActionResult", self._complete),
            "RecordLifecycleActionHeartbeat": (_HOOK, self._heartbeat),
        }

    def inject(self, hook: FaultHook) -> Callable[[], None]:
        """Ask this hook before every call whether it shall fail; return what takes the hook out again."""
        self._faults.append(hook)
        return lambda: self._faults.remove(hook)

    def observe(self, observer: Callable[[CompletedAction], None]) -> None:
        """Tell this observer of every action that a call is about to complete, while it still waits."""
        self._observers.append(observer)

    def call(self, operation: str, params: Params) -> Answer:
        """Make a call; what the model does not know is an error."""
        if operation not in self._operations:
            raise not_modelled(operation, "Auto Scaling")
        accepts, handler = self._operations[operation]
        check_known(params, frozenset(accepts.split()), operation)
        return handler(params)

    def execute(self, operation: str, params: Params, caller: str = "") -> Ec2Call:
        """Make a call and return it with its answer or its error, instead of raising."""
        call = Ec2Call(
            operation, params, caller, None, None, self._world.now(), self._world.ids.uuid(), took_effect=False
        )
        with self._world.lock:
            done = self._execute(call, params)
        self.calls.append(replace(done, answer=None))
        return done

    def _execute(self, call: Ec2Call, params: Params) -> Ec2Call:
        fault = next((fault for hook in self._faults if (fault := hook(call.operation, params)) is not None), None)
        if fault is not None and fault.error is not None:
            return replace(call, error=fault.error)
        done = call
        if fault is None or fault.takes_effect:
            try:
                self._tell(call)
                done = replace(call, answer=self.call(call.operation, params), took_effect=True)
            except Ec2Error as error:
                done = replace(call, error=error)
        if fault is None:
            return done
        return replace(done, answer=None, error=Ec2TimeoutError(f"{call.operation} did not answer"))

    def _tell(self, call: Ec2Call) -> None:
        if call.operation != "CompleteLifecycleAction" or not self._observers:
            return
        member, name = self._group(call.params).member(*_who(call.params)), call.params["LifecycleHookName"]
        waiting = next((a for a in member.actions if a.hook.name == name), None) if member is not None else None
        if member is None or waiting is None:
            return
        result = Result(call.params["LifecycleActionResult"])
        transition = waiting.hook.transition
        done = CompletedAction(call.caller, member.instance_id, member.warm, transition, waiting.started, result)
        for observer in self._observers:
            observer(done)

    def _describe(self, params: Params) -> Answer:
        """Return a page. Auto Scaling leaves out what it does not know, where EC2 would fail the call."""
        wanted, most = params.get("InstanceIds"), params.get("MaxRecords", PAGE)
        if wanted and len(wanted) > PAGE:
            raise validation_error(f"The number of instance ids that may be passed in is limited to {PAGE}")
        if not 1 <= most <= PAGE:
            raise validation_error(f"MaxRecords is {most}: it must be from 1 to {PAGE}")
        described = [found for group in self.groups for found in group.describe_instances()]
        described = [found for found in described if not wanted or found["InstanceId"] in wanted]
        begin = int(params.get("NextToken", 0))
        page, rest = described[begin : begin + most], described[begin + most :]
        return {"AutoScalingInstances": page} | ({"NextToken": str(begin + most)} if rest else {})

    def _complete(self, params: Params) -> Answer:
        group, who, result = self._group(params), _who(params), params["LifecycleActionResult"]
        if result not in list(Result):
            raise validation_error(f"LifecycleActionResult is {result}: it must be CONTINUE or ABANDON")
        group.room.complete(group.member(*who), params["LifecycleHookName"], who, Result(result))
        return {}

    def _heartbeat(self, params: Params) -> Answer:
        group, who = self._group(params), _who(params)
        group.room.heartbeat(group.member(*who), params["LifecycleHookName"], who)
        return {}

    def _group(self, params: Params) -> AutoScalingGroup:
        name = params["AutoScalingGroupName"]
        found = next((group for group in self.groups if group.name == name), None)
        if found is None:
            raise validation_error(f"AutoScalingGroup name not found - AutoScalingGroup {name} not found")
        return found


def _who(params: Mapping[str, Any]) -> tuple[str, str]:
    """Return the instance's id and the token; the API takes either."""
    instance_id, token = params.get("InstanceId", ""), params.get("LifecycleActionToken", "")
    if not instance_id and not token:
        raise validation_error("Either an InstanceId or a LifecycleActionToken is required")
    return instance_id, token
