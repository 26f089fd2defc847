"""The two dead-letter queues from a person's side: what lies there and why, sent back, or dropped.

A message is read by receiving it, so each look counts as a receive, and hides it from others; when the look ends,
however it ends, what was neither sent back nor dropped is shown again.

| queue | what lies there | sent back |
| --- | --- | --- |
| requests (FIFO) | what failed for 20 minutes, ended the function, or cannot be read | into the queue, same group |
| events (standard) | what EventBridge, Lambda or `route_event` gave up | to the function that failed |

An event cannot go back to EventBridge: PutEvents refuses every source that begins with `aws.`. So its function is
invoked without waiting, as the rule does it.

Sources: EventBridge user guide, "Using dead-letter queues to process undelivered events" (the message attributes);
Lambda developer guide, "Capturing records of Lambda asynchronous invocations" (the record).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from spiderpool_aws.adapters.aws_errors import Meanings, aws_errors
from spiderpool_aws.deployment import RESYNC, ROUTE_EVENT, Function, Names
from spiderpool_aws.messages import decode_of_group

LOOK_SECONDS = 300
"""How long a message is hidden while a person looks at it and decides."""
_PAGE = 10
_SHOWN = 200
_UNKNOWN_QUEUE = dict.fromkeys(
    ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", "InvalidAddress"),
    "name the cluster that was deployed, and the region where it is (--region, or AWS_REGION)",
)
# A handle that has expired, or whose message is gone: others see the message already, or never will.
_NOT_HELD = Meanings(done=("*MessageNotInflight", "InvalidParameterValue: receipthandle is invalid"))
_EXPIRED = dict.fromkeys(
    ("InvalidParameterValue", "ReceiptHandleIsInvalid"),
    f"it was hidden from others for {LOOK_SECONDS // 60} minutes only, and these are over: repeat the command",
)
_UNKNOWN_FUNCTION = {"ResourceNotFound": "the function of this name is not deployed here: drop the event, or deploy"}


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One message of a dead-letter queue."""

    message_id: str
    receipt_handle: str
    body: str
    group: str
    """Its message group; empty in the queue of events."""
    subject: str
    """What it is about: an instance, an ENI, or the kind of event."""
    reason: str
    sent_at: datetime
    receives: int
    function: str = ""
    """For an event: the function that failed, `route_event` or `resync`."""
    unreadable: str = ""
    """Why sending it back cannot help; empty when it may."""

    @property
    def payload(self) -> str:
        """The event as its function would be given it; not of a letter that is unreadable."""
        document = json.loads(self.body)
        return json.dumps(document["requestPayload"]) if _is_record(document) else self.body

    @property
    def errand(self) -> tuple[str, str]:
        """What sending it back would ask for: the same for two letters about the same, however they are written."""
        return self.group, json.dumps(json.loads(self.payload), sort_keys=True)


class DeadLetterQueue:
    """One of a cluster's dead-letter queues. Whatever AWS refuses is RetryLater, whose reason says what to do."""

    def __init__(self, sqs: Any, lambda_: Any, names: Names, url: str) -> None:
        self._sqs = sqs
        self._lambda = lambda_
        self._names = names
        self.url = url
        self._held: dict[str, DeadLetter] = {}

    @property
    def fifo(self) -> bool:
        """Tell whether requests lie here, and not events."""
        return self.url.endswith(".fifo")

    @contextmanager
    def look(self) -> Iterator[Iterator[DeadLetter]]:
        """Give what can be received, each message once; what is left at the end is shown to others again.

        Of one message group no more than ten are seen until these are sent back or dropped.
        """
        try:
            yield self._letters()
        finally:
            for letter in self._held.values():
                self._give_back(letter)
            self._held.clear()

    def send_back(self, letter: DeadLetter) -> None:
        """Have a message worked on again, and then delete it here; when it cannot be sent it stays."""
        if letter.group:
            self._send_request(letter)
        else:
            name = self._names.of(letter.function)
            with aws_errors("lambda:InvokeFunction", name, advice=_UNKNOWN_FUNCTION):
                self._lambda.invoke(FunctionName=name, InvocationType="Event", Payload=letter.payload.encode())
        self.drop(letter)

    def drop(self, letter: DeadLetter) -> None:
        """Delete a message for good."""
        # The newest one, where the look took so long that the message came twice.
        handle = self._held[letter.message_id].receipt_handle
        with aws_errors("sqs:DeleteMessage", self.url, advice=_EXPIRED):
            self._sqs.delete_message(QueueUrl=self.url, ReceiptHandle=handle)
        del self._held[letter.message_id]

    def _letters(self) -> Iterator[DeadLetter]:
        seen: set[str] = set()
        while fresh := [letter for letter in self._receive() if letter.message_id not in seen]:
            seen |= {letter.message_id for letter in fresh}
            yield from fresh

    def _give_back(self, letter: DeadLetter) -> None:
        with aws_errors("sqs:ChangeMessageVisibility", self.url, meanings=_NOT_HELD):
            self._sqs.change_message_visibility(
                QueueUrl=self.url, ReceiptHandle=letter.receipt_handle, VisibilityTimeout=0
            )

    def _receive(self) -> list[DeadLetter]:
        with aws_errors("sqs:ReceiveMessage", self.url, advice=_UNKNOWN_QUEUE):
            answer = self._sqs.receive_message(
                QueueUrl=self.url,
                MaxNumberOfMessages=_PAGE,
                VisibilityTimeout=LOOK_SECONDS,
                # A long poll asks all of SQS's servers; a short one finds what some of them have.
                WaitTimeSeconds=1,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["All"],
            )
        letters = [read_letter(message) for message in answer.get("Messages", [])]
        self._held |= {letter.message_id: letter for letter in letters}
        return letters

    def _send_request(self, letter: DeadLetter) -> None:
        url = queue_url(self._sqs, f"{self._names.of('requests')}.fifo")
        with aws_errors("sqs:SendMessage", url):
            self._sqs.send_message(
                QueueUrl=url,
                MessageBody=letter.body,
                MessageGroupId=letter.group,
                # Not the old one, which may still be remembered; and the same when it is sent back twice.
                MessageDeduplicationId=f"redrive-{letter.message_id}",
            )


def queue_url(sqs: Any, name: str) -> str:
    """Return the URL of a queue of this account and region."""
    with aws_errors("sqs:GetQueueUrl", name, advice=_UNKNOWN_QUEUE):
        url: str = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    return url


def read_letter(message: Mapping[str, Any]) -> DeadLetter:
    """Return a message of either queue, as SQS gives it."""
    attributes, system = message.get("MessageAttributes", {}), message["Attributes"]
    texts = {name: attribute.get("StringValue", "") for name, attribute in attributes.items()}
    group = system.get("MessageGroupId", "")
    known = _request(message["Body"], group, texts) if group else _event(message["Body"], texts)
    return DeadLetter(
        message_id=message["MessageId"],
        receipt_handle=message["ReceiptHandle"],
        body=message["Body"],
        group=group,
        sent_at=datetime.fromtimestamp(int(system["SentTimestamp"]) / 1000, UTC),
        receives=int(system["ApproximateReceiveCount"]),
        **known,
    )


def _request(body: str, group: str, texts: Mapping[str, str]) -> dict[str, str]:
    unreadable = ""
    try:
        decode_of_group(body, group)
    except ValueError as error:
        unreadable = str(error)
    # SQS itself moves a message here after its hundredth receive, and says nothing.
    unsaid = "received too often: the function ended before it could say why, see its log"
    return {"subject": group, "reason": texts.get("reason") or unreadable or unsaid, "unreadable": unreadable}


def _event(body: str, texts: Mapping[str, str]) -> dict[str, str]:
    try:
        document = json.loads(body)
    except json.JSONDecodeError as error:
        return _unreadable(f"it is not JSON: {error.msg} at {error.pos}", texts)
    except (ValueError, RecursionError) as error:
        return _unreadable(f"nobody can read it: {error}", texts)
    reason, failed, event = _why(texts), texts.get("TARGET_ARN", ""), document
    if _is_record(document):
        said = document.get("responsePayload")
        answered = f"{said.get('errorType')}: {said.get('errorMessage')}" if isinstance(said, Mapping) else ""
        reason = answered or str(document["requestContext"].get("condition", "unknown"))
        failed, event = str(document["requestContext"].get("functionArn", "")), document["requestPayload"]
    return {"subject": _subject(event), "reason": reason, "function": _function(failed).name}


def _unreadable(why: str, texts: Mapping[str, str]) -> dict[str, str]:
    return {"subject": "", "reason": _why(texts), "unreadable": why}


def _function(arn: str) -> Function:
    """Return the function of an ARN, with or without a version: `arn:…:function:spiderpool-aws-<cluster>-resync:…`."""
    name = arn.partition(":function:")[2].partition(":")[0]
    return RESYNC if name.endswith(f"-{RESYNC.name}") else ROUTE_EVENT


def _is_record(document: Any) -> bool:
    """Tell whether it is Lambda's record of an invocation that failed, with the event inside."""
    return (
        isinstance(document, Mapping)
        and "requestPayload" in document
        and isinstance(document.get("requestContext"), Mapping)
    )


def _why(texts: Mapping[str, str]) -> str:
    by_eventbridge = " ".join(texts[name] for name in ("ERROR_CODE", "ERROR_MESSAGE") if texts.get(name))
    return texts.get("reason") or by_eventbridge or "unknown"


def _subject(event: Any) -> str:
    """Name an event by its kind and by what it is about."""
    if not isinstance(event, Mapping):
        return json.dumps(event)[:_SHOWN]
    given = event.get("detail")
    detail: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
    about = detail.get("instance-id") or detail.get("EC2InstanceId") or detail.get("eventName") or detail.get("name")
    return " ".join(str(part) for part in (event.get("detail-type"), about) if part)[:_SHOWN] or "invocation by hand"
