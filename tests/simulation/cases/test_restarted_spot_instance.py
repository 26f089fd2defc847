"""A Spot instance is stopped by hand after its warning, and started again before anybody looks: it got no pod again."""

from tests.simulation.simulation import Simulation


def test_a_spot_instance_that_was_started_again_unseen_is_as_good_as_any() -> None:
    with Simulation() as sim:
        sim.launch(2)
        sim.advance(60)
        sim.interrupt(0, stops=True)
        sim.advance(30)
        sim.set_mode("paused")
        sim.stop(0)
        sim.advance(120)
        sim.start(0)
        sim.advance(60)
        sim.set_mode("apply")
        sim.advance(660)
        assert [pool["spec"]["disable"] for pool in sim.stack.cluster.objects("spiderippools")] == [False, False]


def test_a_spot_warning_that_is_read_after_the_instance_was_started_again_does_not_last() -> None:
    with Simulation() as sim:
        sim.launch(2)
        sim.advance(60)
        sim.api_down(400)
        sim.interrupt(0, stops=True)
        sim.advance(180)
        sim.start(0)
        sim.advance(1800)
        assert [pool["spec"]["disable"] for pool in sim.stack.cluster.objects("spiderippools")] == [False, False]
