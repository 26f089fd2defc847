"""An Event is posted once, and a failure of that is only counted."""

from datetime import timedelta

import pytest

from spiderpool_aws.announcer import REMEMBERED, Announcer
from spiderpool_aws.domain.errors import Code, Refused, RetryLater
from spiderpool_aws.domain.node_events import NodeEvent
from tests.unit.build import NOW
from tests.unit.world import SmallCluster, SmallReporter


def event(text: str = "x", minutes: float = 0) -> NodeEvent:
    return NodeEvent("n", "u", "CapacityLimited", text, NOW + timedelta(minutes=minutes), text)


def test_what_lasts_is_posted_once_in_the_life_of_an_event() -> None:
    cluster = SmallCluster()
    announcer = Announcer(cluster, SmallReporter())
    for minutes in range(0, 60, 5):
        announcer.tell([event(minutes=minutes)])
    assert len(cluster.events) == 1
    announcer.tell([event(minutes=60)])
    assert len(cluster.events) == 2


@pytest.mark.parametrize("failure", [Refused("no", Code.FORBIDDEN), RetryLater("busy")])
def test_what_cannot_be_posted_is_counted_and_posted_later(failure: Refused | RetryLater) -> None:
    cluster, reporter = SmallCluster(no_events=failure), SmallReporter()
    announcer = Announcer(cluster, reporter)
    announcer.tell([event("a"), event("b")])
    assert reporter.metrics == {"EventsNotPosted": 1}
    cluster.no_events = None
    # Each try may cost a time-out, so the other nodes of the batch are not told either.
    announcer.tell([event("a", minutes=0.5)])
    assert cluster.events == []
    announcer.tell([event("a", minutes=1), event("b", minutes=1)])
    assert [posted.message for posted in cluster.events] == ["a", "b"]


def test_one_that_is_refused_for_itself_keeps_no_other_from_being_posted() -> None:
    cluster, reporter = SmallCluster(no_events=Refused("too long", Code.INVALID)), SmallReporter()
    Announcer(cluster, reporter).tell([event("a"), event("b")])
    assert reporter.metrics == {"EventsNotPosted": 2}


def test_the_memory_is_bounded() -> None:
    announcer = Announcer(SmallCluster(), SmallReporter())
    announcer.tell(event(str(number)) for number in range(REMEMBERED + 10))
    assert len(announcer._told) == REMEMBERED
