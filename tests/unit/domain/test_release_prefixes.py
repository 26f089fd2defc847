"""Prefixes, and the single addresses that stand in for them: what goes back for what."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from spiderpool_aws.domain.actions.nics import Assign, Unassign
from spiderpool_aws.domain.actions.plan import Tried
from spiderpool_aws.domain.addresses import AddressSet
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.policy.model import Policy
from spiderpool_aws.domain.rules.desired import cooling_key
from spiderpool_aws.domain.rules.planner import plan_node
from tests.unit.build import M5_LARGE, NOW, SUBNET_0, V4, eni, instance, observed, policy, v4
from tests.unit.domain.planning import ONE_NIC, keys
from tests.unit.domain.releasing import INSTEAD, PREFIX, PREFIXES, after, shrink, with_pool


def test_a_prefix_goes_whole_and_only_when_no_pod_uses_one_of_it() -> None:
    block, single = AddressSet.from_networks(V4, [PREFIX]), v4("10.0.0.20")
    five = policy(nics=1, ipv4={"addresses": 1})
    busy = with_pool(block | single, used=v4("10.0.0.40"), held=single, ipv4_prefixes=(PREFIX,))
    assert plan_node(busy, five).actions == ()
    idle = with_pool(block | single, held=single, ipv4_prefixes=(PREFIX,))
    shrunk = shrink(idle, five)
    assert shrunk.pool.spec.ips == single
    (unassign,) = plan_node(after(idle, shrunk), five).actions
    assert isinstance(unassign, Unassign)
    assert (unassign.prefixes, unassign.addresses.count()) == ((PREFIX,), 0)


def test_a_policy_that_turns_from_addresses_to_prefixes_gets_the_prefix_before_it_gives_anything_back() -> None:
    model = with_pool(v4("10.0.0.20-10.0.0.24"))
    assert keys(plan_node(model, PREFIXES)) == [f"assign IPv4 prefixes to {eni(0).eni_id} (1)"]
    with_prefix = with_pool(v4("10.0.0.20-10.0.0.24"), ipv4_prefixes=(PREFIX,))
    assert shrink(with_prefix, PREFIXES).dropped == v4("10.0.0.20-10.0.0.24")


def refused(model: ObservedNode) -> ObservedNode:
    return replace(model, tried=(Tried(Assign(eni(0).eni_id, V4, 1, prefixes=True), "SubnetExhausted"),))


@pytest.mark.parametrize(
    ("the_policy", "expected"),
    [
        pytest.param(INSTEAD, [(8, False)], id="one slot is left for the prefix"),
        pytest.param(PREFIXES, [], id="the policy does not allow it"),
    ],
)
def test_single_addresses_stand_in_for_a_prefix_that_is_not_to_be_had(
    the_policy: Policy, expected: list[tuple[int, bool]]
) -> None:
    plan = plan_node(refused(observed(instance=instance(eni(0)))), the_policy)
    assert [(a.count, a.prefixes) for a in plan.actions if isinstance(a, Assign)] == expected


def test_another_pass_tries_the_prefix_again_unless_the_subnet_said_no_a_moment_ago() -> None:
    model = with_pool(v4("10.0.0.20-10.0.0.27"))
    assert [a.prefixes for a in plan_node(model, INSTEAD).actions if isinstance(a, Assign)] == [True]
    cooling: Mapping[str, Any] = {cooling_key("subnet-0", V4, prefixes=True): NOW + timedelta(seconds=30)}
    assert plan_node(replace(model, cooling=cooling), INSTEAD).actions == ()


def test_the_single_addresses_go_back_when_the_prefix_is_there_and_that_is_no_removal() -> None:
    model = with_pool(v4("10.0.0.20-10.0.0.21"), used=v4("10.0.0.21"), ipv4_prefixes=(PREFIX,))
    shrunk = shrink(model, INSTEAD)
    assert (shrunk.dropped, shrunk.released) == (None, v4("10.0.0.20"))


@pytest.mark.parametrize(
    "model",
    [
        pytest.param({"limits": replace(M5_LARGE, instance_type="t2.large", nitro=False)}, id="not a Nitro type"),
        pytest.param({"subnets": {"subnet-0": replace(SUBNET_0, available_ipv4=3)}}, id="no room in the subnet"),
    ],
)
def test_a_prefix_that_cannot_be_had_takes_no_address_away(model: dict[str, Any]) -> None:
    plan = plan_node(replace(with_pool(v4("10.0.0.20-10.0.0.24")), **model), PREFIXES)
    assert plan.actions == ()
    assert [finding.code for finding in plan.findings] == ["CapacityLimited"]


def test_a_full_nic_gives_back_one_address_for_the_slot_of_a_prefix_and_no_more() -> None:
    full = with_pool(v4("10.0.0.20-10.0.0.28"))
    shrunk = shrink(full, PREFIXES)
    assert shrunk.dropped == v4("10.0.0.28")
    (unassign,) = plan_node(after(full, shrunk), PREFIXES).due
    assert isinstance(unassign, Unassign)
    assert unassign.addresses == v4("10.0.0.28")


@pytest.mark.parametrize("prefixes", [False, True])
def test_a_pause_that_is_over_keeps_nothing_from_being_asked(prefixes: bool) -> None:
    cooling = {cooling_key("subnet-0", V4, prefixes=prefixes): NOW}
    model = with_pool(v4("10.0.0.20-10.0.0.22"))
    plan = plan_node(replace(model, cooling=cooling), INSTEAD if prefixes else ONE_NIC)
    assert [a.prefixes for a in plan.actions if isinstance(a, Assign)] == [prefixes]


def test_a_prefix_that_another_nic_could_not_get_is_asked_for() -> None:
    other = Tried(Assign(eni(1).eni_id, V4, 1, prefixes=True), "SubnetExhausted")
    plan = plan_node(observed(instance=instance(eni(0)), tried=(other,)), INSTEAD)
    assert plan.due == (Assign(eni(0).eni_id, V4, 1, prefixes=True),)
    assert plan.findings == ()


NO_PREFIX: Mapping[str, Any] = {cooling_key("subnet-0", V4, prefixes=True): NOW + timedelta(seconds=30)}


def test_a_full_nic_gives_back_one_address_for_a_prefix_that_single_ones_could_stand_in_for() -> None:
    full = with_pool(v4("10.0.0.20-10.0.0.28"))
    shrunk = shrink(full, INSTEAD)
    assert (shrunk.pool.spec.ips, shrunk.dropped) == (v4("10.0.0.20-10.0.0.27"), None)
    unlisted = after(full, shrunk)
    (unassign,) = plan_node(unlisted, INSTEAD).due
    assert isinstance(unassign, Unassign)
    assert unassign.addresses == v4("10.0.0.28")
    nic = eni(0, ipv4=v4("10.0.0.20-10.0.0.27"))
    free = replace(unlisted, instance=instance(nic))
    assert plan_node(free, INSTEAD).due == (Assign(nic.eni_id, V4, 1, prefixes=True),)
    assert not any(isinstance(a, Assign | Unassign) for a in plan_node(refused(free), INSTEAD).actions)


@pytest.mark.parametrize("the_policy", [INSTEAD, PREFIXES])
@pytest.mark.parametrize(
    "model",
    [
        pytest.param({"cooling": NO_PREFIX}, id="EC2 said so a moment ago"),
        pytest.param({"subnets": {"subnet-0": replace(SUBNET_0, available_ipv4=15)}}, id="too few are free"),
    ],
)
def test_a_full_nic_gives_nothing_back_for_a_prefix_that_is_not_to_be_had(
    the_policy: Policy, model: dict[str, Any]
) -> None:
    plan = plan_node(replace(with_pool(v4("10.0.0.20-10.0.0.28")), **model), the_policy)
    assert plan.actions == ()


def test_what_takes_the_place_of_released_addresses_is_listed_in_the_same_write() -> None:
    model = with_pool(v4("10.0.0.20-10.0.0.24"), ipv4_prefixes=(PREFIX,))
    assert shrink(model, PREFIXES).pool.spec.ips == AddressSet.from_networks(V4, [PREFIX])


def test_prefixes_that_an_elastic_policy_gives_back_count_for_the_fuse() -> None:
    block = AddressSet.from_networks(V4, [PREFIX])
    model = with_pool(block | v4("10.0.0.20"), held=v4("10.0.0.20"), ipv4_prefixes=(PREFIX,))
    the_policy = policy(nics=1, ipv4={"addresses": {"min": 1, "warm": 1, "max": 9}})
    assert plan_node(model, the_policy).removals.address_count == 16
