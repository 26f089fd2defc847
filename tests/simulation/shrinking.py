"""The shortest script that fails in the same way: steps are left out, ever fewer at a time, while it still does.

Hypothesis shrinks as well, value by value, and takes minutes where this takes seconds: a step fewer is what a reader
wants, and every step of the simulation can be left out, because it picks from what there is.
"""

import re
from collections.abc import Sequence

from tests.simulation.script import Options, Step
from tests.simulation.simulation import Simulation

_NAMES = re.compile(r"\b(eni-attach|eni|i|ip|subnet)-[0-9a-f-]+[^\s,;]*|[0-9a-f]*[.:][0-9a-f.:/-]+|\d+")
MOST_REPLAYS = 400
NO_OPTIONS: Options = {}


def replay(script: Sequence[Step], options: Options = NO_OPTIONS) -> str:
    """Make the steps; return the error, or nothing."""
    with Simulation(**options) as sim:
        try:
            for one in script:
                getattr(sim, one.name)(*one.args, **one.kwargs)
        except AssertionError as error:
            return str(error) or type(error).__name__
    return ""


def kind_of(error: str) -> str:
    """Return an error's first line without the names and numbers in it."""
    return _NAMES.sub("#", error.split("\n")[0].split(";")[0])


def shortest(script: Sequence[Step], options: Options, error: str) -> list[Step]:
    """Return as few of the steps as fail in the same way."""
    wanted, steps, replays = kind_of(error), list(script), 0
    size = max(1, len(steps) // 2)
    while True:
        shrunk, start = False, 0
        while start < len(steps) and replays < MOST_REPLAYS:
            fewer = steps[:start] + steps[start + size :]
            replays += 1
            if kind_of(replay(fewer, options)) == wanted:
                steps, shrunk = fewer, True
            else:
                start += size
        if size == 1 and (not shrunk or replays >= MOST_REPLAYS):
            return steps
        size = max(1, size // 2)
