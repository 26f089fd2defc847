"""What SQS promises and the local queues keep; each claim is the SQS developer guide's."""

import boto3
import pytest
from botocore.exceptions import ClientError

from spiderpool_aws.local.clock import ManualClock
from spiderpool_aws.local.queues import LocalQueue, QueueError
from spiderpool_aws.local.sqs import LocalSqs


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def fifo(clock: ManualClock) -> LocalQueue:
    return LocalQueue(clock, "requests.fifo", visibility_seconds=360)


def bodies(queue: LocalQueue, count: int = 10) -> list[str]:
    return [message.body for message in queue.receive(count)]


def test_a_deduplication_id_is_remembered_for_five_minutes_also_when_its_message_is_gone(
    clock: ManualClock, fifo: LocalQueue
) -> None:
    fifo.send("first", group="a", deduplication_id="1")
    fifo.delete(fifo.receive()[0].receipt_handle)
    clock.advance(299)
    fifo.send("again", group="a", deduplication_id="1")
    assert fifo.messages == []
    clock.advance(2)
    fifo.send("later", group="a", deduplication_id="1")
    assert bodies(fifo) == ["later"]


def test_a_deduplication_id_counts_within_its_message_group_only(fifo: LocalQueue) -> None:
    fifo.send("for a", group="a", deduplication_id="1")
    fifo.send("for b", group="b", deduplication_id="1")
    assert bodies(fifo) == ["for a", "for b"]


def test_a_group_is_locked_while_one_of_its_messages_is_in_flight(clock: ManualClock, fifo: LocalQueue) -> None:
    fifo.send("a1", group="a", deduplication_id="1")
    (first,) = fifo.receive()
    fifo.send("a2", group="a", deduplication_id="2")
    fifo.send("b1", group="b", deduplication_id="1")
    assert bodies(fifo) == ["b1"]
    fifo.delete(first.receipt_handle)
    assert bodies(fifo) == ["a2"]
    assert clock.next_time() is None


def test_messages_of_a_group_that_time_out_together_come_back_in_order(clock: ManualClock, fifo: LocalQueue) -> None:
    for number in ("1", "2", "3"):
        fifo.send(f"a{number}", group="a", deduplication_id=number)
    assert bodies(fifo) == ["a1", "a2", "a3"]
    clock.advance(359)
    assert bodies(fifo) == []
    clock.advance(1)
    assert bodies(fifo, 2) == ["a1", "a2"]


def test_a_message_that_is_given_back_can_be_received_at_once(fifo: LocalQueue) -> None:
    fifo.send("a1", group="a", deduplication_id="1")
    (first,) = fifo.receive()
    fifo.change_visibility(first.receipt_handle, 0)
    (again,) = fifo.receive()
    assert again.receives == 2
    assert again.first_received_at == first.first_received_at


def test_the_next_time_of_a_group_is_when_all_of_it_is_back(clock: ManualClock, fifo: LocalQueue) -> None:
    fifo.send("a1", group="a", deduplication_id="1")
    (first,) = fifo.receive()
    fifo.change_visibility(first.receipt_handle, 40)
    fifo.send("a2", group="a", deduplication_id="2")
    at = fifo.next_time()
    assert at is not None
    assert (at - clock.now()).total_seconds() == 40


def test_a_message_goes_to_the_dead_letters_after_its_last_receive(clock: ManualClock) -> None:
    dead = LocalQueue(clock, "dead.fifo")
    queue = LocalQueue(clock, "requests.fifo", visibility_seconds=10, dead_letters=dead, max_receives=2)
    queue.send("poison", group="a", deduplication_id="1")
    for _ in range(2):
        assert bodies(queue) == ["poison"]
        clock.advance(10)
    assert bodies(queue) == []
    assert [message.body for message in dead.messages] == ["poison"]
    assert queue.next_time() is None


@pytest.mark.parametrize("ending", [".fifo", ""])
def test_a_fifo_queue_gives_a_dead_letter_a_new_age_and_its_message_id_against_doubles(
    clock: ManualClock, ending: str
) -> None:
    dead = LocalQueue(clock, f"dead{ending}")
    queue = LocalQueue(clock, f"q{ending}", visibility_seconds=1, dead_letters=dead, max_receives=1)
    start, message_id = clock.now(), queue.send("a", group=ending and "g", deduplication_id=ending and "1")
    queue.receive()
    clock.advance(60)
    assert queue.receive() == []
    [letter] = dead.messages
    assert letter.message_id == message_id
    assert (letter.sent_at, letter.deduplication_id) == ((clock.now(), message_id) if ending else (start, ""))


@pytest.mark.parametrize("token", ["", "x" * 129, "with space", "ä"])
def test_ids_that_sqs_does_not_take_are_refused(fifo: LocalQueue, token: str) -> None:
    with pytest.raises(QueueError, match="MessageDeduplicationId"):
        fifo.send("a", group="a", deduplication_id=token)
    with pytest.raises(QueueError, match="MessageGroupId"):
        fifo.send("a", group=token, deduplication_id="1")


EXPIRED = "InvalidParameterValue: .* The receipt handle has expired"


def test_a_fifo_queue_refuses_a_handle_whose_visibility_has_passed(clock: ManualClock, fifo: LocalQueue) -> None:
    fifo.send("a1", group="a", deduplication_id="1")
    (first,) = fifo.receive()
    clock.advance(360)
    with pytest.raises(QueueError, match=EXPIRED):
        fifo.change_visibility(first.receipt_handle, 5)
    with pytest.raises(QueueError, match=EXPIRED):
        fifo.delete(first.receipt_handle)
    assert len(fifo.messages) == 1


def test_a_fifo_queue_refuses_the_handle_of_an_earlier_receive(clock: ManualClock, fifo: LocalQueue) -> None:
    fifo.send("a1", group="a", deduplication_id="1")
    (first,) = fifo.receive()
    clock.advance(360)
    (second,) = fifo.receive()
    with pytest.raises(QueueError, match=EXPIRED):
        fifo.delete(first.receipt_handle)
    with pytest.raises(QueueError, match=EXPIRED):
        fifo.change_visibility(first.receipt_handle, 0)
    fifo.delete(second.receipt_handle)
    assert fifo.messages == []


def test_a_message_that_was_deleted_already_is_a_success_of_delete_only(fifo: LocalQueue) -> None:
    fifo.send("a1", group="a", deduplication_id="1")
    (first,) = fifo.receive()
    for _ in range(2):
        fifo.delete(first.receipt_handle)
    with pytest.raises(QueueError, match="Message does not exist"):
        fifo.change_visibility(first.receipt_handle, 5)


def test_a_standard_queue_takes_an_older_handle_and_deletes_nothing(clock: ManualClock) -> None:
    queue = LocalQueue(clock, "lost-events", visibility_seconds=10)
    queue.send("one")
    (first,) = queue.receive()
    clock.advance(10)
    with pytest.raises(QueueError, match="MessageNotInflight"):
        queue.change_visibility(first.receipt_handle, 5)
    (second,) = queue.receive()
    queue.delete(first.receipt_handle)
    assert len(queue.messages) == 1
    with pytest.raises(QueueError, match="MessageNotInflight"):
        queue.change_visibility(first.receipt_handle, 5)
    clock.advance(10)
    queue.delete(second.receipt_handle)
    assert queue.messages == []


def test_boto3_sees_the_queue_as_sqs_shows_it(fifo: LocalQueue) -> None:
    sqs = LocalSqs("eu-west-1", "123456789012")
    url = sqs.add(fifo)
    session = boto3.Session("test", "test", region_name="eu-west-1")
    sqs.connect(session)
    client = session.client("sqs")
    entries = [
        {"Id": str(n), "MessageBody": f"a{n}", "MessageGroupId": "a", "MessageDeduplicationId": dedup}
        for n, dedup in enumerate(["1", "bad id", "2"])
    ]
    answer = client.send_message_batch(QueueUrl=url, Entries=entries)  # type: ignore[arg-type]
    assert [done["Id"] for done in answer["Successful"]] == ["0", "2"]
    assert [(failed["Id"], failed["Code"]) for failed in answer["Failed"]] == [("1", "InvalidParameterValue")]
    received = client.receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"])["Messages"]
    assert [message["Body"] for message in received] == ["a0", "a2"]
    assert received[0]["Attributes"]["ApproximateReceiveCount"] == "1"
    client.change_message_visibility_batch(
        QueueUrl=url,
        Entries=[{"Id": "0", "ReceiptHandle": received[0]["ReceiptHandle"], "VisibilityTimeout": 5}],
    )
    client.delete_message(QueueUrl=url, ReceiptHandle=received[1]["ReceiptHandle"])
    assert [message.body for message in fifo.messages] == ["a0"]
    with pytest.raises(ClientError, match="InvalidParameterValue"):
        client.delete_message(QueueUrl=url, ReceiptHandle=f"{fifo.messages[0].message_id}#0")
    with pytest.raises(ClientError, match="NonExistentQueue"):
        client.delete_message(QueueUrl=f"{url}x", ReceiptHandle="any#1")
    with pytest.raises(ClientError, match="has no PurgeQueue"):
        client.purge_queue(QueueUrl=url)


MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param("", "MissingParameter", id="empty"),
        pytest.param("a\x00b", "InvalidMessageContents", id="a character that XML has not"),
        pytest.param("a\ufffe", "InvalidMessageContents", id="a character that is none"),
        pytest.param("x" * (MIB + 1), "InvalidParameterValue", id="above 1 MiB"),
        pytest.param("ä" * (MIB // 2 + 1), "InvalidParameterValue", id="above 1 MiB in UTF-8"),
    ],
)
def test_a_body_that_sqs_does_not_take_is_refused(fifo: LocalQueue, body: str, code: str) -> None:
    with pytest.raises(QueueError, match=f"^{code}"):
        fifo.send(body, group="a", deduplication_id="1")
    assert fifo.messages == []


def test_a_body_of_1_mib_goes_and_its_attributes_count(fifo: LocalQueue) -> None:
    fifo.send("x" * MIB, group="a", deduplication_id="1")
    with pytest.raises(QueueError, match="shorter than 1048576 bytes"):
        fifo.send("x" * MIB, group="a", deduplication_id="2", attributes={"why": {"DataType": "String"}})
    fifo.send("\t\n\r ä \U0001f577", group="a", deduplication_id="3")
    assert len(fifo.messages) == 2


def test_a_batch_above_1_mib_is_refused_as_a_whole(fifo: LocalQueue) -> None:
    sqs = LocalSqs("eu-west-1", "123456789012")
    half = {"MessageBody": "x" * (MIB // 2 + 1), "MessageGroupId": "a"}
    entries = [{"Id": n, "MessageDeduplicationId": n, **half} for n in ("1", "2")]
    with pytest.raises(QueueError, match="BatchRequestTooLong"):
        sqs.execute("SendMessageBatch", {"QueueUrl": sqs.add(fifo), "Entries": entries})
    assert fifo.messages == []


@pytest.mark.parametrize("count", [0, 11])
def test_a_receive_takes_one_to_ten_messages(fifo: LocalQueue, count: int) -> None:
    sqs = LocalSqs("eu-west-1", "123456789012")
    with pytest.raises(QueueError, match="Must be between 1 and 10"):
        sqs.execute("ReceiveMessage", {"QueueUrl": sqs.add(fifo), "MaxNumberOfMessages": count})


@pytest.mark.parametrize(
    ("asked", "system", "own"),
    [
        ({}, set(), set()),
        ({"AttributeNames": ["SentTimestamp"]}, {"SentTimestamp"}, set()),
        ({"MessageSystemAttributeNames": ["MessageGroupId"]}, {"MessageGroupId"}, set()),
        ({"MessageAttributeNames": ["reason"]}, set(), {"reason"}),
        ({"MessageAttributeNames": ["app.*"]}, set(), {"app.version"}),
        ({"MessageAttributeNames": ["All"]}, set(), {"reason", "app.version"}),
    ],
)
def test_attributes_come_only_when_they_are_asked_for(
    fifo: LocalQueue, asked: dict[str, list[str]], system: set[str], own: set[str]
) -> None:
    sqs = LocalSqs("eu-west-1", "123456789012")
    value = {"DataType": "String", "StringValue": "x"}
    fifo.send("a1", group="a", deduplication_id="1", attributes={"reason": value, "app.version": value})
    (message,) = sqs.execute("ReceiveMessage", {"QueueUrl": sqs.add(fifo), **asked})["Messages"]
    assert (set(message.get("Attributes", ())), set(message.get("MessageAttributes", ()))) == (system, own)
    assert ("Attributes" in message, "MessageAttributes" in message) == (bool(system), bool(own))
