"""When an address comes back: each line of the table that was measured on a real cluster."""

import pytest

from tests.unit.cluster_double.client import NODES, PODS, POOLS
from tests.unit.cluster_double.scene import Scene, pool4

OUT_OF_SERVICE = {"key": "node.kubernetes.io/out-of-service", "effect": "NoExecute"}


@pytest.fixture
def scene() -> Scene:
    """A running pod that holds 10.0.1.10, on a clock that is not at a beat of the collector's."""
    scene = Scene()
    assert scene.run().addresses == ["10.0.1.10"]
    scene.clock.advance(2)
    return scene


def test_cni_del_releases_at_once(scene: Scene) -> None:
    scene.agent.delete_pod("default", "web")
    assert scene.allocated("a") == set()
    assert scene.double.objects("pods") == []


def test_an_ordinary_deletion_is_finished_by_the_kubelet(scene: Scene) -> None:
    scene.send("DELETE", f"{PODS}/web")
    assert scene.allocated("a") == {"10.0.1.10"}
    scene.clock.advance(1)
    assert (scene.allocated("a"), scene.double.objects("pods")) == (set(), [])


def test_a_pod_object_that_is_gone_without_cni_del_is_noticed_within_5_seconds(scene: Scene) -> None:
    scene.send("DELETE", f"{PODS}/web", {"gracePeriodSeconds": 0})
    assert scene.allocated("a") == {"10.0.1.10"}
    assert scene.seconds_until_released() <= 5


def test_a_pod_that_stays_terminating_on_a_ready_node_is_released_after_60_seconds(scene: Scene) -> None:
    scene.agent.hang_pod("default", "web")
    scene.send("DELETE", f"{PODS}/web")
    assert scene.seconds_until_released() == 60
    assert scene.send("GET", f"{PODS}/web").status == 200


def test_a_node_that_falls_silent_is_released_410_seconds_after_its_last_heartbeat(scene: Scene) -> None:
    scene.agent.stop_node("n1")
    assert scene.seconds_until_released() == 410


def test_a_silent_node_is_not_ready_after_50_seconds_and_runs_no_pods(scene: Scene) -> None:
    scene.agent.stop_node("n1")
    scene.clock.advance(50)
    stored = scene.stored(f"{NODES}/n1")
    assert stored["status"]["conditions"] == [{"type": "Ready", "status": "Unknown"}]
    assert stored["spec"]["taints"][0]["key"] == "node.kubernetes.io/unreachable"
    assert "does not answer" in scene.run("late").error


def test_a_node_that_comes_back_keeps_its_pods(scene: Scene) -> None:
    scene.agent.stop_node("n1")
    scene.clock.advance(100)
    scene.agent.start_node("n1")
    stored = scene.stored(f"{NODES}/n1")
    assert stored["status"]["conditions"] == [{"type": "Ready", "status": "True"}]
    assert stored["spec"]["taints"] == []
    scene.agent.stop_node("n1")
    scene.clock.advance(349)
    assert scene.allocated("a") == {"10.0.1.10"}


def test_the_out_of_service_taint_on_a_node_that_is_not_ready_releases_within_15_seconds(scene: Scene) -> None:
    scene.agent.stop_node("n1")
    scene.clock.advance(60)
    taints = [*scene.stored(f"{NODES}/n1")["spec"]["taints"], OUT_OF_SERVICE]
    scene.merge(f"{NODES}/n1", {"spec": {"taints": taints}})
    assert 5 < scene.seconds_until_released() <= 15


def test_the_out_of_service_taint_of_a_ready_node_releases_nothing(scene: Scene) -> None:
    scene.merge(f"{NODES}/n1", {"spec": {"taints": [OUT_OF_SERVICE]}})
    scene.clock.advance(300)
    assert scene.allocated("a") == {"10.0.1.10"}


def test_the_pods_of_a_deleted_node_are_released_after_59_seconds_and_up_to_5_more(scene: Scene) -> None:
    scene.send("DELETE", f"{NODES}/n1")
    assert 59 <= scene.seconds_until_released() <= 64
    assert scene.double.objects("pods") == []


def test_a_pod_of_the_same_name_hides_that_one_is_gone_until_the_full_scan(scene: Scene) -> None:
    scene.send("DELETE", f"{PODS}/web", {"gracePeriodSeconds": 0})
    assert scene.run().addresses == ["10.0.1.11"]
    scene.clock.advance(60)
    assert scene.allocated("a") == {"10.0.1.10", "10.0.1.11"}
    scene.clock.advance(600)
    assert scene.allocated("a") == {"10.0.1.11"}


def test_the_full_scan_releases_what_no_pod_has(scene: Scene) -> None:
    records = '{"10.0.1.50": {"pod": "default/ghost", "podUid": "ghost"}}'
    ghost = pool4("b", "10.0.1.50", nodeName=["n2"])
    scene.double.put({**ghost, "status": {"allocatedIPs": records, "allocatedIPCount": 1}})
    scene.clock.advance(590)
    assert scene.allocated("b") == {"10.0.1.50"}
    scene.clock.advance(10)
    assert (scene.allocated("a"), scene.allocated("b")) == ({"10.0.1.10"}, set())


def test_the_collector_rests_while_the_controller_is_down(scene: Scene) -> None:
    scene.double.controller_up = False
    scene.send("DELETE", f"{PODS}/web", {"gracePeriodSeconds": 0})
    scene.clock.advance(700)
    assert scene.allocated("a") == {"10.0.1.10"}
    scene.double.controller_up = True
    assert scene.seconds_until_released() <= 5


def test_an_address_is_handed_over_in_seconds_when_node_pods_and_pool_are_deleted(scene: Scene) -> None:
    scene.send("DELETE", f"{NODES}/n1")
    scene.send("DELETE", f"{PODS}/web", {"gracePeriodSeconds": 0})
    scene.send("DELETE", f"{POOLS}/a")
    heir = pool4("heir", "10.0.1.10", nodeName=["n2"])
    assert scene.apply(heir).status == 422
    seconds = 0.0
    while scene.apply(heir).status == 422:
        scene.clock.advance(0.2)
        seconds += 0.2
    assert 1 < seconds < 7
