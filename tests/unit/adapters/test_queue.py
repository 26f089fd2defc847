import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from moto import mock_aws

from spiderpool_aws.adapters.queue import SENDINGS, SqsDeadLetters, SqsInbox, SqsQueue
from spiderpool_aws.domain.errors import RetryLater
from spiderpool_aws.domain.request import ReconcileRequest
from spiderpool_aws.messages import decode
from spiderpool_aws.ports import Message

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def request(number: int, event_id: str = "e-1") -> ReconcileRequest:
    return ReconcileRequest(f"i-{number:017x}", event_id, "resync")


class Queues:
    """The three queues."""

    def __init__(self) -> None:
        self.sqs: Any = boto3.client("sqs", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")
        fifo: Any = {
            "FifoQueue": "true",
            "DeduplicationScope": "messageGroup",
            "FifoThroughputLimit": "perMessageGroupId",
        }
        self.url = self.sqs.create_queue(QueueName="requests.fifo", Attributes=fifo)["QueueUrl"]
        self.dead = self.sqs.create_queue(QueueName="dead.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
        self.lost = self.sqs.create_queue(QueueName="lost")["QueueUrl"]
        self.queue = SqsQueue(self.sqs, self.url)
        self.inbox = SqsInbox(self.sqs, self.url, self.dead)

    def receive(self, url: str, **how: Any) -> list[Any]:
        answer = self.sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], AttributeNames=["All"], **how
        )
        found: list[Any] = answer.get("Messages", [])
        return found

    def messages(self) -> list[Message]:
        return [
            Message(m["MessageId"], m["ReceiptHandle"], m["Body"], m["Attributes"]["MessageGroupId"], 1, NOW)
            for m in self.receive(self.url)
        ]


@pytest.fixture
def queues() -> Iterator[Queues]:
    with mock_aws():
        yield Queues()


def test_each_request_is_a_message_in_its_subjects_group(queues: Queues) -> None:
    sent = [request(number) for number in range(23)]
    queues.queue.send(sent)
    received: list[Any] = []
    while batch := queues.receive(queues.url):
        received += batch
    assert {decode(message["Body"]) for message in received} == set(sent)
    assert all(message["Attributes"]["MessageGroupId"] == decode(message["Body"]).subject for message in received)


def test_a_request_that_is_sent_again_is_one_message(queues: Queues) -> None:
    queues.queue.send([request(1)])
    queues.queue.send([request(1)])
    assert len(queues.receive(queues.url)) == 1


@pytest.mark.parametrize("event_id", ["x" * 300, "with space", "ä"])
def test_an_event_id_that_sqs_does_not_take_is_hashed(queues: Queues, event_id: str) -> None:
    queues.queue.send([request(1, event_id), request(2, event_id)])
    queues.queue.send([request(1, event_id)])
    assert len(queues.receive(queues.url)) == 2


def test_nothing_is_sent_for_no_requests(queues: Queues) -> None:
    queues.queue.send([])
    assert queues.receive(queues.url) == []


class Sqs:
    """An SQS client that fails for the entries that it is told, so many times."""

    def __init__(self, failures: dict[str, int]) -> None:
        self.failures = failures
        self.batches: list[list[str]] = []

    def send_message_batch(self, QueueUrl: str, Entries: list[Any]) -> Any:  # noqa: N803 - boto3's names
        groups = [entry["MessageGroupId"] for entry in Entries]
        self.batches.append(groups)
        failed = []
        for entry in Entries:
            if self.failures.get(entry["MessageGroupId"], 0) > 0:
                self.failures[entry["MessageGroupId"]] -= 1
                failed.append({"Id": entry["Id"], "SenderFault": False, "Code": "InternalError", "Message": "oops"})
        return {"Failed": failed} if failed else {}


def test_what_sqs_did_not_take_is_sent_again_alone() -> None:
    sqs: Any = Sqs({request(1).subject: 1})
    SqsQueue(sqs, "url").send([request(0), request(1)])
    assert sqs.batches == [[request(0).subject, request(1).subject], [request(1).subject]]


def test_what_sqs_never_takes_is_left_to_a_later_try() -> None:
    sqs: Any = Sqs({request(1).subject: 99})
    with pytest.raises(RetryLater, match="InternalError: oops"):
        SqsQueue(sqs, "url").send([request(0), request(1)])
    assert len(sqs.batches) == SENDINGS


def test_a_delayed_message_comes_back_and_a_deleted_one_does_not(queues: Queues) -> None:
    queues.queue.send([request(1), request(2)])
    first, second = queues.messages()
    queues.inbox.delay([first], 0)
    queues.inbox.delete([second])
    assert [message.body for message in queues.messages()] == [first.body]


def test_a_delay_is_rounded_up_and_has_sqs_limit() -> None:
    class Recorder:
        timeouts: list[int] = []  # noqa: RUF012 - one test's own class

        def change_message_visibility_batch(self, QueueUrl: str, Entries: list[Any]) -> Any:  # noqa: N803
            self.timeouts += [entry["VisibilityTimeout"] for entry in Entries]
            return {}

    sqs: Any = Recorder()
    message = Message("m", "r", "b", "g", 1, NOW)
    for seconds in (4.2, 100_000):
        SqsInbox(sqs, "url", "dead").delay([message], seconds)
    assert sqs.timeouts == [5, 43200]


def test_a_dead_letter_keeps_body_and_group_and_says_why(queues: Queues) -> None:
    queues.queue.send([request(1)])
    [message] = queues.messages()
    queues.inbox.dead_letter(message, "not a request\x00")
    [dead] = queues.receive(queues.dead)
    assert dead["Body"] == message.body
    assert dead["Attributes"]["MessageGroupId"] == message.group
    assert dead["MessageAttributes"]["reason"]["StringValue"] == "not a request?"


def test_an_event_that_nobody_understands_is_kept_as_json(queues: Queues) -> None:
    event = {"detail": {"when": NOW, "text": "ä\x00"}}
    SqsDeadLetters(queues.sqs, queues.lost).put(event, "")
    [kept] = queues.receive(queues.lost)
    assert json.loads(kept["Body"]) == {"detail": {"when": str(NOW), "text": "ä\x00"}}
    assert kept["MessageAttributes"]["reason"]["StringValue"] == "unknown"


def test_a_queue_that_is_not_there_is_named(queues: Queues) -> None:
    with pytest.raises(RetryLater, match="no-such-queue"):
        SqsQueue(queues.sqs, queues.url.replace("requests.fifo", "no-such-queue.fifo")).send([request(1)])
