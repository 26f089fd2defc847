"""A group takes an instance out of its warm pool while a describe still shows it stopped: it is launched, not idle."""

from tests.simulation.simulation import Simulation


def test_an_instance_that_leaves_the_warm_pool_waits_for_its_pools_though_ec2_still_shows_it_stopped() -> None:
    with Simulation(ipv6="addresses") as sim:
        sim.launch(1)
        sim.stale(0.3)
        sim.hooks("both")
        sim.terminate(3)
        sim.warm_pool(2, False)
        sim.service_fails("autoscaling", "internal error", 0)
        sim.stale(1.0)
        sim.advance(300)
        sim.advance(300)
        sim.lose_sandboxes()
        sim.launch(1, 9)
        sim.scale(3)
        sim.advance(30)
        sim.advance(1)
        sim.interrupt(7, True)
        sim.advance(30)
        sim.service_fails("autoscaling", "internal error", 3)
        sim.set_policy("five", 1, "addresses", 8)
        sim.advance(60)
        sim.assign(3, 1, 3, "prefix")
        sim.advance(60)
        sim.converge()
