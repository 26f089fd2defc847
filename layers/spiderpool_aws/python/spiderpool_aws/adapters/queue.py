"""SQS: the FIFO queue of requests from both ends, and the standard dead-letter queue."""

from __future__ import annotations

import hashlib
import json
import math
import re
from typing import TYPE_CHECKING, Any

from spiderpool_aws.adapters.aws_errors import aws_errors
from spiderpool_aws.domain.errors import RetryLater
from spiderpool_aws.messages import encode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from types_boto3_sqs import SQSClient

    from spiderpool_aws.domain.request import ReconcileRequest
    from spiderpool_aws.ports import Message

BATCH = 10
SENDINGS = 3
"""How often what SQS has not taken out of a batch is sent again, at once: more is for the caller's own retry."""
LONGEST_VISIBILITY_SECONDS = 12 * 60 * 60
REASON_CHARACTERS = 1000

# What SQS takes as a group or deduplication id (SendMessage, "MessageDeduplicationId").
_ID = re.compile(r"[A-Za-z0-9!-/:-@\[-`{-~]{1,128}")
# What SQS takes as text (SendMessage, "A message can include only XML, JSON, and unformatted text").
_NOT_TEXT = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class SqsQueue:
    """Implements `QueuePort` over a boto3 SQS client."""

    def __init__(self, sqs: SQSClient, queue_url: str) -> None:
        self._sqs = sqs
        self._queue_url = queue_url

    def send(self, requests: Sequence[ReconcileRequest]) -> None:
        """Enqueue all, in batches of ten; what SQS does not take is sent again a few times, then RetryLater."""

        def send(entries: list[Any]) -> Any:
            with aws_errors("sqs:SendMessage", self._queue_url):
                return self._sqs.send_message_batch(QueueUrl=self._queue_url, Entries=entries)

        _in_batches([_entry(request) for request in requests], send, f"sqs:SendMessage to {self._queue_url}")


class SqsInbox:
    """Implements `InboxPort`: the FIFO queue and its FIFO dead-letter queue."""

    def __init__(self, sqs: SQSClient, queue_url: str, dead_letter_url: str) -> None:
        self._sqs = sqs
        self._queue_url = queue_url
        self._dead_letter_url = dead_letter_url

    def delay(self, messages: Sequence[Message], seconds: float) -> None:
        """Make messages visible again after so many seconds, rounded up to whole ones, at most 12 hours."""
        timeout = min(math.ceil(seconds), LONGEST_VISIBILITY_SECONDS)

        def change(entries: list[Any]) -> Any:
            with aws_errors("sqs:ChangeMessageVisibility", self._queue_url):
                return self._sqs.change_message_visibility_batch(QueueUrl=self._queue_url, Entries=entries)

        entries = [{"ReceiptHandle": message.receipt_handle, "VisibilityTimeout": timeout} for message in messages]
        _in_batches(entries, change, f"sqs:ChangeMessageVisibility in {self._queue_url}")

    def delete(self, messages: Sequence[Message]) -> None:
        """Delete messages."""

        def delete(entries: list[Any]) -> Any:
            with aws_errors("sqs:DeleteMessage", self._queue_url):
                return self._sqs.delete_message_batch(QueueUrl=self._queue_url, Entries=entries)

        entries = [{"ReceiptHandle": message.receipt_handle} for message in messages]
        _in_batches(entries, delete, f"sqs:DeleteMessage in {self._queue_url}")

    def dead_letter(self, message: Message, reason: str) -> None:
        """Put a message as it is into the FIFO dead-letter queue; its attribute `reason` says why."""
        with aws_errors("sqs:SendMessage", self._dead_letter_url):
            self._sqs.send_message(
                QueueUrl=self._dead_letter_url,
                MessageBody=message.body,
                MessageGroupId=message.group,
                MessageDeduplicationId=message.message_id,
                MessageAttributes=_attributes(reason, messageId=message.message_id),
            )


class SqsDeadLetters:
    """Implements `DeadLetterPort`: the standard queue of events that nobody understands."""

    def __init__(self, sqs: SQSClient, queue_url: str) -> None:
        self._sqs = sqs
        self._queue_url = queue_url

    def put(self, event: object, reason: str) -> None:
        """Keep an event as JSON; its attribute `reason` says why."""
        with aws_errors("sqs:SendMessage", self._queue_url):
            self._sqs.send_message(
                QueueUrl=self._queue_url,
                # ASCII, so that no character of the event is one that SQS refuses.
                MessageBody=json.dumps(event, default=str),
                MessageAttributes=_attributes(reason),
            )


def _entry(request: ReconcileRequest) -> dict[str, str]:
    return {
        "MessageBody": encode(request),
        "MessageGroupId": request.subject,
        "MessageDeduplicationId": _deduplication_id(request.deduplication_id),
    }


def _deduplication_id(text: str) -> str:
    return text if _ID.fullmatch(text) else hashlib.sha256(text.encode()).hexdigest()


def _attributes(reason: str, **more: str) -> dict[str, Any]:
    # An attribute may not be empty.
    texts = {"reason": _NOT_TEXT.sub("?", reason[:REASON_CHARACTERS]) or "unknown", **more}
    return {name: {"DataType": "String", "StringValue": text} for name, text in texts.items()}


def _in_batches(entries: Sequence[dict[str, Any]], call: Callable[[list[Any]], Any], what: str) -> None:
    """Call with ten entries at a time, and again with those that failed. Raises RetryLater when some still fail."""
    for start in range(0, len(entries), BATCH):
        waiting = {str(number): entry for number, entry in enumerate(entries[start : start + BATCH])}
        failed: list[Any] = []
        for _ in range(SENDINGS):
            failed = call([{"Id": number, **entry} for number, entry in waiting.items()]).get("Failed", [])
            if not failed:
                break
            waiting = {failure["Id"]: waiting[failure["Id"]] for failure in failed}
        if failed:
            first = failed[0]
            raise RetryLater(
                f"{what} failed for {len(failed)} messages ({first.get('Code', '')}: {first.get('Message', '')})"
            )
