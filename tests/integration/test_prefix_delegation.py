"""Prefix delegation from events to pools: /28 and /80, what is done where a /28 is not to be had, and the way back."""

import pytest

from spiderpool_aws.domain.addresses import AddressSet, parse_network
from spiderpool_aws.local.ec2.fixtures import SubnetPlan
from tests.integration.capacity import (
    V6,
    by_hand,
    calls,
    events,
    held,
    interface,
    listed,
    nic_of,
    policy_of,
    run_pods,
)
from tests.integration.scene import Scene, scene

ROLE = {"spiderpool-aws/role": "secondary-nic"}
PLANS = {"nodes": SubnetPlan("10.0.0.0/24"), "pods": SubnetPlan("10.0.1.0/25", tags=ROLE)}
FALLBACK = {"prefixes": 1, "fallback": "addresses"}


def fragment(s: Scene, subnet: str = "nodes") -> list[str]:
    """Let somebody hold one address of every /28 of a subnet; return the NICs."""
    pool, nics = s.stack.model.subnets[s.network.subnets[subnet]], []
    for block in parse_network(pool.cidr).subnets(new_prefix=28):
        address = str(block.network_address + 8)
        params = {"SubnetId": pool.id, "PrivateIpAddress": address}
        nics.append(by_hand(s, "CreateNetworkInterface", **params)["NetworkInterface"]["NetworkInterfaceId"])
    return nics


def give_up(s: Scene, nics: list[str]) -> None:
    for nic in nics:
        by_hand(s, "DeleteNetworkInterface", NetworkInterfaceId=nic)


def test_pools_list_a_whole_28_and_of_an_80_what_the_policy_says() -> None:
    with scene(policy_of(interface(ipv4={"prefixes": 2}, ipv6={"prefixes": 1, "perPrefix": 20})), subnets=PLANS) as s:
        instance_id = s.launch(nics=1)
        s.run(120)
        eni = nic_of(s, instance_id)
        assert [len(eni.ipv4_prefixes), len(eni.ipv6_prefixes)] == [2, 1]
        assert listed(s, instance_id) == held(eni)
        v6 = listed(s, instance_id, V6)
        assert (v6.count(), v6 - held(eni, V6)) == (20, AddressSet.of(V6, []))
        assert calls(s) == {"AssignPrivateIpAddresses": 1, "AssignIpv6Addresses": 1}
        s.checker.assert_idle(lambda: s.run(600))


def test_a_created_nic_comes_with_its_prefixes_of_both_families() -> None:
    size = {"ipv4": {"prefixes": 2}, "ipv6": {"prefixes": 1}}
    with scene(policy_of(interface(0, **size), interface(1, **size)), subnets=PLANS) as s:
        instance_id = s.launch(nics=1)
        s.run(120)
        eni = nic_of(s, instance_id, 1)
        assert (len(eni.ipv4_prefixes), len(eni.ipv6_prefixes), eni.secondary_ips) == (2, 1, [])
        assert sorted(pool.spec.ips.count() for pool in s.pools(instance_id)) == [16, 16, 32, 32]
        assert calls(s).total() == 5


def test_a_type_that_is_not_nitro_is_told_and_asked_for_nothing() -> None:
    with scene(policy_of(interface(ipv4={"prefixes": 1})), subnets=PLANS) as s:
        s.launch(nics=1, instance_type="m4.large")
        s.run(120)
        (told,) = events(s, "CapacityLimited")
        assert "not a Nitro type" in told["message"]
        assert (calls(s), s.pools()) == ({}, [])


def test_without_a_fallback_a_fragmented_subnet_leaves_the_node_waiting_and_told() -> None:
    with scene(policy_of(interface(ipv4={"prefixes": 1})), subnets=PLANS) as s:
        nics = fragment(s)
        instance_id = s.launch(nics=1)
        s.run(300)
        assert (s.pools(instance_id), bool(events(s, "SubnetExhausted"))) == ([], True)
        assert calls(s)["AssignPrivateIpAddresses"] <= 3, "a full subnet cools down"
        s.run(1800)
        assert calls(s)["AssignPrivateIpAddresses"] <= 7, "ever longer"
        give_up(s, nics)
        s.run(320)
        assert listed(s, instance_id).count() == 16


def test_where_no_28_is_to_be_had_single_addresses_stand_in_until_one_is() -> None:
    with scene(policy_of(interface(ipv4=FALLBACK)), subnets=PLANS) as s:
        nics = fragment(s)
        instance_id = s.launch(nics=1)
        s.run(300)
        eni = nic_of(s, instance_id)
        # m5.large carries ten: the primary, eight in place of the prefix, and one slot stays free for it.
        assert (eni.ipv4_prefixes, len(eni.secondary_ips), listed(s, instance_id).count()) == ([], 8, 8)
        assert events(s, "SubnetExhausted")
        assert events(s, "PrefixFallback")
        assert s.stack.journal.counts["PrefixFallback"] > 0
        (pod,) = run_pods(s, instance_id, 1)
        s.run(600)
        give_up(s, nics)
        s.run(900)
        eni = nic_of(s, instance_id)
        assert len(eni.ipv4_prefixes) == 1
        assert eni.secondary_ips == [pod], "what a pod uses stays, the rest has gone back"
        assert listed(s, instance_id) == held(eni)
        s.stack.agent.delete_pod("default", "pod-0")
        s.run(900)
        assert nic_of(s, instance_id).secondary_ips == []
        assert listed(s, instance_id) == held(nic_of(s, instance_id))
        assert events(s, "PrefixesAssigned")
        s.checker.assert_idle(lambda: s.run(600))


@pytest.mark.parametrize("fragmented", [False, True])
def test_a_full_nic_whose_policy_turns_to_prefixes_gets_its_prefix_or_keeps_its_addresses(fragmented: bool) -> None:
    with scene(policy_of(interface(ipv4={"addresses": 9})), subnets=PLANS) as s:
        if fragmented:
            fragment(s)
        instance_id = s.launch(nics=1)
        s.run(120)
        used = run_pods(s, instance_id, 2)
        s.stack.put_policy(policy_of(interface(ipv4=FALLBACK)))
        s.run(900)
        eni = nic_of(s, instance_id)
        assert (len(eni.ipv4_prefixes), len(eni.secondary_ips)) == ((0, 8) if fragmented else (1, 2))
        assert set(used) <= set(eni.secondary_ips)
        assert listed(s, instance_id) == held(eni)


@pytest.mark.parametrize(("free", "prefixes"), [(36, 1), (35, 0), (52, 2)])
def test_a_prefix_that_would_break_the_reserve_is_not_asked_for(free: int, prefixes: int) -> None:
    with scene(policy_of(interface(ipv4={"prefixes": 2}, subnets={"reserve": 20})), subnets=PLANS) as s:
        subnet = s.stack.model.subnets[s.network.subnets["nodes"]]
        by_hand(
            s,
            "CreateNetworkInterface",
            SubnetId=subnet.id,
            SecondaryPrivateIpAddressCount=subnet.ipv4.free_count - free - 2,
        )
        instance_id = s.launch(nics=1)
        s.run(180)
        assert len(nic_of(s, instance_id).ipv4_prefixes) == prefixes
        assert subnet.ipv4.free_count >= 20
        assert s.checker.refused == {}
        assert bool(events(s, "CapacityLimited")) == (prefixes < 2)


def test_a_nic_is_created_with_single_addresses_where_its_subnet_has_no_28() -> None:
    with scene(policy_of(interface(0), interface(1, ipv4=FALLBACK)), subnets=PLANS) as s:
        nics = fragment(s, "pods")
        instance_id = s.launch(nics=1)
        s.run(180)
        eni = nic_of(s, instance_id, 1)
        assert (eni.ipv4_prefixes, len(eni.secondary_ips)) == ([], 8)
        assert calls(s)["CreateNetworkInterface"] == 2, "with a prefix, and then without"
        assert events(s, "PrefixFallback")
        (node,) = s.stack.cluster.objects("nodes")
        assert not node["spec"].get("taints")
        give_up(s, nics)
        s.run(900)
        eni = nic_of(s, instance_id, 1)
        assert (len(eni.ipv4_prefixes), eni.secondary_ips) == (1, [])
        assert listed(s, instance_id).count() == 5 + 16
        s.checker.assert_idle(lambda: s.run(600))


def test_a_nic_with_prefixes_is_not_created_on_a_type_that_has_none() -> None:
    with scene(policy_of(interface(0), interface(1, ipv4={"prefixes": 1})), subnets=PLANS) as s:
        s.launch(nics=1, instance_type="m4.large")
        s.run(180)
        (told,) = events(s, "NicLimited")
        assert "m4.large is not a Nitro type" in told["message"]
        assert calls(s) == {"AssignPrivateIpAddresses": 1}
