"""What becomes of a node's pods when its instance stops or dies, with nobody but the cluster to clean up."""

from collections.abc import Iterator

import pytest

from tests.integration.scene import Scene, policy_text, scene

NETWORK = "kube-system/ipvlan-ens5"
POD = "/api/v1/namespaces/default/pods/web"


@pytest.fixture
def idle() -> Iterator[Scene]:
    """A node with one pod; the product is paused from then on."""
    with scene(policy_text(nics=1)) as s:
        instance_id = s.launch(nics=1)
        s.run(120)
        s.stack.put_policy(policy_text(nics=1, mode="paused"))
        s.run(30)
        result = s.stack.agent.run_pod("default", "web", s.pools(instance_id)[0].spec.node_name[0], NETWORK)
        assert result.error == ""
        yield s


def end(s: Scene, operation: str) -> str:
    (instance_id,) = s.stack.model.instances
    s.stack.model.call(operation, {"InstanceIds": [instance_id]})
    s.run(30)
    return instance_id


def delete_pod(s: Scene, body: dict[str, int]) -> None:
    headers = {"Authorization": f"Bearer {s.stack.cluster.admin_token}"}
    assert s.stack.cluster.request("DELETE", POD, {}, headers, body).status in (200, 202)


def in_use(s: Scene) -> set[str]:
    return {address for pool in s.pools() for address in pool.allocated}


@pytest.mark.parametrize("operation", ["StopInstances", "TerminateInstances"])
def test_a_graceful_delete_of_a_pod_on_an_instance_without_a_kubelet_releases_nothing(
    idle: Scene, operation: str
) -> None:
    end(idle, operation)
    delete_pod(idle, {})
    idle.run(30)
    assert len(in_use(idle)) == 1
    assert idle.stack.cluster.objects("pods")[0]["metadata"]["deletionTimestamp"]


@pytest.mark.parametrize("operation", ["StopInstances", "TerminateInstances"])
def test_a_delete_with_grace_0_releases_the_address_within_5_seconds(idle: Scene, operation: str) -> None:
    end(idle, operation)
    delete_pod(idle, {"gracePeriodSeconds": 0})
    assert len(in_use(idle)) == 1
    idle.run(5)
    assert in_use(idle) == set()


def ready(s: Scene) -> str:
    (node,) = s.stack.cluster.objects("nodes")
    return next((c["status"] for c in node["status"].get("conditions", ()) if c["type"] == "Ready"), "True")


def test_the_node_of_a_stopped_instance_is_not_ready_until_it_runs_again(idle: Scene) -> None:
    instance_id = end(idle, "StopInstances")
    idle.run(60)
    assert ready(idle) == "Unknown"
    idle.stack.model.call("StartInstances", {"InstanceIds": [instance_id]})
    idle.run(60)
    assert ready(idle) == "True"
    delete_pod(idle, {})
    idle.run(5)
    assert in_use(idle) == set()
