"""A NIC of ours is detached by hand and another takes its place: ours was deleted, and its pool listed it on."""

from tests.simulation.simulation import Simulation


def test_a_nic_that_belongs_to_nobody_is_kept_while_a_pool_lists_its_addresses() -> None:
    with Simulation() as sim:
        sim.launch(1)
        sim.advance(120)
        sim.run_pod(0, networks=2)
        sim.detach(0)
        sim.advance(10)
        sim.attach(0)
        sim.advance(1500)


def test_a_nic_that_the_policy_no_longer_asks_for_is_kept_while_pods_use_it() -> None:
    with Simulation() as sim:
        sim.launch(1)
        sim.advance(120)
        sim.run_pod(0, networks=2)
        sim.detach(0)
        sim.set_policy("three", nics=1)
        sim.advance(1500)
