"""A subnet that stays full: the same assignment is asked for every minute, for ever."""

import pytest

from tests.simulation.simulation import Simulation


@pytest.mark.xfail(strict=True, reason="a node in a full subnet has EC2 refuse an assignment every minute, for ever")
def test_a_node_in_a_subnet_that_stays_full_is_left_in_peace() -> None:
    with Simulation() as sim:
        sim.launch(2)
        sim.crowd("nodes", 0)
        sim.advance(1800)
        before = sim.checker.probes
        sim.advance(900)
        assert sim.checker.probes == before
