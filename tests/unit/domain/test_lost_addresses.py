"""Addresses that EC2 no longer shows on a NIC."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from spiderpool_aws.domain.actions.nics import Assign, Reassign
from spiderpool_aws.domain.actions.plan import Tried
from spiderpool_aws.domain.actions.pools import ApplyPool, PoolChange
from spiderpool_aws.domain.addresses import parse_network
from spiderpool_aws.domain.cluster.claims import Claims
from spiderpool_aws.domain.errors import Code
from spiderpool_aws.domain.rules.planner import plan_node
from tests.unit.build import NOW, SUBNET_0, V4, V6, eni, instance, observed, policy, v4
from tests.unit.domain.planning import FULL, ONE_NIC, codes, full_node, keys, missing


def test_one_look_that_lacks_an_address_is_only_remembered() -> None:
    model, pool = full_node()
    short = replace(model, instance=instance(eni(0, ipv4=v4("10.0.0.21-10.0.0.24"))))
    plan = plan_node(short, ONE_NIC)
    (action,) = plan.actions
    assert isinstance(action, ApplyPool)
    assert (action.change, action.pool.spec.ips) == (PoolChange.REMEMBER, pool.spec.ips)
    assert action.pool.memory.missing == ((NOW, v4("10.0.0.20")),)
    assert plan.waits[0].delay_seconds == 30


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
    refused = replace(model, tried=(Tried(Reassign(eni(0).eni_id, v4("10.0.0.20"), ""), "Refused"),))
    plan = plan_node(refused, ONE_NIC)
    assert plan.due == (Assign(eni(0).eni_id, V4, 1),)


def test_a_tripped_fuse_holds_a_shrink() -> None:
    plan = plan_node(replace(missing(60), removals_held="the listing was empty"), ONE_NIC)
    assert [a for a in plan.actions if isinstance(a, ApplyPool)] == []
    assert "RemovalHeld" in codes(plan)


def test_of_two_lost_addresses_in_use_the_one_that_nobody_holds_is_assigned_again() -> None:
    model, pool = full_node()
    both = v4("10.0.0.20-10.0.0.21")
    memory = replace(pool.memory, missing=((NOW - timedelta(seconds=60), both),))
    lost = replace(
        model,
        instance=instance(eni(0, ipv4=v4("10.0.0.22-10.0.0.24"))),
        pools=(replace(pool, memory=memory, allocated=both),),
    )
    together = plan_node(lost, ONE_NIC).due[0]
    assert isinstance(together, Reassign)
    assert together.addresses == both
    refused = replace(lost, tried=(Tried(together, Code.ADDRESS_TAKEN),))
    assert [a.addresses for a in plan_node(refused, ONE_NIC).actions if isinstance(a, Reassign)] == [
        v4("10.0.0.20"),
        v4("10.0.0.21"),
    ]


@pytest.mark.parametrize(("room", "reassigned"), [(0, 0), (1, 1)])
def test_an_address_in_use_is_assigned_again_where_there_is_just_room_for_it(room: int, reassigned: int) -> None:
    model = missing(30, allocated=v4("10.0.0.20"))
    plan = plan_node(replace(model, subnets={"subnet-0": replace(SUBNET_0, available_ipv4=room)}), ONE_NIC)
    assert sum(isinstance(action, Reassign) for action in plan.actions) == reassigned
    assert ("CapacityLimited" in codes(plan)) is not bool(reassigned)


def test_what_one_look_did_not_show_takes_its_slots_each_where_the_size_is_max() -> None:
    model, _ = full_node()
    short = replace(model, instance=instance(eni(0, ipv4=v4("10.0.0.22-10.0.0.24"))))
    plan = plan_node(short, policy(nics=1, ipv4={"addresses": "max"}))
    assert [a.count for a in plan.actions if isinstance(a, Assign)] == [4]
    assert "CapacityLimited" not in codes(plan)
