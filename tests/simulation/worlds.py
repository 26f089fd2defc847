"""Worlds without chance, each of which is a test."""

from collections.abc import Callable

from tests.simulation.simulation import Simulation

World = Callable[[Simulation], None]


class Worlds(list[World]):
    """Decorates worlds, and is the list of them: none can be written and not be run."""

    def __call__(self, happen: World) -> World:
        """Add a world."""
        self.append(happen)
        return happen


def told(sim: Simulation, *parts: str) -> bool:
    """Say whether some line of a function's log has all these parts: that what a world is about came about."""
    return any(all(part in line.message for part in parts) for line in sim.stack.journal.lines)
