"""NICs of our own through the EC2 adapter: created, found, attached, given back, deleted."""

from typing import Any

import pytest

from spiderpool_aws.domain.actions.nics import Amount
from spiderpool_aws.domain.addresses import IPFamily
from spiderpool_aws.domain.errors import Code, Refused, RetryLater
from spiderpool_aws.domain.instance import CLUSTER_TAG, INDEX_TAG, INSTANCE_TAG, ORPHAN_TAG, Eni
from spiderpool_aws.local.ec2.calls import Fault
from tests.integration.ec2_world import ROLE, Ec2World

V4, V6 = IPFamily.IPV4, IPFamily.IPV6


@pytest.fixture
def world() -> Ec2World:
    return Ec2World()


def seen(world: Ec2World, instance: str, index: int) -> Eni | None:
    return world.ec2.observe_instances([instance])[instance].eni_at(index)


def spares(world: Ec2World, instance: str) -> list[str]:
    own = world.ec2.own_nics([instance], "prod").get(instance, ())
    return [eni.eni_id for eni in own if not eni.attachment_id]


def outcome(error: pytest.ExceptionInfo[RetryLater]) -> float | None:
    return error.value.delay_seconds


@pytest.mark.parametrize("prefixes", [False, True])
def test_a_nic_is_created_with_all_that_it_should_hold_in_one_call(either: Ec2World, prefixes: bool) -> None:
    instance = either.launch()
    amounts = {V4: Amount(1 if prefixes else 3, prefixes), V6: Amount(1 if prefixes else 2, prefixes)}
    created = either.ec2.create_nic(either.wanted(instance, amounts=amounts))
    assert either.calls == {"CreateNetworkInterface": 1}
    assert (created.ipv4.count(), len(created.ipv4_prefixes)) == ((0, 1) if prefixes else (3, 0))
    assert (created.ipv6.count(), len(created.ipv6_prefixes)) == ((0, 1) if prefixes else (2, 0))
    assert created.primary_ipv4 not in created.ipv4
    assert created.primary_ipv6 is None if prefixes else created.primary_ipv6 in created.ipv6
    assert (created.device_index, created.groups, created.is_ours) == (1, (either.group,), True)
    assert either.ec2.own_nics([instance], "prod") == {instance: [created]}


def test_a_created_nic_is_attached_kept_with_its_instance_and_then_no_spare_any_more(either: Ec2World) -> None:
    instance = either.launch()
    created = either.ec2.create_nic(either.wanted(instance))
    attachment = either.ec2.attach_nic(created.eni_id, instance, 1)
    either.clock.advance(60)
    attached = seen(either, instance, 1)
    assert attached is not None
    assert (attached.eni_id, attached.attachment_id, attached.attached) == (created.eni_id, attachment, True)
    assert not attached.delete_on_termination
    either.ec2.keep_with_instance(created.eni_id, attachment)
    kept = seen(either, instance, 1)
    assert kept is not None
    assert kept.delete_on_termination
    assert kept.primary_ipv6 == created.primary_ipv6
    assert spares(either, instance) == []


def test_a_nic_without_a_primary_ipv6_address_has_its_first_one_marked_and_it_stays(either: Ec2World) -> None:
    instance = either.launch(nic={"Ipv6AddressCount": 1})
    (nic,) = either.ec2.observe_instances([instance])[instance].enis
    assert (nic.primary_ipv6, nic.ipv6.count()) == (None, 1)
    for _ in range(2):
        either.ec2.mark_primary_ipv6(nic.eni_id)
        marked = seen(either, instance, 0)
        assert marked is not None
        assert marked.primary_ipv6 in nic.ipv6


def test_a_spare_nic_is_tagged_and_deleted_and_deleting_it_again_is_no_error(either: Ec2World) -> None:
    instance = either.launch()
    eni = either.ec2.create_nic(either.wanted(instance)).eni_id
    either.ec2.tag_nic(eni, {ORPHAN_TAG: "2026-03-01T12:00:00+00:00"})
    [spare] = either.ec2.own_nics([instance], "prod")[instance]
    assert dict(spare.tags)[ORPHAN_TAG] == "2026-03-01T12:00:00+00:00"
    assert spare.is_ours
    either.ec2.delete_nic(eni)
    either.ec2.delete_nic(eni)
    assert eni not in either.model.enis


def test_subnets_are_found_by_vpc_tags_and_ids_and_counted_anew(either: Ec2World) -> None:
    found = {s.subnet_id: s for s in either.ec2.find_subnets(either.vpc, ROLE, [])}
    assert set(found) == {either.subnets[name] for name in ("tiny", "b", "zone-b")}
    assert found[either.subnets["b"]].available_ipv4 == 251
    assert either.calls == {"DescribeSubnets": 1}
    either.launch("b")
    [b] = either.ec2.find_subnets(either.vpc, ROLE, [either.subnets["a"], either.subnets["b"]])
    assert (b.subnet_id, b.available_ipv4) == (either.subnets["b"], 250)
    assert [s.subnet_id for s in either.ec2.find_subnets("", {}, [either.subnets["a"]])] == [either.subnets["a"]]
    assert either.ec2.find_subnets("vpc-0123456789abcdef0", ROLE, []) == []


def test_the_same_token_creates_one_nic_however_often_it_is_sent(world: Ec2World) -> None:
    nic = world.wanted(world.launch())
    assert world.ec2.create_nic(nic).eni_id == world.ec2.create_nic(nic).eni_id
    assert world.calls == {"CreateNetworkInterface": 2}
    assert len(spares(world, nic.instance_id)) == 1


def test_a_create_whose_answer_is_lost_waits_until_ec2_shows_the_nic(world: Ec2World) -> None:
    nic = world.wanted(world.launch())
    world.fail("CreateNetworkInterface", Fault.lose_answer())
    with pytest.raises(RetryLater) as caught:
        world.ec2.create_nic(nic)
    assert outcome(caught) == 30
    assert world.calls == {"CreateNetworkInterface": 1}
    assert len(spares(world, nic.instance_id)) == 1


def test_another_request_under_a_used_token_means_that_our_picture_is_old(world: Ec2World) -> None:
    nic = world.wanted(world.launch())
    world.ec2.create_nic(nic)
    with pytest.raises(RetryLater) as caught:
        world.ec2.create_nic(world.wanted(nic.instance_id, "a"))
    assert outcome(caught) == 5


def test_a_nic_is_a_spare_one_at_once_while_ec2_still_calls_it_pending(world: Ec2World) -> None:
    created = world.ec2.create_nic(world.wanted(world.launch()))
    assert world.model.enis[created.eni_id].status == "pending"
    assert spares(world, created.tags[INSTANCE_TAG]) == [created.eni_id]


@pytest.mark.parametrize(
    ("subnet", "amount"),
    [pytest.param("tiny", Amount(12), id="addresses"), pytest.param("tiny", Amount(1, prefixes=True), id="a prefix")],
)
def test_a_full_subnet_has_one_code_for_creates_too(world: Ec2World, subnet: str, amount: Amount) -> None:
    instance = world.launch()
    with pytest.raises(Refused) as caught:
        world.ec2.create_nic(world.wanted(instance, subnet, amounts={V4: amount}))
    assert caught.value.code == Code.SUBNET_EXHAUSTED
    assert spares(world, instance) == []


@pytest.mark.parametrize(
    ("changes", "fault", "words"),
    [
        pytest.param({"groups": ("sg-0123456789abcdef0",)}, None, "sg-0123456789abcdef0", id="no such group"),
        pytest.param({}, Fault.refuse("NetworkInterfaceLimitExceeded"), "Service Quotas", id="the account's quota"),
        pytest.param({}, Fault.refuse("PrivateIpAddressLimitExceeded"), "PrivateIp", id="more than any NIC takes"),
    ],
)
def test_a_create_that_will_never_work_is_refused_with_the_reason(
    world: Ec2World, changes: dict[str, Any], fault: Fault | None, words: str
) -> None:
    if fault is not None:
        world.fail("CreateNetworkInterface", fault)
    with pytest.raises(Refused, match=words):
        world.ec2.create_nic(world.wanted(world.launch(), **changes))


def beyond(world: Ec2World, instance: str) -> None:
    """Take the two places that an m5.large has beside index 0."""
    for index in (1, 2):
        spare = world.ec2.create_nic(world.wanted(instance, token=f"filler-{index}"))
        world.ec2.attach_nic(spare.eni_id, instance, index)


@pytest.mark.parametrize(
    ("subnet", "count", "index", "full"),
    [
        pytest.param("b", 2, 0, False, id="the index is taken"),
        pytest.param("zone-b", 2, 1, False, id="another zone"),
        pytest.param("b", 12, 1, False, id="more addresses than the type takes"),
        pytest.param("b", 2, 3, True, id="more NICs than the type takes"),
    ],
)
def test_an_attach_that_will_never_work_is_refused(
    world: Ec2World, subnet: str, count: int, index: int, full: bool
) -> None:
    instance = world.launch()
    if full:
        beyond(world, instance)
    created = world.ec2.create_nic(world.wanted(instance, subnet, amounts={V4: Amount(count)}))
    with pytest.raises(Refused):
        world.ec2.attach_nic(created.eni_id, instance, index)
    assert created.eni_id in spares(world, instance)


def test_an_instance_that_is_not_running_yet_takes_a_nic_later(world: Ec2World) -> None:
    instance = world.launch()
    created = world.ec2.create_nic(world.wanted(instance))
    world.model.call("StopInstances", {"InstanceIds": [instance]})
    with pytest.raises(RetryLater) as caught:
        world.ec2.attach_nic(created.eni_id, instance, 1)
    assert outcome(caught) == 5


def test_a_nic_that_a_write_does_not_find_yet_is_attached_later() -> None:
    world = Ec2World(write_lag_seconds=5)
    instance = world.launch()
    created = world.ec2.create_nic(world.wanted(instance))
    with pytest.raises(RetryLater) as caught:
        world.ec2.attach_nic(created.eni_id, instance, 1)
    assert outcome(caught) == 5
    world.clock.advance(5)
    assert world.ec2.attach_nic(created.eni_id, instance, 1).startswith("eni-attach-")


def test_an_attach_whose_answer_is_lost_waits_and_when_it_is_sent_again_the_picture_is_old(world: Ec2World) -> None:
    instance = world.launch()
    created = world.ec2.create_nic(world.wanted(instance))
    world.fail_once("AttachNetworkInterface", Fault.lose_answer())
    for number, delay in enumerate((30, 5), start=1):
        with pytest.raises(RetryLater) as caught:
            world.ec2.attach_nic(created.eni_id, instance, 1)
        assert outcome(caught) == delay
        assert world.calls["AttachNetworkInterface"] == number


def test_an_attachment_that_ec2_does_not_know_is_looked_at_again(world: Ec2World) -> None:
    created = world.ec2.create_nic(world.wanted(world.launch()))
    with pytest.raises(RetryLater) as caught:
        world.ec2.keep_with_instance(created.eni_id, "eni-attach-0123456789abcdef0")
    assert outcome(caught) == 5


@pytest.mark.parametrize("code", [None, "InvalidNetworkInterface.InUse"])
def test_a_nic_that_is_in_use_after_all_is_not_deleted_but_looked_at_again(world: Ec2World, code: str | None) -> None:
    instance = world.launch()
    if code:
        world.fail("DeleteNetworkInterface", Fault.refuse(code))
    with pytest.raises(RetryLater) as caught:
        world.ec2.delete_nic(world.eni(instance))
    assert outcome(caught) == 5
    assert world.eni(instance) in world.model.enis


def test_own_nics_are_those_that_we_made_for_the_instances_that_are_asked_for_and_that_no_other_has(
    world: Ec2World,
) -> None:
    asked, other = world.launch(), world.launch()
    mine = world.ec2.create_nic(world.wanted(asked))
    ours = {CLUSTER_TAG: "prod", INSTANCE_TAG: asked, INDEX_TAG: "1"}
    world.ec2.create_nic(world.wanted(other, token="other"))
    world.ec2.create_nic(world.wanted(asked, token="foreign", tags=ours | {CLUSTER_TAG: "test"}))
    attached = world.ec2.create_nic(world.wanted(asked, token="attached"))
    attachment = world.ec2.attach_nic(attached.eni_id, asked, 1)
    elsewhere = world.ec2.create_nic(world.wanted(asked, token="elsewhere"))
    world.ec2.attach_nic(elsewhere.eni_id, other, 1)
    world.calls.clear()
    found = world.ec2.own_nics([asked], "prod")[asked]
    assert [(eni.eni_id, eni.attachment_id) for eni in found] == [(mine.eni_id, ""), (attached.eni_id, attachment)]
    assert world.calls == {"DescribeNetworkInterfaces": 1}
    assert world.ec2.own_nics([], "prod") == {}


def test_a_listing_has_the_spare_nics_too_without_another_read(world: Ec2World) -> None:
    kept, gone = world.launch(), world.launch()
    spare, orphan = (world.ec2.create_nic(world.wanted(i, token=i)) for i in (kept, gone))
    world.ec2.create_nic(world.wanted(kept, token="foreign", tags={CLUSTER_TAG: "prod"}))
    world.model.call("TerminateInstances", {"InstanceIds": [gone]})
    world.clock.advance(2 * 3600)
    world.calls.clear()
    listing = world.ec2.list_instances("prod")
    assert [instance.instance_id for instance in listing.instances] == [kept]
    assert listing.spares == {kept: [spare], gone: [orphan]}
    assert world.calls == {"DescribeInstances": 1, "DescribeNetworkInterfaces": 1}


def test_spare_nics_are_listed_when_no_instance_is_left(world: Ec2World) -> None:
    gone = world.launch()
    orphan = world.ec2.create_nic(world.wanted(gone))
    world.model.call("TerminateInstances", {"InstanceIds": [gone]})
    world.clock.advance(2 * 3600)
    listing = world.ec2.list_instances("prod")
    assert (listing.instances, listing.spares) == ([], {gone: [orphan]})


def test_two_hundred_of_anything_fit_into_the_filters(world: Ec2World) -> None:
    ids = [f"i-{number:017x}" for number in range(200)]
    assert world.ec2.own_nics(ids, "prod") == {}
    assert world.ec2.namesakes(ids, [], "prod") == []
    assert world.ec2.find_subnets(world.vpc, ROLE, [f"subnet-{number:017x}" for number in range(200)]) == []
