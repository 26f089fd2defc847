"""The front without a network: a boto3 EC2 client whose calls are answered by the model.

botocore still validates parameters, adds client tokens and paginates. Its retries live below this front, so
throttling and time-outs come up at once, as with retries off; no credentials are needed.
"""

from collections.abc import Callable
from typing import Any, Protocol

from botocore.awsrequest import AWSResponse, HTTPHeaders
from botocore.exceptions import ReadTimeoutError

from spiderpool_aws.local.ec2.autoscaling import AutoScaling
from spiderpool_aws.local.ec2.calls import Ec2Call
from spiderpool_aws.local.ec2.errors import Ec2TimeoutError
from spiderpool_aws.local.ec2.model import Ec2Model

_PARAMS = "spiderpool_aws_local_params"
_OK = 200
_URL = "https://model.invalid/"


class BotocoreEvents(Protocol):
    """What botocore's event emitters have, that of a session, of `client.meta.events`, or of a resource."""

    def register(self, event_name: str, handler: Any) -> Any:
        """Call the handler at this event."""

    def register_last(self, event_name: str, handler: Any) -> Any:
        """Call the handler at this event, after all others."""


def connect_in_process(client_or_session_events: Any, model: Ec2Model, caller: str | None = None) -> None:
    """Let the model answer a client, or every EC2 client that a session makes from now on.

    Takes a boto3 client, a boto3 session, or an event emitter of either. `caller` is the ARN of the role that calls.
    """

    def answer(operation: str, params: dict[str, Any]) -> Ec2Call:
        return model.execute(operation, params, caller)

    _connect(client_or_session_events, "ec2", answer)


def connect_autoscaling_in_process(
    client_or_session_events: Any, autoscaling: AutoScaling, caller: str | None = None
) -> None:
    """Let these groups answer an Auto Scaling client, or every one that a session makes from now on."""

    def answer(operation: str, params: dict[str, Any]) -> Ec2Call:
        return autoscaling.execute(operation, params, caller or "")

    _connect(client_or_session_events, "auto-scaling", answer)


def _connect(client_or_session_events: Any, service: str, answer: Callable[[str, dict[str, Any]], Ec2Call]) -> None:
    emitter = _emitter(client_or_session_events)

    def keep_params(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        context[_PARAMS] = params

    def before_call(**given: Any) -> tuple[AWSResponse, dict[str, Any]]:
        return _respond(answer(given["model"].name, given["context"][_PARAMS]))

    # Last, so that what botocore itself adds (client tokens) is in the parameters.
    emitter.register_last(f"before-parameter-build.{service}", keep_params)
    emitter.register(f"before-call.{service}", before_call)


def _emitter(client_or_session_events: Any) -> BotocoreEvents:
    meta = getattr(client_or_session_events, "meta", None)
    if meta is not None:
        client_or_session_events = meta
    events: BotocoreEvents = getattr(client_or_session_events, "events", client_or_session_events)
    return events


def _respond(call: Ec2Call) -> tuple[AWSResponse, dict[str, Any]]:
    if isinstance(call.error, Ec2TimeoutError):
        raise ReadTimeoutError(endpoint_url=_URL, error=call.error)
    status = call.error.status if call.error else _OK
    parsed: dict[str, Any] = dict(call.answer or {})
    if call.error:
        parsed["Error"] = {"Code": call.error.code, "Message": call.error.message}
    parsed["ResponseMetadata"] = {
        "RequestId": call.request_id,
        "HTTPStatusCode": status,
        "HTTPHeaders": {},
        "RetryAttempts": 0,
    }
    return AWSResponse(_URL, status, HTTPHeaders(), None), parsed
