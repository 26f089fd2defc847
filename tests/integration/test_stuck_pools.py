"""Nodes and pods of the dead that nobody may delete: their pools are stuck, are told, and go when a person acts."""

from typing import Any

import pytest

from spiderpool_aws.local.ec2.fixtures import SubnetPlan
from tests.integration.capacity import (
    PLANS,
    V4,
    by_hand,
    dual,
    events,
    held,
    interface,
    listed,
    nic_of,
    node_name,
    policy_of,
    run_pods,
)
from tests.integration.scene import Scene, scene

KEPT = {"deleteTerminated": False, "deletePodsOfTerminated": False}


def policy(nodes: dict[str, Any], nic: dict[str, Any] | None = None) -> str:
    return policy_of(nic or interface(0), nodes=nodes)


def node_names(s: Scene) -> list[str]:
    return [node["metadata"]["name"] for node in s.stack.cluster.objects("nodes")]


def findings(s: Scene) -> list[str]:
    return [text for text in s.stack.bus.invoke_resync({"dryRun": True})["findings"] if "is deleted since" in text]


def test_a_kept_node_stays_while_its_pods_and_pools_go() -> None:
    with scene(policy({"deleteTerminated": False}), subnets=PLANS) as s:
        instance_id = s.launch(nics=1)
        s.run(120)
        name = node_name(s, instance_id)
        run_pods(s, instance_id, 2)
        by_hand(s, "TerminateInstances", InstanceIds=[instance_id])
        s.run(300)
        assert (s.pools(), s.stack.cluster.objects("pods"), node_names(s)) == ([], [], [name])
        s.checker.assert_idle(lambda: s.run(900))


def test_kept_pods_keep_the_pools_until_spiderpool_collects_what_they_hold() -> None:
    with scene(policy(KEPT), subnets=PLANS) as s:
        instance_id = s.launch(nics=1)
        s.run(120)
        name = node_name(s, instance_id)
        run_pods(s, instance_id, 2)
        by_hand(s, "TerminateInstances", InstanceIds=[instance_id])
        s.run(200)
        assert [pool.terminating for pool in s.pools()] == [True]
        s.run(300)
        assert s.pools() == [], "the node is NotReady for long enough"
        assert (len(s.stack.cluster.objects("pods")), node_names(s)) == (2, [name])
        assert s.stack.journal.counts["PoolStuck"] == 0
        s.checker.assert_idle(lambda: s.run(900))


def dies(s: Scene, instance_id: str) -> None:
    """Terminate an instance whose pods nobody deletes, while Spiderpool's controller is down."""
    by_hand(s, "TerminateInstances", InstanceIds=[instance_id])
    s.run(30)
    s.stack.cluster.controller_up = False


def goes_on(s: Scene) -> None:
    """Have the controller back and, as a person, delete the pods of the dead."""
    s.stack.cluster.controller_up = True
    for pod in s.stack.cluster.objects("pods"):
        s.stack.agent.delete_pod("default", pod["metadata"]["name"])
    s.run(900)


@pytest.mark.parametrize("families", ["IPv4", "dual stack"])
def test_stuck_pools_are_told_with_the_pods_that_hold_them(families: str) -> None:
    nic = interface(0) if families == "IPv4" else dual(0)
    with scene(policy(KEPT, nic), subnets=PLANS) as s:
        instance_id = s.launch(nics=1)
        s.run(120)
        name = node_name(s, instance_id)
        run_pods(s, instance_id, 2)
        dies(s, instance_id)
        s.run(300)
        assert findings(s) == [], "not yet ten minutes"
        s.run(1200)
        pools, told = s.pools(instance_id), findings(s)
        assert (len(pools), len(told)) == (2, 2) if "ipv6" in nic else (1, 1)
        assert all("default/pod-0, default/pod-1" in text for text in told)
        assert (len(events(s, "PoolStuck")), s.stack.journal.counts["PoolStuck"] > 0) == (len(pools), True)
        assert (len(s.stack.cluster.objects("pods")), node_names(s)) == (2, [name])
        goes_on(s)
        assert (s.pools(instance_id), findings(s)) == ([], [])
        s.checker.assert_idle(lambda: s.run(900))


def test_a_successor_gets_what_a_stuck_pool_lists_only_when_that_is_gone() -> None:
    with scene(policy(KEPT), subnets=PLANS | {"nodes": SubnetPlan("10.0.0.0/28")}) as s:
        first = s.launch(nics=1)
        s.run(120)
        run_pods(s, first, 2)
        old = listed(s, first)
        dies(s, first)
        second = s.launch(nics=1, PrivateIpAddress="10.0.0.14")
        s.run(300)
        assert held(nic_of(s, second)) & old, "AWS gives the addresses of the dead at once"
        assert not listed(s, second) & old, "Spiderpool refuses what another pool lists"
        goes_on(s)
        assert (s.pools(first), listed(s, second)) == ([], held(nic_of(s, second)))
        s.checker.assert_idle(lambda: s.run(900))


def test_a_default_ipv6_pool_that_is_stuck_keeps_ipv6_until_it_is_gone() -> None:
    with scene(policy(KEPT, dual(0)), subnets=PLANS) as s:
        dead, alive = s.launch(nics=1), s.launch(nics=1)
        s.run(120)
        run_pods(s, dead, 1)
        dies(s, dead)
        s.stack.put_policy(policy(KEPT))
        s.run(1200)
        assert [pool.spec.default for pool in s.pools(alive)] == [True, True], "Spiderpool counts the dying one"
        pod = s.stack.agent.run_pod("default", "new", node_name(s, alive), "kube-system/ipvlan-ens5")
        assert len(pod.addresses) == 2
        assert len(findings(s)) == 2
        goes_on(s)
        assert [pool.family for pool in s.pools(alive)] == [V4]
        s.checker.assert_idle(lambda: s.run(900))
