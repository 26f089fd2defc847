"""Addresses and prefixes that go back to the subnet, through the EC2 adapter."""

from typing import Any

import pytest

from spiderpool_aws.domain.addresses import EMPTY, AddressSet, IPFamily, parse_network
from spiderpool_aws.domain.errors import Refused, RetryLater
from spiderpool_aws.domain.instance import Eni
from spiderpool_aws.local.ec2.calls import Fault
from tests.integration.ec2_world import Ec2World

V4, V6 = IPFamily.IPV4, IPFamily.IPV6


@pytest.fixture
def world() -> Ec2World:
    return Ec2World()


def first_nic(world: Ec2World, instance: str) -> Eni:
    return world.ec2.observe_instances([instance])[instance].enis[0]


@pytest.mark.parametrize("family", [V4, V6])
@pytest.mark.parametrize("prefixes", [False, True])
def test_what_is_given_back_is_gone_and_the_rest_stays(either: Ec2World, family: IPFamily, prefixes: bool) -> None:
    instance = either.launch()
    eni = either.eni(instance)
    assigned = either.ec2.assign(eni, family, 3, prefixes=prefixes)
    addresses = AddressSet.of(family, list(assigned.addresses)[:2])
    blocks = assigned.prefixes[:2]
    either.ec2.unassign(eni, addresses, blocks)
    left = first_nic(either, instance)
    assert (left.addresses(family), set(left.prefixes(family))) == (
        assigned.addresses - addresses,
        set(assigned.prefixes) - set(blocks),
    )


@pytest.mark.parametrize(
    ("addresses", "prefixes"),
    [
        pytest.param(AddressSet.of(V4, ["10.0.0.99"]), [], id="IPv4 address"),
        pytest.param(AddressSet.of(V6, ["2a05:d018:1::99"]), [], id="IPv6 address"),
        pytest.param(EMPTY[V4], [parse_network("10.0.0.96/28")], id="IPv4 prefix"),
        pytest.param(EMPTY[V6], [parse_network("2a05:d018:1:0:9::/80")], id="IPv6 prefix"),
    ],
)
def test_giving_back_what_is_not_there_any_more_is_no_error(
    world: Ec2World, addresses: AddressSet, prefixes: list[Any]
) -> None:
    world.ec2.unassign(world.eni(world.launch()), addresses, prefixes)
    world.ec2.unassign("eni-0123456789abcdef0", addresses, prefixes)
    assert sum(world.calls.values()) == 2


def test_when_only_some_are_there_nothing_is_given_back_until_the_next_look_says_which(world: Ec2World) -> None:
    instance = world.launch()
    eni = world.eni(instance)
    assigned = world.ec2.assign(eni, V4, 2, prefixes=False).addresses
    with pytest.raises(RetryLater) as caught:
        world.ec2.unassign(eni, assigned | AddressSet.of(V4, ["10.0.0.99"]), [])
    assert caught.value.delay_seconds == 5
    left = first_nic(world, instance)
    assert left.ipv4 == assigned
    world.ec2.unassign(eni, left.ipv4, [])
    assert world.model.enis[eni].secondary_ips == []


def test_giving_back_whose_answer_is_lost_may_be_done_again_without_a_long_wait(world: Ec2World) -> None:
    eni = world.eni(world.launch())
    assigned = world.ec2.assign(eni, V4, 1, prefixes=False).addresses
    world.fail_once("UnassignPrivateIpAddresses", Fault.lose_answer())
    with pytest.raises(RetryLater) as caught:
        world.ec2.unassign(eni, assigned, [])
    assert caught.value.delay_seconds is None
    world.ec2.unassign(eni, assigned, [])


@pytest.mark.parametrize("family", [V4, V6])
def test_the_hosts_own_address_is_never_given_back(world: Ec2World, family: IPFamily) -> None:
    created = world.ec2.create_nic(world.wanted(world.launch()))
    own = created.primary_ipv4 if family is V4 else created.primary_ipv6
    assert own is not None
    with pytest.raises(Refused):
        world.ec2.unassign(created.eni_id, AddressSet.of(family, [own]), [])
