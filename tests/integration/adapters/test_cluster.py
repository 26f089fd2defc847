"""The cluster adapter on a cluster, through the `kubernetes` package's client; `make e2e` runs it on a real one."""

from dataclasses import replace
from typing import Any

import pytest

from spiderpool_aws.domain.cluster.multus import MultusConfig
from spiderpool_aws.domain.errors import Refused, RetryLater
from spiderpool_aws.domain.memory import PoolMemory
from spiderpool_aws.local.cluster import Fault
from tests.integration.adapters.cluster_world import API, ClusterWorld
from tests.unit.adapters.pools import pool
from tests.unit.build import v4

POOLS = f"/apis/{API}/spiderippools"


def others_pool(number: int) -> dict[str, Any]:
    spec = {"subnet": "10.0.0.0/16", "ips": [f"10.0.{number // 250}.{number % 250 + 2}"]}
    return {"apiVersion": API, "kind": "SpiderIPPool", "metadata": {"name": f"p{number}"}, "spec": spec}


def test_a_pool_that_is_created_is_listed_as_it_was_answered(world: ClusterWorld) -> None:
    stored = world.cluster.apply_pool(pool())
    assert stored.uid
    assert (stored.identity, stored.spec) == (pool().identity, pool().spec)
    assert world.cluster.list_pools() == [stored]


def test_a_write_of_the_same_changes_nothing(world: ClusterWorld) -> None:
    stored = world.cluster.apply_pool(pool())
    before = world.objects(POOLS)
    assert world.cluster.apply_pool(stored) == stored
    assert world.objects(POOLS) == before


def test_memory_and_disable_come_and_go(world: ClusterWorld) -> None:
    stored = world.cluster.apply_pool(pool())
    disabled = world.cluster.apply_pool(replace(stored, memory=PoolMemory(disabled=True)))
    assert (disabled.spec.disable, disabled.memory.disabled) == (True, True)
    enabled = world.cluster.apply_pool(replace(disabled, memory=PoolMemory()))
    assert (enabled.spec.disable, enabled.memory) == (False, PoolMemory())


def test_somebody_elses_pool_of_the_name_is_not_taken(world: ClusterWorld) -> None:
    spec = {"subnet": "10.0.0.0/24", "ips": ["10.0.0.99"]}
    world.put({"apiVersion": API, "kind": "SpiderIPPool", "metadata": {"name": pool().name}, "spec": spec})
    with pytest.raises(Refused) as caught:
        world.cluster.apply_pool(pool())
    assert caught.value.code == "Conflict"
    [foreign] = world.cluster.list_pools()
    assert (foreign.identity, foreign.spec.ips) == (None, v4("10.0.0.99"))


def test_a_node_is_tainted_once_and_keeps_its_other_taints(world: ClusterWorld) -> None:
    other = {"key": "maintenance", "effect": "NoExecute"}
    uid = world.put_node(taints=[other])
    world.requests.clear()
    for _ in range(2):
        world.cluster.taint_node("n", uid, "spiderpool-aws/not-ready")
    assert world.spec_of_node()["taints"] == [other, {"key": "spiderpool-aws/not-ready", "effect": "NoSchedule"}]
    assert [what for what in world.requests if what[0] == "patch"] == [("patch", "nodes", 200)]
    with pytest.raises(Refused, match="no longer the one"):
        world.cluster.taint_node("n", "another", "x")


def test_a_node_remembers_once_that_its_instance_is_gone_and_keeps_its_other_annotations(world: ClusterWorld) -> None:
    uid = world.put_node()
    world.write_as_admin("nodes/n", {"metadata": {"annotations": {"a": "b"}}}, prefix="/api/v1")
    world.requests.clear()
    for _ in range(2):
        world.cluster.note_gone("n", uid, "i-0abc", "i-0def")
    assert [what for what in world.requests if what[0] == "patch"] == [("patch", "nodes", 200)]
    [node] = world.cluster.list_nodes()
    assert (node.gone_instance, node.heir) == ("i-0abc", "i-0def")
    with pytest.raises(Refused, match="no longer the one"):
        world.cluster.note_gone("n", "another", "i-0abc", "i-0def")
    for spoiled in ("*", "i-0abc", "i-0abc/*", "i-" + 18 * "a" + "/i-0def"):
        note = {"metadata": {"annotations": {"spiderpool-aws/gone-instance": spoiled}}}
        world.write_as_admin("nodes/n", note, prefix="/api/v1")
        assert [(node.gone_instance, node.heir) for node in world.cluster.list_nodes()] == [("", "")]
    world.cluster.note_gone("n", uid, "i-0abc", "i-0def")
    world.cluster.note_gone("n", uid, "", "")
    assert [(node.gone_instance, node.heir) for node in world.cluster.list_nodes()] == [("", "")]


def test_a_field_that_somebody_edited_in_our_pool_becomes_ours_again(world: ClusterWorld) -> None:
    stored = world.cluster.apply_pool(pool())
    world.write_as_admin(f"spiderippools/{stored.name}", {"spec": {"nodeName": ["other"]}})
    assert world.cluster.apply_pool(stored).spec.node_name == ("n",)


def test_a_pool_that_took_the_place_of_another_is_not_written(world: ClusterWorld) -> None:
    stored = world.cluster.apply_pool(pool())
    with pytest.raises(Refused) as caught:
        world.cluster.apply_pool(replace(stored, uid="another"))
    assert caught.value.code == "Conflict"
    with pytest.raises(Refused) as caught:
        world.cluster.delete_pool(replace(stored, uid="another"))
    assert caught.value.code == "Conflict"


def test_addresses_of_another_pool_are_refused_as_overlap(world: ClusterWorld) -> None:
    world.cluster.apply_pool(pool())
    with pytest.raises(Refused) as caught:
        world.cluster.apply_pool(pool("other", "10.0.0.13"))
    assert caught.value.code == "Overlap"


def test_an_address_in_use_stays_in_its_pool(world: ClusterWorld) -> None:
    stored = world.cluster.apply_pool(pool())
    world.use(stored.name, "10.0.0.12")
    [seen] = world.cluster.list_pools()
    assert (seen.allocated, dict(seen.users)) == (v4("10.0.0.12"), {"10.0.0.12": "default/pod-0"})
    with pytest.raises(Refused) as caught:
        world.cluster.apply_pool(replace(stored, spec=replace(stored.spec, ips=v4("10.0.0.11"))))
    assert caught.value.code == "InUse"


def test_a_terminating_pool_is_not_written_and_goes_when_it_is_empty(world: ClusterWorld) -> None:
    stored = world.cluster.apply_pool(pool())
    world.use(stored.name, "10.0.0.12")
    world.cluster.delete_pool(stored)
    assert [p.terminating for p in world.cluster.list_pools()] == [True]
    with pytest.raises(Refused) as caught:
        world.cluster.apply_pool(replace(stored, memory=PoolMemory(disabled=True)))
    assert caught.value.code == "Terminating"
    world.use(stored.name)
    world.settle()
    assert world.cluster.list_pools() == []
    world.cluster.delete_pool(stored)


def test_a_thousand_pools_come_in_three_pages(world: ClusterWorld) -> None:
    world.put_many([others_pool(number) for number in range(1001)])
    world.requests.clear()
    assert len({p.name for p in world.cluster.list_pools()}) == 1001
    assert world.requests == [("list", "spiderippools", 200)] * 3


def test_a_listing_that_expired_half_way_is_begun_anew(world: ClusterWorld) -> None:
    world.put_many([others_pool(number) for number in range(600)])
    expire = world.list_token_expiry()
    listings = 0

    def expire_once(method: str, path: str) -> None:
        nonlocal listings
        listings += method == "GET" and path.endswith("spiderippools")
        if listings == 2:
            # A change and a compaction between the pages, so that the token's version is gone.
            expire()

    world.inject(expire_once)
    assert len(world.cluster.list_pools()) == 600
    assert listings == 4


def test_a_multus_config_is_created_and_mended(world: ClusterWorld) -> None:
    stored = world.cluster.apply_multus(MultusConfig("kube-system", "ipvlan-ens5", "ens5"), "prod")
    assert world.cluster.list_multus() == {"kube-system/ipvlan-ens5": stored}
    mended = world.cluster.apply_multus(replace(stored, master="ens6"), "prod")
    assert (mended.master, mended.ours, mended.uid) == ("ens6", True, stored.uid)


def test_a_node_gets_its_provider_id_once(world: ClusterWorld) -> None:
    uid = world.put_node()
    world.cluster.prepare_node("n", uid, provider_id="aws:///a/i-0a")
    node = world.cluster.get_node("n")
    assert node is not None
    assert (node.provider_id, node.internal_ips) == ("aws:///a/i-0a", ("10.0.0.10",))
    with pytest.raises(Refused, match="has the providerID"):
        world.cluster.prepare_node("n", uid, provider_id="aws:///a/i-0b")
    with pytest.raises(Refused, match="no longer the one"):
        world.cluster.prepare_node("n", "another", provider_id="aws:///a/i-0a")


def test_a_taint_goes_and_one_that_somebody_adds_at_that_moment_stays(world: ClusterWorld) -> None:
    startup = {"key": "spiderpool-aws/not-ready", "effect": "NoSchedule"}
    added = {"key": "maintenance", "effect": "NoExecute"}
    uid = world.put_node(taints=[startup])
    patches = 0

    def add_before_the_patch(method: str, path: str) -> None:
        nonlocal patches
        if method == "PATCH" and path.endswith("/nodes/n"):
            patches += 1
            if patches == 1:
                world.write_as_admin("nodes/n", {"spec": {"taints": [startup, added]}}, prefix="/api/v1")

    world.inject(add_before_the_patch)
    world.cluster.prepare_node("n", uid, taint="spiderpool-aws/not-ready")
    assert world.spec_of_node()["taints"] == [added]
    world.cluster.prepare_node("n", uid, taint="maintenance")
    assert not world.spec_of_node().get("taints")


def test_a_node_and_its_pods_are_deleted_by_uid(world: ClusterWorld) -> None:
    uid = world.put_node()
    for name, node in (("mine", "n"), ("other", "m")):
        world.put(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": name, "namespace": "default"},
                "spec": {"nodeName": node, "containers": [{"name": "c", "image": "i"}]},
            }
        )
    [pod] = world.cluster.list_pods("n")
    world.cluster.delete_pod(replace(pod, uid="another"))
    world.cluster.delete_node("n", "another")
    assert (world.cluster.list_pods("n"), world.cluster.get_node("n") is not None) == ([pod], True)
    for _ in range(2):
        world.cluster.delete_pod(pod)
        world.cluster.delete_node("n", uid)
    world.settle()
    assert (world.cluster.list_pods("n"), world.cluster.get_node("n")) == ([], None)
    assert {"mine", "other"} & {p["metadata"]["name"] for p in world.objects("/api/v1/pods")} == {"other"}


def test_without_its_controller_spiderpool_refuses_nothing_for_good(world: ClusterWorld) -> None:
    world.stop_controller()
    with pytest.raises(RetryLater, match="spiderpool-controller"):
        world.cluster.apply_pool(pool())


@pytest.mark.parametrize(
    ("fault", "words", "delay"),
    [
        pytest.param(Fault.status(429, 7), "429", 7, id="throttled"),
        pytest.param(Fault.status(503), "503", None, id="unavailable"),
        pytest.param(Fault.unavailable(), "check the endpoint", None, id="no answer"),
        pytest.param(Fault.cut(), "cannot be reached", None, id="cut"),
    ],
)
def test_a_failing_server_is_tried_later(world: ClusterWorld, fault: Fault, words: str, delay: float | None) -> None:
    with world.failing(fault), pytest.raises(RetryLater, match=words) as caught:
        world.cluster.apply_pool(pool())
    assert caught.value.delay_seconds == delay


def test_a_wrong_token_says_to_renew_it(world: ClusterWorld) -> None:
    with pytest.raises(RetryLater, match="refused the token"):
        world.connect("wrong").list_pools()
