"""One has adopted the Node of a dead one: its launch waits until a person deletes the Node, or the hook is over."""

from tests.simulation.simulation import Simulation


def test_the_hook_of_a_launch_that_a_person_has_to_mend_runs_out() -> None:
    with Simulation(ipv6="prefix") as sim:
        sim.hooks("both")
        sim.scale(2)
        sim.advance(5)
        sim.kill(2, False)
        sim.advance(5)
        sim.interrupt(7, False)
        sim.advance(300)
        sim.interrupt(6, True)
        sim.converge()
