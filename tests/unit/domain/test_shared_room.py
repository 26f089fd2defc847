"""NICs of one node in one subnet: together they take no more than what is above its reserve."""

from dataclasses import replace
from datetime import timedelta

import pytest

from spiderpool_aws.domain.actions.nics import Assign, CreateNic, Reassign
from spiderpool_aws.domain.addresses import IPFamily
from spiderpool_aws.domain.policy.model import Policy
from spiderpool_aws.domain.rules.planner import plan_node
from spiderpool_aws.domain.rules.room import room_taken
from tests.unit.build import M5_LARGE, NOW, SUBNET_0, eni, instance, observed, policy, v4
from tests.unit.domain.planning import full_node

RESERVE = 8


def reserving(nics: int, **ipv4: object) -> Policy:
    """Return a policy whose NICs keep the reserve of the one subnet."""
    document = policy(nics=nics, ipv4=ipv4).model_dump(mode="json", by_alias=True, exclude_unset=True)
    for interface in document["groups"][0]["interfaces"]:
        interface["subnets"] = {"ids": ["subnet-0"], "reserve": RESERVE}
    return Policy.model_validate(document)


@pytest.mark.parametrize("there", [1, 2, 3])
@pytest.mark.parametrize("above", [0, 3, 7, 12, 100])
@pytest.mark.parametrize("size", [{"addresses": 9}, {"prefixes": 1}, {"prefixes": 2, "fallback": "addresses"}], ids=str)
def test_what_one_plan_takes_out_of_a_subnet_is_never_more_than_what_is_above_its_reserve(
    there: int, above: int, size: dict[str, object]
) -> None:
    nics = [replace(eni(index), subnet_id="subnet-0", primary_ipv4=f"10.0.0.{10 + index}") for index in range(there)]
    subnet = replace(SUBNET_0, available_ipv4=RESERVE + above)
    limits = replace(M5_LARGE, enis=4)
    model = observed(instance=instance(*nics), subnets={"subnet-0": subnet}, limits=limits)
    actions = [a for a in plan_node(model, reserving(4, **size)).actions if isinstance(a, Assign | CreateNic)]
    taken = [room_taken(model, action)[1] for action in actions]
    assert sum(taken) <= above
    if above == 100 and "addresses" in size:
        assert len(actions) == 4


def test_what_is_assigned_again_is_no_longer_there_for_what_lacks() -> None:
    model, pool = full_node()
    used = v4("10.0.0.20-10.0.0.21")
    memory = replace(pool.memory, missing=((NOW - timedelta(minutes=1), used),))
    lost = replace(pool, memory=memory, allocated=used)
    subnet = replace(SUBNET_0, available_ipv4=RESERVE + 3)
    nic = eni(0, ipv4=v4("10.0.0.22-10.0.0.24"))
    model = replace(model, instance=instance(nic), pools=(lost,), subnets={"subnet-0": subnet})
    actions = [a for a in plan_node(model, reserving(1, addresses=9)).actions if isinstance(a, Assign | Reassign)]
    assert [room_taken(model, action)[1] for action in actions] == [2, 1]
    assert all(a.family is IPFamily.IPV4 for a in actions if isinstance(a, Assign))


def test_what_one_nic_is_to_get_is_no_longer_there_for_what_another_has_lost() -> None:
    model, pool = full_node()
    nics = [replace(eni(index), subnet_id="subnet-0", primary_ipv4=f"10.0.0.{10 + index}") for index in range(2)]
    used = v4("10.0.0.20-10.0.0.21")
    memory = replace(pool.memory, missing=((NOW - timedelta(minutes=1), used),))
    assert pool.identity is not None
    identity = replace(pool.identity, eni_id=nics[1].eni_id)
    lost = replace(pool, identity=identity, memory=memory, allocated=used)
    subnet = replace(SUBNET_0, available_ipv4=RESERVE + 10)
    model = replace(model, instance=instance(*nics), pools=(lost,), subnets={"subnet-0": subnet})
    actions = plan_node(model, reserving(2, addresses=9)).actions
    assert [a.count for a in actions if isinstance(a, Assign)] == [9]
    assert [a.has_room for a in actions if isinstance(a, Reassign)] == [True, False]
