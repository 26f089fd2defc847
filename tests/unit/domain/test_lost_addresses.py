"""Addresses that EC2 no longer shows on a NIC."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from spiderpool_aws.domain.actions.nics import Assign, Reassign
from spiderpool_aws.domain.actions.plan import Tried
from spiderpool_aws.domain.actions.pools import ApplyPool, PoolChange, Quarantine
from spiderpool_aws.domain.addresses import AddressSet, parse_network
from spiderpool_aws.domain.cluster.claims import Claims
from spiderpool_aws.domain.errors import Code
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.rules.planner import plan_node
from tests.unit.build import NOW, SUBNET_0, V4, V6, eni, instance, observed, policy, v4
from tests.unit.domain.planning import FULL, ONE_NIC, codes, full_node, keys, missing

BOTH = v4("10.0.0.20-10.0.0.21")


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


def both_lost(held: str = "10.0.0.22-10.0.0.24") -> ObservedNode:
    """Return a node whose NIC lost .20 and .21, which pods use, and holds so much."""
    model, pool = full_node()
    memory = replace(pool.memory, missing=((NOW - timedelta(seconds=60), BOTH),))
    return replace(
        model, instance=instance(eni(0, ipv4=v4(held))), pools=(replace(pool, memory=memory, allocated=BOTH),)
    )


def reassigns(model: ObservedNode) -> list[tuple[AddressSet, bool]]:
    return [(a.addresses, a.has_room) for a in plan_node(model, ONE_NIC).actions if isinstance(a, Reassign)]


def taken(model: ObservedNode, code: str = Code.ADDRESS_TAKEN) -> ObservedNode:
    """Return the model after what it plans to assign again was refused."""
    asked = [a for a in plan_node(model, ONE_NIC).actions if isinstance(a, Reassign)]
    return replace(model, tried=(*model.tried, *(Tried(action, code) for action in asked)))


def test_of_a_nic_without_room_it_is_looked_up_who_holds_what_it_lost_and_that_is_quarantined() -> None:
    full = both_lost("10.0.0.22-10.0.0.30")
    assert reassigns(full) == [(v4("10.0.0.20"), False), (v4("10.0.0.21"), False)]
    found = taken(full)
    assert reassigns(found) == []
    (quarantine,) = (a for a in plan_node(found, ONE_NIC).actions if isinstance(a, Quarantine))
    assert quarantine.addresses == BOTH


def test_what_is_known_to_be_taken_is_not_asked_for_when_there_is_room_again() -> None:
    found = taken(both_lost("10.0.0.22-10.0.0.30"))
    assert reassigns(replace(found, instance=both_lost().instance)) == []


def test_what_nobody_holds_is_not_quarantined_where_there_is_no_room_for_it() -> None:
    nobody = taken(both_lost("10.0.0.22-10.0.0.30"), Code.REFUSED)
    assert not any(isinstance(action, Quarantine | Reassign) for action in plan_node(nobody, ONE_NIC).actions)


def test_the_room_for_one_goes_to_the_one_that_nobody_holds() -> None:
    narrow = both_lost("10.0.0.22-10.0.0.29")
    assert reassigns(narrow) == [(v4("10.0.0.20"), True), (v4("10.0.0.21"), False)]
    first_is_taken = replace(narrow, tried=taken(narrow).tried[:1])
    assert reassigns(first_is_taken) == [(v4("10.0.0.21"), True)]


def test_what_ec2_does_not_show_at_this_look_takes_its_room_nevertheless() -> None:
    # .24 is listed and not shown: with the primary address ten of ten slots are taken.
    model = both_lost("10.0.0.22-10.0.0.23")
    nic = eni(0, ipv4=v4("10.0.0.22-10.0.0.23", "10.0.0.30-10.0.0.35"))
    narrow = replace(model, instance=instance(nic))
    assert reassigns(narrow) == [(v4("10.0.0.20"), False), (v4("10.0.0.21"), False)]


def test_the_subnets_room_counts_as_the_types_does() -> None:
    subnets = {"subnet-0": replace(SUBNET_0, available_ipv4=1)}
    narrow = replace(both_lost(), subnets=subnets)
    assert reassigns(narrow) == [(v4("10.0.0.20"), True), (v4("10.0.0.21"), False)]


def test_of_two_lost_addresses_in_use_the_one_that_nobody_holds_is_assigned_again() -> None:
    lost = both_lost()
    together = plan_node(lost, ONE_NIC).due[0]
    assert isinstance(together, Reassign)
    assert together.addresses == BOTH
    refused = replace(lost, tried=(Tried(together, Code.ADDRESS_TAKEN),))
    assert [a.addresses for a in plan_node(refused, ONE_NIC).actions if isinstance(a, Reassign)] == [
        v4("10.0.0.20"),
        v4("10.0.0.21"),
    ]


@pytest.mark.parametrize(("room", "reassigned"), [(0, 0), (1, 1)])
def test_an_address_in_use_is_assigned_again_where_there_is_just_room_for_it(room: int, reassigned: int) -> None:
    model = missing(30, allocated=v4("10.0.0.20"))
    plan = plan_node(replace(model, subnets={"subnet-0": replace(SUBNET_0, available_ipv4=room)}), ONE_NIC)
    assert sum(isinstance(action, Reassign) and action.has_room for action in plan.actions) == reassigned
    assert ("CapacityLimited" in codes(plan)) is not bool(reassigned)


def test_what_one_look_did_not_show_takes_its_slots_each_where_the_size_is_max() -> None:
    model, _ = full_node()
    short = replace(model, instance=instance(eni(0, ipv4=v4("10.0.0.22-10.0.0.24"))))
    plan = plan_node(short, policy(nics=1, ipv4={"addresses": "max"}))
    assert [a.count for a in plan.actions if isinstance(a, Assign)] == [4]
    assert "CapacityLimited" not in codes(plan)
