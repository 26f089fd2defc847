"""A describe still shows a terminated instance as live; by the next look another one has its address, and so its Node.

The heir's kubelet has adopted the Node, whose providerID names the dead one: both are told to a person. When the heir
goes, too, and EC2 has forgotten the first, nothing looks at the Node any more.
"""

from tests.simulation.simulation import Simulation


def test_a_node_that_an_heir_of_its_address_has_adopted_goes_when_both_are_gone() -> None:
    with Simulation() as sim:
        sim.scale(3)
        sim.stale(1.0)
        sim.advance(60)
        sim.interrupt(3, True)
        sim.advance(120)
        sim.service_fails("ssm", "internal error", 1)
        sim.interrupt(4, True)
        sim.advance(125)
        sim.advance(3300)
        sim.scale(1)
        sim.advance(300)
        sim.converge()
