"""Each rule of the planner, and that it converges."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from spiderpool_aws.domain.addresses import parse_network
from spiderpool_aws.domain.claims import Claims
from spiderpool_aws.domain.instance import InstanceState
from spiderpool_aws.domain.memory import Absence, PoolMemory
from spiderpool_aws.domain.node import PodRef
from spiderpool_aws.domain.observed import LiveClaim, ObservedNode
from spiderpool_aws.domain.plan import (
    ApplyPool,
    Assign,
    DeleteNode,
    DeletePod,
    DeletePool,
    NodePlan,
    PoolChange,
    PrepareNode,
    TaintNode,
)
from spiderpool_aws.domain.planner import plan_node
from spiderpool_aws.domain.policy import Policy
from spiderpool_aws.domain.pool import MultusConfig, Pool
from tests.unit import build
from tests.unit.build import NOW, V4, V6, eni, instance, node, observed, policy, v4, v6

FULL = v4("10.0.0.20-10.0.0.24")
ONE_NIC = policy(nics=1)


def keys(plan: NodePlan) -> list[str]:
    return [action.key for action in plan.actions]


def codes(plan: NodePlan) -> list[str]:
    return [finding.code for finding in plan.findings]


def planned_pool(model: ObservedNode, the_policy: Policy) -> Pool:
    """Return the pool that the plan creates, as the API server would store it."""
    created = [a.pool for a in plan_node(model, the_policy).actions if isinstance(a, ApplyPool)]
    assert [a.change for a in plan_node(model, the_policy).actions if isinstance(a, ApplyPool)] == [PoolChange.CREATE]
    return replace(created[0], uid="uid-pool")


def full_node(**changes: object) -> tuple[ObservedNode, Pool]:
    """Return a one-NIC node with its five addresses and its pool: converged."""
    model = observed(instance=instance(eni(0, ipv4=FULL)))
    pool = planned_pool(model, ONE_NIC)
    return replace(model, pools=(pool,), claims=Claims([pool]), **changes), pool  # type: ignore[arg-type]


def test_a_converged_node_gets_nothing() -> None:
    model, _ = full_node()
    assert plan_node(model, ONE_NIC).converged


def test_missing_addresses_are_assigned_before_the_pool_is_written_once() -> None:
    plan = plan_node(observed(instance=instance(eni(0, ipv4=v4("10.0.0.20")))), ONE_NIC)
    assert plan.actions == (Assign(eni(0).eni_id, V4, 4),)


def test_the_pool_carries_identity_subnet_gateway_node_and_network() -> None:
    _, pool = full_node()
    assert pool.name == "ip-10-0-0-10.eu-west-1.compute.internal-ens5-v4-00000000"
    assert pool.spec.ips == FULL
    assert (pool.spec.subnet, pool.spec.gateway, pool.spec.default) == ("10.0.0.0/24", "10.0.0.1", True)
    assert (pool.spec.node_name, pool.spec.multus_name) == ((node().name,), ("kube-system/ipvlan-ens5",))
    assert pool.identity is not None
    assert (pool.identity.cluster, pool.identity.instance_id, pool.identity.family) == ("prod", "i-1", V4)
    assert pool.memory.node_uid == "uid-node-1"


@pytest.mark.parametrize(
    ("size", "held", "expected"),
    [
        pytest.param({"addresses": 5}, v4(), (5, False), id="a fixed number is filled"),
        pytest.param({"addresses": 5}, v4("10.0.0.20-10.0.0.27"), None, id="more than the policy asks for is kept"),
        pytest.param({"addresses": "max"}, v4("10.0.0.20"), (8, False), id="max leaves a slot for the primary"),
        pytest.param({"addresses": 12}, v4(), (9, False), id="the type's limit cuts a number"),
        pytest.param({"prefixes": 2}, v4("10.0.0.20"), (2, True), id="prefixes are counted apart from addresses"),
        pytest.param(
            {"addresses": {"min": 2, "warm": 4, "max": 14}}, v4("10.0.0.20"), (3, False), id="warm is kept free"
        ),
    ],
)
def test_what_a_nic_should_hold(size: dict[str, object], held: object, expected: tuple[int, bool] | None) -> None:
    plan = plan_node(observed(instance=instance(eni(0, ipv4=held))), policy(nics=1, ipv4=size))
    assigns = [(a.count, a.prefixes) for a in plan.actions if isinstance(a, Assign)]
    assert assigns == ([expected] if expected else [])


def test_a_number_above_the_limit_is_reported() -> None:
    plan = plan_node(observed(instance=instance(eni(0, ipv4=v4()))), policy(nics=1, ipv4={"addresses": 12}))
    assert codes(plan) == ["CapacityLimited"]
    assert "m5.large allows 10 a NIC" in plan.findings[0].message


def test_prefixes_on_a_type_that_has_none_are_refused() -> None:
    model = observed(instance=instance(eni(0)), limits=replace(build.M5_LARGE, instance_type="t2.large", nitro=False))
    plan = plan_node(model, policy(nics=1, ipv4={"prefixes": 1}))
    assert (plan.actions, codes(plan)) == ((), ["CapacityLimited"])


def test_the_reserve_of_a_subnet_is_kept() -> None:
    subnets = {"subnet-0": replace(build.SUBNET_0, available_ipv4=10)}
    document = policy(nics=1).model_dump(by_alias=True, exclude_unset=True)
    document["groups"][0]["interfaces"][0]["subnets"] = {"reserve": 8}
    plan = plan_node(observed(instance=instance(eni(0)), subnets=subnets), Policy.model_validate(document))
    assert plan.actions == (Assign(eni(0).eni_id, V4, 2),)
    assert codes(plan) == ["CapacityLimited"]


def test_the_hosts_own_ipv6_address_is_never_in_a_pool() -> None:
    ipv6 = v6("2001:db8:0:100::a-2001:db8:0:100::f")
    the_policy = policy(nics=1, ipv6={"addresses": 5})
    model = observed(instance=instance(eni(0, ipv4=FULL, ipv6=ipv6, primary_ipv6="2001:db8:0:100::c")))
    pools = [a.pool for a in plan_node(model, the_policy).actions if isinstance(a, ApplyPool)]
    assert [pool.spec.ips.to_ranges() for pool in pools][1] == [
        "2001:db8:0:100::a-2001:db8:0:100::b",
        "2001:db8:0:100::d-2001:db8:0:100::f",
    ]
    assert pools[1].spec.gateway == "2001:db8:0:100::1"


def test_without_a_primary_mark_the_nodes_internal_ip_tells_the_hosts_address() -> None:
    nic = eni(0, ipv4=FULL, ipv6=v6("2001:db8:0:100::a-2001:db8:0:100::f"), primary_ipv6=None)
    known = node(internal_ips=("10.0.0.10", "2001:db8:0:100::a"))
    plan = plan_node(observed(instance=instance(nic), node=known), policy(nics=1, ipv6={"addresses": 5}))
    pools = [a.pool for a in plan.actions if isinstance(a, ApplyPool)]
    assert pools[1].spec.ips == v6("2001:db8:0:100::b-2001:db8:0:100::f")


def test_ipv6_addresses_are_refused_while_the_hosts_own_is_unknown() -> None:
    nic = eni(0, ipv4=FULL, primary_ipv6=None)
    plan = plan_node(observed(instance=instance(nic)), policy(nics=1, ipv6={"addresses": 5}))
    assert codes(plan) == ["HostAddressUnknown"]
    assert not any(isinstance(action, Assign) for action in plan.actions)


def test_prefixes_need_no_host_address_and_are_cut_to_the_policys_number() -> None:
    prefix = parse_network("2001:db8:0:100:5::/80")
    nic = eni(0, ipv4=FULL, primary_ipv6=None, ipv6_prefixes=(prefix,))
    plan = plan_node(observed(instance=instance(nic)), policy(nics=1, ipv6={"prefixes": 1, "perPrefix": 16}))
    pools = [a.pool for a in plan.actions if isinstance(a, ApplyPool)]
    assert pools[1].spec.ips.to_ranges() == ["2001:db8:0:100:5::-2001:db8:0:100:5::f"]


def test_a_subnet_without_ipv6_is_refused_with_its_name() -> None:
    subnets = {"subnet-0": replace(build.SUBNET_0, ipv6=None)}
    plan = plan_node(
        observed(instance=instance(eni(0, ipv4=FULL)), subnets=subnets), policy(nics=1, ipv6={"addresses": 2})
    )
    assert codes(plan) == ["SubnetWithoutFamily"]
    assert "subnet-0" in plan.findings[0].message


def test_a_new_address_grows_the_pool() -> None:
    model, pool = full_node()
    more = replace(model, instance=instance(eni(0, ipv4=FULL | v4("10.0.0.40"))))
    (action,) = plan_node(more, ONE_NIC).actions
    assert isinstance(action, ApplyPool)
    assert (action.change, action.pool.spec.ips, action.pool.uid) == (PoolChange.GROW, FULL | v4("10.0.0.40"), pool.uid)


def test_one_look_that_lacks_an_address_is_only_remembered() -> None:
    model, pool = full_node()
    short = replace(model, instance=instance(eni(0, ipv4=v4("10.0.0.21-10.0.0.24"))))
    plan = plan_node(short, ONE_NIC)
    (action,) = plan.actions
    assert isinstance(action, ApplyPool)
    assert (action.change, action.pool.spec.ips) == (PoolChange.REMEMBER, pool.spec.ips)
    assert action.pool.memory.missing == ((NOW, v4("10.0.0.20")),)
    assert plan.waits[0].delay_seconds == 30


def missing(seconds: int, **changes: object) -> ObservedNode:
    """Return a node whose NIC lost .20 so many seconds ago."""
    model, pool = full_node()
    memory = replace(pool.memory, missing=((NOW - timedelta(seconds=seconds), v4("10.0.0.20")),))
    return replace(
        model,
        instance=instance(eni(0, ipv4=v4("10.0.0.21-10.0.0.24"))),
        pools=(replace(pool, memory=memory, **changes),),  # type: ignore[arg-type]
    )


def test_the_wait_for_the_second_look_writes_nothing_more() -> None:
    plan = plan_node(missing(10), ONE_NIC)
    assert plan.actions == ()
    assert plan.waits[0].delay_seconds == 20


def test_two_looks_half_a_minute_apart_take_the_address_out_and_fill_the_gap() -> None:
    shrink, assign = plan_node(missing(30), ONE_NIC).actions
    assert isinstance(shrink, ApplyPool)
    assert (shrink.change, shrink.pool.spec.ips) == (PoolChange.SHRINK, v4("10.0.0.21-10.0.0.24"))
    assert (shrink.dropped, shrink.pool.memory.missing) == (v4("10.0.0.20"), ())
    assert assign == Assign(eni(0).eni_id, V4, 1)


@pytest.mark.parametrize(
    ("family", "prefix", "size"),
    [(V4, "10.0.0.32/28", {"ipv4": {"prefixes": 1}}), (V6, "2001:db8:0:100:5::/80", {"ipv6": {"prefixes": 1}})],
)
def test_a_prefix_that_one_look_lacks_is_not_assigned_anew(family: object, prefix: str, size: dict[str, Any]) -> None:
    field = "ipv4_prefixes" if family is V4 else "ipv6_prefixes"
    lost: dict[str, Any] = {field: ()}
    held = eni(0, ipv4=v4() if family is V4 else FULL, **{field: (parse_network(prefix),)})
    model = observed(instance=instance(held))
    pools = tuple(
        replace(a.pool, uid=a.pool.name)
        for a in plan_node(model, policy(nics=1, **size)).actions
        if isinstance(a, ApplyPool)
    )
    unseen = replace(model, instance=instance(replace(held, **lost)), pools=pools, claims=Claims(pools))
    plan = plan_node(unseen, policy(nics=1, **size))
    assert [a.change for a in plan.actions if isinstance(a, ApplyPool)] == [PoolChange.REMEMBER]
    assert not any(isinstance(action, Assign) for action in plan.actions)
    remembered = next(a.pool for a in plan.actions if isinstance(a, ApplyPool))
    others = tuple(pool for pool in pools if pool.name != remembered.name)
    later = replace(unseen, pools=(*others, remembered), now=NOW + timedelta(seconds=30))
    assert [a.count for a in plan_node(later, policy(nics=1, **size)).actions if isinstance(a, Assign)] == [1]


def test_an_address_that_comes_back_is_forgotten_as_missing() -> None:
    model = replace(missing(10), instance=instance(eni(0, ipv4=FULL)))
    (action,) = plan_node(model, ONE_NIC).actions
    assert isinstance(action, ApplyPool)
    assert (action.change, action.pool.memory.missing) == (PoolChange.REMEMBER, ())


def test_an_address_in_use_is_assigned_again_and_never_dropped() -> None:
    model = missing(60, allocated=v4("10.0.0.20"), users={"10.0.0.20": "default/web-0"})
    plan = plan_node(model, ONE_NIC)
    assert keys(plan) == ["assign 10.0.0.20 again to eni-00000000000000000"]
    assert codes(plan) == ["AddressLost"]
    assert "default/web-0 uses 10.0.0.20" in plan.findings[0].message


def test_an_address_in_use_that_cannot_be_had_again_stays_and_is_replaced_by_another() -> None:
    model = missing(60, allocated=v4("10.0.0.20"))
    refused = replace(model, settled=frozenset({"assign 10.0.0.20 again to eni-00000000000000000"}))
    plan = plan_node(refused, ONE_NIC)
    assert plan.actions == (Assign(eni(0).eni_id, V4, 1),)


def test_a_tripped_fuse_holds_a_shrink() -> None:
    plan = plan_node(replace(missing(60), removals_held="the listing was empty"), ONE_NIC)
    assert [a for a in plan.actions if isinstance(a, ApplyPool)] == []
    assert "RemovalHeld" in codes(plan)


def other_pool(pool: Pool, **changes: object) -> Pool:
    return replace(pool, name="other", uid="uid-other", **changes)  # type: ignore[arg-type]


def test_what_a_dying_pool_still_lists_is_left_out_and_waited_for() -> None:
    model = observed(instance=instance(eni(0, ipv4=FULL)))
    pool = planned_pool(model, ONE_NIC)
    assert pool.identity is not None
    dead = replace(pool.identity, instance_id="i-dead", eni_id="eni-dead")
    stale = other_pool(pool, identity=dead, terminating=True, spec=replace(pool.spec, ips=v4("10.0.0.22-10.0.0.23")))
    plan = plan_node(replace(model, claims=Claims([stale])), ONE_NIC)
    (action,) = plan.actions
    assert isinstance(action, ApplyPool)
    assert action.pool.spec.ips.to_ranges() == ["10.0.0.20-10.0.0.21", "10.0.0.24"]
    assert "pool other still lists it" in plan.waits[0].reason
    assert plan.nudges == frozenset()


def test_a_live_pool_of_another_node_that_lists_our_address_is_nudged() -> None:
    model = observed(instance=instance(eni(0, ipv4=FULL)))
    pool = planned_pool(model, ONE_NIC)
    assert pool.identity is not None
    stale = other_pool(pool, identity=replace(pool.identity, instance_id="i-2", eni_id="eni-2"))
    plan = plan_node(replace(model, claims=Claims([stale])), ONE_NIC)
    assert plan.nudges == {"i-2"}
    assert plan.actions == ()


def test_a_hand_made_pool_is_reported_and_never_waited_for() -> None:
    model = observed(instance=instance(eni(0, ipv4=FULL)))
    hand_made = other_pool(planned_pool(model, ONE_NIC), identity=None)
    plan = plan_node(replace(model, claims=Claims([hand_made])), ONE_NIC)
    assert (plan.actions, plan.waits, codes(plan)) == ((), (), ["ForeignPool"])


def test_a_pool_of_somebody_else_that_has_our_name_is_never_written() -> None:
    model = observed(instance=instance(eni(0, ipv4=FULL)), node=node(taints=("spiderpool-aws/not-ready",)))
    planned = planned_pool(model, ONE_NIC)
    foreign = replace(planned, identity=None, spec=replace(planned.spec, ips=v4("10.0.0.99")))
    plan = plan_node(replace(model, claims=Claims([foreign])), ONE_NIC)
    assert (plan.actions, plan.waits, codes(plan), plan.incomplete) == ((), (), ["ForeignPool"], True)


def test_a_dying_pool_of_the_same_name_is_waited_for() -> None:
    model, pool = full_node()
    dying = replace(pool, terminating=True, spec=replace(pool.spec, ips=v4()))
    plan = plan_node(replace(model, pools=(dying,), claims=Claims([dying])), ONE_NIC)
    assert plan.actions == ()
    assert "is still being deleted" in plan.waits[-1].reason


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


def test_an_operators_own_disable_is_left_to_him() -> None:
    model, pool = full_node()
    assert plan_node(replace(model, pools=(replace(pool, spec=replace(pool.spec, disable=True)),)), ONE_NIC).converged


@pytest.mark.parametrize(
    "drift",
    [
        pytest.param({"node_name": ()}, id="nodeName emptied"),
        pytest.param({"multus_name": ("a/b",)}, id="multusName changed"),
        pytest.param({"default": False}, id="default switched off"),
        pytest.param({"gateway": "10.0.0.2"}, id="gateway changed"),
    ],
)
def test_a_change_of_a_field_that_we_own_is_corrected(drift: dict[str, object]) -> None:
    model, pool = full_node()
    drifted = replace(pool, spec=replace(pool.spec, **drift))  # type: ignore[arg-type]
    (action,) = plan_node(replace(model, pools=(drifted,)), ONE_NIC).actions
    assert isinstance(action, ApplyPool)
    assert action.pool.spec == pool.spec


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
    assert keys(plan)[0] == "delete pod default/old"
    assert len(plan.actions) == 2


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


@pytest.mark.parametrize(
    ("changes", "reported"),
    [
        pytest.param({"tags": {}}, ["LeftAlone"], id="it lost the cluster's tag but has pools"),
        pytest.param(
            {"tags": {"spiderpool-aws/cluster": "prod", "spiderpool-aws/managed": "false"}},
            ["LeftAlone"],
            id="unmanaged",
        ),
        pytest.param({"platform": "windows"}, ["LeftAlone"], id="Windows"),
    ],
)
def test_an_instance_that_is_not_ours_to_manage_is_left_alone(changes: dict[str, object], reported: list[str]) -> None:
    model, _ = full_node()
    plan = plan_node(replace(model, instance=instance(eni(0), **changes)), ONE_NIC)
    assert (plan.actions, plan.waits, codes(plan)) == ((), (), reported)


def test_an_instance_of_another_cluster_is_not_even_reported() -> None:
    stranger = instance(eni(0), tags={"spiderpool-aws/cluster": "staging"})
    assert plan_node(observed(instance=stranger), ONE_NIC).findings == ()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"tags": {"spiderpool-aws/managed": "false"}}, "LeftAlone", id="tagged"),
        pytest.param({"interface_type": "efa"}, "LeftAlone", id="EFA"),
        pytest.param({"device_index": 5}, "NicMissing", id="not at the policy's index"),
        pytest.param({"network_card": 1}, "NicMissing", id="on another network card"),
    ],
)
def test_a_nic_that_is_not_ours_to_manage_is_left_alone(changes: dict[str, object], code: str) -> None:
    plan = plan_node(observed(instance=instance(eni(0, **changes))), ONE_NIC)
    assert (plan.actions, codes(plan)) == ((), [code])


def test_a_nic_that_is_being_attached_is_waited_for() -> None:
    plan = plan_node(observed(instance=instance(eni(0, attached=False))), ONE_NIC)
    assert plan.actions == ()
    assert "is being attached or detached" in plan.waits[0].reason


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


def test_ec2_is_served_while_the_node_has_not_joined() -> None:
    plan = plan_node(observed(instance=instance(eni(0)), node=None), ONE_NIC)
    assert plan.actions == (Assign(eni(0).eni_id, V4, 5),)
    assert plan.waits[0].reason == "i-1 has not joined the cluster"


@pytest.mark.parametrize(
    ("changes", "proved"),
    [
        pytest.param({}, True, id="its providerID"),
        pytest.param({"provider_id": "aws:///eu-west-1a/i-9"}, False, id="another providerID"),
        pytest.param({"provider_id": ""}, True, id="its address, and younger than the launch"),
        pytest.param(
            {"provider_id": "", "created": build.LAUNCHED - timedelta(days=1)}, False, id="older than the launch"
        ),
        pytest.param({"provider_id": "", "internal_ips": ("10.0.0.99",)}, False, id="another address"),
    ],
)
def test_a_node_is_believed_only_when_it_is_proved(changes: dict[str, object], proved: bool) -> None:
    plan = plan_node(observed(instance=instance(eni(0, ipv4=FULL)), node=node(**changes)), ONE_NIC)
    assert any(isinstance(action, ApplyPool) for action in plan.actions) == proved
    assert ("NodeMismatch" in codes(plan)) != proved


@pytest.mark.parametrize(
    ("strategy", "name"),
    [("instance-id", "i-1"), ("private-dns-name", "ip-10-0-0-10.eu-west-1.compute.internal"), ("tag:Name", "worker-7")],
)
def test_a_name_strategy_needs_no_node_to_push_pools(strategy: str, name: str) -> None:
    tags = {"spiderpool-aws/cluster": "prod", "Name": "worker-7"}
    model = observed(instance=instance(eni(0, ipv4=FULL), tags=tags), node=None)
    pool = planned_pool(model, policy(nics=1, nodeName=strategy))
    assert pool.spec.node_name == (name,)


def test_a_missing_name_tag_is_reported() -> None:
    plan = plan_node(observed(instance=instance(eni(0, ipv4=FULL)), node=None), policy(nics=1, nodeName="tag:Name"))
    assert codes(plan) == ["NodeNameMissing"]


def test_the_provider_id_is_set_once() -> None:
    model, _ = full_node()
    (action,) = plan_node(replace(model, node=node(provider_id="")), ONE_NIC).actions
    assert action == PrepareNode(node().name, "uid-node-1", provider_id="aws:///eu-west-1a/i-1")


def test_the_taint_goes_when_every_pool_is_in_place_and_not_before() -> None:
    tainted = node(taints=("spiderpool-aws/not-ready", "other"))
    model, pool = full_node(node=tainted)
    (action,) = plan_node(model, ONE_NIC).actions
    assert action == PrepareNode(node().name, "uid-node-1", taint="spiderpool-aws/not-ready")
    untold = replace(model, node=replace(tainted, provider_id=""))
    (both,) = plan_node(untold, ONE_NIC).actions
    assert both == replace(action, provider_id="aws:///eu-west-1a/i-1")
    for incomplete in (
        replace(model, pools=()),
        replace(model, pools=(replace(pool, terminating=True),)),
        replace(model, instance=instance(eni(0, ipv4=v4("10.0.0.20-10.0.0.23")))),
    ):
        assert not any("prepare" in key for key in keys(plan_node(incomplete, ONE_NIC)))


def test_the_taint_stays_while_a_family_lacks_its_pool() -> None:
    model, _ = full_node(node=node(taints=("spiderpool-aws/not-ready",)))
    assert not any("prepare" in key for key in keys(plan_node(model, policy(nics=1, ipv6={"prefixes": 1}))))


def test_a_taint_that_is_gone_is_not_put_back_when_the_pools_shrink_later() -> None:
    model, pool = full_node()
    for incomplete in (replace(model, pools=()), missing(60), replace(model, pools=(replace(pool, terminating=True),))):
        plan = plan_node(incomplete, ONE_NIC)
        assert plan.incomplete
        assert not any("taint" in key for key in keys(plan))


ADOPTED = {"provider_id": "aws:///eu-west-1a/i-dead", "taints": ()}


@pytest.mark.parametrize(
    ("changes", "tainted"),
    [
        pytest.param({}, True, id="the providerID is that of a dead instance"),
        pytest.param(
            {"provider_id": "", "created": build.LAUNCHED - timedelta(days=1)}, True, id="older, no providerID"
        ),
        pytest.param({"taints": ("spiderpool-aws/not-ready",)}, False, id="it is tainted already"),
        pytest.param({"internal_ips": ("10.0.0.99",)}, False, id="another host's: the kubelet has not adopted it"),
        pytest.param({"provider_id": "k3s://worker-7"}, False, id="another provider's"),
    ],
)
def test_a_dead_nodes_node_that_a_kubelet_adopted_is_tainted_again_once(
    changes: dict[str, object], tainted: bool
) -> None:
    model = observed(instance=instance(eni(0, ipv4=FULL)), node=node(**(ADOPTED | changes)))
    plan = plan_node(model, ONE_NIC)
    expected = TaintNode(node().name, "uid-node-1", "spiderpool-aws/not-ready", "i-1")
    assert plan.actions == ((expected,) if tainted else ())
    assert codes(plan) == ["NodeMismatch"]
    if tainted:
        after = replace(model, node=node(**(ADOPTED | changes)).tainted(expected.taint))
        assert plan_node(after, ONE_NIC).actions == ()


def test_a_node_whose_own_instance_is_served_keeps_its_taints_though_another_vpc_has_its_address() -> None:
    model = observed(instance=instance(eni(0, ipv4=FULL)))
    pool = planned_pool(model, ONE_NIC)
    assert pool.identity is not None
    other = other_pool(pool, identity=replace(pool.identity, instance_id="i-dead"), spec=replace(pool.spec, ips=v4()))
    plan = plan_node(replace(model, node=node(**ADOPTED), claims=Claims([other])), ONE_NIC)
    assert plan.actions == ()


@pytest.mark.parametrize(
    ("known", "applied", "reported"),
    [
        pytest.param(None, True, [], id="missing: created"),
        pytest.param(
            MultusConfig("kube-system", "ipvlan-ens5", "ens5", ours=False), False, [], id="a user's, right: used"
        ),
        pytest.param(
            MultusConfig("kube-system", "ipvlan-ens5", "eth0", ours=False),
            False,
            ["ForeignMultusConfig"],
            id="a user's, other: refused",
        ),
        pytest.param(MultusConfig("kube-system", "ipvlan-ens5", "eth0", uid="u"), True, [], id="ours, drifted: mended"),
    ],
)
def test_the_network_of_each_nic_is_ensured(known: MultusConfig | None, applied: bool, reported: list[str]) -> None:
    model, _ = full_node(multus={known.key: known} if known else {})
    plan = plan_node(model, ONE_NIC)
    assert bool(plan.actions) == applied
    assert codes(plan) == reported


def test_a_plan_reads_as_what_will_be_done() -> None:
    text = str(plan_node(observed(instance=instance(eni(0)), node=None), ONE_NIC))
    assert text == (
        "i-1: to do\nassign 5 IPv4 addresses to eni-00000000000000000\nwait: i-1 has not joined the cluster"
    )


def test_the_pools_memory_survives_its_annotation() -> None:
    memory = PoolMemory(((NOW, v4("10.0.0.20-10.0.0.22")),), Absence(NOW, NOW), disabled=True, node_uid="u")
    assert PoolMemory.parse(memory.to_text(), V4) == memory
    assert PoolMemory.parse("not json", V4) == PoolMemory()
    assert PoolMemory.parse("[]", V4) == PoolMemory()


@pytest.mark.parametrize(
    "spoiled",
    [
        {"missing": {"x": 3}},
        {"missing": {"2026-01-02T03:04:05": ["10.0.0.1"]}},
        {"missing": {NOW.isoformat(): ["::1"]}},
        {"missing": 7},
        {"absentSince": "yesterday"},
        {"absentSince": "2026-01-02T03:04:05"},
    ],
)
def test_a_spoiled_field_of_the_memory_takes_no_other_with_it(spoiled: dict[str, object]) -> None:
    text = json.dumps({"disabled": True, "nodeUid": "u"} | spoiled)
    assert PoolMemory.parse(text, V4) == PoolMemory(disabled=True, node_uid="u")
