"""The checker of the invariants can fail: each rule about the cluster is broken once, by a product gone wrong."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from spiderpool_aws.local.cluster import ClusterWrite
from spiderpool_aws.local.invariants import InvariantError
from tests.integration.broken_product import API, POOLS, apply, manifest, nic, path, relabelled, write
from tests.integration.scene import Scene, policy_text, scene

FAR = {"subnet": "10.0.9.0/24", "ips": ["10.0.9.5"], "gateway": "10.0.9.1"}


def list_what_was_never_assigned(s: Scene) -> None:
    apply(s, manifest(s, ips=["10.0.0.5-10.0.0.9", "10.0.0.77"]))


def list_what_was_never_assigned_after_a_strangers_end(s: Scene) -> None:
    other = s.launch(nics=1, tags={})
    s.stack.bus.advance(15)
    s.stack.model.call("TerminateInstances", {"InstanceIds": [other]})
    s.stack.bus.advance(10)
    list_what_was_never_assigned(s)


def list_what_was_never_assigned_after_a_loss_of_the_same_nic(s: Scene) -> None:
    s.stack.model.call("UnassignPrivateIpAddresses", {"NetworkInterfaceId": nic(s), "PrivateIpAddresses": ["10.0.0.9"]})
    list_what_was_never_assigned(s)


def list_the_hosts_address(s: Scene) -> None:
    apply(s, manifest(s, ips=["10.0.0.4-10.0.0.9"]))


def label_what_another_nic_holds(s: Scene) -> None:
    apply(s, relabelled(manifest(s), eni="eni-00000000000000bad"))


def wipe_the_record_of_allocations(s: Scene) -> None:
    write(s, "PATCH", f"{path(s)}/status", {"status": {"allocatedIPs": None, "allocatedIPCount": 0}})


def strip_the_finalizer_of_a_live_pool(s: Scene) -> None:
    where = path(s)
    write(s, "DELETE", where)
    write(s, "PATCH", where, {"metadata": {"finalizers": None}})
    assert not s.pools()


def remove_a_pool_in_use(s: Scene) -> None:
    where = path(s)
    s.stack.model.call("TerminateInstances", {"InstanceIds": list(s.stack.model.instances)})
    s.stack.bus.silence()
    s.stack.bus.advance(30)
    write(s, "DELETE", where)
    write(s, "PATCH", where, {"metadata": {"finalizers": None}})
    assert not s.pools()


def write_another_gateway(s: Scene) -> None:
    apply(s, manifest(s, gateway="10.0.0.2"))


def write_another_subnet(s: Scene) -> None:
    apply(s, relabelled(manifest(s, **FAR), "twin"))


def write_no_node_name(s: Scene) -> None:
    apply(s, manifest(s, nodeName=[]))


def write_another_node(s: Scene) -> None:
    apply(s, manifest(s, nodeName=["some-other-node"]))


def write_two_nodes(s: Scene) -> None:
    apply(s, manifest(s, nodeName=[*manifest(s)["spec"]["nodeName"], "some-other-node"]))


def write_another_network(s: Scene) -> None:
    apply(s, manifest(s, multusName=["kube-system/other"]))


def label_another_instance(s: Scene) -> None:
    apply(s, relabelled(manifest(s), instance="i-00000000000000bad"))


def label_another_attachment(s: Scene) -> None:
    apply(s, relabelled(manifest(s), attachment="eni-attach-00000000000000bad"))


def label_another_cluster(s: Scene) -> None:
    apply(s, relabelled(manifest(s), cluster="staging"))


def delete_another_clusters_pool(s: Scene) -> None:
    s.stack.cluster.put(relabelled(manifest(s, **FAR), "theirs", cluster="staging"))
    write(s, "DELETE", f"{POOLS}/theirs")


def write_somebodys_pool(s: Scene) -> None:
    pool = manifest(s, **FAR, default=False) | {"metadata": {"name": "hand-made"}}
    s.stack.cluster.put(pool)
    apply(s, pool | {"spec": pool["spec"] | {"default": True}})


def delete_a_live_node(s: Scene) -> None:
    (node,) = s.stack.cluster.objects("nodes")
    write(s, "DELETE", f"/api/v1/nodes/{node['metadata']['name']}")


def delete_a_node_that_never_was_an_instances(s: Scene) -> None:
    s.stack.cluster.put({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "bare-metal"}})
    write(s, "DELETE", "/api/v1/nodes/bare-metal")


def label_a_node(s: Scene) -> None:
    (node,) = s.stack.cluster.objects("nodes")
    write(s, "PATCH", f"/api/v1/nodes/{node['metadata']['name']}", {"metadata": {"labels": {"a": "b"}}})


GONE = "spiderpool-aws/gone-instance"


def note_on_a_live_node_that_it_is_gone(s: Scene) -> None:
    (node,) = s.stack.cluster.objects("nodes")
    (instance,) = s.stack.model.instances
    path = f"/api/v1/nodes/{node['metadata']['name']}"
    write(s, "PATCH", path, {"metadata": {"annotations": {GONE: instance}}})


def note_on_nobodys_node_that_somebody_is_gone(s: Scene) -> None:
    s.stack.cluster.put({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "bare-metal"}})
    write(s, "PATCH", "/api/v1/nodes/bare-metal", {"metadata": {"annotations": {GONE: "i-00000000000000bad"}}})


def claim_a_node_that_is_not_proved(s: Scene) -> None:
    s.stack.cluster.put({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "bare-metal"}})
    (instance,) = s.stack.model.instances
    write(s, "PATCH", "/api/v1/nodes/bare-metal", {"spec": {"providerID": f"aws:///eu-west-1a/{instance}"}})


def delete_the_pool_of_a_live_node(s: Scene) -> None:
    write(s, "DELETE", path(s))


def delete_a_pod_of_a_live_node(s: Scene) -> None:
    write(s, "DELETE", "/api/v1/namespaces/default/pods/web")


def delete_a_pod_of_no_dead_node(s: Scene) -> None:
    s.stack.agent.run_pod("default", "elsewhere", "bare-metal", "kube-system/ipvlan-ens5")
    write(s, "DELETE", "/api/v1/namespaces/default/pods/elsewhere")


def delete_a_multus_config(s: Scene) -> None:
    write(s, "DELETE", f"{API}/namespaces/kube-system/spidermultusconfigs/ipvlan-ens5")


def delete_a_namespace(s: Scene) -> None:
    write(s, "DELETE", "/api/v1/namespaces/default")


@pytest.mark.parametrize(
    ("invariant", "break_it"),
    [
        (1, list_what_was_never_assigned),
        (1, list_what_was_never_assigned_after_a_strangers_end),
        (1, list_what_was_never_assigned_after_a_loss_of_the_same_nic),
        (1, label_what_another_nic_holds),
        (3, wipe_the_record_of_allocations),
        (3, strip_the_finalizer_of_a_live_pool),
        (3, remove_a_pool_in_use),
        (4, list_the_hosts_address),
        (4, write_another_gateway),
        (4, write_another_subnet),
        (4, write_no_node_name),
        (4, write_another_node),
        (4, write_two_nodes),
        (4, write_another_network),
        (4, label_another_instance),
        (4, label_another_attachment),
        (7, label_another_cluster),
        (7, delete_another_clusters_pool),
        (7, write_somebodys_pool),
        (7, delete_a_live_node),
        (7, delete_a_node_that_never_was_an_instances),
        (7, label_a_node),
        (7, claim_a_node_that_is_not_proved),
        (7, note_on_nobodys_node_that_somebody_is_gone),
        (10, note_on_a_live_node_that_it_is_gone),
        (7, delete_a_multus_config),
        (7, delete_a_namespace),
        (10, delete_the_pool_of_a_live_node),
        (10, delete_a_pod_of_a_live_node),
        (10, delete_a_pod_of_no_dead_node),
    ],
)
def test_a_product_that_breaks_an_invariant_in_the_cluster_is_caught(
    invariant: int, break_it: Callable[[Scene], None]
) -> None:
    with scene(policy_text(nics=1)) as s:
        s.launch(nics=1)
        s.run(120)
        (node,) = s.stack.cluster.objects("nodes")
        s.stack.agent.run_pod("default", "web", node["metadata"]["name"], "kube-system/ipvlan-ens5")
        s.checker.check()
        break_it(s)
        with pytest.raises(InvariantError, match=f"invariant {invariant}:"):
            s.checker.check()
        s.checker.violations.clear()


def test_an_address_that_the_nic_held_a_moment_ago_is_excused_and_half_a_minute_later_it_is_not() -> None:
    with scene(policy_text(nics=1)) as s:
        s.launch(nics=1)
        s.run(120)
        s.stack.bus.silence()
        s.stack.cluster.put(manifest(s, ips=["10.0.0.5-10.0.0.8"]))
        call_by_hand = {"NetworkInterfaceId": nic(s), "PrivateIpAddresses": ["10.0.0.9"]}
        s.stack.model.call("UnassignPrivateIpAddresses", call_by_hand)
        s.stack.bus.advance(20)
        apply(s, manifest(s, ips=["10.0.0.5-10.0.0.9"]))
        s.checker.check()
        s.stack.cluster.put(manifest(s, ips=["10.0.0.5-10.0.0.8"]))
        s.stack.bus.advance(15)
        apply(s, manifest(s, ips=["10.0.0.5-10.0.0.9"]))
        with pytest.raises(InvariantError, match=r"invariant 1: .* got 10\.0\.0\.9,"):
            s.checker.check()
        s.checker.violations.clear()


def test_what_dies_with_its_instance_is_excused_from_the_moment_at_which_it_goes() -> None:
    with scene(policy_text(nics=1)) as s:
        s.launch(nics=1)
        s.run(120)
        s.stack.bus.silence()
        s.stack.cluster.put(manifest(s, ips=["10.0.0.5-10.0.0.8"]))
        s.stack.model.call("TerminateInstances", {"InstanceIds": list(s.stack.model.instances)})
        lives = s.stack.model.world.options.shutting_down_seconds
        s.stack.bus.advance(lives + 25)
        apply(s, manifest(s, ips=["10.0.0.5-10.0.0.9"]))
        s.checker.check()


def test_a_write_that_drops_what_a_pod_uses_is_caught_though_no_webhook_would_let_it_pass() -> None:
    with scene(policy_text(nics=1)) as s:
        s.launch(nics=1)
        s.run(120)
        (node,) = s.stack.cluster.objects("nodes")
        s.stack.agent.run_pod("default", "web", node["metadata"]["name"], "kube-system/ipvlan-ens5")
        (pool,) = s.stack.cluster.objects("spiderippools")
        name, after = pool["metadata"]["name"], pool | {"spec": pool["spec"] | {"ips": ["10.0.0.6-10.0.0.9"]}}
        user = "spiderpool-aws"
        seen = ClusterWrite("patch", "spiderippools", "", name, "", user, user, pool, after, 200)
        s.stack.cluster._show(replace(seen, user="admin", field_manager="kubectl"))
        s.checker.check()
        s.stack.cluster._show(seen)
        with pytest.raises(InvariantError, match=r"invariant 3: .* dropped 10\.0\.0\.5"):
            s.checker.check()
        s.checker.violations.clear()


@pytest.mark.parametrize("known", [True, False], ids=["the Node's InternalIP is the host's", "nothing says which"])
def test_without_a_primary_mark_the_hosts_ipv6_address_is_told_by_its_node(*, known: bool) -> None:
    with scene(policy_text(nics=1, ipv6={"prefixes": 1})) as s:
        s.launch(nics=1, PrimaryIpv6=False, Ipv6AddressCount=2)
        s.run(120)
        eni = s.stack.model.enis[nic(s)]
        host, other = (held.address for held in eni.ipv6_addresses)
        if known:
            (node,) = s.stack.cluster.objects("nodes")
            addresses = [*node["status"]["addresses"], {"type": "InternalIP", "address": host}]
            s.stack.cluster.put(node | {"status": node["status"] | {"addresses": addresses}})
        (pool,) = (p for p in s.stack.cluster.objects("spiderippools") if p["spec"]["ipVersion"] == 6)
        body = {"spec": {"ips": [*pool["spec"]["ips"], other]}}
        write(s, "PATCH", f"{POOLS}/{pool['metadata']['name']}", body)
        caught = "" if known else f"the host's own address {other}"
        assert [caught in str(v) for v in s.checker.violations] == ([] if known else [True])
        s.checker.violations.clear()
        write(s, "PATCH", f"{POOLS}/{pool['metadata']['name']}", {"spec": {"ips": [*body["spec"]["ips"], host]}})
        assert [str(v) for v in s.checker.violations if host in str(v)]
        s.checker.violations.clear()


def test_a_write_to_a_converged_system_is_caught() -> None:
    with scene(policy_text(nics=1)) as s:
        s.launch(nics=1)
        s.run(120)
        with pytest.raises(InvariantError, match="invariant 8: 1 writes"):
            s.checker.assert_idle(lambda: apply(s, manifest(s, default=False)))


def test_a_write_that_fails_is_no_idleness_either() -> None:
    with scene(policy_text(nics=1)) as s:
        s.launch(nics=1)
        s.run(120)

        def fail() -> None:
            with pytest.raises(AssertionError, match="NotFound"):
                write(s, "DELETE", f"{POOLS}/none")
            s.stack.model.execute("AssignPrivateIpAddresses", {"NetworkInterfaceId": "eni-1"}, s.stack.role_arns[1])

        with pytest.raises(InvariantError, match="invariant 8: 2 writes"):
            s.checker.assert_idle(fail)


def test_two_pools_with_one_address_are_caught() -> None:
    with scene(policy_text(nics=1)) as s:
        s.launch(nics=1)
        s.run(120)
        s.stack.cluster.put(relabelled(manifest(s), "twin"), past_overlap_check=True)
        with pytest.raises(InvariantError, match=r"invariant 4: 10\.0\.0\.5 is in"):
            s.checker.check()
        s.stack.cluster.store.remove("spiderippools", ("", "twin"))
