"""Auto Scaling over boto3: the `ScalingPort`. Life-cycle actions are completed by instance id, without a token.

Source: Amazon EC2 Auto Scaling API reference, DescribeAutoScalingInstances (at most 50 ids), CompleteLifecycleAction,
RecordLifecycleActionHeartbeat.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from spiderpool_aws.adapters.aws_errors import Call, Meanings, aws_errors
from spiderpool_aws.domain.lifecycle import Lifecycle

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

IDS = 50
# Auto Scaling has one code for whatever does not fit, and the text tells: nothing waits under that name, because it was
# completed, has run out, or the group has no hook of ours. Quoted in convox/rack#2432, with a token instead of the id
# in spacelift-io/terraform-aws-spacelift-workerpool-on-ec2#197.
_OVER = Meanings(done=("ValidationError: no active lifecycle action",))


class ScalingAdapter:
    """Implements `ScalingPort`. Both writes may be repeated: what is completed already is success.

    The client is made at its first use: where no node belongs to a group nothing is asked.
    """

    def __init__(self, make_client: Callable[[], Any]) -> None:
        self._make_client = make_client

    @cached_property
    def _client(self) -> Any:
        return self._make_client()

    def lifecycles(self, instance_ids: Sequence[str]) -> Mapping[str, Lifecycle]:
        """Return where those instances stand that belong to a group; another one is left out."""
        found: dict[str, Lifecycle] = {}
        for start in range(0, len(instance_ids), IDS):
            with aws_errors("autoscaling:DescribeAutoScalingInstances"):
                answer = self._client.describe_auto_scaling_instances(
                    InstanceIds=list(instance_ids[start : start + IDS])
                )
            for document in answer.get("AutoScalingInstances", []):
                lifecycle = Lifecycle(document["AutoScalingGroupName"], document["LifecycleState"])
                found[document["InstanceId"]] = lifecycle
        return found

    def complete_hook(self, group: str, instance_id: str, hook: str, result: str) -> None:
        """Complete a life-cycle action."""
        _act(
            "autoscaling:CompleteLifecycleAction",
            instance_id,
            lambda: self._client.complete_lifecycle_action(
                AutoScalingGroupName=group,
                LifecycleHookName=hook,
                InstanceId=instance_id,
                LifecycleActionResult=result,
            ),
        )

    def prolong_hook(self, group: str, instance_id: str, hook: str) -> None:
        """Record a heartbeat."""
        _act(
            "autoscaling:RecordLifecycleActionHeartbeat",
            instance_id,
            lambda: self._client.record_lifecycle_action_heartbeat(
                AutoScalingGroupName=group, LifecycleHookName=hook, InstanceId=instance_id
            ),
        )


def _act(action: str, instance_id: str, call: Callable[[], object]) -> None:
    with aws_errors(action, instance_id, Call.IDEMPOTENT, meanings=_OVER):
        call()
