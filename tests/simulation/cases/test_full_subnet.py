"""A subnet that stays full: the same assignment is asked for every minute, for ever."""

from tests.simulation.simulation import Simulation


def test_a_node_in_a_subnet_that_stays_full_is_left_in_peace() -> None:
    with Simulation() as sim:
        sim.launch(2)
        sim.crowd("nodes", 0)
        sim.advance(1800)
        before = sim.checker.probes, sim.checker.attempts
        sim.advance(900)
        assert (sim.checker.probes, sim.checker.attempts) == before
