"""The table of operations: which there are, what they accept, whether they change anything."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from spiderpool_aws.local.ec2.errors import Ec2Error
from spiderpool_aws.local.ec2.world import World

Params = Mapping[str, Any]
Answer = dict[str, Any]
Handler = Callable[[World, Params], Answer]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the API."""

    name: str
    accepts: frozenset[str]
    handler: Handler
    mutating: bool


OPERATIONS: dict[str, Operation] = {}


def operation(name: str, accepts: str, *, mutating: bool = True) -> Callable[[Handler], Handler]:
    """Register the decorated function as an operation with these parameters, separated by blanks."""

    def register(handler: Handler) -> Handler:
        OPERATIONS[name] = Operation(name, frozenset(accepts.split()) | {"DryRun"}, handler, mutating)
        return handler

    return register


def check_known(given: Params, known: frozenset[str], where: str) -> None:
    """Refuse what the model does not know: to ignore a parameter would be kinder than EC2."""
    unknown = sorted(set(given) - known)
    if unknown:
        raise Ec2Error("UnsupportedOperation", f"This model does not know {', '.join(unknown)} of {where}")
