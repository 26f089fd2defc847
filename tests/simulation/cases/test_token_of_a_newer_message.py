"""A newer message arrives while a NIC is created, and a second worker takes both: its token was another one."""

from tests.simulation.simulation import Simulation


def test_a_second_worker_that_got_a_newer_message_too_creates_no_second_nic() -> None:
    with Simulation() as sim:
        sim.set_mode("paused")
        for head_start in (4, 6, 8):
            sim.launch(1)
            sim.advance(120)
            sim.stale(1.0)
            sim.set_mode("apply")
            sim.two_workers(len(sim.live()) - 1, head_start)
            sim.set_mode("paused")
            sim.stale(0.0)
        sim.converge()
