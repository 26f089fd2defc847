"""Whatever is assigned and released: addresses are unique, in their subnet, and counted right."""

from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address, ip_network
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from spiderpool_aws.local.ec2 import Ec2Error

from .scene import Scene

WHAT = ["create", "assign", "prefix", "ipv6", "prefix6", "unassign", "delete"]
STEPS = st.lists(st.tuples(st.sampled_from(WHAT), st.integers(0, 99)), max_size=40)
EXHAUSTED = {"InsufficientFreeAddressesInSubnet", "InsufficientCidrBlocks", "InvalidParameterValue"}


@contextmanager
def suppress_exhaustion() -> Iterator[None]:
    try:
        yield
    except Ec2Error as error:
        if error.code not in EXHAUSTED:
            raise


def step(scene: Scene, what: str, number: int) -> None:
    enis = [eni for eni in scene.model.enis.values() if eni.attachment is None]
    subnet = [scene.a, scene.tiny, scene.b][number % 3]
    params: dict[str, Any] = {"NetworkInterfaceId": enis[number % len(enis)].id} if enis else {}
    eni = scene.model.enis.get(params.get("NetworkInterfaceId", ""))
    if what == "create" or eni is None:
        scene.create_eni(SubnetId=subnet, SecondaryPrivateIpAddressCount=number % 4)
    elif what == "assign":
        scene.call("AssignPrivateIpAddresses", **params, SecondaryPrivateIpAddressCount=1 + number % 5)
    elif what == "prefix":
        scene.call("AssignPrivateIpAddresses", **params, Ipv4PrefixCount=1)
    elif what == "ipv6":
        scene.call("AssignIpv6Addresses", **params, Ipv6AddressCount=1 + number % 3)
    elif what == "prefix6":
        scene.call("AssignIpv6Addresses", **params, Ipv6PrefixCount=1)
    elif what == "unassign" and (eni.secondary_ips or eni.ipv4_prefixes):
        released = {"PrivateIpAddresses": eni.secondary_ips[:2], "Ipv4Prefixes": eni.ipv4_prefixes[:1]}
        scene.call("UnassignPrivateIpAddresses", **params, **released)
    elif what == "delete":
        scene.call("DeleteNetworkInterface", **params)


def check(scene: Scene) -> None:
    for subnet in scene.model.subnets.values():
        enis = [eni for eni in scene.model.enis.values() if eni.subnet_id == subnet.id]
        held = [ip_network(address) for eni in enis for address in (eni.primary_ip, *eni.secondary_ips)]
        held += [ip_network(prefix) for eni in enis for prefix in eni.ipv4_prefixes]
        block = ip_network(subnet.cidr)
        all_of_them = [address for network in held for address in network]
        assert len(all_of_them) == len(set(all_of_them))
        assert set(all_of_them) <= set(list(block)[4:-1])
        assert subnet.ipv4.free_count == block.num_addresses - 5 - len(all_of_them)
        single6 = {ip_address(held6.address) for eni in enis for held6 in eni.ipv6_addresses}
        prefixes6 = [ip_network(prefix) for eni in enis for prefix in eni.ipv6_prefixes]
        assert len(prefixes6) == len(set(prefixes6))
        assert sum(len(eni.ipv6_addresses) for eni in enis) == len(single6)
        assert not any(address in prefix for address in single6 for prefix in prefixes6)
    for eni in scene.model.enis.values():
        assert all(scene.model.holder_of(address) == eni.id for address in scene.addresses(eni.id))
        for prefix in (*eni.ipv4_prefixes, *eni.ipv6_prefixes):
            assert scene.model.holder_of(str(ip_network(prefix)[7])) == eni.id


@settings(max_examples=40, deadline=None)
@given(STEPS, st.sampled_from([None, 1, 2]))
def test_addresses_stay_unique_and_counted_whatever_is_called(
    steps: list[tuple[str, int]], random_seed: int | None
) -> None:
    scene = Scene(random_seed=random_seed)
    for what, number in steps:
        with suppress_exhaustion():
            step(scene, what, number)
        check(scene)


def test_a_released_address_may_be_given_away_at_once() -> None:
    scene = Scene()
    assign = {"NetworkInterfaceId": scene.nic0, "SecondaryPrivateIpAddressCount": 1}
    first = scene.call("AssignPrivateIpAddresses", **assign)["AssignedPrivateIpAddresses"][0]["PrivateIpAddress"]
    scene.call("UnassignPrivateIpAddresses", NetworkInterfaceId=scene.nic0, PrivateIpAddresses=[first])
    assert scene.model.holder_of(first) is None
    assert scene.model.enis[scene.create_eni(SubnetId=scene.a)].primary_ip == first


def test_a_seed_gives_the_same_random_addresses_again_and_other_seeds_others() -> None:
    def chosen(seed: int) -> list[str]:
        scene = Scene(random_seed=seed)
        return scene.addresses(scene.create_eni(SubnetId=scene.a, SecondaryPrivateIpAddressCount=8))

    assert chosen(1) == chosen(1)
    assert chosen(1) != chosen(2)


def test_an_explicitly_reserved_range_is_given_only_by_name() -> None:
    scene = Scene()
    scene.call("CreateSubnetCidrReservation", SubnetId=scene.b, Cidr="10.0.3.0/25", ReservationType="explicit")
    assert scene.model.enis[scene.create_eni(SubnetId=scene.b)].primary_ip == "10.0.3.128"
    named = scene.create_eni(SubnetId=scene.b, PrivateIpAddress="10.0.3.77")
    assert scene.model.enis[named].primary_ip == "10.0.3.77"
