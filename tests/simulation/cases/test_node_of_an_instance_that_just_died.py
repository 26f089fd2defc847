"""Describes half a minute old show instances of a warm pool running that have just been terminated."""

from tests.simulation.simulation import Simulation


def test_what_is_written_of_a_node_while_no_describe_shows_its_end_is_within_what_ec2_documents() -> None:
    with Simulation() as sim:
        sim.advance(1)
        sim.warm_pool(2, True)
        sim.advance(1)
        sim.advance(300)
        sim.advance(1)
        sim.stale(1.0)
        sim.advance(1)
        sim.advance(1)
        sim.advance(300)
        sim.warm_pool(0, True)
        sim.advance(60)
        sim.converge()
