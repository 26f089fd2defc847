"""A policy is judged by all that it takes away, also where its turn comes later: stopped nodes, NICs without a mark."""

from spiderpool_aws.domain.addresses import AddressSet
from tests.integration.capacity import PLANS, V6, by_hand, calls, interface, listed, nic_of, policy_of
from tests.integration.scene import Scene, scene
from tests.integration.test_elastic_sizes import confirm, fixed

NODES = 4


def ipv6(s: Scene, instance_id: str = "") -> AddressSet:
    return listed(s, instance_id, V6)


def second(size: dict[str, int]) -> str:
    """Return a policy whose second NIC, one of ours, has this IPv6 size; the first one's stays as it is."""
    return policy_of(interface(0, ipv6={"addresses": 1}), interface(1, ipv6=size))


def test_a_policy_that_is_lowered_while_the_nodes_are_stopped_is_asked_about_before_they_start() -> None:
    with scene(fixed(9), subnets=PLANS) as s:
        ids = [s.launch(nics=1) for _ in range(NODES)]
        s.run(120)
        by_hand(s, "StopInstances", InstanceIds=ids)
        s.run(120)
        s.stack.put_policy(fixed(2))
        s.run(60)
        assert s.stack.fuse()["state"] == "tripped"
        by_hand(s, "StartInstances", InstanceIds=ids)
        s.run(300)
        assert listed(s).count() == 9 * NODES
        confirm(s)
        s.run(120)
        assert listed(s).count() == 2 * NODES
        s.checker.assert_idle(lambda: s.run(600))


def test_prefixes_that_go_when_the_host_has_its_own_address_are_asked_about_first() -> None:
    with scene(second({"prefixes": 1}), subnets=PLANS) as s:
        for _ in range(NODES):
            s.launch(nics=1)
        s.run(180)
        assert ipv6(s).count() == 17 * NODES
        s.stack.put_policy(second({"addresses": 1}))
        s.run(400)
        assert s.stack.fuse()["state"] == "tripped"
        assert ipv6(s).count() == 18 * NODES, "additions go on"
        confirm(s)
        s.run(120)
        assert ipv6(s).count() == 2 * NODES
        s.checker.assert_idle(lambda: s.run(600))


def test_a_nic_whose_every_ipv6_slot_is_a_prefix_comes_to_single_addresses_and_is_never_asked_beyond_its_type() -> None:
    with scene(second({"prefixes": 10}), subnets=PLANS) as s:
        instance_id = s.launch(nics=1)
        s.run(180)
        eni = nic_of(s, instance_id, 1)
        assert (len(eni.ipv6_prefixes), eni.ipv6_addresses) == (10, [])
        s.stack.put_policy(second({"addresses": 5}))
        s.run(60)
        s.stack.model.calls.clear()
        s.run(1800)
        assert (calls(s), s.checker.refused) == ({}, {}), "a person has not agreed yet"
        confirm(s)
        s.run(240)
        assert (eni.ipv6_prefixes, len(eni.ipv6_addresses)) == ([], 6)
        s.checker.assert_idle(lambda: s.run(600))
