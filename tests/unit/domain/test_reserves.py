"""A reserve is its subnet's: the largest holds for every NIC that takes from it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from spiderpool_aws.domain.actions.nics import Assign, CreateNic, Reassign
from spiderpool_aws.domain.policy.model import Policy
from spiderpool_aws.domain.rules.planner import plan_node
from spiderpool_aws.domain.rules.room import room_taken
from tests.unit.build import M5_LARGE, NOW, SUBNET_0, eni, instance, observed, policy, v4
from tests.unit.domain.planning import full_node

ROLE = {"role": "pods"}
NAMED = [{"ids": ["subnet-0"]}, {"tags": ROLE}, {"ids": ["subnet-0", "subnet-9"], "tags": ROLE}]
ELSEWHERE = [{"ids": ["subnet-9"]}, {"tags": {"role": "other"}}, {"ids": ["subnet-9"], "tags": ROLE}, {}]
SUBNET = replace(SUBNET_0, tags=ROLE)


def choosing(*subnets: dict[str, Any], addresses: int = 9) -> Policy:
    """Return a policy with an interface for each choice of subnets."""
    document = policy(nics=len(subnets), ipv4={"addresses": addresses}).model_dump(
        mode="json", by_alias=True, exclude_unset=True
    )
    for interface, choice in zip(document["groups"][0]["interfaces"], subnets, strict=True):
        interface["subnets"] = choice
    return Policy.model_validate(document)


def taken(the_policy: Policy, *, free: int, nics: int = 1) -> int:
    """Return how many of so many free addresses a plan takes, by whatever call."""
    there = [replace(eni(i), subnet_id="subnet-0", primary_ipv4=f"10.0.0.{10 + i}") for i in range(nics)]
    subnets = {"subnet-0": replace(SUBNET, available_ipv4=free)}
    model = observed(instance=instance(*there), subnets=subnets, limits=replace(M5_LARGE, enis=4))
    return sum(room_taken(model, a)[1] for a in plan_node(model, the_policy).actions)


@pytest.mark.parametrize("choice", NAMED, ids=str)
@pytest.mark.parametrize("own", [0, 4])
def test_a_nic_keeps_what_another_interface_asks_to_keep_of_its_subnet(choice: dict[str, Any], own: int) -> None:
    assert taken(choosing({"reserve": own}, choice | {"reserve": 8}), free=11) == 3


@pytest.mark.parametrize("choice", NAMED, ids=str)
def test_its_own_reserve_holds_where_another_asks_for_less(choice: dict[str, Any]) -> None:
    assert taken(choosing({"reserve": 8}, choice | {"reserve": 4}), free=11) == 3


@pytest.mark.parametrize("choice", ELSEWHERE, ids=str)
def test_what_another_interface_keeps_elsewhere_does_not_count(choice: dict[str, Any]) -> None:
    assert taken(choosing({}, choice | {"reserve": 8}), free=9) == 9


def test_nics_of_one_instance_in_one_subnet_keep_the_larger_reserve_also_where_none_names_it() -> None:
    assert taken(choosing({"reserve": 2}, {"reserve": 8}), free=11, nics=2) == 3


@pytest.mark.parametrize("choice", NAMED, ids=str)
def test_a_nic_is_created_with_what_is_above_the_largest_reserve(choice: dict[str, Any]) -> None:
    the_policy = choosing({}, {"ids": ["subnet-0"]}, choice | {"reserve": 8})
    full = replace(eni(0), ipv4=v4("10.0.0.20-10.0.0.28"))
    for free, count in ((8, 0), (9, 0), (12, 4)):
        subnets = {"subnet-0": replace(SUBNET, available_ipv4=free)}
        model = observed(instance=instance(full), subnets=subnets, limits=M5_LARGE)
        creations = [a for a in plan_node(model, the_policy).actions if isinstance(a, CreateNic)]
        assert sum(room_taken(model, a)[1] for a in creations) == count


def test_the_reserve_of_a_group_holds_for_the_nics_of_every_other_group() -> None:
    document = choosing({}).model_dump(mode="json", by_alias=True, exclude_unset=True)
    [group] = document["groups"]
    nic = group["interfaces"][0] | {"subnets": {"tags": ROLE, "reserve": 8}}
    document["groups"].append({"name": "others", "match": {"tags": {"role": "other"}}, "interfaces": [nic]})
    assert taken(Policy.model_validate(document), free=11) == 3


def test_an_address_in_use_is_not_assigned_again_below_the_reserve_of_another_interface() -> None:
    model, pool = full_node()
    used = v4("10.0.0.20-10.0.0.21")
    lost = replace(pool, memory=replace(pool.memory, missing=((NOW - timedelta(minutes=1), used),)), allocated=used)
    nic = eni(0, ipv4=v4("10.0.0.22-10.0.0.24"))
    subnets = {"subnet-0": replace(SUBNET, available_ipv4=9)}
    model = replace(model, instance=instance(nic), pools=(lost,), subnets=subnets)
    actions = plan_node(model, choosing({}, {"tags": ROLE, "reserve": 8}, addresses=5)).actions
    assert [a.has_room for a in actions if isinstance(a, Reassign)] == [True, False]
    assert not [a for a in actions if isinstance(a, Assign)]
