"""A simulation's steps as a script that runs alone: what a failure prints, and what `cases/` keeps."""

import functools
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
S = TypeVar("S", bound="Scripted")

TEMPLATE = '''"""<what the simulation found, in a sentence>."""

from tests.simulation.simulation import Simulation


def test_<name>() -> None:
    with Simulation({options}) as sim:
{steps}
'''


class Scripted(Protocol):
    """What has steps."""

    script: list[str]
    failed: bool

    def check(self) -> None:
        """Raise when a step broke something."""


def step(method: Callable[Concatenate[S, P], None]) -> Callable[Concatenate[S, P], None]:
    """Note the call in the script, make it, and check what must hold after every step."""

    @functools.wraps(method)
    def noted(self: S, *args: P.args, **kwargs: P.kwargs) -> None:
        self.script.append(_line(method.__name__, args, kwargs))
        try:
            method(self, *args, **kwargs)
            self.check()
        except BaseException:
            self.failed = True
            raise

    return noted


def as_test(script: list[str], options: str) -> str:
    """Return the steps as the text of a file for `tests/simulation/cases`."""
    return TEMPLATE.format(options=options, steps="\n".join(f"        sim.{line}" for line in script))


def _line(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    given = [_literal(arg) for arg in args] + [f"{key}={_literal(value)}" for key, value in kwargs.items()]
    return f"{name}({', '.join(given)})"


def _literal(value: Any) -> str:
    # Double quotes, as the formatter has them.
    return f'"{value}"' if isinstance(value, str) else repr(value)
