"""Which pool and which address a pod gets, what fences hold, and what a failure leaves behind."""

from typing import Any

import pytest

from spiderpool_aws.local.cluster import SpiderpoolAgent
from tests.unit.cluster_double.client import GROUP, POOLS, Client, node, pod
from tests.unit.cluster_double.scene import NETWORK, Scene, pool4, pool6, reserved


def test_a_pod_gets_the_lowest_address_of_the_pool_of_its_node_and_network() -> None:
    scene = Scene()
    scene.double.put(pool4("b", "10.0.1.2", nodeName=["n2"]))
    scene.double.put(pool4("c", "10.0.1.3", multusName=["kube-system/ipvlan-ens6"]))
    assert scene.run().addresses == ["10.0.1.10"]
    assert scene.run("other").addresses == ["10.0.1.11"]
    assert scene.run("far", "n2").addresses == ["10.0.1.2"]
    assert scene.run("wide", network="kube-system/ipvlan-ens6").addresses == ["10.0.1.3"]


def test_the_status_names_the_pod_and_the_pod_its_address() -> None:
    scene = Scene()
    result = scene.run()
    assert scene.double.pools.get("a").allocations == {  # type: ignore[union-attr]
        "10.0.1.10": {"pod": "default/web", "podUid": result.uid}
    }
    stored = scene.stored(f"{POOLS}/a")["status"]
    assert (stored["allocatedIPCount"], stored["totalIPCount"]) == (1, 3)
    assert scene.double.objects("pods")[0]["status"]["podIP"] == "10.0.1.10"


def test_the_agent_owns_what_it_writes_into_the_status() -> None:
    scene = Scene()
    scene.run()
    entries = {entry["manager"]: entry for entry in scene.stored(f"{POOLS}/a")["metadata"]["managedFields"]}
    assert entries["spiderpool-agent"]["subresource"] == "status"
    assert set(entries["spiderpool-agent"]["fieldsV1"]["f:status"]) == {"f:allocatedIPs", "f:allocatedIPCount"}
    assert "f:totalIPCount" in entries["spiderpool-controller"]["fieldsV1"]["f:status"]


def test_empty_node_and_network_names_fit_everything() -> None:
    scene = Scene()
    scene.double.put(pool4("any", "10.0.1.99", nodeName=[], multusName=[]))
    assert scene.run("far", "n7", "x/y").addresses == ["10.0.1.99"]


def test_pools_of_equal_rank_are_used_in_random_order_and_alike_with_the_same_seed() -> None:
    def first_pools(seed: int) -> list[str]:
        client = Client()
        for number in range(8):
            client.double.put(pool4(f"p{number}", f"10.0.1.{number * 10}-10.0.1.{number * 10 + 9}"))
        agent = SpiderpoolAgent(client.double, seed=seed, needs_networks=False)
        return [agent.run_pod("default", f"w{number}", "n1").addresses[0] for number in range(8)]

    assert first_pools(1) == first_pools(1)
    assert first_pools(1) != first_pools(2)
    assert len({text.rpartition(".")[2][:-1] for text in first_pools(1)}) > 1


def test_the_pool_of_the_node_and_network_goes_before_a_catch_all_default_pool_40_times_of_40() -> None:
    for seed in range(40):
        scene = Scene(seed=seed)
        scene.double.put(pool4("a-catch-all", "10.0.1.99", nodeName=[], multusName=[]))
        assert scene.run().addresses == ["10.0.1.10"]


SELECTOR = {"matchLabels": {"app": "web"}}
RANKS: list[dict[str, Any]] = [
    {"podAffinity": SELECTOR},
    {"nodeName": ["n1"]},
    {"nodeAffinity": SELECTOR},
    {"namespaceName": ["default"]},
    {"namespaceAffinity": SELECTOR},
    {"multusName": [NETWORK]},
]


@pytest.mark.parametrize("place", range(len(RANKS)))
def test_what_spiderpool_ranks_higher_goes_before_everything_that_it_ranks_lower(place: int) -> None:
    for seed in range(8):
        scene = Scene(seed=seed)
        labelled = {"apiVersion": "v1", "metadata": {"name": "default", "labels": {"app": "web"}}}
        scene.double.put({**labelled, "kind": "Namespace"})
        scene.merge("/api/v1/nodes/n1", {"metadata": {"labels": {"app": "web"}}})
        scene.double.put(pool4("a", "10.0.1.10", default=False))
        anywhere: dict[str, Any] = {"nodeName": [], "multusName": []}
        lower = {key: value for one in RANKS[place + 1 :] for key, value in one.items()}
        scene.double.put(pool4("lower", "10.0.1.50", **{**anywhere, **lower}))
        scene.double.put(pool4("higher", "10.0.1.60", **{**anywhere, **RANKS[place]}))
        scene.double.put({**pod("web"), "metadata": {"name": "web", "namespace": "default", "labels": {"app": "web"}}})
        assert scene.run().error == ""
        assert scene.allocated("higher") == {"10.0.1.60"}


def test_a_pool_of_other_namespaces_is_passed_over() -> None:
    scene = Scene()
    scene.double.put(pool4("a", "10.0.1.10", namespaceName=["payments"]))
    assert "unmatched Namespace name of IPPool a" in scene.run().error
    scene.merge(f"{POOLS}/a", {"spec": {"namespaceName": ["payments", "default"]}})
    assert scene.run().addresses == ["10.0.1.10"]


def test_a_full_pool_fails_and_a_grow_lets_the_same_pod_in() -> None:
    scene = Scene()
    for number in range(3):
        assert scene.run(f"w{number}").error == ""
    assert "all IP addresses used out" in scene.run("late").error
    scene.apply(pool4("a", "10.0.1.10-10.0.1.13"), force="true")
    assert scene.agent.allocate("default", "late").addresses == ["10.0.1.13"]


def test_excluded_and_reserved_addresses_are_not_given() -> None:
    scene = Scene()
    scene.double.put(pool4("a", "10.0.1.10-10.0.1.12", excludeIPs=["10.0.1.10"]))
    scene.double.put(reserved("quarantine", "10.0.1.11"))
    assert scene.run().addresses == ["10.0.1.12"]


def test_a_reserved_address_in_use_stays_until_its_release_and_is_not_given_again() -> None:
    scene = Scene()
    assert scene.run().addresses == ["10.0.1.10"]
    assert scene.send("POST", f"{GROUP}/spiderreservedips", reserved("quarantine", "10.0.1.10")).status == 201
    scene.agent.delete_pod("default", "web")
    assert scene.run("next").addresses == ["10.0.1.11"]


def test_what_two_reservations_keep_back_is_not_given_while_one_of_them_stays() -> None:
    scene = Scene()
    kept = reserved("kept", "10.0.1.11", "10.0.1.10") | {"metadata": {"name": "kept", "finalizers": ["a.example/b"]}}
    scene.double.put(kept)
    scene.double.put(reserved("too", "10.0.1.10"))
    assert scene.stored(f"{GROUP}/spiderreservedips/kept")["spec"]["ips"] == ["10.0.1.10-10.0.1.11"]
    assert scene.send("DELETE", f"{GROUP}/spiderreservedips/kept").status == 200
    assert [scene.run(f"w{n}").addresses for n in range(3)] == [["10.0.1.11"], ["10.0.1.12"], []]


def test_disabled_terminating_and_non_default_pools_are_passed_over() -> None:
    scene = Scene()
    scene.merge(f"{POOLS}/a", {"spec": {"disable": True}})
    assert "filtered out: [disabled of IPPool a]" in scene.run("one").error
    scene.merge(f"{POOLS}/a", {"spec": {"disable": False, "default": False}})
    assert "no default IPPool" in scene.run("two").error
    scene.merge(f"{POOLS}/a", {"spec": {"default": True}})
    scene.send("DELETE", f"{POOLS}/a")
    assert "terminating" in scene.run("three").error


def test_without_any_default_ipv6_pool_pods_are_ipv4_only() -> None:
    scene = Scene()
    scene.double.put(pool6("six", "2001:db8:1:1::a", default=False))
    assert scene.run().addresses == ["10.0.1.10"]


def test_with_both_families_a_pod_gets_both() -> None:
    scene = Scene()
    scene.double.put(pool6("six", "2001:db8:1:1::a"))
    assert scene.run().addresses == ["10.0.1.10", "2001:db8:1:1::a"]


def test_one_default_ipv6_pool_anywhere_breaks_every_node_without_one() -> None:
    scene = Scene()
    scene.double.put(pool6("six", "2001:db8:1:1::a", nodeName=["n2"]))
    assert "IPv6" in scene.run().error
    assert scene.allocated("a") == set()


def test_an_empty_ipv6_pool_fails_the_pod_and_leaks_its_ipv4_address_until_the_full_scan() -> None:
    scene = Scene()
    scene.double.put(pool6("six"))
    assert "IPv6" in scene.run().error
    assert scene.allocated("a") == {"10.0.1.10"}
    scene.clock.advance(500)
    assert scene.allocated("a") == {"10.0.1.10"}
    scene.clock.advance(100)
    assert scene.allocated("a") == set()


def test_a_disable_is_no_fence_for_requests_in_the_queue() -> None:
    scene = Scene()
    queued = scene.agent.queue_pod("default", "web", "n1")
    scene.merge(f"{POOLS}/a", {"spec": {"disable": True}})
    scene.clock.advance(1.1)
    assert (queued.done, queued.addresses) == (True, ["10.0.1.10"])


def test_a_deletion_is_no_fence_for_requests_in_the_queue() -> None:
    scene = Scene()
    queued = scene.agent.queue_pod("default", "web", "n1", seconds=0.5)
    scene.send("DELETE", f"{POOLS}/a")
    scene.clock.advance(5)
    assert queued.addresses == ["10.0.1.10"]
    assert scene.send("GET", f"{POOLS}/a").status == 200


def test_a_shrink_is_a_fence_that_wins() -> None:
    scene = Scene()
    queued = scene.agent.queue_pod("default", "web", "n1")
    assert scene.merge(f"{POOLS}/a", {"spec": {"ips": ["10.0.1.12"]}}).status == 200
    scene.clock.advance(2)
    assert queued.addresses == ["10.0.1.12"]


def test_a_shrink_is_a_fence_that_says_when_it_is_too_late() -> None:
    scene = Scene()
    scene.run()
    answer = scene.merge(f"{POOLS}/a", {"spec": {"ips": ["10.0.1.12"]}})
    assert answer.status == 422
    assert "remove an IP address 10.0.1.10 that is being used by Pod default/web" in answer.body["message"]


def test_a_pool_holds_no_more_than_5000_addresses() -> None:
    scene = Scene()
    records = ", ".join(
        f'"10.2.{number // 250}.{number % 250}": {{"pod": "x/y", "podUid": "u{number}"}}' for number in range(5000)
    )
    big = pool4("big", "10.2.0.0-10.2.31.255", subnet="10.2.0.0/16", nodeName=["n2"])
    scene.double.put({**big, "status": {"allocatedIPs": f"{{{records}}}"}})
    assert "used out" in scene.run("late", "n2").error


def test_selectors_of_a_pool_are_respected() -> None:
    scene = Scene()
    scene.double.put(pool4("a", "10.0.1.10", nodeAffinity={"matchLabels": {"zone": "a"}}))
    assert "unmatched Node affinity" in scene.run().error
    scene.merge("/api/v1/nodes/n1", {"metadata": {"labels": {"zone": "a"}}})
    assert scene.run().addresses == ["10.0.1.10"]


def test_a_pod_of_several_networks_gets_an_address_on_each() -> None:
    scene = Scene()
    scene.double.put(pool4("b", "10.0.2.5", subnet="10.0.2.0/24", multusName=["kube-system/ipvlan-ens6"]))
    networks = ["kube-system/ipvlan-ens5", "kube-system/ipvlan-ens6"]
    assert scene.agent.run_pod("default", "web", "n1", networks).addresses == ["10.0.1.10", "10.0.2.5"]


def test_a_pod_waits_for_its_network_attachment() -> None:
    scene = Scene()
    scene.double.put(node("n1"))
    scene.double.put(pool4("a", "10.0.1.10"))
    agent = SpiderpoolAgent(scene.double)
    assert "network-attachment-definition (ipvlan-ens5)" in agent.run_pod("default", "web", "n1").error
    spec = {"cniType": "ipvlan", "ipvlan": {"master": ["ens5"]}}
    scene.send(
        "POST",
        f"{GROUP}/namespaces/kube-system/spidermultusconfigs",
        {"metadata": {"name": "ipvlan-ens5"}, "spec": spec},
    )
    scene.clock.advance(1)
    assert agent.allocate("default", "web").addresses == ["10.0.1.10"]


def test_the_agent_works_while_the_controller_is_down() -> None:
    scene = Scene()
    scene.double.controller_up = False
    assert scene.run().addresses == ["10.0.1.10"]
    scene.agent.release("default", "web")
    assert scene.allocated("a") == set()
