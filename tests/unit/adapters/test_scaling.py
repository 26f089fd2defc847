"""Auto Scaling through boto3: what is asked, and what each of its errors means."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config

from spiderpool_aws.adapters.scaling import IDS, ScalingAdapter
from spiderpool_aws.domain.errors import Code, Refused, RetryLater
from spiderpool_aws.domain.lifecycle import Lifecycle, Transition
from spiderpool_aws.local.ec2 import Fault, connect_autoscaling_in_process
from spiderpool_aws.local.ec2.autoscaling import LifecycleHook
from spiderpool_aws.local.ec2.autoscaling import Transition as ModelTransition
from tests.unit.ec2_model.hooked import Hooked

INSTANCE = "i-0f3fbbbc0298d1a86"
NOTHING_WAITS = "No active Lifecycle Action found with instance ID i-0f3fbbbc0298d1a86"


def client() -> Any:
    options: Any = {"region_name": "eu-west-1", "config": Config(retries={"total_max_attempts": 1})}
    return boto3.client("autoscaling", **options)


class World:
    """The adapter on a group that has our two hooks."""

    def __init__(self) -> None:
        self.hooked = Hooked(
            LifecycleHook(Transition.LAUNCHING, ModelTransition.LAUNCHING, 600),
            LifecycleHook(Transition.TERMINATING, ModelTransition.TERMINATING, 600),
        )
        boto = client()
        connect_autoscaling_in_process(boto, self.hooked.api)
        self.adapter = ScalingAdapter(lambda: boto)

    def fail(self, fault: Fault) -> None:
        self.hooked.api.inject(lambda operation, params: fault)


@pytest.fixture
def world() -> World:
    return World()


def complete(adapter: ScalingAdapter) -> None:
    adapter.complete_hook("workers", INSTANCE, Transition.LAUNCHING, "CONTINUE")


def prolong(adapter: ScalingAdapter) -> None:
    adapter.prolong_hook("workers", INSTANCE, Transition.LAUNCHING)


def look(adapter: ScalingAdapter) -> None:
    adapter.lifecycles([INSTANCE])


Act = Callable[[ScalingAdapter], None]
WRITES = [pytest.param(complete, id="complete"), pytest.param(prolong, id="prolong")]
ALL = [*WRITES, pytest.param(look, id="look")]


def test_it_tells_where_an_instance_of_a_group_stands_and_leaves_out_another(world: World) -> None:
    instance_id = world.hooked.grow()
    found = world.adapter.lifecycles([instance_id, INSTANCE])
    assert found == {instance_id: Lifecycle("workers", "Pending:Wait")}


@pytest.mark.parametrize(("count", "calls"), [(0, []), (IDS, [50]), (IDS + 1, [50, 1]), (120, [50, 50, 20])])
def test_fifty_ids_go_into_one_call(world: World, count: int, calls: list[int]) -> None:
    world.adapter.lifecycles([f"i-{number:017x}" for number in range(count)])
    assert [len(call.params["InstanceIds"]) for call in world.hooked.api.calls] == calls


def test_a_hook_is_completed_by_instance_id_and_prolonged_before(world: World) -> None:
    instance_id = world.hooked.grow()
    world.hooked.run(500)
    world.adapter.prolong_hook("workers", instance_id, Transition.LAUNCHING)
    world.hooked.run(500)
    assert world.hooked.group.state_of(instance_id) == "Pending:Wait"
    world.adapter.complete_hook("workers", instance_id, Transition.LAUNCHING, "CONTINUE")
    assert world.hooked.group.state_of(instance_id) == "Pending:Proceed"


def test_what_was_completed_already_is_success(world: World) -> None:
    instance_id = world.hooked.grow()
    for _ in range(2):
        world.adapter.complete_hook("workers", instance_id, Transition.LAUNCHING, "CONTINUE")
    world.adapter.prolong_hook("workers", instance_id, Transition.LAUNCHING)
    assert [call.error is None for call in world.hooked.api.calls] == [True, False, False]


@pytest.mark.parametrize("act", WRITES)
@pytest.mark.parametrize(
    "says", [NOTHING_WAITS, NOTHING_WAITS.lower(), "No active Lifecycle Action found with token f66c3d47"]
)
def test_no_active_action_is_success_in_each_of_its_forms(world: World, act: Act, says: str) -> None:
    world.fail(Fault.refuse("ValidationError", says))
    act(world.adapter)


@pytest.mark.parametrize("act", WRITES)
@pytest.mark.parametrize(
    "says",
    [
        "AutoScalingGroup name not found - AutoScalingGroup workers not found",
        "1 validation error detected: Value '' at 'lifecycleHookName' failed to satisfy constraint",
    ],
)
def test_another_validation_error_is_refused_and_shown(world: World, act: Act, says: str) -> None:
    world.fail(Fault.refuse("ValidationError", says))
    with pytest.raises(
        Refused, match=r"autoscaling:\w+ of i-0f3fbbbc0298d1a86 was refused \(ValidationError\)"
    ) as caught:
        act(world.adapter)
    assert says in caught.value.reason


@pytest.mark.parametrize("act", ALL)
@pytest.mark.parametrize(
    ("code", "status", "says"),
    [
        ("Throttling", 400, "was throttled"),
        ("ResourceContention", 500, "failed at AWS"),
        ("ServiceUnavailable", 503, "failed at AWS"),
        ("ExpiredToken", 403, "expired"),
    ],
)
def test_what_passes_is_tried_again(world: World, act: Act, code: str, status: int, says: str) -> None:
    world.fail(Fault.refuse(code, status=status))
    with pytest.raises(RetryLater, match=says):
        act(world.adapter)


@pytest.mark.parametrize("act", ALL)
def test_no_answer_is_tried_again(world: World, act: Act) -> None:
    world.fail(Fault.lose_request())
    with pytest.raises(RetryLater, match=r"got no answer.*check the way to autoscaling"):
        act(world.adapter)


@pytest.mark.parametrize(
    ("act", "action"),
    [(complete, "autoscaling:CompleteLifecycleAction"), (prolong, "autoscaling:RecordLifecycleActionHeartbeat")],
)
def test_a_missing_permission_is_refused_and_names_the_action(world: World, act: Act, action: str) -> None:
    world.fail(Fault.refuse("AccessDenied", "User is not authorized to perform it", 403))
    with pytest.raises(Refused, match=f"allow {action}") as caught:
        act(world.adapter)
    assert caught.value.code is Code.FORBIDDEN


def test_without_permission_to_look_nothing_is_decided(world: World) -> None:
    world.fail(Fault.refuse("AccessDenied", "no", 403))
    with pytest.raises(RetryLater, match="allow autoscaling:DescribeAutoScalingInstances"):
        look(world.adapter)


def test_no_client_is_made_until_a_node_belongs_to_a_group() -> None:
    made: list[Any] = []
    adapter = ScalingAdapter(lambda: made.append("client"))
    adapter.lifecycles([])
    assert made == []
