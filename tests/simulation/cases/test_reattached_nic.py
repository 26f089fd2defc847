"""A NIC of ours that was detached by hand and attached again by us has no primary IPv6 address, and no IPv6 pool."""

from tests.simulation.simulation import Simulation


def test_a_nic_of_ours_that_was_detached_by_hand_gets_its_ipv6_pool_again() -> None:
    with Simulation(ipv6="addresses") as sim:
        sim.launch(1)
        sim.advance(60)
        sim.detach(0)
        sim.advance(2400)
        pools = sim.stack.cluster.objects("spiderippools")
        ipv6 = [pool["spec"] for pool in pools if "-v6-" in pool["metadata"]["name"]]
        assert [spec.get("disable", False) for spec in ipv6] == [False, False]


def test_a_nic_of_ours_gets_its_ipv6_pool_when_the_policy_begins_to_ask_for_ipv6_addresses() -> None:
    with Simulation() as sim:
        sim.launch(1)
        sim.advance(60)
        sim.set_policy("five", ipv6="addresses")
        sim.advance(2400)
        names = [pool["metadata"]["name"] for pool in sim.stack.cluster.objects("spiderippools")]
        assert sum("-v6-" in name for name in names) == 2
