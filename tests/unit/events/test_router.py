from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from spiderpool_aws.domain.errors import RetryLater, Throttled
from spiderpool_aws.router import Router
from tests.unit.events.recorded import load
from tests.unit.worker.fakes import FakeQueue, FakeReporter

INSTANCE = "i-0f3fbbbc0298d1a86"
ENI = "eni-0a9c4b60624c0e41d"
OTHER = "eni-11111111"


class Attachments:
    """EC2, as far as a router asks it: who holds which NIC."""

    def __init__(self, owners: Mapping[str, str], *, error: RetryLater | None = None) -> None:
        self._owners = owners
        self._error = error
        self.asked: list[list[str]] = []

    def instances_of_enis(self, eni_ids: Sequence[str]) -> Mapping[str, str]:
        if self._error is not None:
            raise self._error
        self.asked.append(list(eni_ids))
        return {eni: self._owners[eni] for eni in eni_ids if eni in self._owners}


@dataclass
class FakeDeadLetters:
    kept: list[tuple[object, str]] = field(default_factory=list)
    down: bool = False

    def put(self, event: object, reason: str) -> None:
        if self.down:
            raise RetryLater("SQS does not answer")
        self.kept.append((event, reason))


@dataclass
class Bench:
    ec2: Attachments = field(default_factory=lambda: Attachments({ENI: INSTANCE}))
    queue: FakeQueue = field(default_factory=FakeQueue)
    dead_letters: FakeDeadLetters = field(default_factory=FakeDeadLetters)
    reporter: FakeReporter = field(default_factory=FakeReporter)

    def route(self, event: object) -> list[str]:
        router = Router(self.ec2, self.queue, self.dead_letters, self.reporter)
        return [request.subject for request in router.route(event)]


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.mark.parametrize(
    ("name", "subject", "lookups"),
    [
        ("instance-running", INSTANCE, 0),
        ("call-attach-by-role", INSTANCE, 0),
        ("call-assign-ipv4-by-user", INSTANCE, 1),
        ("call-assign-ipv6-wrapped", INSTANCE, 1),
        ("call-detach-by-user", "eni-attach-00eb752237a160808", 0),
    ],
)
def test_an_event_becomes_a_request_for_its_instance_with_one_look_up_at_most(
    bench: Bench, name: str, subject: str, lookups: int
) -> None:
    assert bench.route(load(name)) == [subject]
    assert len(bench.ec2.asked) == lookups
    assert bench.queue.arrived == [subject]


def test_a_nic_that_ec2_no_longer_knows_is_sent_on_under_its_own_id(bench: Bench) -> None:
    bench.ec2 = Attachments({})
    assert bench.route(load("call-delete-by-user")) == [ENI]


def test_when_too_much_is_asked_of_ec2_a_nic_is_sent_on_under_its_own_id_and_not_asked_for_again(bench: Bench) -> None:
    bench.ec2 = Attachments({ENI: INSTANCE}, error=Throttled("RequestLimitExceeded"))
    assert bench.route(load("call-assign-ipv4-by-user")) == [ENI]
    assert bench.reporter.warnings == [f"{ENI}: left to the worker under its own id: RequestLimitExceeded {{}}"]


def test_two_nics_of_one_instance_are_one_request_and_one_look_up(bench: Bench) -> None:
    bench.ec2 = Attachments({ENI: INSTANCE, OTHER: INSTANCE})
    event = load("call-delete-by-user")
    event["detail"]["requestParameters"] = {
        "a": {"networkInterfaceId": ENI},
        "b": {"networkInterfaceId": OTHER},
    }
    assert bench.route(event) == [INSTANCE]
    assert bench.ec2.asked == [[ENI, OTHER]]


def test_one_event_about_two_instances_makes_two_messages(bench: Bench) -> None:
    bench.ec2 = Attachments({ENI: INSTANCE, OTHER: "i-11111111"})
    event = load("call-delete-by-user")
    event["detail"]["requestParameters"] = {
        "a": {"networkInterfaceId": ENI},
        "b": {"networkInterfaceId": OTHER},
    }
    bench.route(event)
    assert bench.queue.arrived == [INSTANCE, "i-11111111"]


def test_the_same_event_ten_times_is_one_message(bench: Bench) -> None:
    for _ in range(10):
        bench.route(load("call-assign-ipv4-by-user"))
    assert bench.queue.arrived == [INSTANCE]


def test_events_out_of_order_arrive_all_and_say_the_same(bench: Bench) -> None:
    for state in ("stopped", "terminated", "running", "stopping"):
        bench.route(load(f"instance-{state}"))
    assert bench.queue.arrived == [INSTANCE] * 4
    assert len({request.reason for request in bench.queue.sent}) == 1


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (load("rebalance-recommendation"), "no route for detail-type 'EC2 Instance Rebalance Recommendation'"),
        (load("instance-running") | {"detail": {}}, "detail.instance-id is missing"),
        (load("scheduled"), "no route"),
        ("text", "an event is a JSON object"),
        (None, "an event is a JSON object"),
        ({}, "no route"),
    ],
)
def test_what_nobody_understands_is_dead_lettered_with_its_reason(bench: Bench, event: object, reason: str) -> None:
    assert bench.route(event) == []
    ((kept, why),) = bench.dead_letters.kept
    assert kept == event
    assert reason in why
    assert bench.reporter.counts == {"EventsDeadLettered": 1}
    assert reason in bench.reporter.warnings[0]


def test_when_ec2_or_a_queue_does_not_answer_lambda_is_to_try_again(bench: Bench) -> None:
    bench.ec2 = Attachments({}, error=RetryLater("ec2:DescribeNetworkInterfaces is not permitted"))
    with pytest.raises(RetryLater):
        bench.route(load("call-delete-by-user"))
    bench.queue.down = True
    with pytest.raises(RetryLater):
        bench.route(load("instance-running"))
    bench.dead_letters.down = True
    with pytest.raises(RetryLater):
        bench.route(load("rebalance-recommendation"))
    assert bench.queue.sent == []
