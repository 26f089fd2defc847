"""SQS in the process: a boto3 client whose calls are answered by `LocalQueue`s.

botocore still validates the parameters. Operations that nothing here uses are refused, never guessed.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from botocore.awsrequest import AWSResponse, HTTPHeaders

from spiderpool_aws.local.queues import MAX_BYTES, LocalQueue, QueueError, Stored, size

Params = Mapping[str, Any]
Answer = dict[str, Any]
_PARAMS = "spiderpool_aws_local_params"


class BotocoreEvents(Protocol):
    """What the event emitters of a botocore session have."""

    def register(self, event_name: str, handler: Any) -> Any:
        """Call the handler at this event."""


class LocalSqs:
    """The queues of one account and region, by URL."""

    def __init__(self, region: str, account_id: str, partition: str = "aws") -> None:
        self._endpoint = f"https://sqs.{region}.amazonaws.com/{account_id}"
        self._arn = f"arn:{partition}:sqs:{region}:{account_id}"
        self._queues: dict[str, LocalQueue] = {}
        self.calls: list[str] = []
        """The operations that were called, in order."""

    def add(self, queue: LocalQueue) -> str:
        """Serve a queue; return its URL."""
        url = f"{self._endpoint}/{queue.name}"
        self._queues[url] = queue
        return url

    def arn(self, queue: LocalQueue) -> str:
        """Return a queue's ARN."""
        return f"{self._arn}:{queue.name}"

    def connect(self, session: Any) -> None:
        """Answer every SQS client that the boto3 session makes from now on."""
        events: BotocoreEvents = session.events

        def keep_params(params: Params, context: dict[str, Any], **_: Any) -> None:
            context[_PARAMS] = params

        def before_call(**given: Any) -> tuple[AWSResponse, dict[str, Any]]:
            return self._respond(given["model"].name, given["context"][_PARAMS])

        events.register("before-parameter-build.sqs", keep_params)
        events.register("before-call.sqs", before_call)

    def execute(self, operation: str, params: Params) -> Answer:
        """Make a call with boto3's parameters and return boto3's answer, or raise QueueError."""
        self.calls.append(operation)
        if operation == "GetQueueUrl":
            return {"QueueUrl": self._url(params["QueueName"])}
        queue = self._queues.get(params["QueueUrl"])
        if queue is None:
            raise QueueError("AWS.SimpleQueueService.NonExistentQueue", f"there is no queue {params['QueueUrl']}")
        one = OPERATIONS.get(operation.removesuffix("Batch"))
        if one is None:
            raise QueueError("InvalidAction", f"the local SQS has no {operation}")
        return _batch(one, queue, params["Entries"]) if operation.endswith("Batch") else one(queue, params)

    def _url(self, name: str) -> str:
        found = [url for url, queue in self._queues.items() if queue.name == name]
        if not found:
            raise QueueError(
                "AWS.SimpleQueueService.NonExistentQueue",
                "The specified queue does not exist or you do not have access.",
            )
        return found[0]

    def _respond(self, operation: str, params: Params) -> tuple[AWSResponse, dict[str, Any]]:
        status = 200
        try:
            parsed: Answer = self.execute(operation, params)
        except QueueError as error:
            status, parsed = 400, {"Error": {"Code": error.code, "Message": error.message, "Type": "Sender"}}
        parsed["ResponseMetadata"] = {"HTTPStatusCode": status, "HTTPHeaders": {}, "RetryAttempts": 0}
        return AWSResponse(self._endpoint, status, HTTPHeaders(), None), parsed


def _send(queue: LocalQueue, params: Params) -> Answer:
    message_id = queue.send(
        params["MessageBody"],
        group=params.get("MessageGroupId", ""),
        deduplication_id=params.get("MessageDeduplicationId", ""),
        attributes=params.get("MessageAttributes"),
    )
    return {"MessageId": message_id}


def _receive(queue: LocalQueue, params: Params) -> Answer:
    count = params.get("MaxNumberOfMessages", 1)
    if not 1 <= count <= _MAX_BATCH:
        why = "is invalid. Reason: Must be between 1 and 10, if provided."
        raise QueueError("InvalidParameterValue", f"Value {count} for parameter MaxNumberOfMessages {why}")
    taken = queue.receive(count, params.get("VisibilityTimeout"))
    return {"Messages": [_received(message, params) for message in taken]} if taken else {}


def _received(message: Stored, params: Params) -> Answer:
    """Return a message with the attributes that were asked for, and no others."""
    system = {*params.get("AttributeNames", ()), *params.get("MessageSystemAttributeNames", ())}
    named = params.get("MessageAttributeNames", ())
    answer: Answer = {
        "MessageId": message.message_id,
        "ReceiptHandle": message.receipt_handle,
        "Body": message.body,
        "Attributes": {k: v for k, v in system_attributes(message).items() if k in system or "All" in system},
        "MessageAttributes": {k: v for k, v in message.attributes.items() if _is_asked(k, named)},
    }
    return {name: value for name, value in answer.items() if value != {}}


def _is_asked(name: str, asked: Iterable[str]) -> bool:
    """Say whether an attribute is asked for: by name, with `All` or `.*`, or by `prefix.*` (ReceiveMessage)."""
    return any(
        one in (name, "All", ".*") or (one.endswith(".*") and name.startswith(one.removesuffix("*"))) for one in asked
    )


def _delete(queue: LocalQueue, params: Params) -> Answer:
    queue.delete(params["ReceiptHandle"])
    return {}


def _change_visibility(queue: LocalQueue, params: Params) -> Answer:
    queue.change_visibility(params["ReceiptHandle"], params["VisibilityTimeout"])
    return {}


OPERATIONS: Mapping[str, Callable[[LocalQueue, Params], Answer]] = {
    "SendMessage": _send,
    "ReceiveMessage": _receive,
    "DeleteMessage": _delete,
    "ChangeMessageVisibility": _change_visibility,
}
_MAX_BATCH = 10


def _batch(one: Callable[[LocalQueue, Params], Answer], queue: LocalQueue, entries: list[Params]) -> Answer:
    """Do each entry for itself: a batch call succeeds although entries of it fail."""
    if not 1 <= len(entries) <= _MAX_BATCH:
        raise QueueError("AWS.SimpleQueueService.TooManyEntriesInBatchRequest", f"1 to 10 entries, not {len(entries)}")
    if len({entry["Id"] for entry in entries}) < len(entries):
        raise QueueError("AWS.SimpleQueueService.BatchEntryIdsNotDistinct", "two entries have the same Id")
    total = sum(size(entry.get("MessageBody", ""), entry.get("MessageAttributes", {})) for entry in entries)
    if total > MAX_BYTES:
        why = f"Batch requests cannot be longer than {MAX_BYTES} bytes. You have sent {total} bytes."
        raise QueueError("AWS.SimpleQueueService.BatchRequestTooLong", why)
    done: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    for entry in entries:
        try:
            done.append({"Id": entry["Id"]} | one(queue, entry))
        except QueueError as error:
            failed.append({"Id": entry["Id"], "Code": error.code, "Message": error.message, "SenderFault": True})
    return {"Successful": done, "Failed": failed}


def system_attributes(message: Stored) -> dict[str, str]:
    """Return the attributes that SQS itself gives a message, as both a receiver and Lambda see them."""
    first = message.first_received_at or message.sent_at
    attributes = {
        "ApproximateReceiveCount": str(message.receives),
        "SentTimestamp": str(int(message.sent_at.timestamp() * 1000)),
        "ApproximateFirstReceiveTimestamp": str(int(first.timestamp() * 1000)),
    }
    if message.group:
        attributes |= {"MessageGroupId": message.group, "MessageDeduplicationId": message.deduplication_id}
    return attributes
