"""A few fixed seeds of `make simulate`, and what the simulation itself must be able to do."""

from itertools import pairwise

import pytest

from spiderpool_aws.local.invariants import InvariantError
from tests.simulation.running import simulate
from tests.simulation.script import Step, as_test
from tests.simulation.shrinking import replay, shortest
from tests.simulation.simulation import Simulation

SEEDS = (3, 51, 52, 53)
STEPS = 400


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_happens_no_write_breaks_an_invariant_and_everything_converges(seed: int) -> None:
    tally = simulate(STEPS, seed)
    assert tally.writes > 50


def test_two_runs_of_a_seed_do_the_same() -> None:
    first, second = simulate(100, 6), simulate(100, 6)
    assert (first.kinds, first.writes) == (second.kinds, second.writes)


def test_two_workers_take_turns_at_one_node_and_nothing_is_done_twice() -> None:
    with Simulation() as sim:
        sim.launch(1)
        sim.advance(60)
        sim.unassign(0, 0, 5)
        sim.stack.faults.calls.clear()
        sim.two_workers(0, head_start=5, turns=(1, 0, 1, 0, 1, 0))
        order = [call.invocation for call in sim.stack.faults.calls]
        assert sum(one != other for one, other in pairwise(order)) > 6, order
        sim.converge()


BROKEN = [
    Step("launch", (1,)),
    Step("advance", (60,)),
    Step("run_pod", (0,)),
    Step("touch_pools"),
    Step("assign", (0, 0, 2)),
    Step("delete_pool", (7,)),
    Step("converge"),
]


def test_a_failure_becomes_a_short_script(monkeypatch: pytest.MonkeyPatch) -> None:
    def check(self: Simulation) -> None:
        if any(one.name == "touch_pools" for one in self.script) and self.live():
            raise InvariantError("invariant 4: 10.0.0.7 is in ip-10-0-0-4 and in another")

    monkeypatch.setattr(Simulation, "check", check)
    script = shortest(BROKEN, {}, replay(BROKEN))
    assert [one.name for one in script] == ["launch", "touch_pools"]
    assert "        sim.launch(1)\n        sim.touch_pools()\n" in as_test(script, {})
