"""What the groups of steps have in common."""

from tests.simulation.script import Scripted
from tests.simulation.stack import SimulationStack


class Steps(Scripted):
    """Some steps of the simulation, which is put together of several such classes."""

    stack: SimulationStack
