"""The dead-letter queues under attack: what lies there, whatever it is, is listed, sent back once, and dropped."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from spiderpool_aws.deployment import REQUEST_BYTES
from spiderpool_aws.local.ec2.calls import Fault
from spiderpool_aws.local.queues import QueueError
from tests.integration.poison import Scene, groups, poison_scene

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:spiderpool-aws"
EVENT = {
    "id": "e-1",
    "source": "aws.ec2",
    "detail-type": "EC2 Instance State-change Notification",
    "detail": {"instance-id": "i-0123456789abcdef0", "state": "running"},
}


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    with poison_scene(monkeypatch) as made:
        yield made


def request(subject: str, event_id: str = "e") -> str:
    return json.dumps({"subject": subject, "eventId": event_id, "reason": "test"})


def text(**attributes: str) -> dict[str, Any]:
    return {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}


@pytest.mark.parametrize("body", ["[" * 60_000, request("i-0bad"), '{"hints": [[]]}', "\x85\u2028", "1" * 5000])
def test_a_batch_full_of_poison_is_dead_lettered_at_once_and_the_next_batch_is_done(scene: Scene, body: str) -> None:
    subjects = [f"i-0{number:03}" for number in range(10)]
    for subject in subjects:
        scene.stack.requests.send(body, group=subject, deduplication_id=subject)
    good = scene.launch()
    scene.bus.advance(60)
    assert list(scene.pools()) == [good]
    assert groups(scene.stack.dead_requests) == subjects
    assert all(one["reason"] for one in scene.dlq("list"))
    assert scene.stack.failed_invocations == []


def test_the_good_messages_behind_a_poison_of_the_same_instance_are_worked_on(scene: Scene) -> None:
    scene.bus.disable_rules()
    instance = scene.launch()
    for number, body in enumerate([request(instance, "e-0"), "poison", request(instance, "e-2")]):
        scene.stack.requests.send(body, group=instance, deduplication_id=str(number))
    scene.bus.advance(120)
    assert list(scene.pools()) == [instance]
    assert [message.body for message in scene.stack.dead_requests.messages] == ["poison"]


def test_each_poison_of_an_instance_is_kept(scene: Scene) -> None:
    for number in range(7):
        scene.stack.requests.send(f"poison {number}", group="i-0bad", deduplication_id=str(number))
    scene.bus.advance(5)
    assert [message.body[-1] for message in scene.stack.dead_requests.messages] == [*"0123456"]


def test_a_message_as_large_as_its_queue_takes_gets_to_the_dead_letters_with_its_reason(scene: Scene) -> None:
    body = "\U0001f525" * (REQUEST_BYTES // 4)
    with pytest.raises(QueueError):
        scene.stack.requests.send(f"{body}x", group="i-0bad", deduplication_id="1")
    scene.stack.requests.send(body, group="i-0bad", deduplication_id="1")
    scene.bus.advance(60)
    [dead] = scene.stack.dead_requests.messages
    assert dead.body == body
    assert "the message is not JSON" in dead.attributes["reason"]["StringValue"]


@pytest.mark.parametrize("reason", ["\U0001f525" * 5000, "é" * 2000, "\x00\ud800\ufffe", " ", "a\nb\x1b[31m"])
def test_a_reason_of_any_kind_stays_beside_its_message(scene: Scene, reason: str) -> None:
    bad = scene.launch()
    with scene.never_assigned(bad, Fault.refuse("Unavailable", reason, 503)):
        scene.bus.advance(1500)
    assert groups(scene.stack.dead_requests) == [bad]
    assert "ec2:AssignPrivateIpAddresses" in scene.dlq("list")[0]["reason"]


def test_what_the_worker_dead_letters_at_once_is_sent_back_once_and_not_for_ever(scene: Scene) -> None:
    """The worker runs while the command does."""
    scene.after_a_call = lambda _: scene.bus.advance(5)
    dead = scene.stack.dead_requests
    dead.send(request("i-0a"), group="i-0a", deduplication_id="1", attributes=text(reason="of old"))
    dead.send(request("i-0a"), group="i-0b", deduplication_id="2", attributes=text(reason="of another group"))
    answer = scene.dlq("redrive", code=1)
    assert [one["subject"] for one in answer["redriven"]] == ["i-0a"]
    assert ["in the group of i-0b" in one["left"] for one in answer["left"]] == [True]


def test_an_event_that_comes_back_at_once_is_sent_back_once_and_not_for_ever(scene: Scene) -> None:
    lost = scene.stack.lost_events
    body = json.dumps({"source": "aws.unknown"})
    lost.send(body)

    def dead_letter(operation: str) -> None:
        if operation == "Invoke":
            lost.send(body, attributes=text(reason="no route takes it"))

    scene.after_a_call = dead_letter
    answer = scene.dlq("redrive", "--queue", "events", code=1)
    assert len(answer["redriven"]) == len(scene.invoked) == 1
    assert [one["reason"] for one in answer["left"]] == ["no route takes it"]
    assert len(lost.messages) == 1


@pytest.mark.parametrize("command", [("list",), ("redrive",), ("drop", "--yes")])
def test_a_letter_that_nobody_can_read_keeps_no_other_from_being_seen(scene: Scene, command: tuple[str, ...]) -> None:
    for body in ("[" * 100_000, '{"a": ' + "1" * 5000 + "}", '"\\ud800"', "x"):
        scene.stack.lost_events.send(body)
    scene.stack.lost_events.send(json.dumps(EVENT))
    scene.stack.dead_requests.send("[" * 100_000, group="i-0a", deduplication_id="1")
    scene.stack.dead_requests.send(request("i-0b"), group="i-0b", deduplication_id="2")
    answer = scene.dlq(*command, code=int(command == ("redrive",)))
    seen = answer if isinstance(answer, list) else [one for part in answer.values() for one in part]
    assert len(seen) == 7


def test_the_function_of_an_event_is_found_by_its_name_whatever_the_cluster_is_called(scene: Scene) -> None:
    scene.name_queues("a-resync")
    lost = scene.stack.lost_events
    lost.send(json.dumps(EVENT), attributes=text(ERROR_CODE="THROTTLING", TARGET_ARN=f"{ARN}-a-resync-route-event"))
    record = {"requestContext": {"functionArn": f"{ARN}-a-resync-resync:$LATEST"}, "requestPayload": {}}
    lost.send(json.dumps(record))
    scene.dlq("redrive", cluster="a-resync")
    assert [name for name, _ in scene.invoked] == [
        "spiderpool-aws-a-resync-route-event",
        "spiderpool-aws-a-resync-resync",
    ]


def test_a_redrive_that_is_repeated_within_five_minutes_is_not_swallowed(scene: Scene) -> None:
    """Each time the letter is another one; its request has the same event."""
    dead, requests = scene.stack.dead_requests, scene.stack.requests
    for turn in range(2):
        dead.send(request("i-0a"), group="i-0a", deduplication_id=f"message-{turn}")
        assert len(scene.dlq("redrive")["redriven"]) == 1
        [message] = requests.receive()
        requests.delete(message.receipt_handle)
    assert dead.messages == []


def test_all_letters_of_an_instance_are_sent_back_in_their_order_also_more_than_one_look_shows(scene: Scene) -> None:
    bodies = [request("i-0a", f"e-{number}") for number in range(23)]
    for body in bodies:
        scene.stack.dead_requests.send(body, group="i-0a", deduplication_id="1")
        scene.stack.clock.advance(301)
    assert len(scene.dlq("list")) == 10
    assert len(scene.dlq("redrive")["redriven"]) == 23
    assert [message.body for message in scene.stack.requests.messages] == bodies


def ctrl_c(operation: str) -> Callable[[str], None]:
    """Have the person press Ctrl-C after the second call of an operation."""
    made: list[str] = []

    def pressed(called: str) -> None:
        made.append(called)
        if called == operation and made.count(operation) == 2:
            raise KeyboardInterrupt

    return pressed


@pytest.mark.parametrize("operation", ["SendMessage", "DeleteMessage", "ReceiveMessage"])
@pytest.mark.parametrize("command", ["list", "redrive", "drop"])
def test_an_interrupted_command_loses_nothing_and_hides_nothing(scene: Scene, command: str, operation: str) -> None:
    dead, requests = scene.stack.dead_requests, scene.stack.requests
    subjects = ["i-00", "i-01", "i-02"]
    for subject in subjects:
        dead.send(request(subject), group=subject, deduplication_id=subject)
    scene.after_a_call = ctrl_c(operation)
    scene.run(command, "--cluster", "prod", *(["--yes"] if command == "drop" else []))
    scene.after_a_call = lambda _: None
    assert [message.group for message in dead.messages if message.visible_at > scene.stack.clock.now()] == []
    kept = [message.group for message in (*requests.messages, *dead.messages)]
    assert set(kept) == (set(subjects) if command != "drop" or operation == "ReceiveMessage" else set(kept))
    scene.dlq("redrive")
    # Also what was sent and not deleted is there once.
    assert sorted(message.group for message in requests.messages) == sorted(set(kept))
    assert dead.messages == []


def test_a_look_that_takes_longer_than_the_letters_are_hidden_still_shows_them(scene: Scene) -> None:
    scene.stack.dead_requests.send(request("i-0a"), group="i-0a", deduplication_id="1")
    scene.stack.lost_events.send(json.dumps(EVENT))
    scene.after_a_call = lambda _: scene.stack.clock.advance(200)
    assert len(scene.dlq("list")) == 2


@pytest.mark.parametrize("minutes", [4, 6])
def test_a_person_who_thinks_for_longer_than_they_are_hidden_is_told_to_repeat_it(scene: Scene, minutes: int) -> None:
    dead = scene.stack.dead_requests
    dead.send(request("i-0a"), group="i-0a", deduplication_id="1")
    seconds = iter([0, 60 * minutes])
    scene.after_a_call = lambda called: scene.stack.clock.advance(next(seconds) if called == "ReceiveMessage" else 0)
    code, _, error = scene.run("drop", "--cluster", "prod", "--queue", "requests", "--yes")
    assert (code, len(dead.messages)) == ((0, 0) if minutes == 4 else (1, 1))
    assert ("repeat the command" in error) == (minutes == 6)


def test_a_dead_letter_queue_that_does_not_take_it_holds_its_instance_up_for_a_minute_at_most(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.bus.disable_rules()
    instance = scene.launch()
    scene.stack.requests.send("poison", group=instance, deduplication_id="1")
    send, dead = scene.stack.dead_requests.send, scene.stack.dead_requests
    monkeypatch.setattr(dead, "send", no_answer)
    scene.bus.advance(30)
    scene.stack.requests.send(request(instance), group=instance, deduplication_id="2")
    scene.bus.advance(60)
    assert list(scene.pools()) == [instance]
    monkeypatch.setattr(dead, "send", send)
    scene.bus.advance(60)
    assert groups(dead) == [instance]


def no_answer(*_: object, **__: object) -> str:
    raise QueueError("InternalError", "SQS does not answer")


def test_a_storm_of_other_peoples_eni_calls_fills_no_dead_letter_queue_and_still_reaches_the_nodes(
    scene: Scene,
) -> None:
    ours = scene.launch()
    scene.bus.advance(120)
    eni = scene.stack.model.enis[scene.eni_of(ours)]
    throttled = Fault.refuse("RequestLimitExceeded", "Request limit exceeded.", 503)
    mend = scene.stack.model.inject(lambda name, _: throttled if name == "DescribeNetworkInterfaces" else None)
    taken = {"NetworkInterfaceId": eni.id, "PrivateIpAddresses": [next(iter(eni.secondary_ips))]}
    scene.stack.model.call("UnassignPrivateIpAddresses", taken)
    scene.bus.advance(90)
    mend()
    assert scene.bus.settle()
    assert (scene.stack.lost_events.messages, scene.stack.failed_invocations) == ([], [])
    assert len(eni.secondary_ips) == 3
