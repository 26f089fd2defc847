"""Messages that nobody can work on: where they end, why, that they hold nobody up, and what a person does with them."""

import json
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from spiderpool_aws.cli.main import app
from spiderpool_aws.deployment import VISIBILITY_TIMEOUT
from spiderpool_aws.local.ec2.calls import Fault
from tests.integration.poison import Scene, groups, poison_scene


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    with poison_scene(monkeypatch) as made:
        yield made


def test_what_always_fails_ends_with_its_reason_holds_nobody_up_and_is_sent_back_when_it_is_mended(
    scene: Scene,
) -> None:
    bad = scene.launch()
    with scene.never_assigned(bad, Fault.refuse("Unavailable", "The service is unavailable.", 503)):
        good = [scene.launch() for _ in range(12)]
        scene.bus.advance(120)
        assert sorted(scene.pools()) == sorted(good)
        scene.bus.advance(1300)
    assert groups(scene.stack.dead_requests) == [bad]
    [*found] = scene.dlq("list")
    assert {(one["queue"], one["subject"]) for one in found} == {("requests", bad)}
    assert "ec2:AssignPrivateIpAddresses" in found[0]["reason"]
    # A look leaves everything where it is, for the next one.
    assert len(scene.dlq("list")) == len(found)
    assert len(scene.dlq("redrive", "--queue", "requests")["redriven"]) == len(found)
    scene.bus.advance(120)
    assert sorted(scene.pools()) == sorted([bad, *good])
    assert scene.stack.dead_requests.messages == []


def test_what_ends_the_function_is_worked_on_alone_from_its_third_receive_and_ends_in_the_dead_letters(
    scene: Scene,
) -> None:
    bad = scene.launch()
    good = [scene.launch() for _ in range(5)]
    with scene.never_assigned(bad, SystemExit("out of memory")):
        # Two receives with the others, whose time-out it takes them into; the third one is its own.
        scene.bus.advance(3 * VISIBILITY_TIMEOUT.total_seconds() + 120)
        assert sorted(scene.pools()) == sorted(good)
        assert scene.stack.journal.counts["CrashSuspects"] > 0
        late = scene.launch()
        scene.bus.advance(120)
        assert sorted(scene.pools()) == sorted([*good, late])
        # Four crashes; at the fifth receive nobody tries any more.
        scene.bus.advance(2 * VISIBILITY_TIMEOUT.total_seconds())
    assert set(groups(scene.stack.dead_requests)) == {bad}
    assert "the function ended without an answer 4 times" in scene.dlq("list")[0]["reason"]
    scene.dlq("redrive")
    scene.bus.advance(120)
    assert bad in scene.pools()


def test_what_nobody_can_read_is_dead_lettered_at_once_and_can_only_be_dropped(scene: Scene) -> None:
    scene.stack.requests.send("not JSON", group="i-0bad", deduplication_id="1")
    good = scene.launch()
    scene.bus.advance(120)
    assert list(scene.pools()) == [good]
    answer = scene.dlq("redrive", code=1)
    assert answer["redriven"] == []
    assert "not JSON" in answer["left"][0]["left"]
    assert groups(scene.stack.dead_requests) == ["i-0bad"]
    assert len(scene.dlq("drop", "--yes")["dropped"]) == 1
    assert scene.stack.dead_requests.messages == []


def test_an_event_goes_back_to_the_function_that_failed(scene: Scene) -> None:
    event = {"source": "aws.ec2", "detail-type": "EC2 Instance State-change Notification"}
    event |= {"detail": {"instance-id": "i-0a", "state": "running"}}  # type: ignore[dict-item]
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:spiderpool-aws-prod"
    by_lambda = {
        "requestContext": {"functionArn": f"{arn}-resync:$LATEST", "condition": "RetriesExhausted"},
        "requestPayload": {"at": "now"},
        "responsePayload": {"errorType": "RetryLater", "errorMessage": "the API server cannot be reached"},
    }
    text = {"DataType": "String"}
    by_rule = {"ERROR_CODE": "THROTTLING", "ERROR_MESSAGE": "Rate exceeded", "TARGET_ARN": f"{arn}-route-event"}
    lost = scene.stack.lost_events
    lost.send(json.dumps(event), attributes={k: {**text, "StringValue": v} for k, v in by_rule.items()})
    lost.send(json.dumps(by_lambda))
    unknown = {"source": "aws.unknown"}
    lost.send(json.dumps(unknown), attributes={"reason": {**text, "StringValue": "no route takes it"}})
    assert [(one["subject"], one["reason"]) for one in scene.dlq("list")] == [
        ("EC2 Instance State-change Notification i-0a", "THROTTLING Rate exceeded"),
        ("invocation by hand", "RetryLater: the API server cannot be reached"),
        ("invocation by hand", "no route takes it"),
    ]
    assert len(scene.dlq("redrive")["redriven"]) == 3
    assert scene.invoked == [
        ("spiderpool-aws-prod-route-event", event),
        ("spiderpool-aws-prod-resync", {"at": "now"}),
        ("spiderpool-aws-prod-route-event", unknown),
    ]
    assert lost.messages == []


def test_a_redrive_says_what_went_back_and_fails_where_something_was_left(scene: Scene) -> None:
    dead, arguments = scene.stack.dead_requests, ("redrive", "--cluster", "prod")
    for number, subject in enumerate(["i-0a", "i-0a", "i-0b"]):
        body = json.dumps({"subject": subject, "eventId": f"e-{number}", "reason": "test"})
        dead.send(body, group=subject, deduplication_id=str(number))
    scene.stack.lost_events.send(json.dumps({"detail-type": "\x1b[2J", "source": "aws.ec2"}))
    assert scene.run(*arguments) == (
        0,
        "sent back: 4\n  requests: i-0a (2 times)\n  requests: i-0b\n  events: \\x1b[2J\n",
        "",
    )
    dead.send("poison", group="i-0c", deduplication_id="c")
    scene.stack.lost_events.send("poison")
    code, printed, _ = scene.run(*arguments)
    assert code == 1
    assert printed.startswith("sent back: 0\nleft: requests: i-0c: the message is not JSON")
    assert f"left: events: {scene.stack.lost_events.messages[0].message_id}: it is not JSON" in printed


def test_a_redrive_that_is_refused_in_the_middle_says_what_went_back(scene: Scene) -> None:
    dead = scene.stack.dead_requests
    for subject in ("i-0a", "i-0b"):
        body = json.dumps({"subject": subject, "eventId": "e", "reason": "test"})
        dead.send(body, group=subject, deduplication_id=subject)

    def then_gone(operation: str) -> None:
        if operation == "DeleteMessage":
            scene.stack.requests.name = "another"

    scene.after_a_call = then_gone
    code, printed, error = scene.run("redrive", "--cluster", "prod")
    assert (code, printed) == (1, "sent back: 1\n  requests: i-0a\n")
    assert "name the cluster that was deployed" in error


def test_what_cannot_be_sent_back_stays_and_the_reason_is_one_line(scene: Scene) -> None:
    dead = scene.stack.dead_requests
    body = json.dumps({"subject": "i-0a", "eventId": "e", "reason": "test"})
    dead.send(body, group="i-0a", deduplication_id="1")
    scene.stack.requests.name = "another"
    code, printed, error = scene.run("redrive", "--cluster", "prod")
    assert (code, printed, error.count("\n")) == (1, "", 1)
    assert "name the cluster that was deployed" in error
    assert [message.visible_at <= scene.stack.clock.now() for message in dead.messages] == [True]


def test_only_what_is_about_the_named_instance_is_touched(scene: Scene) -> None:
    for number in ("a", "b"):
        body = json.dumps({"subject": f"i-0{number}", "eventId": "e", "reason": "test"})
        scene.stack.dead_requests.send(body, group=f"i-0{number}", deduplication_id=number)
    assert [one["subject"] for one in scene.dlq("redrive", "--subject", "i-0b")["redriven"]] == ["i-0b"]
    assert groups(scene.stack.dead_requests) == ["i-0a"]
    assert groups(scene.stack.requests) == ["i-0b"]


@pytest.mark.parametrize(("answer", "left"), [("n\n", 1), ("y\n", 0)])
def test_a_drop_shows_what_goes_and_asks(scene: Scene, answer: str, left: int) -> None:
    body = json.dumps({"subject": "i-0a", "eventId": "e", "reason": "test"})
    scene.stack.dead_requests.send(body, group="i-0a", deduplication_id="1")
    url = scene.stack.sqs.add(scene.stack.dead_requests)
    result = CliRunner().invoke(app, ["dlq", "drop", "--queue-url", url], input=answer)
    assert "i-0a" in result.stderr
    assert "Delete these 1 of spiderpool-aws-prod-requests-dead.fifo for good?" in result.stderr
    assert result.stdout.endswith(f"dropped: {1 - left}\n")
    assert len(scene.stack.dead_requests.messages) == left


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "give either --cluster or --queue-url"),
        (["--cluster", "prod", "--queue-url", "https://sqs/x"], "give either --cluster or --queue-url"),
        (["--queue-url", "https://sqs/1/orders"], "no dead-letter queue of ours"),
        (["--cluster", "prdo"], "name the cluster that was deployed"),
    ],
)
@pytest.mark.parametrize("command", ["list", "redrive", "drop"])
def test_a_users_mistake_is_answered_with_what_to_do(
    scene: Scene, command: str, arguments: list[str], said: str
) -> None:
    code, _, error = scene.run(command, *arguments)
    assert code != 0
    assert said in " ".join(error.replace("│", " ").split())


def test_without_a_region_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    result = CliRunner().invoke(app, ["dlq", "list", "--cluster", "prod"])
    assert result.exit_code == 1
    assert "region" in result.stderr
