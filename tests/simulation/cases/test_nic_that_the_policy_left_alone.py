"""A NIC was attached again, or lost addresses, and the policy no longer names it: nothing of it goes."""

from tests.simulation.simulation import Simulation


def test_of_a_nic_that_was_attached_again_and_that_the_policy_leaves_alone_nothing_goes() -> None:
    with Simulation(ipv6="prefix") as sim:
        sim.launch(1)
        sim.advance(300)
        sim.interrupt(0, True)
        sim.advance(1500)
        sim.detach(6, 1)
        sim.advance(300)
        sim.set_policy("five", 1, "addresses", 0)
        sim.converge()


def test_what_a_nic_that_the_policy_leaves_alone_has_lost_is_no_loss_of_a_pass() -> None:
    with Simulation(small=True) as sim:
        sim.launch(2)
        sim.launch(2)
        sim.scale(2)
        sim.advance(60)
        sim.unassign(1, 1, 2)
        sim.unassign(6, 1, 7)
        sim.set_policy("five", 1, "", 8)
        sim.converge()
