"""What a check of the doctor says, and how what cannot be asked becomes a result, too."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from spiderpool_aws.domain.errors import Code, Refused, RetryLater

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from spiderpool_aws.cli.world import World


class Health(StrEnum):
    """How a thing is."""

    OK = "ok"
    WRONG = "wrong"
    UNTRIED = "untried"
    """It could not be asked: nothing is known."""


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the doctor."""

    topic: str
    health: Health
    message: str
    remedy: str = ""
    """What to do; empty when nothing is to be done."""


@dataclass(frozen=True, slots=True)
class Check:
    """Looks at one thing. `run` yields results; what it raises becomes one."""

    topic: str
    run: Callable[[World], Iterable[Result]]


def results_of(check: Check, world: World) -> Iterator[Result]:
    """Yield what a check says. Without a permission nothing is known; another failure is wrong by itself."""
    try:
        yield from check.run(world)
    except Refused as refused:
        if refused.code is Code.FORBIDDEN:
            yield untried(check.topic, refused.reason, "ask somebody who may, or have it allowed to you")
        else:
            yield wrong(check.topic, refused.reason, "the message says what is refused")
    except RetryLater as later:
        yield wrong(check.topic, later.reason, "mend that first, then run the doctor again")


def ok(topic: str, message: str) -> Result:
    """Return that a thing is as it should be."""
    return Result(topic, Health.OK, message)


def wrong(topic: str, message: str, remedy: str) -> Result:
    """Return that a thing is wrong, and what to do."""
    return Result(topic, Health.WRONG, message, remedy)


def untried(topic: str, message: str, remedy: str) -> Result:
    """Return that a thing could not be looked at."""
    return Result(topic, Health.UNTRIED, message, remedy)
