"""Faults that tests inject into the double: failures before the effect, after it, and no server at all."""

from collections.abc import Callable
from dataclasses import dataclass

from spiderpool_aws.local.cluster.answers import ApiError, failure

_REASONS = {
    429: ("TooManyRequests", "the server has received too many requests and has asked us to try again later"),
    500: ("InternalError", "Internal error occurred: injected"),
    503: ("ServiceUnavailable", "the server is currently unable to handle the request"),
    504: ("Timeout", "Timeout: request did not complete within the allotted time"),
}


class TransportFaultError(Exception):
    """The client gets no answer. Whether the request had its effect it cannot know."""


class ConnectionCutError(TransportFaultError):
    """The connection breaks after the request had its effect."""


class UnavailableError(TransportFaultError):
    """Nobody listens: the request had no effect."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to a request: answered with a status before any effect, cut after the effect, or refused."""

    kind: str
    code: int = 0
    retry_after_seconds: int | None = None

    @classmethod
    def status(cls, code: int, retry_after_seconds: int | None = None) -> "Fault":
        """Fail with 429, 500, 503 or 504 before the effect; with a Retry-After header if one is given."""
        return cls("status", code, retry_after_seconds)

    @classmethod
    def cut(cls) -> "Fault":
        """Do what is asked, then break the connection."""
        return cls("cut")

    @classmethod
    def unavailable(cls) -> "Fault":
        """Refuse the connection."""
        return cls("unavailable")

    def error(self) -> ApiError:
        """Return the failure Status of a `status` fault."""
        reason, message = _REASONS[self.code]
        seconds = self.retry_after_seconds
        headers = {} if seconds is None else {"Retry-After": str(seconds)}
        details = {} if seconds is None else {"retryAfterSeconds": seconds}
        return failure(self.code, reason, message, details, headers)


Hook = Callable[[str, str], Fault | None]
