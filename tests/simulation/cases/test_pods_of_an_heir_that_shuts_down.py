"""The heir of a dead instance's address and Node shuts down while what the dead one left is being removed.

An instance that shuts down is no live claimant any more, so the pods of the Node go at once, some seconds before EC2
calls their instance terminated. They die with it anyway; but nothing had proved yet that it was gone.
"""

from tests.simulation.simulation import Simulation


def test_the_pods_of_an_heir_go_when_it_is_terminated_and_not_before() -> None:
    with Simulation() as sim:
        sim.launch(1)
        sim.advance(60)
        sim.crowd("nodes", 4)
        sim.interrupt(0, False)
        sim.advance(30)
        sim.warm_pool(2, True)
        sim.advance(60)
        sim.advance(60)
        sim.run_pod(0)
        sim.converge()
