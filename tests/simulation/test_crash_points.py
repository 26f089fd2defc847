"""Invariant 9: the worker may be stopped at any call. `python -m tests.simulation.crash_points` prints the counts."""

import pytest

from tests.simulation.crash_points import SCENARIOS, Scenario, chosen, crash_points
from tests.simulation.faults import Kill
from tests.simulation.simulation import Simulation


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_worker_that_is_stopped_at_any_call_reaches_the_same_end(scenario: Scenario) -> None:
    points = list(crash_points(scenario))
    assert [(kill, problems) for kill, problems in points if problems] == []
    assert len(points) > 4


def test_a_point_that_is_left_out_ends_as_the_one_that_stands_for_it() -> None:
    grow = next(scenario for scenario in SCENARIOS if scenario.name == "grow")
    every = list(crash_points(grow, everywhere=True))
    assert len(every) > len(list(crash_points(grow)))
    assert [kill for kill, problems in every if problems] == []


def test_a_worker_that_forgets_what_it_created_is_found_out() -> None:
    def loses_a_nic(sim: Simulation) -> None:
        sim.launch(1)
        sim.advance(12)
        where = {"SubnetId": sim.network.subnets["pods"]}
        sim.model.call("CreateNetworkInterface", where, sim.stack.roles["reconcile_nodes"])

    with pytest.raises(AssertionError, match=r"invariant 6: .*attached to nothing|without the tags"):
        list(crash_points(Scenario("a leak", loses_a_nic)))


def test_the_command_line_runs_the_named_scenarios_or_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert chosen([]) == list(SCENARIOS)
    assert [scenario.name for scenario in chosen(["shrink", "grow"])] == ["shrink", "grow"]
    with pytest.raises(SystemExit):
        chosen(["shrinks"])
    assert "there is no scenario 'shrinks': take of launch, 1 NIC; " in capsys.readouterr().err


def test_a_kill_ends_the_worker_and_the_message_comes_back() -> None:
    with Simulation() as sim:
        sim.stack.faults.kill = Kill(5, after=True)
        sim.launch(1)
        sim.advance(60)
        (failed,) = sim.stack.failed_invocations
        assert "WorkerKilled" in str(failed.error)
        assert sim.stack.requests.messages
        sim.advance(600)
        assert not sim.stack.requests.messages
