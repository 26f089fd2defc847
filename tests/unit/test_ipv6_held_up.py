"""Who holds up that IPv6 is turned on, and who does not: the rules, one condition at a time."""

from dataclasses import replace
from datetime import timedelta

import pytest

from spiderpool_aws.domain.addresses import EMPTY, IPFamily
from spiderpool_aws.domain.cluster.ipv6_state import Ipv6State
from spiderpool_aws.domain.cluster.pool import Pool
from spiderpool_aws.domain.control import Control
from spiderpool_aws.domain.errors import Code
from spiderpool_aws.domain.instance import InstanceState
from spiderpool_aws.events import ResyncRequest
from spiderpool_aws.flip_watch import PATIENCE, FlipWatch
from tests.unit import build
from tests.unit.fleet import POLICY as OFF
from tests.unit.fleet import Fleet
from tests.unit.ipv6_fleet import (
    DUAL,
    MANAGED,
    change_instance,
    change_nic,
    change_pool,
    defaults,
    flips,
    held,
    pool_of,
    prepared,
    resynced,
    turned_on,
    untag,
    work_off,
)
from tests.unit.world import SmallReporter


@pytest.mark.parametrize("why", ["instance", "NIC", "absent", "disabled", "empty", "pending"])
def test_a_nic_whose_pods_would_fail_holds_it_up(why: str) -> None:
    fleet = prepared(3)
    pool = pool_of(fleet, "i-2")
    match why:
        case "instance":
            untag(fleet, "i-2")
        case "NIC":
            change_nic(fleet, "i-2", tags={MANAGED: "false"})
        case "absent":
            fleet.ec2.known.pop("i-2")
        case "disabled":
            change_pool(fleet, pool, disable=True)
        case "empty":
            change_pool(fleet, pool, ips=EMPTY[IPFamily.IPV6])
            eni = fleet.ec2.eni("eni-00000002")
            fleet.ec2.change_eni(replace(eni, ipv6=eni.ipv6 - pool.spec.ips))
            fleet.ec2.refuse["eni-00000002"] = Code.SUBNET_EXHAUSTED
        case _:
            change_instance(fleet, "i-2", state=InstanceState.PENDING)
            del fleet.cluster.pools[pool.name]
    assert flips(fleet) == set()
    if why in ("instance", "NIC", "absent", "disabled"):
        assert ["i-2 (Node node-2) holds IPv6 up" in text for text in held(fleet)] == [True]
    else:
        assert held(fleet) == [], "it is being worked on"


@pytest.mark.parametrize("why", ["stopped", "default already", "disabled IPv4", "disabled hand-made IPv4"])
def test_a_nic_whose_pods_would_not_fail_holds_nothing_up(why: str) -> None:
    fleet = prepared(3)
    pool, ipv4 = pool_of(fleet, "i-2"), pool_of(fleet, "i-2", IPFamily.IPV4)
    match why:
        case "stopped":
            change_instance(fleet, "i-2", state=InstanceState.STOPPED)
            del fleet.cluster.pools[pool.name]
        case "disabled IPv4":
            untag(fleet, "i-2")
            del fleet.cluster.pools[pool.name]
            change_pool(fleet, ipv4, disable=True)
        case "disabled hand-made IPv4":
            untag(fleet, "i-2")
            del fleet.cluster.pools[pool.name]
            change_pool(fleet, ipv4, disable=True, identity=None)
        case _:
            untag(fleet, "i-2")
            change_pool(fleet, pool, default=True)
            fleet.work(["i-0", "i-1"])
            assert set(defaults(fleet).values()) == {True}
            return
    assert flips(fleet) >= {"i-0", "i-1"}


def foreign(fleet: Fleet, *ips: str, allocated: bool) -> None:
    """Add a hand-made default IPv4 pool."""
    known = pool_of(fleet, "i-0", IPFamily.IPV4)
    change_pool(fleet, replace(known, name="theirs", identity=None), ips=build.v4(*ips))
    fleet.cluster.pools["theirs"] = replace(
        fleet.cluster.pools["theirs"], allocated=build.v4(*ips) if allocated else build.v4()
    )


def test_a_hand_made_pool_of_nobody_holds_it_up_while_pods_use_it() -> None:
    fleet = prepared(2)
    foreign(fleet, "10.0.7.7", allocated=True)
    assert flips(fleet) == set()
    assert ["pods use pool theirs" in text for text in held(fleet)] == [True, True]
    foreign(fleet, "10.0.7.7", allocated=False)
    assert (held(fleet), flips(fleet)) == ([], {"i-0", "i-1"})


def test_a_hand_made_pool_of_a_nic_that_has_ipv6_holds_nothing_up() -> None:
    fleet = prepared(2)
    foreign(fleet, *pool_of(fleet, "i-0", IPFamily.IPV4).spec.ips.to_ranges(), allocated=True)
    assert flips(fleet) == {"i-0", "i-1"}


def test_without_any_ipv6_pool_nothing_flips_and_nobody_holds_it_up() -> None:
    fleet = turned_on(2)
    for instance_id in ("i-0", "i-1"):
        change_nic(fleet, instance_id, primary_ipv6=None)
    assert (flips(fleet), held(fleet)) == (set(), [])


def test_a_first_node_whose_ipv4_pool_came_before_waits_for_the_listing() -> None:
    fleet = turned_on(1)
    fleet.work(["i-0"])
    assert defaults(fleet) == {"i-0": False}
    work_off(fleet, resynced(fleet))
    assert defaults(fleet) == {"i-0": True}


def test_every_minute_counts_while_it_is_awaited_and_for_half_an_hour_at_most() -> None:
    watch, reporter, now = FlipWatch(SmallReporter()), SmallReporter(), build.NOW
    watch.reporter = reporter
    assert not watch.is_urgent(now)
    for minute in (0, 10, 20):
        watch.note(now + timedelta(minutes=minute), DUAL, due=False, awaited=True)
    assert watch.is_urgent(now + timedelta(minutes=29))
    assert not watch.is_urgent(now + timedelta(minutes=30))
    assert timedelta(minutes=30) == PATIENCE
    for seconds in (0, 60):
        watch.note(now + timedelta(seconds=seconds), DUAL, due=True, awaited=True)
    watch.note(now + timedelta(seconds=75), DUAL, due=False, awaited=False)
    assert not watch.is_urgent(now + timedelta(minutes=1))
    watch.note(now, OFF, due=False, awaited=False)
    assert reporter.lines == [
        "every node has its IPv6 pools: they become default now",
        "every IPv6 pool is default: the change took less than 15 s",
    ]


def test_a_stopped_or_unmanaged_node_is_not_waited_for_every_minute() -> None:
    fleet = Fleet(3, DUAL)
    for instance_id in ("i-1", "i-2"):
        del fleet.cluster.pools[pool_of(fleet, instance_id).name]
    change_instance(fleet, "i-1", state=InstanceState.STOPPED)
    untag(fleet, "i-2")
    fleet.run()
    at = fleet.clock.now().replace(minute=1)
    assert fleet.resync.run(ResyncRequest(request_id="r", at=at))["done"] is False


def test_what_is_told_of_a_flip_is_told_once_and_never_of_a_cluster_that_has_none() -> None:
    fleet = prepared(2)
    work_off(fleet, resynced(fleet))
    for _ in range(3):
        fleet.run()
    assert [line for line in fleet.reporter.lines if "IPv6 pools" in line or "IPv6 pool is" in line] == [
        "every node has its IPv6 pools: they become default now",
        "every IPv6 pool is default: the change took less than 0 s",
    ]
    quiet, empty = prepared(2), Fleet(0, DUAL)
    policy = DUAL.model_copy(update={"pools": DUAL.pools.model_copy(update={"default": False})})
    quiet.control.control = Control(policy)
    empty.ec2.put(build.instance(build.eni(0), instance_id="i-9"))
    for other in (quiet, empty):
        other.run()
        assert not any("become default" in line for line in other.reporter.lines)


def test_a_node_that_is_late_for_a_flip_which_has_begun_does_not_hold_it_up() -> None:
    fleet = prepared(3)
    change_pool(fleet, pool_of(fleet, "i-0"), default=True)
    del fleet.cluster.pools[pool_of(fleet, "i-2").name]
    untag(fleet, "i-2")
    assert held(fleet) == []


def test_the_state_of_a_cluster_passes_over_what_is_being_deleted_and_what_does_not_serve() -> None:
    fleet = Fleet(1, DUAL)
    ipv4, ipv6 = pool_of(fleet, "i-0", IPFamily.IPV4), pool_of(fleet, "i-0")
    theirs = replace(ipv4, identity=None)

    def is_default(pool: Pool, *, default: bool) -> Pool:
        return replace(pool, spec=replace(pool.spec, default=default))

    assert Ipv6State.of([ipv4, ipv6]) == Ipv6State((), (), True, False, True, False)
    assert Ipv6State.of([replace(ipv6, terminating=True)]) == Ipv6State((), (), False, False, False, False)
    disabled = replace(ipv6, spec=replace(ipv6.spec, disable=True))
    assert Ipv6State.of([ipv4, disabled]) == Ipv6State((), (), True, False, False, True)
    assert Ipv6State.of([theirs]) == Ipv6State((theirs,), (), False, False, False, True)
    assert Ipv6State.of([is_default(theirs, default=False)]) == Ipv6State((), (), False, False, False, False)
    assert Ipv6State.of([is_default(replace(ipv6, identity=None), default=False)]).foreign_defaults == ()
    assert Ipv6State.of([replace(ipv6, identity=None)]).foreign_defaults == (ipv6.name,)
