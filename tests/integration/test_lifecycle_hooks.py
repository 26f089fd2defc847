"""Auto Scaling groups, their life-cycle hooks and Spot interruptions, through the bus and the deployed handlers."""

from typing import Any

import pytest

from spiderpool_aws.domain.lifecycle import LAUNCH_HOOK, TERMINATE_HOOK
from spiderpool_aws.local.ec2 import Fault, interrupt_spot
from tests.integration.groups import HEARTBEAT_SECONDS, group_scene
from tests.integration.scene import policy_text, scene


def test_a_group_grows_and_every_node_has_its_pools_before_it_enters_service() -> None:
    with group_scene() as g:
        nodes = g.grow(3)
        assert list(g.served) == nodes
        for pools in g.served.values():
            assert [(pool.spec.ips.count(), pool.spec.disable) for pool in pools] == [(5, False), (5, False)]
        assert g.hook_calls() == [(LAUNCH_HOOK, "CONTINUE")] * 3
        assert not any(node["spec"].get("taints") for node in g.scene.stack.cluster.objects("nodes"))


def test_a_group_shrinks_and_a_node_goes_when_its_pods_are_gone() -> None:
    with group_scene() as g:
        first, leaving = g.grow(2)
        g.run_pod(leaving)
        g.group.set_desired(1)
        g.scene.run(5)
        assert g.disabled(leaving) == [True, True]
        g.scene.run(60)
        assert g.group.state_of(leaving) == "Terminating:Wait"
        g.scene.stack.agent.delete_pod("default", "web")
        g.scene.run(20)
        assert g.group.state_of(leaving) == "Terminating:Proceed"
        assert g.disabled(leaving) == [True, True]
        g.scene.run(60)
        assert (g.group.instance_ids, g.scene.pools(leaving)) == ([first], [])
        assert g.disabled(first) == [False, False]
        assert g.hook_calls()[2:] == [(TERMINATE_HOOK, "CONTINUE")]


def test_pods_that_do_not_go_hold_a_node_no_longer_than_the_policy_says() -> None:
    with group_scene(policy_text(nodes={"drainSeconds": 120})) as g:
        (leaving,) = g.grow(1)
        g.run_pod(leaving)
        g.group.set_desired(0)
        g.scene.run(110)
        assert g.group.state_of(leaving) == "Terminating:Wait"
        g.scene.run(60)
        assert g.group.state_of(leaving) != "Terminating:Wait"
        g.scene.run(60)
        assert (g.group.instance_ids, g.scene.pools()) == ([], [])


def test_a_drain_that_is_longer_than_the_hook_and_than_a_message_lives_is_kept_alive_by_heartbeats() -> None:
    with group_scene(policy_text(nodes={"drainSeconds": 1800})) as g:
        (leaving,) = g.grow(1)
        g.run_pod(leaving)
        g.group.set_desired(0)
        g.scene.run(1790)
        assert (g.group.state_of(leaving), g.disabled(leaving)) == ("Terminating:Wait", [True, True])
        g.scene.run(60)
        assert g.group.state_of(leaving) != "Terminating:Wait"


def test_a_launch_that_takes_longer_than_the_hook_is_kept_waiting_by_heartbeats() -> None:
    with group_scene() as g:
        g.scene.kubelets.join_seconds = 900.0
        g.group.set_desired(1)
        g.scene.run(900)
        (late,) = g.group.instance_ids
        assert g.group.state_of(late) == "Pending:Wait"
        g.scene.run(120)
        assert len(g.served[late]) == 2


def test_a_node_that_never_joins_is_held_for_twenty_minutes_and_one_heartbeat_more() -> None:
    with group_scene() as g:
        g.scene.kubelets.join_seconds = 86_400.0
        g.group.set_desired(1)
        g.scene.run(1190)
        (node,) = g.group.instance_ids
        assert g.group.state_of(node) == "Pending:Wait"
        g.scene.run(HEARTBEAT_SECONDS + 180)
        assert (g.group.state_of(node), g.served[node]) == ("InService", [])


def test_an_outage_lets_the_hook_run_out_and_kills_no_node() -> None:
    with group_scene() as g:
        end_outage = g.scene.stack.autoscaling.inject(lambda *_: Fault.refuse("ServiceUnavailable", status=503))
        g.group.set_desired(1)
        g.scene.run(HEARTBEAT_SECONDS - 30)
        (node,) = g.group.instance_ids
        assert g.group.state_of(node) == "Pending:Wait"
        g.scene.run(60)
        assert (g.group.state_of(node), g.served[node]) == ("InService", [])
        end_outage()
        g.scene.run(120)
        assert (g.group.state_of(node), g.disabled(node)) == ("InService", [False, False])
        g.scene.checker.assert_idle(lambda: g.scene.run(320))


def test_a_warm_instance_has_no_pools_until_it_enters_service() -> None:
    with group_scene() as g:
        g.group.put_warm_pool(1)
        g.scene.run(120)
        (warm,) = g.group.warm_ids
        assert (g.group.state_of(warm), g.scene.pools()) == ("Warmed:Stopped", [])
        assert g.hook_calls() == [(LAUNCH_HOOK, "CONTINUE")]
        g.group.set_desired(1)
        g.scene.run(120)
        assert g.group.instance_ids == [warm]
        assert [pool.spec.ips.count() for pool in g.served[warm]] == [5, 5]


def test_a_warm_instance_that_keeps_running_is_not_woken_up_by_the_schedule() -> None:
    with group_scene() as g:
        g.group.put_warm_pool(1, "Running")
        g.scene.run(120)
        g.scene.checker.assert_idle(lambda: g.scene.run(660))
        (warm,) = g.group.warm_ids
        assert (g.group.state_of(warm), g.scene.pools()) == ("Warmed:Running", [])


def test_a_spot_warning_disables_the_pools_and_no_later_event_enables_them() -> None:
    with scene() as s:
        instance_id = s.launch()
        s.run(120)
        interrupt_spot(s.stack.model, instance_id)
        running = next(event for event in s.stack.bus.events if event["detail"].get("state") == "running")
        s.run(5)
        for _ in range(3):
            s.stack.bus.deliver(running, times=2)
            s.stack.bus.invoke_resync({"instanceIds": [instance_id]})
            s.run(30)
            assert [pool.spec.disable for pool in s.pools(instance_id)] == [True, True]
        s.run(120)
        assert (s.pools(), s.stack.cluster.objects("nodes")) == ([], [])


def test_a_spot_warning_that_comes_together_with_another_event_is_not_lost() -> None:
    with scene() as s:
        instance_id = s.launch()
        s.run(120)
        running = next(event for event in s.stack.bus.events if event["detail"].get("state") == "running")
        interrupt_spot(s.stack.model, instance_id)
        s.stack.bus.deliver({**running, "id": "another"})
        s.run(5)
        assert [pool.spec.disable for pool in s.pools(instance_id)] == [True, True]


def test_an_instance_that_is_taken_back_before_it_has_a_pool_gets_none() -> None:
    with scene() as s:
        s.kubelets.join_seconds = 30
        instance_id = s.launch()
        s.run(15)
        interrupt_spot(s.stack.model, instance_id)
        for _ in range(10):
            s.run(10)
            s.stack.bus.invoke_resync({"instanceIds": [instance_id]})
            assert s.pools() == []
        assert len(s.stack.cluster.objects("nodes")) == 1
        s.run(120)
        assert (s.pools(), s.stack.cluster.objects("nodes")) == ([], [])


@pytest.mark.parametrize("joins_after", [5, 60])
def test_a_spot_warning_that_comes_to_nothing_is_forgotten_after_twenty_minutes(
    joins_after: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scene() as s:
        s.kubelets.join_seconds = joins_after
        instance_id = s.launch()
        s.run(40)
        monkeypatch.setattr(s.stack.model.world, "later", lambda *_: None)
        interrupt_spot(s.stack.model, instance_id)
        monkeypatch.undo()
        s.run(1150)
        assert not any(not pool.spec.disable for pool in s.pools(instance_id))
        assert len(s.pools(instance_id)) == (2 if joins_after == 5 else 0)
        s.run(450)
        assert [pool.spec.disable for pool in s.pools(instance_id)] == [False, False]
        s.checker.assert_idle(lambda: s.run(660))


def test_a_spot_instance_that_was_stopped_and_starts_again_is_served_again() -> None:
    with scene() as s:
        instance_id = s.launch()
        s.run(120)
        interrupt_spot(s.stack.model, instance_id, "stop")
        s.run(180)
        assert [pool.spec.disable for pool in s.pools(instance_id)] == [True, True]
        s.stack.model.call("StartInstances", {"InstanceIds": [instance_id]})
        s.run(120)
        assert [pool.spec.disable for pool in s.pools(instance_id)] == [False, False]


def test_a_node_that_dies_by_itself_holds_up_its_group_for_seconds_and_not_until_the_hook_runs_out() -> None:
    with group_scene() as g:
        (dead,) = g.grow(1)
        g.scene.stack.model.call("TerminateInstances", {"InstanceIds": [dead]})
        g.scene.run(40)
        assert g.group.state_of(dead) == ""


def test_without_the_events_of_hooks_a_launch_is_completed_nevertheless_and_a_termination_runs_out() -> None:
    with group_scene() as g:
        g.scene.stack.bus.disable_rules("-hook")
        (node,) = g.grow(1)
        assert len(g.served[node]) == 2
        g.group.set_desired(0)
        g.scene.run(HEARTBEAT_SECONDS - 20)
        assert g.group.state_of(node) == "Terminating:Wait"
        g.scene.run(120)
        assert (g.group.instance_ids, g.scene.pools()) == ([], [])


def test_two_deliveries_of_one_hook_event_complete_it_once() -> None:
    with group_scene() as g:
        bus, twice = g.scene.stack.bus, set[str]()

        def deliver_again(event: dict[str, Any], _: object) -> None:
            if "LifecycleActionToken" in event["detail"] and event["id"] not in twice:
                twice.add(event["id"])
                bus.deliver(event)

        bus.watch(deliver_again)
        (node,) = g.grow(1)
        (first, _) = (event for event in bus.events if "LifecycleActionToken" in event["detail"])
        bus.deliver(first, times=5)
        g.scene.checker.assert_idle(lambda: g.scene.run(60))
        assert g.hook_calls() == [(LAUNCH_HOOK, "CONTINUE")]
        assert g.group.state_of(node) == "InService"


def test_a_completion_whose_answer_is_lost_is_made_again_and_counts_once() -> None:
    with group_scene() as g:
        lost = [Fault.lose_answer()]
        g.scene.stack.autoscaling.inject(
            lambda operation, _: lost.pop() if operation == "CompleteLifecycleAction" and lost else None
        )
        (node,) = g.grow(1)
        g.scene.run(120)
        assert g.group.state_of(node) == "InService"
        assert g.scene.stack.requests.messages == []
