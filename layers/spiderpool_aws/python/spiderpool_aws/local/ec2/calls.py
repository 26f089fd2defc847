"""What is known of one call after it, and faults that tests put into calls."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from spiderpool_aws.local.ec2.errors import Ec2Error, Ec2TimeoutError


@dataclass(frozen=True, slots=True)
class Ec2Call:
    """A call with its outcome: exactly one of `answer` and `error` is set.

    `model.calls` keeps calls without their answers; observers get them whole. `answer` and `params` belong to
    others: read only. An `Ec2TimeoutError` does not say whether the call took effect; `took_effect` does.
    """

    operation: str
    params: Mapping[str, Any]
    caller: str
    answer: dict[str, Any] | None
    error: Ec2Error | Ec2TimeoutError | None
    time: datetime
    request_id: str
    took_effect: bool


@dataclass(frozen=True, slots=True)
class Fault:
    """A failure of one call. With an `error`, nothing happens and it is answered; without, no answer comes."""

    error: Ec2Error | None = None
    takes_effect: bool = False

    @classmethod
    def refuse(cls, code: str, message: str = "Injected.", status: int = 400) -> "Fault":
        """Answer with this error and do nothing."""
        return cls(error=Ec2Error(code, message, status))

    @classmethod
    def lose_answer(cls) -> "Fault":
        """Do what was asked, and never answer."""
        return cls(takes_effect=True)

    @classmethod
    def lose_request(cls) -> "Fault":
        """Do nothing, and never answer."""
        return cls()


FaultHook = Callable[[str, Mapping[str, Any]], Fault | None]
