"""An SQS event of Lambda's event source mapping, as messages."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from spiderpool_aws.events import MalformedEvent
from spiderpool_aws.ports import Message


def read_batch(event: object) -> list[Message]:
    """Return the messages of an SQS event, in the queue's order; raise MalformedEvent when it is none.

    Source: Lambda developer guide, "Using Lambda with Amazon SQS" (the FIFO queue's example event).
    """
    records = event.get("Records") if isinstance(event, Mapping) else None
    if not isinstance(records, list):
        raise MalformedEvent('this function takes batches of its SQS queue, and the event has no list of "Records"')
    try:
        return [_message(record) for record in records]
    except (KeyError, TypeError, ValueError) as error:
        raise MalformedEvent(f"a record is not one of an SQS FIFO queue: {error!r}") from error


def _message(record: Mapping[str, Any]) -> Message:
    attributes = record["attributes"]
    return Message(
        message_id=record["messageId"],
        receipt_handle=record["receiptHandle"],
        body=record["body"],
        group=attributes["MessageGroupId"],
        receives=int(attributes["ApproximateReceiveCount"]),
        first_received_at=_moment(attributes["ApproximateFirstReceiveTimestamp"]),
    )


def _moment(milliseconds: str) -> datetime:
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)
