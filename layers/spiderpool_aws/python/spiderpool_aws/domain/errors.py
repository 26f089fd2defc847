"""The two outcomes besides success. SDK errors become one of them at the adapter."""

from enum import StrEnum


class Code(StrEnum):
    """What a refusal means to the rules and to the metrics. Each is explained in `docs/operations.md`."""

    REFUSED = "Refused"
    """Any other: the reason has the other side's own words."""
    CONFLICT = "Conflict"
    """Another object, or another field manager, has the place."""
    TERMINATING = "Terminating"
    IN_USE = "InUse"
    """Spiderpool refuses to take away an address that a pod uses."""
    OVERLAP = "Overlap"
    """Another pool lists the address, perhaps a dying one."""
    INVALID = "Invalid"
    DENIED = "Denied"
    """By an admission webhook."""
    FORBIDDEN = "Forbidden"
    """By RBAC or IAM: the message names what has to be allowed."""
    SUBNET_EXHAUSTED = "SubnetExhausted"
    ADDRESS_TAKEN = "AddressTaken"


PASSING = frozenset({Code.CONFLICT, Code.TERMINATING, Code.IN_USE, Code.OVERLAP, Code.SUBNET_EXHAUSTED})
"""Refusals that another look may find gone: our picture was old, or somebody releases addresses of a full subnet."""


class RetryLater(Exception):  # noqa: N818 - it is an outcome, not a fault
    """A call failed, and time or the other side will mend it; what lasts 20 minutes goes to the dead-letter queue.

    What is merely not there yet (node not joined, ENI attaching, address still held) is no error but a plan's `Wait`.
    """

    def __init__(self, reason: str, delay_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.delay_seconds = delay_seconds


class Unavailable(RetryLater):
    """The other side as a whole does not answer, or asks everybody to wait: nothing else will be answered either."""


class Throttled(RetryLater):
    """AWS refused a call because too many are made in the account: each one that is tried again makes it worse."""


class Paced(RetryLater):
    """A call that was not made, because all workers together would exceed AWS's request rate: a wait, no failure."""


class Refused(Exception):  # noqa: N818 - it is an outcome, not a fault
    """No, and asking again will not help until somebody changes something; the reason says what.

    Rules depend on `code`, and it is a metric's name.
    """

    def __init__(self, reason: str, code: Code = Code.REFUSED) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


class PolicyError(ValueError):
    """A policy document does not validate; the message has one line a problem, with its path and the fix."""
