"""IPv6 that the policy no longer gives, and who holds a change of IPv6 up: the rules, one condition at a time."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from spiderpool_aws.domain.addresses import EMPTY, IPFamily
from spiderpool_aws.domain.cluster.ipv6_state import Ipv6State
from spiderpool_aws.domain.cluster.pool import Pool
from spiderpool_aws.domain.control import Control
from spiderpool_aws.domain.errors import Code, Refused
from spiderpool_aws.domain.instance import Eni, InstanceState
from spiderpool_aws.domain.policy.model import Policy
from spiderpool_aws.domain.request import Hint, ReconcileRequest
from spiderpool_aws.events import ResyncRequest
from spiderpool_aws.flip_watch import PATIENCE, FlipWatch
from tests.unit import build
from tests.unit.fleet import POLICY as OFF
from tests.unit.fleet import Fleet
from tests.unit.test_ipv6_flip import DUAL, defaults, resynced, turned_on, work_off
from tests.unit.world import SmallReporter

MANAGED = "spiderpool-aws/managed"


def turned_off(nodes: int = 2, policy: Policy = OFF) -> Fleet:
    """Return a running dual-stack cluster whose policy has just lost IPv6."""
    fleet = Fleet(nodes, DUAL)
    fleet.control.control = Control(policy)
    return fleet


def prepared(nodes: int = 2) -> Fleet:
    """Return a cluster that turns IPv6 on and whose nodes have got their pools, none of them default yet."""
    fleet = turned_on(nodes)
    fleet.work([f"i-{number}" for number in range(nodes)])
    return fleet


def flips(fleet: Fleet) -> set[str]:
    return {request.subject for request in resynced(fleet) if Hint.FLIP in request.hints}


def pool_of(fleet: Fleet, instance_id: str, family: IPFamily = IPFamily.IPV6) -> Pool:
    return next(pool for pool in fleet.pools_of(instance_id) if pool.family is family)


def change_pool(fleet: Fleet, pool: Pool, **changes: Any) -> None:
    spec = {key: value for key, value in changes.items() if key in ("default", "disable", "ips")}
    rest = {key: value for key, value in changes.items() if key not in spec}
    fleet.cluster.pools[pool.name] = replace(pool, spec=replace(pool.spec, **spec), **rest)


def change_instance(fleet: Fleet, instance_id: str, **changes: Any) -> None:
    fleet.ec2.put(replace(fleet.ec2.known[instance_id], **changes))


def change_nic(fleet: Fleet, instance_id: str, **changes: Any) -> Eni:
    (eni,) = fleet.ec2.known[instance_id].enis
    fleet.ec2.change_eni(replace(eni, **changes))
    return eni


def untag(fleet: Fleet, instance_id: str) -> None:
    tags = fleet.ec2.known[instance_id].tags
    change_instance(fleet, instance_id, tags={**tags, MANAGED: "false"})


def held(fleet: Fleet) -> list[str]:
    """Return what the resync finds held."""
    findings = fleet.run(dry_run=True)["findings"]
    return [text for text in findings if any(word in text for word in ("holds IPv6", "keeps IPv6", " default"))]


def test_no_look_begins_it_before_a_listing_allows_it() -> None:
    fleet = turned_off()
    fleet.work(["i-0", "i-1"])
    assert set(defaults(fleet).values()) == {True}
    assert flips(fleet) == {"i-0", "i-1"}


def test_each_pool_loses_its_default_first_and_is_emptied_and_deleted_when_none_is_left() -> None:
    fleet = turned_off()
    first, second = resynced(fleet)
    work_off(fleet, [first])
    assert sorted(defaults(fleet).values()) == [False, True]
    fleet.work([first.subject])
    assert pool_of(fleet, first.subject).spec.ips, "another pool is default"
    work_off(fleet, [second])
    assert defaults(fleet) == {"i-0": False, "i-1": False}
    fleet.work(["i-0", "i-1"])
    assert defaults(fleet) == {}
    assert [i.enis[0].ipv6.count() for i in fleet.ec2.known.values()] == [1, 1], "the host keeps its own"
    fleet.cluster.writes.clear()
    assert (resynced(fleet), fleet.cluster.writes) == ([], [])


def test_once_begun_every_look_goes_on_with_it() -> None:
    fleet = turned_off(3)
    change_pool(fleet, pool_of(fleet, "i-0"), default=False)
    fleet.work(["i-1"])
    assert defaults(fleet) == {"i-0": False, "i-1": False, "i-2": True}


def test_a_pool_that_is_disabled_and_not_default_begins_nothing() -> None:
    fleet = turned_off(3)
    change_pool(fleet, pool_of(fleet, "i-0"), default=False, disable=True)
    fleet.work(["i-0", "i-1"])
    assert defaults(fleet) == {"i-0": False, "i-1": True, "i-2": True}


def test_prefixes_go_back_too() -> None:
    fleet = Fleet(1, build.policy(nics=1, ipv4={"addresses": 3}, ipv6={"prefixes": 1, "perPrefix": 4}))
    fleet.control.control = Control(OFF)
    work_off(fleet, resynced(fleet))
    change_pool(fleet, pool_of(fleet, "i-0"), ips=EMPTY[IPFamily.IPV6])  # and then the worker was stopped
    fleet.ec2.no_unassign = Refused("no permission", Code.DENIED)
    fleet.work(["i-0"])
    assert list(defaults(fleet)) == ["i-0"]
    fleet.ec2.no_unassign = None
    fleet.work(["i-0"])
    assert (defaults(fleet), fleet.ec2.eni("eni-00000000").ipv6_prefixes) == ({}, ())


def test_a_pool_goes_only_when_what_it_has_released_is_unassigned() -> None:
    fleet = turned_off(1)
    work_off(fleet, resynced(fleet))
    fleet.work(["i-0"])
    assert "unassign" in fleet.ec2.calls
    assert [write.partition(" ")[0] for write in fleet.cluster.writes[-2:]] == ["apply", "delete"]


def test_a_pool_stays_while_what_it_released_cannot_be_unassigned() -> None:
    fleet = turned_off(1)
    work_off(fleet, resynced(fleet))
    fleet.ec2.no_unassign = Refused("no permission", Code.DENIED)
    fleet.work(["i-0"])
    assert pool_of(fleet, "i-0").spec.ips == EMPTY[IPFamily.IPV6]
    fleet.ec2.no_unassign = None
    fleet.work(["i-0"])
    assert (defaults(fleet), fleet.ec2.eni("eni-00000000").ipv6.count()) == ({}, 1)


def test_what_pods_use_stays_and_what_they_lost_is_looked_at_again() -> None:
    fleet = turned_off(1)
    work_off(fleet, resynced(fleet))
    pool = pool_of(fleet, "i-0")
    change_pool(fleet, pool, allocated=pool.spec.ips)
    gone = pool.spec.ips
    eni = fleet.ec2.eni("eni-00000000")
    fleet.ec2.change_eni(replace(eni, ipv6=eni.ipv6 - gone))
    outcome = fleet.reconciler.reconcile([ReconcileRequest("i-0", "event", "test")])["i-0"]
    assert outcome.status == "waiting"
    assert [addresses for _, addresses in pool_of(fleet, "i-0").memory.missing] == [gone]
    fleet.clock.advance(31)
    fleet.work(["i-0"])
    assert gone & fleet.ec2.eni("eni-00000000").ipv6 == gone, "assigned again"
    assert pool_of(fleet, "i-0").spec.ips == gone


def test_what_another_nic_took_is_quarantined_and_told() -> None:
    fleet = turned_off(2)
    work_off(fleet, resynced(fleet))
    pool = pool_of(fleet, "i-0")
    change_pool(fleet, pool, allocated=pool.spec.ips)
    mine, other = fleet.ec2.eni("eni-00000000"), fleet.ec2.eni("eni-00000001")
    fleet.ec2.change_eni(replace(mine, ipv6=mine.ipv6 - pool.spec.ips))
    fleet.ec2.change_eni(replace(other, ipv6=other.ipv6 | pool.spec.ips))
    fleet.work(["i-0"])
    fleet.clock.advance(31)
    outcome = fleet.reconciler.reconcile([ReconcileRequest("i-0", "event", "test")])["i-0"]
    assert "AddressLost" in {finding.code for finding in outcome.findings}
    assert [known.addresses for known in fleet.cluster.reservations.values()] == [pool.spec.ips]


@pytest.mark.parametrize("why", ["instance", "NIC", "absent", "terminating", "hand-made"])
def test_a_default_pool_that_may_not_be_written_keeps_all_of_them(why: str) -> None:
    fleet = turned_off(3)
    pool = pool_of(fleet, "i-2")
    match why:
        case "instance":
            untag(fleet, "i-2")
        case "NIC":
            change_nic(fleet, "i-2", tags={MANAGED: "false"})
        case "absent":
            fleet.ec2.known.pop("i-2")
        case "terminating":
            change_pool(fleet, pool, terminating=True)
        case _:
            fleet.cluster.pools[pool.name] = replace(pool, identity=None)
    assert flips(fleet) == set()
    told = held(fleet)
    if why == "terminating":
        assert told == []
    elif why == "hand-made":
        assert [f"so is pool {pool.name}" in text for text in told] == [True, True]
    else:
        assert ["i-2 (Node node-2) keeps IPv6" in text and pool.name in text for text in told] == [True]
    fleet.work(["i-0", "i-1", "i-2"])
    assert all(defaults(fleet).values())


def test_what_is_left_alone_keeps_its_pool_as_it_is_while_the_others_change() -> None:
    fleet = turned_off(3)
    change_nic(fleet, "i-2", tags={MANAGED: "false"})
    change_pool(fleet, pool_of(fleet, "i-0"), default=False)
    fleet.work(["i-0", "i-1", "i-2"])
    assert defaults(fleet) == {"i-0": False, "i-1": False, "i-2": True}
    change_pool(fleet, pool_of(fleet, "i-2"), default=False)
    change_pool(fleet, pool_of(fleet, "i-1"), default=True)
    fleet.control.control = Control(DUAL)
    fleet.work(["i-0", "i-1", "i-2"])
    assert defaults(fleet) == {"i-0": True, "i-1": True, "i-2": False}


def test_a_pool_that_is_being_deleted_is_not_written() -> None:
    fleet = turned_off(2)
    change_pool(fleet, pool_of(fleet, "i-0"), terminating=True, terminating_since=fleet.clock.now())
    fleet.cluster.writes.clear()
    fleet.reconciler.reconcile([ReconcileRequest("i-0", "event", "test", frozenset({Hint.FLIP}))])
    assert fleet.cluster.writes == []


@pytest.mark.parametrize("policy", [OFF, DUAL])
def test_where_pools_are_not_default_anyway_nothing_is_held_or_awaited(policy: Policy) -> None:
    fleet = prepared(2)
    quiet = policy.model_copy(update={"pools": policy.pools.model_copy(update={"default": False})})
    untag(fleet, "i-1")
    change_pool(fleet, pool_of(fleet, "i-1"), default=True)
    fleet.control.control = Control(quiet)
    assert (flips(fleet), held(fleet)) == (set(), [])
    at = fleet.clock.now().replace(minute=1)
    assert fleet.resync.run(ResyncRequest(request_id="r", at=at))["done"] is False


def test_a_terminated_node_is_no_finding() -> None:
    fleet = turned_off(2)
    change_instance(fleet, "i-1", state=InstanceState.TERMINATED, tags={})
    assert held(fleet) == []


# Turning it on: who holds it up.


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


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, 2, id="named by the policy"),
        pytest.param({"device_index": 1}, 0, id="an index that the policy does not name"),
        pytest.param({"network_card": 1}, 0, id="another network card"),
        pytest.param({"tags": {MANAGED: "false"}}, 0, id="its tag"),
        pytest.param({"interface_type": "efa"}, 0, id="its kind"),
    ],
)
def test_the_pools_of_a_nic_that_is_left_alone_are_not_disabled_with_its_instance(
    changes: dict[str, Any], expected: int
) -> None:
    fleet = Fleet(1, DUAL)
    change_nic(fleet, "i-0", **changes)
    change_instance(fleet, "i-0", state=InstanceState.STOPPED)
    fleet.work(["i-0"])
    assert sum(pool.spec.disable for pool in fleet.cluster.pools.values()) == expected


def test_a_nic_out_of_the_policy_is_told_with_the_pools_that_are_not_going() -> None:
    fleet = Fleet(1, DUAL)
    change_nic(fleet, "i-0", network_card=1)
    ipv4, ipv6 = pool_of(fleet, "i-0", IPFamily.IPV4), pool_of(fleet, "i-0")
    (told,) = [text for text in fleet.run(dry_run=True)["findings"] if "is left alone" in text]
    assert (ipv4.name in told, ipv6.name in told) == (True, True)
    change_pool(fleet, ipv6, terminating=True)
    (told,) = [text for text in fleet.run(dry_run=True)["findings"] if "is left alone" in text]
    assert (ipv4.name in told, ipv6.name in told) == (True, False)
