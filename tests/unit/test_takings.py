"""What a process has taken a moment ago counts beside what EC2 counts, where a reserve would be broken."""

from dataclasses import replace
from datetime import timedelta

import pytest

from spiderpool_aws.takings import Takings
from tests.unit.build import NOW, SUBNET_0

SUBNET = replace(SUBNET_0, available_ipv4=20)


def seen(takings: Takings, seconds: float) -> int | None:
    """Return the room above a reserve of 8 in a subnet that has 20 free addresses, so long after."""
    return takings.beside(SUBNET, NOW + timedelta(seconds=seconds)).room(8)


def test_what_was_taken_counts_for_as_long_as_a_describe_may_lag() -> None:
    takings = Takings()
    takings.note("subnet-0", 5, NOW)
    takings.note("subnet-0", 3, NOW + timedelta(seconds=10))
    takings.note("subnet-1", 7, NOW)
    assert [seen(takings, at) for at in (10, 29.9, 30, 39.9, 40, 50)] == [4, 4, 9, 9, 12, 12]


def test_more_than_there_is_leaves_nothing() -> None:
    takings = Takings()
    takings.note("subnet-0", 13, NOW)
    assert seen(takings, 1) == 0


@pytest.mark.parametrize(("reserve", "room"), [(0, 20), (1, 14)])
def test_a_subnet_without_a_reserve_is_asked_for_all_that_it_may_have(reserve: int, room: int) -> None:
    takings = Takings()
    takings.note("subnet-0", 5, NOW)
    assert takings.beside(SUBNET, NOW).room(reserve) == room


def test_a_subnet_that_nobody_counted_has_no_known_room() -> None:
    takings = Takings()
    takings.note("subnet-0", 5, NOW)
    assert takings.beside(SUBNET_0, NOW).room(8) is None


def test_a_process_that_takes_for_days_remembers_half_a_minute() -> None:
    takings = Takings()
    for minute in range(100):
        takings.note("subnet-0", 1, NOW + timedelta(minutes=minute))
    assert len(takings._taken["subnet-0"]) == 1
