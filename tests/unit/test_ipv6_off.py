"""IPv6 that the policy no longer gives: the rules, one condition at a time."""

from dataclasses import replace
from typing import Any

import pytest

from spiderpool_aws.domain.addresses import EMPTY, IPFamily
from spiderpool_aws.domain.control import Control
from spiderpool_aws.domain.errors import Code, Refused
from spiderpool_aws.domain.instance import InstanceState
from spiderpool_aws.domain.policy.model import Policy
from spiderpool_aws.domain.request import Hint, ReconcileRequest
from spiderpool_aws.events import ResyncRequest
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
    turned_off,
    untag,
    work_off,
)


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
