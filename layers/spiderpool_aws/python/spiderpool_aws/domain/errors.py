"""The two outcomes besides success. SDK errors become one of them at the adapter."""


class RetryLater(Exception):  # noqa: N818 - it is an outcome, not a fault
    """Not yet: nothing is wrong that time or the other side will not mend.

    `waiting` tells a wait (node not joined, ENI attaching, address still held) from a failing call: after 20 minutes
    a wait is acknowledged and left to the resync, a failure goes to the dead-letter queue (DESIGN §1).
    """

    def __init__(self, reason: str, delay_seconds: float | None = None, *, waiting: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.delay_seconds = delay_seconds
        self.waiting = waiting


class Refused(Exception):  # noqa: N818 - it is an outcome, not a fault
    """No, and asking again will not help until somebody changes something; the reason says what.

    `code` is the other side's own (`InsufficientFreeAddressesInSubnet`, `Conflict`, …), for rules that depend on it.
    """

    def __init__(self, reason: str, code: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


class PolicyError(ValueError):
    """A policy document does not validate; the message has one line a problem, with its path and the fix."""
