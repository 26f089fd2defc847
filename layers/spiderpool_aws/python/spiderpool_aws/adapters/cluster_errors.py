"""Where the API server's errors end: each becomes `RetryLater` or `Refused`, with a message that says what to do.

| what the API server or the network says | outcome |
| --- | --- |
| unreachable, time-out, TLS, 401, 429, 5xx, `failed calling webhook` | RetryLater |
| 403 `cannot <verb> resource` | Refused `Forbidden`; the message names the verb and the resource |
| 403 `cannot update a terminating IPPool` | Refused `Terminating` |
| 409 and 422: another uid; 409: another field manager | Refused `Conflict` |
| 409: changed since it was read | RetryLater, 1 s |
| 422 `overlap with IPPool … in IP ranges` | Refused `Overlap` |
| 422 `is being used by Pod`, 403 `cannot delete an IPPool with allocated IPs` | Refused `InUse` |
| any other 403: a webhook, a namespace that is being deleted | Refused `Denied` |
| 404 for a resource that is not served, any other 422, 500 `field not declared in schema` | Refused `Invalid` |
| any other 4xx | Refused; the message has the Status' reason |

A Retry-After is obeyed up to a minute, in whole seconds, which is how API servers write it.

The wordings are those recorded from a real Spiderpool v1.2 (docs/architecture.md). Only a write is ever refused: a read
that fails is `RetryLater`, for without it nothing can be decided.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spiderpool_aws.domain.errors import Code, Refused, RetryLater, Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

CHANGED_SECONDS = 1.0
WEBHOOK_SECONDS = 5.0
LONGEST_SECONDS = 60.0
"""What an answer's Retry-After is cut to: whoever answers in the API server's place parks no message for hours."""
READ_VERBS = {"get", "list"}

_FORBIDDEN, _NOT_FOUND, _CONFLICT, _INVALID = 403, 404, 409, 422
_THROTTLED, _SERVER_ERROR = 429, 500
_NOT_SERVED = "the server could not find the requested resource"
_SCHEMA = "field not declared in schema"
_MISSING_VERB = re.compile(r"cannot (\w+) resource ")
_CHANGED = ("the object has been modified", "please apply your changes to the latest version")


class NotServedError(RetryLater):
    """The API server does not know the resource: there is no object of it."""


class ChangedSinceReadError(RetryLater):
    """Somebody changed the object after it was read: read it again."""


@dataclass(frozen=True, slots=True)
class Operation:
    """What was asked, in RBAC's words, for the message."""

    verb: str
    resource: str
    """`spiderippools.spiderpool.spidernet.io`, `nodes`."""
    name: str = ""

    def __str__(self) -> str:
        return " ".join(part for part in (self.verb, self.resource, self.name) if part)


@dataclass(frozen=True, slots=True)
class LoginHints:
    """What to look at, by the way of logging in; each ends a sentence."""

    refused: str
    """When the API server refuses the token (401)."""
    untrusted: str
    """When its certificate is not of the authority that was configured."""


def of_answer(operation: Operation, status: int, headers: Mapping[str, str], body: bytes) -> RetryLater | Refused:
    """Return the outcome of an answer that is no success; of a 401 `of_refused_login` makes it."""
    document = _status_of(body)
    message, reason = str(document.get("message", "")), str(document.get("reason", ""))
    outcome = _of_status(operation, status, headers, message or reason or f"HTTP {status}", reason)
    return _readable(operation, outcome)


def of_refused_login(operation: Operation, endpoint: str, hints: LoginHints) -> Unavailable:
    """Return the outcome of a 401: the API server says nothing but that, so the login says what it sent."""
    return Unavailable(f"{operation}: {endpoint} refused the token (401): {hints.refused}")


def of_transport(operation: Operation, error: Exception, endpoint: str, hints: LoginHints) -> Unavailable:
    """Return the outcome of a request that got no answer."""
    text = str(error)
    # urllib3 hides the cause of a TLS failure in the reason of a MaxRetryError, and the client in an ApiException.
    if "SSL" in text or "certificate" in text.lower():
        return Unavailable(
            f"{operation}: the certificate of {endpoint} is not to be trusted ({text}): {hints.untrusted}, and that "
            "the certificate has the server's name"
        )
    return Unavailable(
        f"{operation}: the API server {endpoint} cannot be reached ({text}): check the endpoint, the function's route "
        "to it, and that its security group lets the function in"
    )


def _of_status(
    operation: Operation, status: int, headers: Mapping[str, str], message: str, reason: str
) -> RetryLater | Refused:
    if status == _THROTTLED:
        return Unavailable(f"{operation}: the API server is busy (429): {message}", _retry_after(headers))
    if status == _FORBIDDEN:
        return _of_forbidden(operation, message)
    if status == _NOT_FOUND and (operation.verb == "list" or _NOT_SERVED in message or reason != "NotFound"):
        unknown = f"{operation}: the cluster does not know {operation.resource}: is Spiderpool v1.2 installed?"
        return NotServedError(unknown) if operation.verb in READ_VERBS else Refused(unknown, Code.INVALID)
    if status == _CONFLICT:
        if any(words in message for words in _CHANGED):
            return ChangedSinceReadError(f"{operation}: it has changed since it was read", CHANGED_SECONDS)
        return Refused(f"{operation}: {_of_conflict(message)}", Code.CONFLICT)
    if status == _INVALID and "metadata.uid:" in message:
        # How the API server refuses an apply whose uid is not that of the object: the uid cannot be changed.
        return Refused(f"{operation}: {_of_conflict(message)}", Code.CONFLICT)
    if status == _INVALID:
        return Refused(f"{operation}: {message}", _code_of_invalid(message))
    if status >= _SERVER_ERROR:
        return _of_server_error(operation, status, headers, message)
    return Refused(f"{operation}: {message} ({reason or status})")


def _of_forbidden(operation: Operation, message: str) -> Refused:
    if "terminating IPPool" in message:
        return Refused(f"{operation}: {message}", Code.TERMINATING)
    if "cannot delete an IPPool with allocated IPs" in message:
        return Refused(f"{operation}: {message}", Code.IN_USE)
    missing = _MISSING_VERB.search(message)
    if missing is None or "admission webhook" in message:
        return Refused(f"{operation}: {message}", Code.DENIED)
    # Not the operation's: an apply that makes the object is a patch which needs `create` as well.
    return Refused(
        f"{operation} is not permitted: the user needs the verb {missing[1]} on {operation.resource}, which "
        f"`spiderpool-aws manifests rbac` gives ({message})",
        Code.FORBIDDEN,
    )


def _of_conflict(message: str) -> str:
    if message.startswith("Apply failed with"):
        return f"somebody else owns its fields ({message}): delete it, or have it adopted"
    return f"another object has taken its place ({message})"


def _code_of_invalid(message: str) -> Code:
    if "overlap with IPPool" in message and "in IP ranges" in message:
        return Code.OVERLAP
    return Code.IN_USE if "is being used by Pod" in message else Code.INVALID


def _of_server_error(
    operation: Operation, status: int, headers: Mapping[str, str], message: str
) -> RetryLater | Refused:
    if _SCHEMA in message:
        return Refused(
            f"{operation}: the cluster's Spiderpool has another schema, v1.2 is needed ({message})", Code.INVALID
        )
    if "failed calling webhook" in message:
        return RetryLater(
            f"{operation}: Spiderpool's webhook does not answer, check the spiderpool-controller ({message})",
            _retry_after(headers) or WEBHOOK_SECONDS,
        )
    return RetryLater(f"{operation}: the API server failed ({status}): {message}", _retry_after(headers))


def _readable(operation: Operation, outcome: RetryLater | Refused) -> RetryLater | Refused:
    if isinstance(outcome, Refused) and operation.verb in READ_VERBS:
        return RetryLater(outcome.reason)
    return outcome


def _retry_after(headers: Mapping[str, str]) -> float | None:
    value = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    return min(float(value), LONGEST_SECONDS) if value.isdecimal() else None


def _status_of(body: bytes) -> dict[str, Any]:
    """Return the Status of an answer; a proxy between us and the API server may answer something else."""
    try:
        document = json.loads(body)
    except ValueError:
        return {"message": " ".join(body.decode(errors="replace").split())[:200]}
    return document if isinstance(document, dict) else {}
