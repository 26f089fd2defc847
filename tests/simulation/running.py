"""Hypothesis chooses the steps; a failure is shrunk and printed as a script that runs alone."""

from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.simulation.machine import Machine
from tests.simulation.script import as_test
from tests.simulation.shrinking import replay, shortest
from tests.simulation.tally import Tally

RULES_A_WORLD = 60
STEPS_A_WORLD = 90
"""Most rules let time pass as well, which is a step of its own; no fewer steps are made than were asked for."""


class SimulationFailed(AssertionError):  # noqa: N818 - read as a sentence
    """A run broke something; the message ends with the shortest script that does so."""


def simulate(steps: int, seed_number: int) -> Tally:
    """Make so many steps, deterministic by seed; raises SimulationFailed with the shortest script."""
    tally = Machine.tally = Tally()
    chosen = settings(
        max_examples=max(1, steps // STEPS_A_WORLD),
        stateful_step_count=RULES_A_WORLD,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        verbosity=Verbosity.quiet,
        print_blob=False,
    )
    try:
        run_state_machine_as_test(seed(seed_number)(Machine), settings=chosen)
    except AssertionError as error:
        assert tally.newest is not None
        options = tally.newest.options
        script = shortest(tally.newest.script, options, str(error))
        text = f"seed {seed_number}: {replay(script, options)}\n\n{as_test(script, options)}"
        raise SimulationFailed(text) from error
    return tally
