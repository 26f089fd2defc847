"""A batch ends before its invocation does, and asks no API server again that does not answer."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from spiderpool_aws.domain.control import Control
from spiderpool_aws.domain.errors import RetryLater, Unavailable
from spiderpool_aws.domain.request import Outcome, ReconcileRequest, Status
from spiderpool_aws.node_pass import MARGIN_SECONDS, NO_TIME
from tests.unit import build
from tests.unit.build import eni, instance, node
from tests.unit.test_reconciler import World
from tests.unit.world import SmallClock

IDS = [f"i-{number}" for number in range(10)]


@dataclass
class ClockDeadline:
    """An invocation's time-out on the tests' clock."""

    clock: SmallClock
    ends: datetime

    def seconds_left(self) -> float:
        return (self.ends - self.clock.now()).total_seconds()


class Fleet(World):
    """Ten one-NIC nodes that have joined and have nothing yet."""

    def __init__(self) -> None:
        super().__init__(build.policy(nics=1))
        self.deadline = ClockDeadline(self.clock, self.clock.now() + timedelta(seconds=60))
        for number, instance_id in enumerate(IDS):
            nic = eni(0, eni_id=f"eni-{number:08d}", attachment_id=f"eni-attach-{number:08d}")
            name, address = f"node-{number}", f"10.0.9.{number}"
            self.ec2.put(instance(nic, instance_id=instance_id, private_dns_name=name, private_ipv4=address))
            self.cluster.nodes[name] = node(
                name=name, uid=f"u-{number}", provider_id=f"aws:///eu-west-1a/{instance_id}", internal_ips=(address,)
            )

    def work(self) -> list[Outcome]:
        requests = [ReconcileRequest(i, "event", "test") for i in IDS]
        outcomes = self.reconciler.reconcile(requests, self.deadline)
        return [outcomes[i] for i in IDS]

    def before(self, method: str, do: Callable[[], None]) -> None:
        """Have something happen before each call of a method of the cluster."""
        real = getattr(self.cluster, method)

        def call(*args: Any, **options: Any) -> Any:
            do()
            return real(*args, **options)

        setattr(self.cluster, method, call)

    def hang(self, method: str, seconds: float) -> None:
        def time_out() -> None:
            self.clock.advance(seconds)
            raise RetryLater("the webhook does not answer")

        self.before(method, time_out)


def test_with_time_enough_all_of_a_batch_are_done() -> None:
    fleet = Fleet()
    assert {outcome.status for outcome in fleet.work()} == {Status.DONE}


def test_a_webhook_that_hangs_ends_the_batch_before_the_invocation_ends() -> None:
    fleet = Fleet()
    fleet.hang("apply_pool", 20)
    outcomes = fleet.work()
    assert [outcome.status for outcome in outcomes] == [Status.FAILED] * 2 + [Status.WAITING] * 8
    assert {outcome.reason for outcome in outcomes[2:]} == {NO_TIME}
    assert fleet.deadline.seconds_left() == 20
    assert all(outcome.plans == () for outcome in outcomes[2:]), "nothing was begun for the others"


def test_a_pass_stops_between_two_actions_when_its_time_is_up() -> None:
    fleet = Fleet()
    fleet.cluster.multus.clear()
    fleet.before("apply_pool", lambda: fleet.clock.advance(31))
    outcomes = fleet.work()
    assert (outcomes[0].status, outcomes[0].reason) == (Status.WAITING, NO_TIME)
    assert [write for write in fleet.cluster.writes if "multus" in write] == []
    assert fleet.ec2.calls.count("assign") == 1


def test_nothing_is_read_when_no_time_is_left() -> None:
    fleet = Fleet()
    fleet.clock.advance(60 - MARGIN_SECONDS + 1)
    assert {(outcome.status, outcome.reason) for outcome in fleet.work()} == {(Status.WAITING, NO_TIME)}
    assert (fleet.cluster.reads, fleet.ec2.calls) == ([], [])


def test_events_are_not_posted_when_no_time_is_left() -> None:
    fleet = Fleet()
    fleet.control.control = Control(build.policy(nics=1, ipv4={"addresses": 12}))
    fleet.before("post_event", lambda: fleet.clock.advance(31))
    assert fleet.work()[0].status is Status.DONE
    assert [event.reason for event in fleet.cluster.events] == ["PoolsReady"], "and CapacityLimited at the next pass"


@pytest.mark.parametrize(
    ("error", "asked"),
    [
        pytest.param(Unavailable("the API server is busy (429)", 30), 1, id="the API server asks everybody to wait"),
        pytest.param(RetryLater("this pool was changed by somebody"), 10, id="one object's own trouble"),
    ],
)
def test_an_api_server_that_does_not_answer_is_asked_once_for_a_batch(error: RetryLater, asked: int) -> None:
    fleet, tries = Fleet(), []

    def fail() -> None:
        tries.append(1)
        raise error

    fleet.before("apply_pool", fail)
    outcomes = fleet.work()
    assert len(tries) == fleet.ec2.calls.count("assign") == asked
    assert {outcome.status for outcome in outcomes} == {Status.FAILED}
    assert all(error.reason in outcome.reason for outcome in outcomes)
    assert {outcome.subject for outcome in outcomes} == set(IDS)
    if asked == 1:
        assert {outcome.delay_seconds for outcome in outcomes} == {30}


def test_who_does_not_answer_is_told_no_events_either() -> None:
    fleet = Fleet()
    fleet.control.control = Control(build.policy(nics=1, ipv4={"addresses": 12}))

    def away() -> None:
        raise Unavailable("cannot be reached")

    fleet.before("apply_pool", away)
    fleet.work()
    assert fleet.cluster.events == []
