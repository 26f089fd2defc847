"""A simulation's steps as a script that runs alone: what a failure prints, and what `cases/` keeps."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

P = ParamSpec("P")
S = TypeVar("S", bound="Scripted")
Options = Mapping[str, Any]
"""What a `Simulation` is made with."""

TEMPLATE = '''"""<what the simulation found, in a sentence>."""

from tests.simulation.simulation import Simulation


def test_<name>() -> None:
    with Simulation({options}) as sim:
{steps}
'''


@dataclass(frozen=True, slots=True)
class Step:
    """A call of one of the simulation's methods."""

    name: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        given = [_literal(arg) for arg in self.args]
        given += [f"{key}={_literal(value)}" for key, value in self.kwargs.items()]
        return f"{self.name}({', '.join(given)})"


class Scripted:
    """What has steps."""

    script: list[Step]
    failed: bool = False

    def check(self) -> None:
        """Raise when a step broke something."""
        raise NotImplementedError


def step(method: Callable[Concatenate[S, P], None]) -> Callable[Concatenate[S, P], None]:
    """Note the call in the script, make it, and check what must hold after every step."""

    @functools.wraps(method)
    def noted(self: S, *args: P.args, **kwargs: P.kwargs) -> None:
        self.script.append(Step(method.__name__, args, kwargs))
        try:
            method(self, *args, **kwargs)
            self.check()
        except BaseException:
            self.failed = True
            raise

    return cast("Callable[Concatenate[S, P], None]", noted)


def as_test(script: list[Step], options: Options) -> str:
    """Return the steps as the text of a file for `tests/simulation/cases`."""
    given = ", ".join(f"{name}={_literal(value)}" for name, value in options.items() if value)
    return TEMPLATE.format(options=given, steps="\n".join(f"        sim.{one}" for one in script))


def _literal(value: Any) -> str:
    # Double quotes, as the formatter has them.
    return f'"{value}"' if isinstance(value, str) else repr(value)
