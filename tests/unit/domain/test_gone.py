"""What is not there: instances that are gone, unknown or at rest, and NICs that left."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from spiderpool_aws.domain.actions.nodes import DeleteNode, DeletePod, NoteGone
from spiderpool_aws.domain.actions.pools import ApplyPool, DeletePool, PoolChange
from spiderpool_aws.domain.cluster.node import PodRef
from spiderpool_aws.domain.instance import InstanceState
from spiderpool_aws.domain.memory import Absence
from spiderpool_aws.domain.observed import LiveClaim
from spiderpool_aws.domain.policy.model import Policy
from spiderpool_aws.domain.rules.planner import plan_node
from tests.unit.build import NOW, eni, instance, node, observed, policy, v4
from tests.unit.domain.planning import FULL, ONE_NIC, codes, full_node, keys, missing


@pytest.mark.parametrize("state", [InstanceState.STOPPING, InstanceState.STOPPED, InstanceState.SHUTTING_DOWN])
def test_a_resting_instance_has_its_pools_disabled_once(state: InstanceState) -> None:
    model, pool = full_node()
    resting = replace(model, instance=instance(eni(0, ipv4=FULL), state=state))
    (action,) = plan_node(resting, ONE_NIC).actions
    assert isinstance(action, ApplyPool)
    assert (action.change, action.pool.spec.disable, action.pool.spec.ips) == (PoolChange.DISABLE, True, pool.spec.ips)
    assert plan_node(replace(resting, pools=(action.pool,)), ONE_NIC).converged


def test_a_stopped_instance_gives_up_what_its_nic_has_lost() -> None:
    stopped = replace(
        missing(30), instance=instance(eni(0, ipv4=v4("10.0.0.21-10.0.0.24")), state=InstanceState.STOPPED)
    )
    (action,) = plan_node(stopped, ONE_NIC).actions
    assert isinstance(action, ApplyPool)
    assert (action.change, action.dropped) == (PoolChange.SHRINK, v4("10.0.0.20"))
    assert (action.pool.spec.disable, action.pool.memory.missing) == (True, ())
    assert plan_node(replace(stopped, pools=(action.pool,)), ONE_NIC).converged
    held = plan_node(replace(stopped, removals_held="x"), ONE_NIC)
    assert [a.change for a in held.actions if isinstance(a, ApplyPool)] == [PoolChange.DISABLE]


def test_a_started_instance_has_its_pools_enabled() -> None:
    model, pool = full_node()
    disabled = replace(pool, spec=replace(pool.spec, disable=True), memory=replace(pool.memory, disabled=True))
    (action,) = plan_node(replace(model, pools=(disabled,)), ONE_NIC).actions
    assert isinstance(action, ApplyPool)
    assert (action.change, action.pool.spec.disable, action.pool.memory.disabled) == (PoolChange.UPDATE, False, False)


def test_a_terminated_instance_loses_node_then_pods_then_pools() -> None:
    model, pool = full_node()
    old = PodRef("default", "web-0", "uid-web", NOW - timedelta(hours=1))
    dead = instance(state=InstanceState.TERMINATED)
    plan = plan_node(replace(model, instance=dead, pods=(old,)), ONE_NIC)
    why = "its instance is terminated"
    assert plan.actions == (DeleteNode(node().name, "uid-node-1", why), DeletePod(old, why), DeletePool(pool, why))
    assert not plan.removals


def test_the_node_that_a_live_instance_took_over_stays_and_only_older_pods_go() -> None:
    model, _ = full_node()
    old = PodRef("default", "old", "1", NOW - timedelta(hours=2))
    new = PodRef("default", "new", "2", NOW - timedelta(minutes=1))
    claim = LiveClaim("i-2", NOW - timedelta(minutes=30))
    dead = instance(state=InstanceState.TERMINATED)
    plan = plan_node(replace(model, instance=dead, pods=(old, new), live_claim=claim), ONE_NIC)
    note = NoteGone(node().name, "uid-node-1", "i-1", "i-2")
    assert [note.key, "delete pod default/old"] == keys(plan)[:2]
    assert len(plan.actions) == 3
    noted = plan_node(replace(model, instance=dead, node=node().noted("i-1", "i-2"), live_claim=claim), ONE_NIC)
    assert [type(action) for action in noted.actions] == [DeletePool]


def test_a_node_that_says_that_its_forgotten_instance_is_gone_goes_with_its_pods_when_nobody_claims_it() -> None:
    left = observed(instance=None, node=node().noted("i-1", "i-2"), pods=(PodRef("default", "web", "1", NOW),))
    plan = plan_node(left, ONE_NIC)
    assert keys(plan) == ["delete pod default/web", f"delete node {node().name}"]
    assert plan.removals.nodes == {node().name}, "an absence like any other to the fuse"
    held = plan_node(replace(left, removals_held="the fuse"), ONE_NIC)
    assert (held.actions, codes(held)) == ((), ["RemovalHeld"])
    claimed = plan_node(replace(left, live_claim=LiveClaim("i-2", NOW - timedelta(minutes=1))), ONE_NIC)
    assert (claimed.actions, codes(claimed)) == ((), ["NodeClaimed"])
    assert plan_node(replace(left, node=node()), ONE_NIC).converged
    assert plan_node(left, policy(nics=1, nodes={"deleteTerminated": False})).actions == plan.actions[:1]


@pytest.mark.parametrize(
    ("provider_id", "uid", "deleted"),
    [
        pytest.param("aws:///eu-west-1a/i-1", "uid-x", True, id="a providerID proves it"),
        pytest.param("aws:///eu-west-1a/i-2", "uid-node-1", False, id="another providerID disproves it"),
        pytest.param("", "uid-node-1", True, id="the Node that was proved when the pool was written"),
        pytest.param("", "uid-x", False, id="an unknown Node of the same name"),
    ],
)
def test_only_a_node_proved_to_be_the_dead_instances_is_deleted(provider_id: str, uid: str, deleted: bool) -> None:
    model, _ = full_node()
    dead = instance(state=InstanceState.TERMINATED, private_ipv4="")
    plan = plan_node(replace(model, instance=dead, node=node(provider_id=provider_id, uid=uid)), ONE_NIC)
    assert any(isinstance(action, DeleteNode) for action in plan.actions) == deleted


def test_the_policy_may_keep_nodes_and_pods_of_terminated_instances() -> None:
    model, _ = full_node()
    kept = policy(nics=1, nodes={"deleteTerminated": False, "deletePodsOfTerminated": False})
    pods = (PodRef("default", "web-0", "uid-web", NOW - timedelta(hours=1)),)
    plan = plan_node(replace(model, instance=instance(state=InstanceState.TERMINATED), pods=pods), kept)
    assert [type(action) for action in plan.actions] == [DeletePool]


def test_an_instance_that_ec2_does_not_know_keeps_everything() -> None:
    model, _ = full_node()
    plan = plan_node(replace(model, instance=None), ONE_NIC)
    assert (plan.actions, codes(plan)) == ((), ["InstanceUnknown"])


@pytest.mark.parametrize(
    ("absence", "removed"),
    [
        pytest.param(Absence(NOW - timedelta(minutes=11)), False, id="one listing is no proof"),
        pytest.param(
            Absence(NOW - timedelta(minutes=11), NOW - timedelta(minutes=5)), False, id="two that are too near"
        ),
        pytest.param(Absence(NOW - timedelta(minutes=11), NOW), True, id="two ten minutes apart"),
        pytest.param(
            Absence(NOW - timedelta(days=1), NOW), False, id="two a day apart: it may have been there between"
        ),
        pytest.param(
            Absence(NOW - timedelta(days=1), NOW - timedelta(days=1) + timedelta(minutes=11)), False, id="two of old"
        ),
    ],
)
def test_absence_is_proved_by_two_listings_ten_minutes_apart(absence: Absence, removed: bool) -> None:
    model, pool = full_node()
    noted = replace(pool, memory=replace(pool.memory, absent=absence))
    plan = plan_node(replace(model, instance=None, pools=(noted,)), ONE_NIC)
    assert any(isinstance(action, DeletePool) for action in plan.actions) == removed
    assert bool(plan.removals) == removed


def test_an_instance_that_was_absent_and_is_back_is_forgotten_as_absent() -> None:
    model, pool = full_node()
    noted = replace(pool, memory=replace(pool.memory, absent=Absence(NOW)))
    (action,) = plan_node(replace(model, pools=(noted,)), ONE_NIC).actions
    assert isinstance(action, ApplyPool)
    assert action.pool.memory == pool.memory


def test_a_nic_that_left_has_its_pool_fenced_at_once_and_deleted_after_a_second_look() -> None:
    model, pool = full_node()
    left = replace(model, instance=instance(eni(1, device_index=0)))
    plan = plan_node(left, ONE_NIC)
    first = plan.actions[0]
    assert isinstance(first, ApplyPool)
    assert (first.change, first.pool.spec.ips) == (PoolChange.DISABLE, pool.spec.ips)
    later = replace(left, pools=(first.pool,), now=NOW + timedelta(seconds=30))
    assert keys(plan_node(later, ONE_NIC))[0] == f"delete pool {pool.name}"
    held = plan_node(replace(later, removals_held="x"), ONE_NIC)
    assert not any(isinstance(action, DeletePool) for action in held.actions)


@pytest.mark.parametrize(
    ("known", "the_policy"),
    [
        pytest.param({}, ONE_NIC, id="it runs"),
        pytest.param({"state": InstanceState.STOPPED}, ONE_NIC, id="it is stopped"),
        pytest.param({"state": InstanceState.SHUTTING_DOWN}, ONE_NIC, id="it is dying"),
        pytest.param({"tags": {}}, ONE_NIC, id="it is left alone"),
        pytest.param({}, policy(nics=2), id="a NIC is missing"),
    ],
)
@pytest.mark.parametrize("disabled", [False, True])
def test_whatever_an_instance_is_when_it_is_back_its_absence_is_forgotten_with_one_write(
    known: dict[str, Any], the_policy: Policy, disabled: bool
) -> None:
    model, pool = full_node()
    memory = replace(pool.memory, absent=Absence(NOW - timedelta(days=1)), disabled=disabled)
    noted = replace(pool, memory=memory, spec=replace(pool.spec, disable=disabled))
    back = replace(model, instance=instance(eni(0, ipv4=FULL), **known), pools=(noted,))
    (action,) = [a for a in plan_node(back, the_policy).actions if isinstance(a, ApplyPool)]
    assert action.pool.memory.absent is None
    assert action.pool.spec.ips == pool.spec.ips
    after = plan_node(replace(back, pools=(action.pool,)), the_policy)
    assert not any(isinstance(a, ApplyPool) for a in after.actions)


def test_an_instance_that_is_back_and_has_not_joined_is_forgotten_as_absent() -> None:
    model, pool = full_node(node=None)
    noted = replace(pool, memory=replace(pool.memory, absent=Absence(NOW)))
    (action,) = plan_node(replace(model, pools=(noted,)), ONE_NIC).actions
    assert isinstance(action, ApplyPool)
    assert action.pool == pool


def test_what_a_live_instance_keeps_of_a_dead_ones_is_reported() -> None:
    model, _ = full_node()
    claim = LiveClaim("i-2", NOW - timedelta(minutes=30))
    pods = tuple(PodRef("default", f"new-{number}", str(number), NOW) for number in range(7))
    dead = instance(state=InstanceState.TERMINATED)
    plan = plan_node(replace(model, instance=dead, pods=pods, live_claim=claim), ONE_NIC)
    assert codes(plan) == ["NodeClaimed"]
    assert "pod default/new-3 and 3 more stay though i-1 is gone: i-2, which EC2" in plan.findings[0].message
    nothing_kept = plan_node(replace(model, instance=dead, node=None, live_claim=claim), ONE_NIC)
    assert codes(nothing_kept) == []


@pytest.mark.parametrize(
    "whose",
    [
        pytest.param({"provider_id": "aws:///eu-west-1a/i-2"}, id="it is proved another's"),
        pytest.param({"provider_id": "", "uid": "uid-heir"}, id="nothing proves whose it is"),
    ],
)
def test_of_a_node_that_is_not_proved_the_dead_ones_only_pods_older_than_the_node_are_deleted(
    whose: dict[str, Any],
) -> None:
    model, _ = full_node()
    old, new = (
        PodRef("default", name, name, NOW - timedelta(minutes=age), node().name)
        for name, age in (("old", 9), ("new", 3))
    )
    theirs = node(created=NOW - timedelta(minutes=5), **whose)
    dead = instance(state=InstanceState.TERMINATED)
    plan = plan_node(replace(model, instance=dead, node=theirs, pods=(old, new)), ONE_NIC)
    assert [action.pod for action in plan.actions if isinstance(action, DeletePod)] == [old]


def test_every_node_that_is_proved_the_dead_ones_is_deleted_and_no_other() -> None:
    model, _ = full_node()
    renamed, heir = node(name="renamed", uid="uid-2"), node(name="heir", uid="uid-3", provider_id="aws:///z/i-2")
    dead = instance(state=InstanceState.TERMINATED)
    plan = plan_node(replace(model, instance=dead, node=renamed, other_nodes=(node(), heir)), ONE_NIC)
    assert [a.node_name for a in plan.actions if isinstance(a, DeleteNode)] == [node().name, "renamed"]


def test_the_fuse_holds_what_an_absent_instance_leaves_with_one_report() -> None:
    model, pool = full_node()
    absent = replace(pool.memory, absent=Absence(NOW - timedelta(minutes=11), NOW))
    gone = replace(model, instance=None, pools=(replace(pool, memory=absent),))
    assert [type(action) for action in plan_node(gone, ONE_NIC).actions] == [DeleteNode, DeletePool]
    held = plan_node(replace(gone, removals_held="the fuse is tripped"), ONE_NIC)
    assert (held.actions, [f.message for f in held.findings]) == ((), ["i-1: the fuse is tripped"])


WORKERS = policy(nics=1, match={"tags": {"role": "worker"}})
TAGS = {"spiderpool-aws/cluster": "prod", "role": "worker"}


@pytest.mark.parametrize(
    ("tags", "stays"),
    [
        pytest.param(TAGS, False, id="ours"),
        pytest.param({}, False, id="EC2 has taken its tags off: the pools say that it was ours"),
        pytest.param(TAGS | {"spiderpool-aws/managed": "false"}, True, id="unmanaged"),
        pytest.param(TAGS | {"role": "database"}, True, id="no group matches it"),
        pytest.param({"role": "worker"}, True, id="the cluster's tag was taken off"),
    ],
)
def test_of_a_dead_instance_that_was_left_alone_only_the_pools_go(tags: dict[str, str], stays: bool) -> None:
    model, pool = full_node()
    pods = (PodRef("default", "db-0", "uid-db", NOW - timedelta(hours=1), node().name),)
    dead = instance(state=InstanceState.TERMINATED, tags=tags)
    plan = plan_node(replace(model, instance=dead, pods=pods), WORKERS)
    assert [a for a in plan.actions if isinstance(a, DeletePool)] == [DeletePool(pool, "its instance is terminated")]
    assert (len(plan.actions), codes(plan)) == ((1, ["LeftAlone"]) if stays else (3, []))


@pytest.mark.parametrize(
    ("name", "with_pool", "order"),
    [
        pytest.param(node().name, True, [DeleteNode, DeletePod], id="its pool has the Node's name"),
        pytest.param(node().name, False, [DeletePod, DeleteNode], id="it died before its first pool"),
        pytest.param("renamed", True, [DeletePod, DeleteNode], id="its pool has another name"),
    ],
)
def test_a_node_that_nobody_would_find_again_goes_after_its_pods(
    name: str, with_pool: bool, order: list[type[object]]
) -> None:
    model, pool = full_node()
    pods = (PodRef("default", "web-0", "uid-web", NOW - timedelta(hours=1), name),)
    dead = replace(model, instance=instance(state=InstanceState.TERMINATED), node=node(name=name), pods=pods)
    plan = plan_node(replace(dead, pools=(pool,) if with_pool else ()), ONE_NIC)
    assert [type(action) for action in plan.actions][:2] == order
