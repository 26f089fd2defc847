"""An SQS event of Lambda's event source mapping, as messages and their groups; and what their receives tell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from spiderpool_aws.deployment import VISIBILITY_TIMEOUT
from spiderpool_aws.domain.request import ReconcileRequest, newest_of
from spiderpool_aws.events import MalformedEvent
from spiderpool_aws.messages import decode_of_group
from spiderpool_aws.ports import Message

BACKOFF_SECONDS = (5.0, 10.0, 20.0, 40.0, 60.0)
SUSPECT_CRASHES = 2
"""After so many a group is worked on alone: the third receive, where nothing else has come between."""
HOPELESS_CRASHES = 4
"""After so many, two of them in nobody's company, a message goes to the dead-letter queue and is not tried again."""
SLACK = timedelta(seconds=60)
"""What the passes themselves may have taken, beside the waits between them."""
NUDGE = "/nudge"
"""What is added to an event's id where one instance's pass has another one looked at."""


@dataclass(frozen=True, slots=True)
class Group:
    """The messages of one message group in one batch, oldest first."""

    messages: tuple[Message, ...]
    request: ReconcileRequest
    """That of the newest message, with what the others say beyond "look again"."""

    @property
    def correlation_id(self) -> str:
        """The id of the event that this is about, also when another instance's pass has passed it on."""
        return self.request.event_id.removesuffix(NUDGE)

    @property
    def receives(self) -> int:
        """How often the group has come, by its oldest message."""
        return max(message.receives for message in self.messages)

    def is_suspect(self, now: datetime) -> bool:
        """Tell whether two receives or more must have ended by the visibility time-out, that is by a crash."""
        return any(_has_crashed(message, now, SUSPECT_CRASHES) for message in self.messages)

    def hopeless(self, now: datetime) -> list[Message]:
        """Return the messages that ended the function each time, and will again; those after them may be innocent."""
        return [message for message in self.messages if _has_crashed(message, now, HOPELESS_CRASHES)]

    def give_back_seconds(self, now: datetime) -> float:
        """Return how soon a suspect may come back: at once, unless one more receive would hide that it is one."""
        again = [replace(message, receives=message.receives + 1) for message in self.messages]
        return 0 if any(_has_crashed(message, now, SUSPECT_CRASHES) for message in again) else backoff(self.receives)


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


def grouped(messages: Sequence[Message]) -> tuple[list[Group], list[tuple[Message, str]]]:
    """Return the groups, and each message that nobody can read with the reason."""
    groups: dict[str, list[tuple[Message, ReconcileRequest]]] = {}
    unreadable = []
    for message in messages:
        try:
            request = decode_of_group(message.body, message.group)
        except ValueError as error:
            unreadable.append((message, str(error)))
        else:
            groups.setdefault(message.group, []).append((message, request))
    made = [Group(tuple(m for m, _ in pairs), newest_of([r for _, r in pairs])) for pairs in groups.values()]
    return made, unreadable


def backoff(receives: int) -> float:
    """Return how many seconds to wait after so many receives."""
    return BACKOFF_SECONDS[min(receives, len(BACKOFF_SECONDS)) - 1]


def _has_crashed(message: Message, now: datetime, times: int) -> bool:
    """Tell whether the message is older than one crash less, and else our own waits, would make it.

    Throttled invocations come back by the time-out, too: a false suspicion costs a batch, and in the end a letter that
    a person sends back.
    """
    waits = sum(backoff(receive) for receive in range(times, message.receives))
    explained = (times - 1) * VISIBILITY_TIMEOUT + SLACK + timedelta(seconds=waits)
    return message.receives > times and now - message.first_received_at > explained
