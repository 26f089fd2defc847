"""What keeps IPv6 from becoming default: no node's pods fail because of it, and a person is told which node it is."""

from typing import Any

from tests.integration.capacity import PLANS, V6, by_hand, dual, interface, nic_of, node_name, policy_of
from tests.integration.scene import TAGS, Scene, scene
from tests.integration.test_turning_ipv6_off import NETWORK, defaults, ipv6, pod_works, set_default, tag

WORKERS = {"match": {"tags": {"role": "worker"}}}
OFF, ON = policy_of(interface(0)), policy_of(dual(0))


def told(s: Scene) -> list[str]:
    """Return what the resync finds about IPv6."""
    findings = s.stack.bus.invoke_resync({"dryRun": True})["findings"]
    return [text for text in findings if "IPv6" in text]


def group(nic: dict[str, Any], **match: Any) -> str:
    """Return a policy with one group."""
    return policy_of(groups=[{"name": "workers", "interfaces": [nic], **match}])


def test_a_running_node_of_no_group_holds_it_up_until_its_pools_are_gone() -> None:
    with scene(OFF, subnets=PLANS) as s:
        worker = s.launch(nics=1, tags=TAGS | {"role": "worker"})
        other = s.launch(nics=1)
        s.run(120)
        s.stack.put_policy(group(dual(0), **WORKERS))
        s.run(900)
        assert (len(ipv6(s)), defaults(s)) == (1, 0)
        assert (pod_works(s, worker), pod_works(s, other)) == (1, 1)
        (finding,) = told(s)
        assert f"{other} (Node {node_name(s, other)}) holds IPv6 up" in finding
        assert "no group of the policy matches it" in finding
        by_hand(s, "TerminateInstances", InstanceIds=[other])
        s.run(900)
        assert (defaults(s), pod_works(s, worker)) == (1, 2)
        assert told(s) == []
        s.checker.assert_idle(lambda: s.run(900))


def test_a_node_that_is_left_alone_holds_it_up_and_is_named() -> None:
    with scene(OFF, subnets=PLANS) as s:
        nodes = [s.launch(nics=1) for _ in range(2)]
        s.run(120)
        tag(s, nodes[1], "false")
        s.stack.put_policy(ON)
        s.run(900)
        assert (defaults(s), [pod_works(s, node) for node in nodes]) == (0, [1, 1])
        (finding,) = told(s)
        assert nodes[1] in finding
        assert "spiderpool-aws/managed=false" in finding
        tag(s, nodes[1], "true")
        s.run(900)
        assert (defaults(s), [pod_works(s, node) for node in nodes]) == (2, [2, 2])


def test_a_node_without_a_known_host_address_holds_it_up_and_is_named() -> None:
    with scene(OFF, subnets=PLANS) as s:
        known, unknown = s.launch(nics=1), s.launch(nics=1, PrimaryIpv6=False)
        s.run(120)
        s.stack.put_policy(ON)
        s.run(900)
        assert (defaults(s), pod_works(s, known), pod_works(s, unknown)) == (0, 1, 1)
        (finding,) = [text for text in told(s) if "holds IPv6 up" in text]
        assert f"{unknown} (Node {node_name(s, unknown)})" in finding
        assert nic_of(s, unknown).id in finding


def test_a_node_that_lost_its_tag_with_its_pools_prepared_holds_it_up() -> None:
    # Its IPv6 pool is there and would stay as it is when the others become default.
    with scene(OFF, subnets=PLANS) as s:
        nodes = [s.launch(nics=1) for _ in range(3)]
        s.run(120)
        tag(s, nodes[2], "false")
        s.stack.put_policy(ON)
        s.run(120)
        tag(s, nodes[1], "false")
        tag(s, nodes[2], "true")
        s.run(900)
        assert (len(ipv6(s)), defaults(s)) == (3, 0)
        assert [pod_works(s, node) for node in nodes] == [1, 1, 1]
        (finding,) = told(s)
        assert nodes[1] in finding
        tag(s, nodes[1], "true")
        s.run(900)
        assert [pod_works(s, node) for node in nodes] == [2, 2, 2]


def test_a_hand_made_pool_of_a_node_outside_of_the_cluster_holds_it_up_while_pods_use_it() -> None:
    with scene(OFF, subnets=PLANS) as s:
        ours, other = s.launch(nics=1), s.launch(nics=1, tags={})
        s.run(120)
        answer = by_hand(
            s, "AssignPrivateIpAddresses", NetworkInterfaceId=nic_of(s, other).id, SecondaryPrivateIpAddressCount=1
        )
        address = answer["AssignedPrivateIpAddresses"][0]["PrivateIpAddress"]
        kind = {"apiVersion": "spiderpool.spidernet.io/v2beta1", "kind": "SpiderIPPool", "metadata": {"name": "theirs"}}
        spec = {
            "ipVersion": 4, "subnet": "10.0.0.0/24", "ips": [address], "gateway": "10.0.0.1", "default": True,
            "nodeName": [node_name(s, other)], "multusName": [NETWORK],
        }  # fmt: skip
        s.stack.cluster.put({**kind, "spec": spec})
        assert not s.stack.agent.run_pod("default", "theirs", node_name(s, other), NETWORK).error
        s.stack.put_policy(ON)
        s.run(600)
        assert (defaults(s), pod_works(s, ours)) == (0, 1)
        (finding,) = told(s)
        assert "pods use pool theirs" in finding
        set_default(s, "theirs", "false")
        s.run(600)
        assert (defaults(s), pod_works(s, ours)) == (1, 2)


def test_a_node_that_joins_in_the_very_pass_of_the_flip_is_default_a_minute_later() -> None:
    with scene(OFF, subnets=PLANS) as s:
        nodes = [s.launch(nics=1) for _ in range(3)]
        s.run(120)
        s.stack.put_policy(ON)
        joined: list[str] = []

        def join(method: str, path: str) -> None:
            # Before the first pool that becomes default is written, a node has got its pools from an older listing.
            if method == "PATCH" and "-v6-" in path and len(ipv6(s)) == 3 and not joined:
                joined.append(s.launch(nics=1))

        s.stack.cluster.inject(join)
        for _ in range(60):
            s.run(5)
            if joined and len(ipv6(s)) == 4 and defaults(s) == 4:
                break
        assert [pod_works(s, node) for node in (*nodes, *joined)] == [2] * 4
        s.checker.assert_idle(lambda: s.run(900))


def test_an_interface_that_leaves_the_policy_is_told_and_its_pools_go_on_serving() -> None:
    two = policy_of(interface(0), interface(1))
    with scene(two, subnets=PLANS) as s:
        instance_id = s.launch(nics=2)
        s.run(120)
        second = {pool.name: pool.spec for pool in s.pools(instance_id) if "ens6" in pool.name}
        s.stack.put_policy(OFF)
        s.run(900)
        findings = s.stack.bus.invoke_resync({"dryRun": True})["findings"]
        (finding,) = findings
        assert nic_of(s, instance_id, 1).id in finding
        assert all(name in finding for name in second)
        assert {pool.name: pool.spec for pool in s.pools(instance_id) if pool.name in second} == second
        pod = s.stack.agent.run_pod("default", "old", node_name(s, instance_id), "kube-system/ipvlan-ens6")
        assert not pod.error
        s.checker.assert_idle(lambda: s.run(900))
        s.stack.put_policy(two)
        s.run(120)
        assert s.stack.bus.invoke_resync({"dryRun": True})["findings"] == []


def test_an_interface_out_of_the_policy_holds_ipv6_up_and_keeps_its_default_as_the_others() -> None:
    with scene(policy_of(interface(0), interface(1)), subnets=PLANS) as s:
        instance_id = s.launch(nics=2)
        s.run(120)
        s.stack.put_policy(ON)
        s.run(600)
        assert defaults(s) == 0
        assert any(nic_of(s, instance_id, 1).id in text and "holds IPv6 up" in text for text in told(s))
        s.stack.put_policy(policy_of(dual(0), dual(1)))
        s.run(600)
        assert defaults(s) == 2
        s.stack.put_policy(OFF)
        s.run(400)
        assert defaults(s) == 0
        assert pod_works(s, instance_id) == 1
        assert [pool.name for pool in ipv6(s) if "ens6" in pool.name and pool.spec.ips], "left alone, but not default"


def test_a_pool_that_a_person_disabled_does_not_serve_and_the_flip_waits_for_it() -> None:
    with scene(OFF, subnets=PLANS) as s:
        nodes = [s.launch(nics=1) for _ in range(2)]
        s.run(120)
        tag(s, nodes[0], "false")
        s.stack.put_policy(ON)
        s.run(300)
        (pool,) = ipv6(s)
        headers = {
            "authorization": f"Bearer {s.stack.cluster.admin_token}",
            "content-type": "application/merge-patch+json",
        }
        path = f"/apis/spiderpool.spidernet.io/v2beta1/spiderippools/{pool.name}"
        assert s.stack.cluster.request("PATCH", path, {}, headers, {"spec": {"disable": True}}).status == 200
        tag(s, nodes[0], "true")
        s.run(600)
        assert defaults(s) == 0
        assert [pod_works(s, node) for node in nodes] == [1, 1]
        assert s.stack.cluster.request("PATCH", path, {}, headers, {"spec": {"disable": None}}).status == 200
        s.run(600)
        assert [pod_works(s, node) for node in nodes] == [2, 2]


def test_a_stopped_node_holds_nothing_up() -> None:
    with scene(OFF, subnets=PLANS) as s:
        node, stopped = s.launch(nics=1), s.launch(nics=1)
        s.run(120)
        by_hand(s, "StopInstances", InstanceIds=[stopped])
        s.run(60)
        s.stack.put_policy(ON)
        s.run(300)
        assert (defaults(s), pod_works(s, node)) == (1, 2)
        by_hand(s, "StartInstances", InstanceIds=[stopped])
        s.run(300)
        assert (defaults(s), pod_works(s, stopped)) == (2, 2)
        assert {pool.family for pool in s.pools(stopped)} >= {V6}
