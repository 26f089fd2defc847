"""Where boto3's errors end: each becomes `RetryLater` or `Refused`, with a message that says what to do.

| what AWS or the network says | outcome |
| --- | --- |
| throttled (`RequestLimitExceeded`, `Throttling`, …) | RetryLater (`Throttled`), 5 s |
| 5xx, time-out, connection lost | RetryLater; 30 s when the call may have added something that EC2 does not show yet |
| `PrivateIpAddressLimitExceeded`, `*.NotFound`, `IncorrectState` | RetryLater, 5 s: our picture is old |
| no room in the subnet, in each of EC2's three ways of saying it | Refused `SubnetExhausted` |
| not permitted | Refused `Forbidden`; the message names the action |
| credentials missing or expired | RetryLater: the runtime renews them |
| a code that means something else for one action | what its `Meanings` say |
| a code of this action alone | RetryLater; the message says what the caller advises |
| everything else | Refused; the message has AWS's code |

Only a write to EC2 is ever refused. Whatever else fails (a read, the queue, a parameter) is `RetryLater`: without it
nothing can be decided, and the messages that need it must stay where they are until somebody has mended it.

The codes are those of "Error codes for the Amazon EC2 API" and of botocore's own retry lists (`botocore/retries`).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, auto
from fnmatch import fnmatchcase

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
)
from botocore.exceptions import ConnectionError as BotoConnectionError

from spiderpool_aws.domain.errors import Code, Refused, RetryLater, Throttled

THROTTLED_SECONDS = 5.0
OLD_PICTURE_SECONDS = 5.0
UNKNOWN_EFFECT_SECONDS = 30.0
"""How long to wait before describing, after a call of which nobody knows whether it took effect (ADR 9)."""

THROTTLED = {
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "PriorRequestNotComplete",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "TooManyUpdates",
}
_TRANSIENT = {
    "InternalError",
    "InternalFailure",
    "InternalServiceError",
    "InternalServerError",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServiceUnavailable",
    "Unavailable",
}
_DENIED = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"}
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
_EXHAUSTED = {"InsufficientFreeAddressesInSubnet", "InsufficientCidrBlocks"}
_OLD_PICTURE = {"IncorrectInstanceState", "IncorrectState", "PrivateIpAddressLimitExceeded"}
_SERVER_ERROR = 500
_HINTS = {
    "AttachmentLimitExceeded": "; take a larger instance type, or name fewer NICs in the policy",
    "NetworkInterfaceLimitExceeded": "; ask AWS for more network interfaces in this region (Service Quotas)",
}


class Call(Enum):
    """What follows when a call fails."""

    READ = auto()
    """A read, a message, a parameter: without it nothing can be decided, so it is never refused."""
    ADDING = auto()
    """It adds to EC2 what a describe may not show for a while. When nobody knows whether it did, 30 s pass first."""
    IDEMPOTENT = auto()
    """A write that does no harm when it is done again."""


@dataclass(frozen=True, slots=True)
class Meanings:
    """What codes mean for one action, where that is not what they mean for the others.

    Each is `<code>` (a `*` stands for anything), or `<code>: <words of the message>` where the code alone says nothing.
    """

    done: tuple[str, ...] = ()
    """It is as it should be: no error."""
    passing: tuple[str, ...] = ()
    """Our picture is old: RetryLater, 5 s."""
    refused: tuple[str, ...] = ()
    """Asking again does not help."""


NOTHING_SPECIAL = Meanings()


@contextmanager
def aws_errors(
    action: str,
    subject: str = "",
    call: Call = Call.READ,
    *,
    meanings: Meanings = NOTHING_SPECIAL,
    advice: Mapping[str, str] | None = None,
) -> Iterator[None]:
    """Turn boto3's errors inside the block into `RetryLater` or `Refused`.

    `action` is IAM's name of the call (`ec2:DescribeInstances`), `subject` what it was about. `advice` says what to do
    about codes that only this action has. After an error that means `done` the block just ends.
    """
    try:
        yield
    except ClientError as error:
        code, message = _said(error)
        if _is_any(meanings.done, code, message):
            return
        if advised := _advised(error, _what(action, subject), advice or {}):
            raise advised from error
        raise _outcome(_of_answer(error, action, subject, call, meanings), call) from error
    except BotoCoreError as error:
        raise _outcome(_of_transport(error, action, subject, call), call) from error


def _outcome(outcome: RetryLater | Refused, call: Call) -> RetryLater | Refused:
    return RetryLater(outcome.reason) if isinstance(outcome, Refused) and call is Call.READ else outcome


def _said(error: ClientError) -> tuple[str, str]:
    answer = error.response.get("Error", {})
    return answer.get("Code", "Unknown"), _without_encoded(answer.get("Message", ""))


def _is_any(patterns: tuple[str, ...], code: str, message: str) -> bool:
    for pattern in patterns:
        named, _, words = pattern.partition(": ")
        if fnmatchcase(code, named) and words in message.lower():
            return True
    return False


def _advised(error: ClientError, what: str, advice: Mapping[str, str]) -> RetryLater | None:
    answer = error.response.get("Error", {})
    # The API reference lists STS's codes without the ending that the SDK's model has.
    code = answer.get("Code", "").removesuffix("Exception")
    if code not in advice:
        return None
    return RetryLater(f"{what} was refused ({code}: {answer.get('Message', '')}): {advice[code]}")


def _of_answer(error: ClientError, action: str, subject: str, call: Call, meanings: Meanings) -> RetryLater | Refused:
    code, message = _said(error)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    what = _what(action, subject)
    if code in THROTTLED:
        return Throttled(f"{what} was throttled ({code}): the account's request rate is used up", THROTTLED_SECONDS)
    if code in _TRANSIENT or status >= _SERVER_ERROR:
        return RetryLater(f"{what} failed at AWS ({code} {status}): {message}", _after_unknown(call))
    if code in _EXPIRED:
        return RetryLater(f"{what}: the function's credentials have expired ({code}) and are being renewed")
    if code in _DENIED:
        return Refused(
            f"{what} is not permitted: allow {action} to the caller's role ({code}: {message})", Code.FORBIDDEN
        )
    if code in _EXHAUSTED or _says_exhausted(code, message):
        return Refused(
            f"{what}: the subnet has no room left ({code}: {message}); free addresses in it, or ask for fewer",
            Code.SUBNET_EXHAUSTED,
        )
    if _is_old_picture(code, message, meanings):
        return RetryLater(f"{what}: EC2 has changed since it was read ({code}: {message})", OLD_PICTURE_SECONDS)
    return Refused(f"{what} was refused ({code}): {message}{_HINTS.get(code, '')}")


def _of_transport(error: BotoCoreError, action: str, subject: str, call: Call) -> RetryLater | Refused:
    what, service = _what(action, subject), action.partition(":")[0]
    if isinstance(error, HTTPClientError | BotoConnectionError):
        return RetryLater(
            f"{what} got no answer ({error}): if this lasts, check the way to {service} (of a function: NAT gateway or "
            "VPC endpoint, route, security group)",
            _after_unknown(call),
        )
    if isinstance(error, NoCredentialsError | PartialCredentialsError | CredentialRetrievalError):
        return RetryLater(f"{what}: no credentials ({error}): give the caller a role")
    return Refused(f"{what} could not be sent: {error}")


def _after_unknown(call: Call) -> float | None:
    return UNKNOWN_EFFECT_SECONDS if call is Call.ADDING else None


def _is_old_picture(code: str, message: str, meanings: Meanings) -> bool:
    if _is_any(meanings.refused, code, message):
        return False
    return code in _OLD_PICTURE or code.endswith(".NotFound") or _is_any(meanings.passing, code, message)


def _says_exhausted(code: str, message: str) -> bool:
    # The message of CreateNetworkInterface, and of every call for prefixes; the code alone says nothing.
    return code == "InvalidParameterValue" and "sufficient free ipv4 addresses" in message.lower()


def _without_encoded(message: str) -> str:
    """Cut EC2's encoded authorization message: a kilobyte that only sts:DecodeAuthorizationMessage can read."""
    return message.partition("Encoded authorization failure message")[0].strip()


def _what(action: str, subject: str) -> str:
    return f"{action} of {subject}" if subject else action
