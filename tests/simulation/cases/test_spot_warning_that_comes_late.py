"""A Spot warning's message stays in the queue until the instance was stopped and started again: it is about nothing."""

from tests.simulation.simulation import Simulation


def test_a_spot_warning_that_is_read_after_the_instance_was_started_again_disables_nothing() -> None:
    with Simulation(ipv6="addresses") as sim:
        sim.launch(1)
        sim.launch(1)
        sim.deletes_lost(3)
        sim.advance(30)
        sim.warm_pool(1, True)
        sim.advance(60)
        sim.tag(0, "ours")
        sim.advance(30)
        sim.controller(False)
        sim.interrupt(7, True)
        sim.advance(60)
        sim.advance(60)
        sim.advance(60)
        sim.unassign(6, 0, 1)
        sim.advance(60)
        sim.advance(30)
        sim.advance(20)
        sim.tag(2, "hands off")
        sim.advance(60)
        sim.converge()
