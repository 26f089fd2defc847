"""Turning IPv6 on in a running cluster: default on every node at once, or on none."""

from dataclasses import replace

from spiderpool_aws.domain.control import Control
from spiderpool_aws.domain.request import Hint, ReconcileRequest
from tests.unit import build
from tests.unit.build import node
from tests.unit.fleet import Fleet
from tests.unit.ipv6_fleet import DUAL, defaults, resynced, turned_on, work_off


def test_a_cluster_that_has_ipv6_from_its_first_node_on_has_default_pools_at_once() -> None:
    fleet = Fleet(3, DUAL)
    assert defaults(fleet) == {"i-0": True, "i-1": True, "i-2": True}


def test_no_pool_is_default_before_every_node_has_its_own_and_then_all_are() -> None:
    fleet = turned_on(4)
    fleet.work(["i-0", "i-1", "i-2"])
    assert defaults(fleet) == {"i-0": False, "i-1": False, "i-2": False}
    requests = resynced(fleet)
    assert not any(Hint.FLIP in request.hints for request in requests)
    fleet.work(["i-3"])
    assert set(defaults(fleet).values()) == {False}
    requests = resynced(fleet)
    assert {request.subject for request in requests if Hint.FLIP in request.hints} == {"i-0", "i-1", "i-2", "i-3"}
    work_off(fleet, requests)
    assert set(defaults(fleet).values()) == {True}
    fleet.cluster.writes.clear()
    assert resynced(fleet) == []
    assert fleet.cluster.writes == []


def test_a_worker_that_looks_before_the_flip_changes_nothing_and_keeps_no_message_before_it() -> None:
    fleet = turned_on(2)
    fleet.work(["i-0", "i-1"])
    fleet.cluster.writes.clear()
    outcome = fleet.reconciler.reconcile([ReconcileRequest("i-0", "event", "test")])["i-0"]
    assert (outcome.status, fleet.cluster.writes) == ("done", [])


def test_a_lost_message_of_the_flip_is_made_good_by_any_other_look() -> None:
    fleet = turned_on(3)
    fleet.work(["i-0", "i-1", "i-2"])
    lost, *rest = resynced(fleet)
    work_off(fleet, rest)
    assert sorted(defaults(fleet).values()) == [False, True, True]
    fleet.work([lost.subject])
    assert set(defaults(fleet).values()) == {True}


def test_a_node_that_joins_after_the_flip_gets_default_pools_and_one_that_joins_before_it_does_not() -> None:
    fleet = turned_on(2)
    fleet.work(["i-0", "i-1"])
    fleet.launch(2)
    fleet.work(["i-2"])
    assert defaults(fleet)["i-2"] is False
    work_off(fleet, resynced(fleet))
    fleet.launch(3)
    fleet.work(["i-3"])
    assert set(defaults(fleet).values()) == {True}


def test_a_node_that_has_not_joined_holds_the_flip_up_only_once_it_has_pools() -> None:
    fleet = turned_on(2)
    fleet.work(["i-0", "i-1"])
    fleet.launch(2)
    fleet.cluster.nodes.pop("node-2")
    fleet.work(["i-2"])
    work_off(fleet, resynced(fleet))
    assert defaults(fleet) == {"i-0": True, "i-1": True}


def test_somebody_elses_default_ipv6_pool_means_that_there_is_nothing_to_wait_for() -> None:
    fleet = turned_on(2)
    theirs = replace(next(iter(fleet.cluster.pools.values())), name="theirs", identity=None)
    spec = replace(theirs.spec, subnet="2001:db8:9::/64", ips=build.v6("2001:db8:9::5"), default=True)
    fleet.cluster.pools["theirs"] = replace(theirs, spec=spec, allocated=build.v6(), excluded=build.v6())
    fleet.work(["i-0"])
    assert defaults(fleet)["i-0"] is True


def test_a_nic_with_a_hand_made_ipv4_pool_is_waited_for_like_any_other() -> None:
    fleet = turned_on(2)
    for pool in list(fleet.cluster.pools.values()):
        fleet.cluster.pools[pool.name] = replace(pool, identity=None)
    fleet.work(["i-0"])
    assert defaults(fleet) == {"i-0": False}
    assert not any(Hint.FLIP in request.hints for request in resynced(fleet))
    fleet.work(["i-1"])
    work_off(fleet, resynced(fleet))
    assert defaults(fleet) == {"i-0": True, "i-1": True}


def test_a_policy_without_default_pools_has_no_flip() -> None:
    fleet = turned_on(2)
    fleet.control.control = Control(DUAL.model_copy(update={"pools": DUAL.pools.model_copy(update={"default": False})}))
    fleet.work(["i-0", "i-1"])
    assert not any(Hint.FLIP in request.hints for request in resynced(fleet))


def test_the_taint_of_a_node_that_joins_before_the_flip_goes_all_the_same() -> None:
    fleet = turned_on(2)
    fleet.work(["i-0", "i-1"])
    fleet.launch(2)
    known = fleet.cluster.nodes["node-2"]
    fleet.cluster.nodes["node-2"] = node(
        name=known.name,
        uid=known.uid,
        provider_id=known.provider_id,
        internal_ips=known.internal_ips,
        taints=("spiderpool-aws/not-ready",),
    )
    fleet.work(["i-2"])
    assert fleet.cluster.nodes["node-2"].taints == ()
