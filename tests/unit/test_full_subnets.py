"""What a full subnet costs: one refused call a process, then counting, until there is room."""

from datetime import timedelta

import pytest

from spiderpool_aws.domain.errors import Code
from spiderpool_aws.domain.request import Status
from spiderpool_aws.observation import CROWDED
from tests.unit.build import eni, policy
from tests.unit.fleet import Fleet
from tests.unit.test_reconciler import World


def full_world(room: int) -> World:
    """Return a node of one NIC in a subnet that has no room for it, whatever EC2 counts there."""
    world = World(policy(nics=1))
    world.ec2.refuse[eni(0).eni_id] = Code.SUBNET_EXHAUSTED
    world.ec2.room = room
    return world


def look(world: World, minutes: int, *, every: int = 1) -> int:
    """Look at the node for so many minutes; return how often EC2 was asked for addresses."""
    before = world.ec2.calls.count("assign")
    for _ in range(0, minutes, every):
        world.one()
        world.clock.advance(60 * every)
    return world.ec2.calls.count("assign") - before


def test_a_subnet_that_says_itself_that_it_is_full_is_asked_once_and_then_only_counted() -> None:
    world = full_world(room=0)
    assert world.ec2.counted == []
    assert look(world, 1) == 1
    assert look(world, 180, every=5) == 0
    assert world.one().status is Status.DONE
    world.ec2.room = 200
    world.ec2.refuse.clear()
    assert look(world, 1) == 1
    assert [pool.spec.ips.count() for pool in world.cluster.pools.values()] == [5]


def test_a_subnet_that_only_seems_to_have_room_is_asked_ever_less_often() -> None:
    world = full_world(room=200)
    assert look(world, 60) == 6  # after 0, 1, 3, 7, 15 and 31 minutes
    assert look(world, 60) == 2


def test_more_room_is_used_at_the_next_look_but_not_within_a_minute_of_a_refusal() -> None:
    world = full_world(room=20)
    look(world, 8)
    world.ec2.room = 21
    world.ec2.refuse.clear()
    assert look(world, 1) == 1


def test_a_message_waits_for_a_full_subnet_for_a_minute_at_most() -> None:
    world = full_world(room=200)
    world.one()
    world.clock.advance(10)
    soon = world.one()
    assert (soon.status, soon.delay_seconds) == (Status.WAITING, 50.0)
    world.clock.advance(50)
    world.one()
    world.clock.advance(59)
    assert world.one().status is Status.DONE
    world.clock.advance(1)
    assert world.one().delay_seconds == 60.0


@pytest.mark.parametrize(("room", "counted"), [(16, False), (15, True)])
def test_a_subnet_is_counted_for_an_hour_after_it_had_no_room_and_longer_while_it_is_nearly_full(
    room: int, counted: bool
) -> None:
    world = full_world(room)
    world.one()
    world.ec2.refuse.clear()
    world.ec2.room = room
    world.clock.advance(CROWDED.total_seconds() - 1)
    world.ec2.counted.clear()
    world.one()
    assert "subnet-0" in world.ec2.counted
    world.clock.advance(1)
    world.ec2.counted.clear()
    world.one()
    assert ("subnet-0" in world.ec2.counted) == counted
    assert timedelta(minutes=30) < CROWDED


@pytest.mark.parametrize(("room", "enqueued"), [(0, []), (1, ["i-99"])])
def test_the_resync_wakes_a_worker_only_for_what_the_subnet_has_room_for(room: int, enqueued: list[str]) -> None:
    fleet = Fleet(3)
    fleet.launch(99)
    fleet.ec2.room = room
    fleet.run()
    assert fleet.enqueued() == enqueued
    assert fleet.reporter.metrics.get("CapacityLimited", 0) == (0 if room else 1)


def test_the_resync_counts_nothing_where_nothing_lacks_but_for_its_figures() -> None:
    fleet = Fleet(3)
    fleet.run()
    assert fleet.ec2.counted == ["subnet-0"]
    fleet.ec2.counted.clear()
    fleet.run()  # in the same minute: the figures are there
    assert fleet.ec2.counted == []
