"""NICs that are missing are created once, attached, and gone when nobody needs them."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from spiderpool_aws.domain.actions.nics import Amount, AttachNic, CreateNic, DeleteNic, KeepWithInstance, NoteOrphan
from spiderpool_aws.domain.actions.plan import Tried
from spiderpool_aws.domain.instance import (
    CLUSTER_TAG,
    INDEX_TAG,
    INSTANCE_TAG,
    MANAGED_TAG,
    Eni,
    InstanceState,
    InstanceTypeLimits,
    Subnet,
)
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.rules.desired import cooling_key
from spiderpool_aws.domain.rules.nics import attach_key
from spiderpool_aws.domain.rules.planner import plan_node
from tests.unit import build
from tests.unit.build import NOW, V4, V6, eni, instance, observed, policy
from tests.unit.domain.creating import SPARE_TAGS, created, creating, one_nic, spare, subnet
from tests.unit.domain.planning import FULL, codes


def test_a_missing_nic_is_created_with_all_that_it_should_hold_and_its_tags() -> None:
    action = created(one_nic(), creating(ipv6={"addresses": 3}))
    assert (action.device_index, action.subnet_id, action.groups) == (1, "subnet-1", ("sg-1", "sg-2"))
    assert action.amounts == {V4: Amount(5), V6: Amount(4)}  # three for pods, and the host's own
    assert SPARE_TAGS.items() <= action.tags.items()


@pytest.mark.parametrize(
    ("ipv4", "ipv6", "expected"),
    [
        pytest.param({"addresses": "max"}, None, {V4: Amount(9)}, id="max leaves the slot of the primary"),
        pytest.param({"addresses": 30}, None, {V4: Amount(9)}, id="the type cuts a number"),
        pytest.param({"addresses": {"min": 2, "warm": 4, "max": 9}}, None, {V4: Amount(4)}, id="elastic: warm"),
        pytest.param(
            {"prefixes": 2}, {"prefixes": 1}, {V4: Amount(2, True), V6: Amount(1, True)}, id="prefixes of both families"
        ),
    ],
)
def test_how_much_a_new_nic_gets(ipv4: Any, ipv6: Any, expected: dict[Any, Amount]) -> None:
    assert created(one_nic(), creating(ipv4, ipv6)).amounts == expected


def test_a_subnet_with_less_room_gives_what_is_above_its_reserve() -> None:
    # 8 are kept, one is the NIC's own: two are left for pods.
    assert created(one_nic(subnet("subnet-1", free=11)), creating()).amounts == {V4: Amount(2)}


def test_the_subnet_with_the_most_room_is_taken_and_a_sibling_when_ec2_says_it_is_full() -> None:
    model = one_nic(subnet("subnet-1", free=50), subnet("subnet-2", free=90))
    first = created(model, creating())
    assert first.subnet_id == "subnet-2"
    refused = replace(model, tried=(Tried(first, "SubnetExhausted"),))
    second = created(refused, creating())
    assert second.subnet_id == "subnet-1"
    cooling = replace(model, cooling={"subnet-2": NOW + timedelta(seconds=1)})
    assert created(cooling, creating()).subnet_id == "subnet-1"


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(subnet("subnet-1", availability_zone="eu-west-1b"), id="another zone"),
        pytest.param(subnet("subnet-1", vpc_id="vpc-2"), id="another VPC"),
        pytest.param(subnet("subnet-1", ipv6=None), id="no IPv6"),
        pytest.param(replace(subnet("subnet-1"), tags={}), id="not tagged"),
    ],
)
def test_without_a_fitting_subnet_nothing_is_created_and_the_finding_says_why(wrong: Subnet) -> None:
    plan = plan_node(one_nic(wrong), creating(ipv6={"addresses": 3}))
    assert "NoSubnet" in codes(plan)
    assert not any(isinstance(action, CreateNic) for action in plan.actions)


def test_a_subnet_that_has_cooled_down_is_asked_again() -> None:
    cooled = one_nic(subnet("subnet-1"), cooling={"subnet-1": NOW})
    assert created(cooled, creating()).subnet_id == "subnet-1"


@pytest.mark.parametrize(
    ("cooling", "size", "closed"),
    [
        pytest.param("subnet-1", {"addresses": 5}, True, id="no room for a NIC: none"),
        pytest.param("subnet-1", {"prefixes": 1}, True, id="no room for a NIC: none with prefixes either"),
        pytest.param(cooling_key("subnet-1", V4, prefixes=True), {"prefixes": 1}, True, id="no block"),
        pytest.param(cooling_key("subnet-1", V4, prefixes=True), {"addresses": 5}, False, id="no block: addresses"),
        pytest.param(cooling_key("subnet-1", V6, prefixes=True), {"prefixes": 1}, False, id="no block of IPv6"),
    ],
)
def test_what_a_subnet_had_no_room_for_is_not_asked_of_it_again(cooling: str, size: Any, closed: bool) -> None:
    plan = plan_node(one_nic(cooling={cooling: NOW + timedelta(seconds=1)}), creating(ipv4=size))
    assert any(isinstance(action, CreateNic) for action in plan.actions) != closed


@pytest.mark.parametrize(
    ("slots", "prefixes", "expected"),
    [
        pytest.param(10, 2, 7, id="a slot stays free for each prefix"),
        pytest.param(50, 2, 32, id="as many as the prefixes would hold"),
        pytest.param(4, 2, 1, id="one is enough"),
        pytest.param(3, 2, None, id="none is left"),
    ],
)
def test_where_no_prefix_is_to_be_had_a_nic_is_created_with_single_addresses(
    slots: int, prefixes: int, expected: int | None
) -> None:
    no_blocks = {cooling_key("subnet-1", V4, prefixes=True): NOW + timedelta(seconds=1)}
    model = one_nic(cooling=no_blocks, limits=replace(build.M5_LARGE, ipv4_per_eni=slots))
    plan = plan_node(model, creating(ipv4={"prefixes": prefixes, "fallback": "addresses"}))
    found = [action.amounts for action in plan.actions if isinstance(action, CreateNic)]
    assert found == ([{V4: Amount(expected)}] if expected is not None else [])


@pytest.mark.parametrize(("seconds", "waits"), [(40, [40.0]), (60, [60.0]), (61, []), (1800, [])])
def test_a_message_waits_for_a_subnet_that_refused_a_nic_for_a_minute_at_most(seconds: int, waits: list[float]) -> None:
    """Behind it newer ones would stand, and each look is read from EC2: the resync looks again (ADR 21)."""
    plan = plan_node(one_nic(cooling={"subnet-1": NOW + timedelta(seconds=seconds)}), creating())
    assert ([wait.delay_seconds for wait in plan.waits], plan.incomplete) == (waits, True)
    assert codes(plan) == ["SubnetExhausted"]


def test_full_subnets_are_waited_for() -> None:
    plan = plan_node(one_nic(subnet("subnet-1", free=9)), creating())
    assert (codes(plan), len(plan.waits), plan.incomplete) == (["SubnetExhausted"], 1, True)


@pytest.mark.parametrize(
    ("enis", "index"),
    [pytest.param(1, 1, id="the type carries one"), pytest.param(2, 2, id="the index is beyond the type's")],
)
def test_what_the_type_cannot_carry_is_refused_before_anything_is_created(enis: int, index: int) -> None:
    limits = InstanceTypeLimits("small", enis=enis, ipv4_per_eni=10, ipv6_per_eni=10, nitro=True)
    plan = plan_node(replace(one_nic(), limits=limits), creating(deviceIndex=index))
    assert codes(plan) == ["NicLimited"]


def with_another(nic: Eni) -> ObservedNode:
    """Return an instance of a type of two NICs that has one beside the first."""
    model = one_nic(limits=replace(build.M5_LARGE, enis=2))
    assert model.instance is not None
    return replace(model, instance=replace(model.instance, enis=(*model.instance.enis, nic)))


def test_a_nic_at_another_index_takes_the_place_and_one_of_another_network_card_does_not() -> None:
    plan = plan_node(with_another(eni(2, subnet_id="subnet-1")), creating())
    assert codes(plan) == ["NicLimited"]
    assert created(with_another(eni(2, subnet_id="subnet-1", network_card=1)), creating()).device_index == 1


@pytest.mark.parametrize(("size", "refused"), [({"prefixes": 1}, True), ({"addresses": 5}, False)])
def test_a_nic_with_prefixes_is_refused_on_a_type_that_cannot_carry_them(size: dict[str, Any], refused: bool) -> None:
    plan = plan_node(one_nic(limits=replace(build.M5_LARGE, nitro=False)), creating(ipv4=size))
    assert ("NicLimited" in codes(plan)) == refused
    assert any(isinstance(action, CreateNic) for action in plan.actions) != refused


def test_an_instance_that_does_not_run_yet_gets_no_nic() -> None:
    model = one_nic()
    assert model.instance is not None
    pending = replace(model, instance=replace(model.instance, state=InstanceState.PENDING))
    plan = plan_node(pending, creating())
    assert not any(isinstance(action, CreateNic) for action in plan.actions)
    assert plan.waits


def test_a_policy_that_says_no_subnet_reports_the_missing_nic() -> None:
    assert "NicMissing" in codes(plan_node(one_nic(), policy()))


def test_the_token_is_the_same_for_the_same_request_and_another_for_any_other() -> None:
    token = created(one_nic(), creating()).token
    assert created(one_nic(), creating()).token == token
    others = [
        created(replace(one_nic(), token_seed="event-2:i-1"), creating()),
        created(one_nic(), creating(ipv4={"addresses": 4})),
        created(one_nic(subnet("subnet-2")), creating()),
    ]
    assert len({token, *(other.token for other in others)}) == 4


def test_what_was_created_is_attached_and_no_second_one_is_created() -> None:
    plan = plan_node(one_nic(spares=(spare(),)), creating())
    assert AttachNic("i-1", 1, spare().eni_id) in plan.actions
    assert not any(isinstance(action, CreateNic | NoteOrphan) for action in plan.actions)


@pytest.mark.parametrize(
    ("changed", "cleaned_up"),
    [
        pytest.param({"groups": ("sg-1",)}, True, id="other security groups"),
        pytest.param({"subnet_id": "subnet-0"}, True, id="a subnet without the tag"),
        pytest.param({"subnet_id": "subnet-unknown"}, True, id="a subnet that the policy does not find"),
        pytest.param({"tags": SPARE_TAGS | {CLUSTER_TAG: "another"}}, False, id="of another cluster"),
        pytest.param({"tags": SPARE_TAGS | {INSTANCE_TAG: "i-2"}}, True, id="of another instance"),
        pytest.param({"tags": SPARE_TAGS | {INDEX_TAG: "2"}}, True, id="for another index"),
    ],
)
def test_a_spare_nic_that_the_policy_would_not_create_so_is_not_attached_and_another_one_is_created(
    changed: dict[str, Any], cleaned_up: bool
) -> None:
    plan = plan_node(one_nic(spares=(spare(**changed),)), creating())
    assert not any(isinstance(action, AttachNic) for action in plan.actions)
    assert any(isinstance(action, CreateNic) for action in plan.actions)
    assert any(isinstance(action, NoteOrphan) for action in plan.actions) == cleaned_up


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"tags": SPARE_TAGS | {MANAGED_TAG: "false"}}, id="by its tag"),
        pytest.param({"interface_type": "efa"}, id="by its kind"),
    ],
)
def test_a_spare_nic_that_is_left_alone_keeps_its_place_until_there_is_another(changed: dict[str, Any]) -> None:
    alone = spare(**changed)
    plan = plan_node(one_nic(spares=(alone,)), creating())
    assert not any(isinstance(action, AttachNic | CreateNic | NoteOrphan) for action in plan.actions)
    assert "LeftAlone" in codes(plan)
    beside = plan_node(one_nic(spares=(alone, spare(eni_id="eni-9"))), creating())
    assert [action.eni_id for action in beside.actions if isinstance(action, AttachNic)] == ["eni-9"]


def test_the_policys_own_security_groups_decide_which_spare_nic_is_attached() -> None:
    model = one_nic(spares=(spare(groups=("sg-9",), eni_id="eni-8"), spare(groups=("sg-3",), eni_id="eni-9")))
    plan = plan_node(model, creating(securityGroups=["sg-3"]))
    assert [a.eni_id for a in plan.actions if isinstance(a, AttachNic | NoteOrphan)] == ["eni-9", "eni-8"]


def test_a_nic_that_cannot_be_attached_is_deleted_at_once() -> None:
    model = one_nic(spares=(spare(),), tried=(Tried(AttachNic("i-1", 1, spare().eni_id), "Refused"),))
    (delete,) = (a for a in plan_node(model, creating()).actions if isinstance(a, DeleteNic))
    assert (delete.eni_id, delete.is_removal) == (spare().eni_id, False)


def test_an_attach_of_which_nobody_knows_whether_it_took_effect_deletes_nothing() -> None:
    model = one_nic(spares=(spare(),), tried=(Tried(AttachNic("i-1", 1, spare().eni_id)),))
    assert not any(isinstance(a, DeleteNic | CreateNic | AttachNic) for a in plan_node(model, creating()).actions)


def test_a_nic_of_ours_goes_with_its_instance_and_somebody_elses_is_left_as_it_is() -> None:
    ours = eni(1, ipv4=FULL, tags=SPARE_TAGS, delete_on_termination=False)
    theirs = replace(ours, tags={})
    keep = plan_node(observed(instance=instance(eni(0), ours)), creating()).actions
    assert KeepWithInstance(ours.eni_id, ours.attachment_id) in keep
    kept = replace(ours, delete_on_termination=True)
    moved = replace(ours, tags=SPARE_TAGS | {INSTANCE_TAG: "i-2"})
    for other in (theirs, kept, moved):
        left = plan_node(observed(instance=instance(eni(0), other)), creating()).actions
        assert not any(isinstance(action, KeepWithInstance) for action in left)


@pytest.mark.parametrize(
    ("key", "until", "refused"),
    [
        pytest.param(attach_key("i-1", 1), NOW + timedelta(seconds=1), True, id="lately"),
        pytest.param(attach_key("i-1", 1), NOW, False, id="long enough ago"),
        pytest.param(attach_key("i-1", 2), NOW + timedelta(seconds=1), False, id="at another index"),
        pytest.param(attach_key("i-2", 1), NOW + timedelta(seconds=1), False, id="to another instance"),
    ],
)
def test_after_an_attach_that_was_refused_no_nic_is_created_for_a_while(key: str, until: Any, refused: bool) -> None:
    plan = plan_node(one_nic(cooling={key: until}), creating())
    assert any(isinstance(action, CreateNic) for action in plan.actions) != refused
    assert codes(plan) == (["NicMissing"] if refused else [])


@pytest.mark.parametrize(("index", "creations"), [(1, 0), (2, 1)])
def test_an_attach_that_was_refused_keeps_only_a_nic_of_its_own_index_from_being_created(
    index: int, creations: int
) -> None:
    model = one_nic(tried=(Tried(AttachNic("i-1", index, spare().eni_id), "Refused"),))
    assert sum(isinstance(a, CreateNic) for a in plan_node(model, creating()).actions) == creations
