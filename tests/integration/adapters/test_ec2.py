"""The EC2 adapter on the EC2 model, through boto3."""

import pytest

from spiderpool_aws.domain.addresses import AddressSet, IPFamily
from spiderpool_aws.domain.errors import Code, Refused, RetryLater
from spiderpool_aws.domain.instance import CLUSTER_TAG, InstanceState
from spiderpool_aws.local.ec2.calls import Fault
from spiderpool_aws.ports import InstanceListing
from tests.integration.ec2_world import TAGS, Ec2World

V4, V6 = IPFamily.IPV4, IPFamily.IPV6


@pytest.fixture
def world() -> Ec2World:
    return Ec2World()


def test_a_batch_of_ten_makes_two_reads_and_one_that_is_gone_does_not_harm_the_others(world: Ec2World) -> None:
    ids = [world.launch("a", "b", nic_tags={"team": "net"}) for _ in range(9)]
    world.calls.clear()
    observed = world.ec2.observe_instances([*ids, "i-0123456789abcdef0"])
    assert sorted(observed) == sorted(ids)
    assert world.calls == {"DescribeInstances": 1, "DescribeNetworkInterfaces": 1}
    instance = observed[ids[0]]
    assert instance.state is InstanceState.RUNNING
    assert [eni.device_index for eni in instance.enis] == [0, 1]
    assert all(eni.attached and eni.tags == {"team": "net"} for eni in instance.enis)
    assert instance.private_ipv4 == instance.enis[0].primary_ipv4
    assert dict(instance.tags) == TAGS


def test_instances_that_nobody_knows_cost_one_read(world: Ec2World) -> None:
    assert world.ec2.observe_instances(["i-0123456789abcdef0"]) == {}
    assert world.calls == {"DescribeInstances": 1}


def test_a_listing_has_the_clusters_instances_only_and_the_terminated_ones_too(world: Ec2World) -> None:
    kept, dead = world.launch(nic_tags={"team": "net"}), world.launch()
    world.launch(tags={CLUSTER_TAG: "other"})
    world.model.call("TerminateInstances", {"InstanceIds": [dead]})
    world.clock.advance(60)
    world.calls.clear()
    listed = {instance.instance_id: instance for instance in world.ec2.list_instances("prod").instances}
    assert sorted(listed) == sorted([kept, dead])
    assert listed[kept].enis[0].tags == {"team": "net"}
    assert (listed[dead].state, listed[dead].enis) == (InstanceState.TERMINATED, ())
    assert world.calls == {"DescribeInstances": 1, "DescribeNetworkInterfaces": 1}


def test_a_listing_of_an_unknown_cluster_is_empty(world: Ec2World) -> None:
    world.launch()
    assert world.ec2.list_instances("nobody") == InstanceListing([], {})


def test_a_listing_comes_in_pages_of_a_thousand(world: Ec2World) -> None:
    world.model.call(
        "RunInstances",
        {
            "ImageId": "ami-0123456789abcdef0",
            "InstanceType": "m5.large",
            "MinCount": 1001,
            "MaxCount": 1001,
            "SubnetId": world.subnets["a"],
            "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": CLUSTER_TAG, "Value": "prod"}]}],
        },
    )
    world.clock.advance(60)
    world.calls.clear()
    listed = world.ec2.list_instances("prod").instances
    assert len(listed) == 1001
    assert all(instance.enis[0].attached for instance in listed)
    assert world.calls == {"DescribeInstances": 2, "DescribeNetworkInterfaces": 2}


@pytest.mark.parametrize("family", [V4, V6])
@pytest.mark.parametrize("prefixes", [False, True])
def test_an_assignment_answers_with_what_is_new(world: Ec2World, family: IPFamily, prefixes: bool) -> None:
    instance = world.launch()
    before = world.ec2.observe_instances([instance])[instance].enis[0]
    assigned = world.ec2.assign(before.eni_id, family, 2, prefixes=prefixes)
    after = world.ec2.observe_instances([instance])[instance].enis[0]
    assert assigned.addresses == after.addresses(family) - before.addresses(family)
    assert set(assigned.prefixes) == set(after.prefixes(family))
    assert (assigned.addresses.count(), len(assigned.prefixes)) == ((0, 2) if prefixes else (2, 0))
    assert before.primary_ipv4 not in after.ipv4


def test_given_addresses_are_assigned_and_their_holder_is_found(world: Ec2World) -> None:
    instance, other = world.launch(), world.launch()
    wanted = AddressSet.parse(V4, ["10.0.0.200-10.0.0.201"])
    assert world.ec2.holders(wanted, world.vpc) == {}
    assert world.ec2.reassign(world.eni(instance), wanted).addresses == wanted
    assert world.ec2.holders(wanted, world.vpc) == dict.fromkeys(wanted, world.eni(instance))
    with pytest.raises(Refused):
        world.ec2.reassign(world.eni(other), wanted)
    assert world.ec2.holders(wanted, world.vpc) == dict.fromkeys(wanted, world.eni(instance))


def test_the_holder_of_an_ipv6_address_is_found(world: Ec2World) -> None:
    eni = world.eni(world.launch())
    assigned = world.ec2.assign(eni, V6, 1, prefixes=False).addresses
    assert world.ec2.holders(assigned, world.vpc) == dict.fromkeys(assigned, eni)


@pytest.mark.parametrize("prefixes", [False, True])
def test_a_full_subnet_is_refused_with_one_code(world: Ec2World, prefixes: bool) -> None:
    eni = world.eni(world.launch("tiny", instance_type="m5.4xlarge"))
    with pytest.raises(Refused) as caught:
        world.ec2.assign(eni, V4, 20 if not prefixes else 1, prefixes=prefixes)
    assert caught.value.code == Code.SUBNET_EXHAUSTED


def test_more_than_the_type_allows_means_that_our_picture_is_old(world: Ec2World) -> None:
    eni = world.eni(world.launch())
    with pytest.raises(RetryLater) as caught:
        world.ec2.assign(eni, V4, 10, prefixes=False)
    assert caught.value.delay_seconds == 5


def test_an_assignment_whose_answer_is_lost_is_not_repeated(world: Ec2World) -> None:
    eni = world.eni(world.launch())
    world.fail("AssignPrivateIpAddresses", Fault.lose_answer())
    with pytest.raises(RetryLater) as caught:
        world.ec2.assign(eni, V4, 2, prefixes=False)
    assert caught.value.delay_seconds == 30
    assert world.calls == {"AssignPrivateIpAddresses": 1}
    assert len(world.model.enis[eni].secondary_ips) == 2


def test_a_read_that_is_not_permitted_names_the_action(world: Ec2World) -> None:
    world.fail("DescribeInstances", Fault.refuse("UnauthorizedOperation", "You are not authorized.", 403))
    with pytest.raises(RetryLater, match="allow ec2:DescribeInstances"):
        world.ec2.observe_instances(["i-0123456789abcdef0"])


def test_limits_are_read_once_and_a_type_that_is_not_known_is_left_out(world: Ec2World) -> None:
    for _ in range(2):
        limits = world.ec2.type_limits(["m5.large", "z9.nano"])
    assert set(limits) == {"m5.large"}
    assert (limits["m5.large"].enis, limits["m5.large"].ipv4_per_eni, limits["m5.large"].nitro) == (3, 10, True)
    world.calls.clear()
    world.ec2.type_limits(["m5.large"])
    assert not world.calls


def test_subnets_are_cached_and_their_free_addresses_are_not(world: Ec2World) -> None:
    subnet = world.subnets["b"]
    assert world.ec2.subnets([subnet])[subnet].available_ipv4 is None
    first = world.ec2.subnets([subnet], fresh=True)[subnet].available_ipv4
    world.launch("b")
    assert world.ec2.subnets([subnet])[subnet].available_ipv4 is None
    assert not world.calls
    assert first is not None
    assert world.ec2.subnets([subnet], fresh=True)[subnet].available_ipv4 == first - 1


def test_enis_lead_to_their_instances_and_spare_ones_to_none(world: Ec2World) -> None:
    instance = world.launch("a", "b")
    spare = world.model.call("CreateNetworkInterface", {"SubnetId": world.subnets["a"]})
    spare_id = spare["NetworkInterface"]["NetworkInterfaceId"]
    enis = [world.eni(instance, 0), world.eni(instance, 1)]
    assert world.ec2.instances_of_enis([*enis, spare_id, "eni-0123456789abcdef0"]) == dict.fromkeys(enis, instance)


def test_who_is_not_terminated_is_found_by_name_or_primary_address_and_by_no_other_address(world: Ec2World) -> None:
    by_name, by_address, dead = world.launch(), world.launch("a", "b"), world.launch()
    name = world.model.instances[by_name].private_dns_name
    address = str(world.model.instances[by_address].private_ip)
    dead_name = world.model.instances[dead].private_dns_name
    dead_address = str(world.model.instances[dead].private_ip)
    [secondary] = world.ec2.assign(world.eni(by_name), V4, 1, prefixes=False).addresses
    second_nic = world.model.enis[world.eni(by_address, 1)].primary_ip
    world.model.call("TerminateInstances", {"InstanceIds": [dead]})
    assert [i.state for i in world.ec2.namesakes([dead_name], [], "prod")] == [InstanceState.SHUTTING_DOWN]
    world.clock.advance(world.model.world.options.shutting_down_seconds)
    found = world.ec2.namesakes([name, dead_name], [address, dead_address], "prod")
    assert sorted(instance.instance_id for instance in found) == sorted([by_name, by_address])
    assert world.ec2.namesakes([], [secondary, second_nic], "prod") == []


def test_a_stopped_instance_is_alive_and_keeps_its_first_launch_time(world: Ec2World) -> None:
    instance = world.launch()
    before = world.ec2.observe_instances([instance])[instance]
    world.model.call("StopInstances", {"InstanceIds": [instance]})
    world.clock.advance(600)
    assert [i.state for i in world.ec2.namesakes([before.private_dns_name], [], "prod")] == [InstanceState.STOPPED]
    world.model.call("StartInstances", {"InstanceIds": [instance]})
    world.clock.advance(60)
    after = world.ec2.observe_instances([instance])[instance]
    assert after.state is InstanceState.RUNNING
    assert after.launch_time == before.launch_time
