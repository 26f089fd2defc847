"""Lambda, as far as our functions notice it: the context, asynchronous invocation, and the SQS event source mapping.

Sources: Lambda developer guide, "Error handling for asynchronous invocation", "Capturing records of Lambda asynchronous
invocations", "Handling errors for an SQS event source in Lambda".
"""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from spiderpool_aws.deployment import BATCH_SIZE
from spiderpool_aws.local.clock import Clock
from spiderpool_aws.local.queues import LocalQueue, QueueError, Stored
from spiderpool_aws.local.sqs import system_attributes

Handler = Callable[[Any, Any], Any]

RETRY_AFTER_SECONDS = (60, 120)
"""Two more attempts: "one minute before the first retry, and two minutes before the second"."""

MAX_ANSWER_BYTES = 6_291_556
"""6 MB, as Lambda's own error message has them (developer guide, "Lambda quotas": invocation payload, response)."""


@dataclass(frozen=True, slots=True)
class LambdaContext:
    """What a handler is given beside the event; the names are Lambda's."""

    function_name: str
    aws_request_id: str
    invoked_function_arn: str
    timeout_seconds: int
    memory_limit_in_mb: int = 512
    function_version: str = "$LATEST"

    @property
    def log_group_name(self) -> str:
        """Return where the function's log would be."""
        return f"/aws/lambda/{self.function_name}"

    def get_remaining_time_in_millis(self) -> int:
        """Return the whole time-out: on a virtual clock an invocation takes no time."""
        return self.timeout_seconds * 1000


@dataclass(frozen=True, slots=True)
class Invocation:
    """One run of a function, for tests and for people."""

    at: datetime
    function: str
    request_id: str
    event: Any
    answer: Any = None
    error: Exception | None = None


class FunctionError(Exception):
    """What a synchronous caller gets when the function raised: the type and the message of the exception."""


class RuntimeExitError(Exception):
    """The function's process ended in the middle of an invocation: Lambda's `Runtime.ExitError`."""


class ResponseSizeTooLargeError(Exception):
    """The answer is larger than Lambda carries: its `Function.ResponseSizeTooLarge`."""


@dataclass(slots=True)
class LocalFunction:
    """A handler, run in this process. Whatever it raises is the function's error, as it is in Lambda."""

    name: str
    handler: Handler
    arn: str
    timeout_seconds: int
    clock: Clock
    invocations: list[Invocation] = field(default_factory=list)

    def invoke(self, event: Any, request_id: str) -> Invocation:
        """Run the handler on a copy of the event, as JSON would bring it; never raises for the handler."""
        context = LambdaContext(self.name, request_id, self.arn, self.timeout_seconds)
        received, at = json.loads(json.dumps(event)), self.clock.now()
        try:
            answer = _carried(json.dumps(self.handler(received, context)))
        except KeyboardInterrupt:
            # The person at the terminal means this process, not the function.
            raise
        except Exception as error:  # noqa: BLE001 - the runtime catches whatever a handler raises
            invocation = Invocation(at, self.name, request_id, event, error=error)
        except BaseException as death:  # noqa: BLE001 - it ends the function's process, which is not ours
            crash = RuntimeExitError(f"RequestId: {request_id} Error: Runtime exited with error: {death!r}")
            crash.__cause__ = death
            invocation = Invocation(at, self.name, request_id, event, error=crash)
        else:
            invocation = Invocation(at, self.name, request_id, event, answer)
        self.invocations.append(invocation)
        return invocation


def _carried(answer: str) -> Any:
    size = len(answer.encode())
    if size > MAX_ANSWER_BYTES:
        raise ResponseSizeTooLargeError(
            f"Response payload size ({size} bytes) exceeded maximum allowed payload size ({MAX_ANSWER_BYTES} bytes)."
        )
    return json.loads(answer)


@dataclass(slots=True)
class AsyncInvoker:
    """Invokes without waiting: tries three times under one request id, then keeps the event with its error."""

    clock: Clock
    failures: LocalQueue
    under_way: int = 0
    """Events that were accepted and are neither done nor given up."""

    def invoke(self, function: LocalFunction, event: Any, request_id: str) -> None:
        """Accept an event; the function runs when the clock does."""
        self.under_way += 1
        self.clock.call_later(0, lambda: self._attempt(function, event, request_id, 1))

    def _attempt(self, function: LocalFunction, event: Any, request_id: str, attempt: int) -> None:
        invocation = function.invoke(event, request_id)
        if invocation.error is not None and attempt <= len(RETRY_AFTER_SECONDS):
            delay = RETRY_AFTER_SECONDS[attempt - 1]
            self.clock.call_later(delay, lambda: self._attempt(function, event, request_id, attempt + 1))
            return
        self.under_way -= 1
        if invocation.error is not None:
            self.failures.send(json.dumps(_failure_record(function, invocation, attempt)))


def _failure_record(function: LocalFunction, invocation: Invocation, attempts: int) -> dict[str, Any]:
    return {
        "version": "1.0",
        "timestamp": f"{invocation.at:%Y-%m-%dT%H:%M:%S.000Z}",
        "requestContext": {
            "requestId": invocation.request_id,
            "functionArn": f"{function.arn}:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": attempts,
        },
        "requestPayload": invocation.event,
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": {"errorMessage": str(invocation.error), "errorType": type(invocation.error).__name__},
    }


@dataclass(slots=True)
class EventSourceMapping:
    """Takes batches off the FIFO queue and invokes a function with each, deleting what it does not report as failed.

    The queue itself holds back the rest of a group while one of its messages is in flight.
    """

    queue: LocalQueue
    queue_arn: str
    function: LocalFunction
    batch_size: int = BATCH_SIZE

    def poll(self) -> bool:
        """Invoke the function once, if there is anything to receive; tell whether there was."""
        messages = self.queue.receive(self.batch_size)
        if not messages:
            return False
        event = {"Records": [self._record(message) for message in messages]}
        invocation = self.function.invoke(event, f"poll-{messages[0].message_id}-{messages[0].receives}")
        staying = _failed(invocation, messages)
        for message in messages:
            if message.message_id not in staying:
                self._delete(message)
        return True

    def _delete(self, message: Stored) -> None:
        # A handle that expired while the function ran: its message comes again, and Lambda polls on.
        with suppress(QueueError):
            self.queue.delete(message.receipt_handle)

    def _record(self, message: Stored) -> dict[str, Any]:
        return {
            "messageId": message.message_id,
            "receiptHandle": message.receipt_handle,
            "body": message.body,
            "attributes": system_attributes(message),
            "messageAttributes": dict(message.attributes),
            "eventSource": "aws:sqs",
            "eventSourceARN": self.queue_arn,
        }


def _failed(invocation: Invocation, messages: list[Stored]) -> set[str]:
    """Return the ids that stay in the queue; all of them after an error or an answer that Lambda calls invalid.

    "Lambda treats a batch as a complete failure if your function returns … an invalid JSON response, an empty string
    itemIdentifier, a null itemIdentifier, an itemIdentifier with a bad key name"; a null or empty answer is a success.
    """
    everything = {message.message_id for message in messages}
    if invocation.error is not None:
        return everything
    if not invocation.answer:
        return set()
    if not isinstance(invocation.answer, Mapping):
        return everything
    failures = invocation.answer.get("batchItemFailures") or []
    named = {str(failure.get("itemIdentifier")) if isinstance(failure, Mapping) else "" for failure in failures}
    return named if named <= everything else everything
