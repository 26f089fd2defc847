"""SQS queues, as strict as SQS: what the event bus is tried on.

Why not moto's: its FIFO queue forgets a deduplication id as soon as the message is deleted (SQS remembers it for five
minutes), compares ids across message groups whatever `DeduplicationScope` says, may hand out a group's second message
before its first when both have timed out, and reads the machine's clock. Each of these would hide a lost or a doubled
reconcile. Here: `DeduplicationScope=messageGroup`, order within a group, a group locked while one of its messages is
in flight, redrive after `maxReceiveCount`, and the stack's clock.

Source: Amazon SQS developer guide, "FIFO queue delivery logic", "Exactly-once processing", "Dead-letter queues".
"""

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from spiderpool_aws.local.clock import Clock

DEDUPLICATION = timedelta(minutes=5)
MAX_VISIBILITY = timedelta(hours=12)
# "up to 128 … alphanumeric characters and punctuation" (API reference, SendMessage).
TOKEN = re.compile(r"[!-~]{1,128}")


# "The maximum size is 1 MiB or 1,048,576 bytes", also of a whole batch (API reference, SendMessage, SendMessageBatch).
MAX_BYTES = 1_048_576
ILLEGAL = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")


class QueueError(Exception):
    """An error with SQS's own code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


@dataclass(slots=True)
class Stored:
    """A message in a queue."""

    message_id: str
    body: str
    sent_at: datetime
    visible_at: datetime
    group: str = ""
    deduplication_id: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """The message attributes, as boto3 has them."""
    receives: int = 0
    first_received_at: datetime | None = None
    receipt_handle: str = ""


class LocalQueue:
    """One queue. A name that ends in `.fifo` makes it a FIFO queue, as in SQS."""

    def __init__(
        self,
        clock: Clock,
        name: str,
        *,
        visibility_seconds: float = 30,
        dead_letters: "LocalQueue | None" = None,
        max_receives: int = 0,
    ) -> None:
        self.name = name
        self.visibility_seconds = visibility_seconds
        self.dead_letters = dead_letters
        self.max_bytes = MAX_BYTES
        """The attribute `MaximumMessageSize`."""
        self.messages: list[Stored] = []
        """What is in the queue, oldest first, in flight or not. To be read only."""
        self._clock = clock
        self._max_receives = max_receives
        self._numbers = itertools.count(1)
        self._seen: dict[tuple[str, str], tuple[datetime, str]] = {}

    @property
    def fifo(self) -> bool:
        """Tell whether this is a FIFO queue."""
        return self.name.endswith(".fifo")

    def send(
        self,
        body: str,
        *,
        group: str = "",
        deduplication_id: str = "",
        attributes: Mapping[str, Any] | None = None,
    ) -> str:
        """Put a message in and return its id; a duplicate of the last five minutes is accepted and dropped."""
        check_content(body, attributes or {}, self.max_bytes)
        now = self._clock.now()
        if self.fifo:
            for name, value in (("MessageGroupId", group), ("MessageDeduplicationId", deduplication_id)):
                if not TOKEN.fullmatch(value):
                    raise QueueError("InvalidParameterValue", f"{name} {value!r} must be 1 to 128 characters")
            at, first_id = self._seen.get((group, deduplication_id), (None, ""))
            if at is not None and now - at < DEDUPLICATION:
                return first_id
        message_id = f"{self.name}-{next(self._numbers):08d}"
        if self.fifo:
            self._seen[group, deduplication_id] = (now, message_id)
        self.messages.append(Stored(message_id, body, now, now, group, deduplication_id, attributes or {}))
        return message_id

    def receive(self, count: int = 10, visibility_seconds: float | None = None) -> list[Stored]:
        """Take up to `count` visible messages, oldest first; of a locked group none."""
        now = self._clock.now()
        hidden = self.visibility_seconds if visibility_seconds is None else visibility_seconds
        locked = {message.group for message in self.messages if message.visible_at > now} if self.fifo else set()
        taken: list[Stored] = []
        for message in list(self.messages):
            if len(taken) == count:
                break
            if message.visible_at > now or message.group in locked:
                continue
            if self.dead_letters is not None and message.receives >= self._max_receives:
                self.messages.remove(message)
                self.dead_letters.accept(message)
                continue
            message.receives += 1
            message.first_received_at = message.first_received_at or now
            message.receipt_handle = f"{message.message_id}#{message.receives}"
            message.visible_at = now + timedelta(seconds=hidden)
            # A copy: the receiver's handle must stay its own when somebody else receives the message again.
            taken.append(replace(message))
        return taken

    def accept(self, message: Stored) -> None:
        """Take a message that another queue gave up; its attributes come along, its receives begin again.

        "For FIFO queues, the enqueue timestamp resets when the message is moved to a dead-letter queue", and its
        deduplication id "will be replaced with the original message's ID" (developer guide, "Setting-up dead-letter
        queue retention", "Learn how to configure a dead-letter queue redrive").
        """
        now = self._clock.now()
        self.messages.append(
            Stored(
                message.message_id,
                message.body,
                now if self.fifo else message.sent_at,
                now,
                message.group,
                message.message_id if self.fifo else "",
                message.attributes,
            )
        )

    def delete(self, receipt_handle: str) -> None:
        """Take a message out for good; a message that is gone is a success, as in SQS.

        "You must supply the most recently received ReceiptHandle for the message (otherwise, the request succeeds, but
        the message will not be deleted)" (API reference, DeleteMessage): so an old handle leaves the message.
        """
        message = self._of_handle(receipt_handle)
        if message is not None and message.receipt_handle == receipt_handle:
            self.messages.remove(message)

    def change_visibility(self, receipt_handle: str, seconds: float) -> None:
        """Hide a message that is in flight for so many seconds from now on; 0 gives it back."""
        now = self._clock.now()
        if not 0 <= seconds <= MAX_VISIBILITY.total_seconds():
            raise QueueError("InvalidParameterValue", f"VisibilityTimeout {seconds} is not between 0 and 43200")
        message = self._of_handle(receipt_handle)
        if message is None:
            raise QueueError("InvalidParameterValue", _invalid(receipt_handle, "Message does not exist"))
        if message.receipt_handle != receipt_handle or message.visible_at <= now:
            raise QueueError("MessageNotInflight", f"{message.message_id} is not in flight under this handle")
        message.visible_at = now + timedelta(seconds=seconds)

    def _of_handle(self, receipt_handle: str) -> Stored | None:
        """Return the message of a handle, None when it is gone.

        A FIFO queue refuses a handle whose visibility time-out has passed, or whose message was received again: AWS in
        aws-sdk-js#1750, "FIFO queues will reject DeleteMessage requests when the receipt handle is expired".
        """
        message_id, separator, _ = receipt_handle.rpartition("#")
        if not separator:
            raise QueueError("ReceiptHandleIsInvalid", f"{receipt_handle!r} is not a receipt handle")
        message = next((one for one in self.messages if one.message_id == message_id), None)
        if message is None or not self.fifo:
            return message
        if message.receipt_handle != receipt_handle or message.visible_at <= self._clock.now():
            raise QueueError("InvalidParameterValue", _invalid(receipt_handle, "The receipt handle has expired"))
        return message

    def next_time(self) -> datetime | None:
        """Return when the next message can be received; a time that has passed means now. None: the queue is empty."""
        if not self.fifo:
            return min((message.visible_at for message in self.messages), default=None)
        # A group moves when the last of its messages that are in flight is back.
        groups: dict[str, datetime] = {}
        for message in self.messages:
            groups[message.group] = max(message.visible_at, groups.get(message.group, message.visible_at))
        return min(groups.values(), default=None)


def size(body: str, attributes: Mapping[str, Any]) -> int:
    """Return what SQS counts of a message, in bytes: the body, and the name, type and value of each attribute."""
    texts = [body]
    for name, value in attributes.items():
        texts += [name, value.get("DataType", ""), value.get("StringValue", "")]
    binaries = (value.get("BinaryValue", b"") for value in attributes.values())
    # A lone surrogate has no UTF-8; it is illegal anyhow, and its size does not matter.
    return sum(len(text.encode(errors="replace")) for text in texts) + sum(map(len, binaries))


def check_content(body: str, attributes: Mapping[str, Any], max_bytes: int) -> None:
    """Refuse a body that SQS refuses: empty, with characters that XML 1.0 has not, or too large with its attributes.

    Source: API reference, SendMessage, MessageBody.
    """
    if not body:
        raise QueueError("MissingParameter", "The request must contain the parameter MessageBody.")
    if ILLEGAL.search(body):
        raise QueueError("InvalidMessageContents", "Invalid characters in message")
    if size(body, attributes) > max_bytes:
        why = f"One or more parameters are invalid. Reason: Message must be shorter than {max_bytes} bytes."
        raise QueueError("InvalidParameterValue", why)


def _invalid(receipt_handle: str, reason: str) -> str:
    return f"Value {receipt_handle} for parameter ReceiptHandle is invalid. Reason: {reason}."
