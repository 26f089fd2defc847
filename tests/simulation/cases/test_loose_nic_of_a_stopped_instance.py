"""A NIC of ours is detached from an instance that is stopped: it belongs to nobody for as long as that stays so."""

from tests.simulation.simulation import Simulation


def test_a_nic_of_ours_that_was_detached_from_a_stopped_instance_is_not_left_lying_about() -> None:
    with Simulation() as sim:
        sim.launch(1)
        sim.advance(60)
        sim.stop(0)
        sim.advance(60)
        sim.detach(0)
        sim.advance(2400)
        sim.checker.assert_no_leaks()
