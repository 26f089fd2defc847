"""What happens after the request: finalizers, grace periods, network attachments, a controller that is down."""

from spiderpool_aws.local.cluster import ClusterOptions
from tests.unit.cluster_double.client import GROUP, NODES, PODS, POOLS, Client, node, pod, pool
from tests.unit.cluster_double.scene import Scene

MULTUS = f"{GROUP}/namespaces/kube-system/spidermultusconfigs"
ATTACHMENT = "/apis/k8s.cni.cncf.io/v1/namespaces/kube-system/network-attachment-definitions/ipvlan-ens5"


def test_an_unused_pool_goes_within_seconds_of_its_deletion(client: Client) -> None:
    client.apply(pool("a", "10.0.1.10"))
    assert client.send("DELETE", f"{POOLS}/a").body["metadata"]["deletionTimestamp"]
    assert client.get(f"{POOLS}/a").status == 200
    client.clock.advance(2)
    assert client.get(f"{POOLS}/a").status == 404


def test_a_used_pool_stays_until_its_last_address_is_released() -> None:
    scene = Scene()
    scene.run()
    scene.send("DELETE", f"{POOLS}/a")
    scene.clock.advance(3600)
    assert scene.get(f"{POOLS}/a").status == 200
    scene.agent.delete_pod("default", "web")
    scene.clock.advance(2)
    assert scene.get(f"{POOLS}/a").status == 404


def test_the_chart_can_forbid_the_deletion_of_used_pools() -> None:
    client = Client(ClusterOptions(protects_used_pools=True))
    client.apply(pool("a", "10.0.1.10"))
    client.allocate("a", "10.0.1.10")
    answer = client.send("DELETE", f"{POOLS}/a")
    assert answer.status == 403
    assert "cannot delete an IPPool with allocated IPs(1)" in answer.body["message"]


def test_with_the_controller_down_writes_fail_and_deleted_pools_stay_until_it_is_back(client: Client) -> None:
    client.apply(pool("a", "10.0.1.10"))
    client.double.controller_up = False
    answer = client.apply(pool("b", "10.0.1.11"))
    assert answer.status == 500
    assert "failed calling webhook" in answer.body["message"]
    assert client.send("DELETE", f"{POOLS}/a").status == 200
    client.clock.advance(60)
    assert client.get(f"{POOLS}/a").status == 200
    client.double.controller_up = True
    client.clock.advance(2)
    assert client.get(f"{POOLS}/a").status == 404


def test_two_creates_at_the_same_moment_can_both_be_accepted(client: Client) -> None:
    client.double.put(pool("a", "10.0.1.10-10.0.1.12"))
    client.double.put(pool("b", "10.0.1.12-10.0.1.14"), past_overlap_check=True)
    answer = client.apply(pool("c", "10.0.1.14"))
    assert "overlap with IPPool b in IP ranges [10.0.1.12-10.0.1.14]" in answer.body["message"]
    assert client.merge(f"{POOLS}/b", {"spec": {"ips": ["10.0.1.13-10.0.1.14"]}}).status == 200


def test_a_network_attachment_follows_its_multus_config_and_goes_with_it(client: Client) -> None:
    config = {"metadata": {"name": "ipvlan-ens5"}, "spec": {"cniType": "ipvlan", "ipvlan": {"master": ["ens5"]}}}
    assert client.send("POST", MULTUS, config).status == 201
    assert client.get(ATTACHMENT).status == 404
    client.clock.advance(1)
    assert '"master":"ens5"' in client.get(ATTACHMENT).body["spec"]["config"]
    client.merge(f"{MULTUS}/ipvlan-ens5", {"spec": {"ipvlan": {"master": ["ens6"]}}})
    client.clock.advance(1)
    assert '"master":"ens6"' in client.get(ATTACHMENT).body["spec"]["config"]
    client.send("DELETE", f"{MULTUS}/ipvlan-ens5")
    client.clock.advance(1)
    assert client.get(ATTACHMENT).status == 404


def test_a_provider_id_can_be_set_once_and_never_changed(client: Client) -> None:
    client.double.put(node("n1"))
    for _ in range(2):
        assert client.merge(f"{NODES}/n1", {"spec": {"providerID": "aws:///a/i-1"}}).status == 200
    answer = client.merge(f"{NODES}/n1", {"spec": {"providerID": "aws:///a/i-2"}})
    assert (answer.status, answer.body["details"]["causes"][0]["field"]) == (422, "spec.providerID")


def test_a_deleted_node_that_comes_back_has_another_uid(client: Client) -> None:
    first = client.double.put(node("n1"))
    assert client.send("DELETE", f"{NODES}/n1").status == 200
    assert client.double.put(node("n1"))["metadata"]["uid"] != first["metadata"]["uid"]


def test_a_pod_of_a_node_has_its_grace_period_and_grace_0_ends_it_at_once(client: Client) -> None:
    client.double.put(pod("web"))
    metadata = client.send("DELETE", f"{PODS}/web").body["metadata"]
    assert (metadata["deletionTimestamp"], metadata["deletionGracePeriodSeconds"]) == ("2026-01-01T00:00:30Z", 30)
    assert client.get(f"{PODS}/web").status == 200
    assert client.send("DELETE", f"{PODS}/web", {"gracePeriodSeconds": 0}).status == 200
    assert client.get(f"{PODS}/web").status == 404


def test_a_pod_without_a_node_is_deleted_at_once(client: Client) -> None:
    client.double.put(pod("web", ""))
    assert client.send("DELETE", f"{PODS}/web").body["metadata"]["name"] == "web"
    assert client.get(f"{PODS}/web").status == 404


def test_a_pod_cannot_move_to_another_node(client: Client) -> None:
    client.double.put(pod("web"))
    assert client.merge(f"{PODS}/web", {"spec": {"nodeName": "n2"}}).status == 422
