"""Addresses that go from one node to the next, and those that leave while a pod uses them: nobody intervenes."""

import pytest

from spiderpool_aws.domain.addresses import AddressSet
from spiderpool_aws.local.ec2.fixtures import launch
from tests.integration.capacity import PLANS, V4, by_hand, events, held, interface, listed, nic_of, node_name, policy_of
from tests.integration.capacity import run_pods as run_pods_on
from tests.integration.scene import TAGS, Scene, scene

ONE = policy_of(interface(0))
NETWORK = "kube-system/ipvlan-ens5"


def terminate(s: Scene, instance_id: str) -> None:
    by_hand(s, "TerminateInstances", InstanceIds=[instance_id])


def reserved(s: Scene) -> list[str]:
    return [ip for known in s.stack.cluster.objects("spiderreservedips") for ip in known["spec"]["ips"]]


def test_a_dead_nodes_addresses_serve_its_successor_though_pods_held_them_and_nobody_intervenes() -> None:
    with scene(ONE, subnets=PLANS) as s:
        dead = s.launch(nics=1)
        s.run(120)
        old = listed(s, dead)
        run_pods_on(s, dead, 5)
        terminate(s, dead)
        s.run(25)
        heir = s.launch(nics=1)
        s.run(90)
        assert held(nic_of(s, heir)) & old, "EC2 reuses addresses at once"
        assert listed(s) == held(nic_of(s, heir))
        assert s.pools(dead) == []
        assert s.stack.cluster.objects("pods") == []
        assert [n["metadata"]["name"] for n in s.stack.cluster.objects("nodes")] == [node_name(s, heir)]
        assert len(run_pods_on(s, heir, 5)) == 5
        s.checker.assert_idle(lambda: s.run(600))


def test_a_node_name_that_comes_back_while_its_old_pool_is_dying_gets_a_pool_of_its_own() -> None:
    policy = policy_of(interface(0), nodes={"deletePodsOfTerminated": False})
    with scene(policy, subnets=PLANS) as s:
        dead = s.launch(nics=1)
        s.run(120)
        name = node_name(s, dead)
        run_pods_on(s, dead, 1)
        primary = s.stack.model.instances[dead].private_ip
        terminate(s, dead)
        s.run(30)
        (old,) = s.pools(dead)
        assert old.terminating, "a pod holds it"
        subnet = s.network.subnets["nodes"]
        by_hand(s, "CreateNetworkInterface", SubnetId=subnet, PrivateIpAddress=list(old.spec.ips)[-1])
        nic = {"SubnetId": subnet, "PrivateIpAddress": primary, "DeleteOnTermination": True}
        heir = launch(s.stack.model, [nic], tags=TAGS)
        s.run(120)
        assert node_name(s, heir) == name
        (new,) = s.pools(heir)
        assert (new.name != old.name, new.spec.node_name) == (True, (name,))
        assert listed(s, heir) == held(nic_of(s, heir)) - old.spec.ips
        assert listed(s, heir).count() == 1
        s.stack.agent.delete_pod("default", "pod-0")
        s.run(180)
        assert s.pools(dead) == []
        assert listed(s, heir) == held(nic_of(s, heir))
        s.checker.assert_idle(lambda: s.run(600))


def lose(s: Scene, instance_id: str, address: str, *, to_another: bool) -> str:
    """Let a person take an address off a NIC, and perhaps give it to another one; return that one's id."""
    eni = nic_of(s, instance_id)
    by_hand(s, "UnassignPrivateIpAddresses", NetworkInterfaceId=eni.id, PrivateIpAddresses=[address])
    if not to_another:
        return ""
    made = by_hand(s, "CreateNetworkInterface", SubnetId=eni.subnet_id, PrivateIpAddress=address)
    return str(made["NetworkInterface"]["NetworkInterfaceId"])


@pytest.mark.parametrize("freed_first", ["pod", "address"])
def test_an_address_that_leaves_while_a_pod_uses_it_is_quarantined_until_pool_or_nic_has_let_it_go(
    freed_first: str,
) -> None:
    with scene(ONE, subnets=PLANS) as s:
        instance_id = s.launch(nics=1)
        s.run(120)
        (used,) = run_pods_on(s, instance_id, 1)
        thief = lose(s, instance_id, used, to_another=True)
        s.run(180)
        assert (reserved(s), used in listed(s, instance_id)) == ([used], True)
        (told, *_) = events(s, "AddressLost")
        assert "default/pod-0" in told["message"]
        assert events(s, "AddressQuarantined")
        if freed_first == "pod":
            s.stack.agent.delete_pod("default", "pod-0")
            s.run(360)
            assert used not in listed(s, instance_id)
        else:
            by_hand(s, "DeleteNetworkInterface", NetworkInterfaceId=thief)
            s.run(400)
            assert used in held(nic_of(s, instance_id))
        assert reserved(s) == []
        assert (listed(s, instance_id).count(), listed(s, instance_id)) == (5, held(nic_of(s, instance_id)))
        s.checker.assert_idle(lambda: s.run(600))


def test_an_address_that_is_merely_unassigned_comes_back_and_no_pod_notices() -> None:
    with scene(ONE, subnets=PLANS) as s:
        instance_id = s.launch(nics=1)
        s.run(120)
        used = run_pods_on(s, instance_id, 2)
        lose(s, instance_id, used[0], to_another=False)
        s.run(200)
        assert AddressSet.of(V4, used) - held(nic_of(s, instance_id)) == AddressSet.of(V4, [])
        assert (reserved(s), events(s, "AddressReassigned") != []) == ([], True)
        s.checker.assert_idle(lambda: s.run(600))


def test_twenty_nodes_replaced_at_once_hand_their_addresses_over() -> None:
    with scene(ONE, subnets=PLANS) as s:
        dead = [s.launch(nics=1) for _ in range(20)]
        s.run(400)
        for number, instance_id in enumerate(dead):
            s.stack.agent.run_pod("default", f"web-{number}", node_name(s, instance_id), NETWORK)
        for instance_id in dead:
            terminate(s, instance_id)
        heirs = [s.launch(nics=1) for _ in range(20)]
        s.run(600)
        assert {p.identity.instance_id for p in s.pools() if p.identity} == set(heirs)
        for instance_id in heirs:
            assert listed(s, instance_id) == held(nic_of(s, instance_id))
        assert s.stack.fuse()["state"] == "whole", "that is no mass removal: EC2 calls them terminated"
        s.checker.assert_idle(lambda: s.run(300))
