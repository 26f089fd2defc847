"""The checker of amounts can fail: each rule is broken once, by a product that has gone wrong."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from spiderpool_aws.local.ec2 import Ec2Error
from spiderpool_aws.local.invariants import InvariantError
from tests.integration.broken_product import apply, call, create_nic, manifest, nic
from tests.integration.capacity import PLANS, dual, interface, policy_of
from tests.integration.scene import Scene, scene


def tagged(s: Scene, index: int, **params: Any) -> str:
    """Create a NIC for a device index of the only instance, as the product does."""
    (instance_id,) = s.stack.model.instances
    tags = {"instance": instance_id, "cluster": "prod", "device-index": str(index)}
    return create_nic(s, *(f"spiderpool-aws/{key}={value}" for key, value in tags.items()), **params)


def make_a_second_nic_for_an_index_that_has_one(s: Scene) -> None:
    tagged(s, 1)


def make_a_second_spare_nic(s: Scene) -> None:
    s.checker.check()
    tagged(s, 2)
    s.checker.check()
    tagged(s, 2)


def make_a_nic_beyond_the_type(s: Scene) -> None:
    tagged(s, 3)


def assign_twice(s: Scene) -> None:
    call(s, "AssignPrivateIpAddresses", NetworkInterfaceId=nic(s), SecondaryPrivateIpAddressCount=1)


def assign_ipv6_twice(s: Scene) -> None:
    call(s, "AssignIpv6Addresses", NetworkInterfaceId=nic(s), Ipv6AddressCount=2)


def assign_a_prefix_that_nobody_wants(s: Scene) -> None:
    call(s, "AssignPrivateIpAddresses", NetworkInterfaceId=nic(s), Ipv4PrefixCount=1)


def release_what_the_policy_asks_for(s: Scene) -> None:
    pool = manifest(s)
    first, *rest = s.stack.model.enis[nic(s)].secondary_ips
    apply(s, pool | {"spec": pool["spec"] | {"ips": rest}})
    call(s, "UnassignPrivateIpAddresses", NetworkInterfaceId=nic(s), PrivateIpAddresses=[first])


def release_the_hosts_own_ipv6(s: Scene) -> None:
    own = next(known.address for known in s.stack.model.enis[nic(s)].ipv6_addresses if known.is_primary)
    with suppress(Ec2Error):  # trying is wrong enough
        call(s, "UnassignIpv6Addresses", NetworkInterfaceId=nic(s), Ipv6Addresses=[own])


def release_of_a_nic_that_is_left_alone(s: Scene) -> None:
    eni = s.stack.model.enis[nic(s, 1)]
    mark = [{"Key": "spiderpool-aws/managed", "Value": "false"}]
    s.stack.model.call("CreateTags", {"Resources": [eni.id], "Tags": mark})
    s.stack.clock.advance(31)  # from then on every describe shows it
    made = s.stack.model.call(
        "AssignPrivateIpAddresses", {"NetworkInterfaceId": eni.id, "SecondaryPrivateIpAddressCount": 1}
    )
    by_hand = made["AssignedPrivateIpAddresses"][0]["PrivateIpAddress"]
    call(s, "UnassignPrivateIpAddresses", NetworkInterfaceId=eni.id, PrivateIpAddresses=[by_hand])


def delete_a_nic_that_may_be_needed(s: Scene) -> None:
    call(s, "DeleteNetworkInterface", NetworkInterfaceId=tagged(s, 2))


@pytest.mark.parametrize(
    ("invariant", "break_it"),
    [
        (8, make_a_second_nic_for_an_index_that_has_one),
        (8, make_a_second_spare_nic),
        (5, make_a_nic_beyond_the_type),
        (8, assign_twice),
        (8, assign_ipv6_twice),
        (8, assign_a_prefix_that_nobody_wants),
        (8, release_what_the_policy_asks_for),
        (4, release_the_hosts_own_ipv6),
        (7, release_of_a_nic_that_is_left_alone),
        (10, delete_a_nic_that_may_be_needed),
    ],
)
def test_a_product_that_makes_takes_or_gives_too_much_is_caught(
    invariant: int, break_it: Callable[[Scene], None]
) -> None:
    with scene(policy_of(dual(0), dual(1)), subnets=PLANS) as s:
        s.launch(nics=1)
        s.run(180)
        s.stack.bus.silence()
        s.checker.check()
        break_it(s)
        with pytest.raises(InvariantError, match=f"invariant {invariant}:"):
            s.checker.check()
        s.checker.violations.clear()


def test_a_nic_that_could_not_be_attached_may_go_at_once_and_one_that_was_noted_later() -> None:
    with scene(policy_of(interface(0)), subnets=PLANS) as s:
        s.launch(nics=1)
        s.run(180)
        s.stack.bus.silence()
        unattachable, noted = tagged(s, 1), tagged(s, 2)
        params = {"NetworkInterfaceId": unattachable, "InstanceId": next(iter(s.stack.model.instances))}
        with pytest.raises(Ec2Error):
            call(s, "AttachNetworkInterface", DeviceIndex=0, **params)
        call(s, "DeleteNetworkInterface", NetworkInterfaceId=unattachable)
        s.stack.bus.advance(600)
        call(s, "DeleteNetworkInterface", NetworkInterfaceId=noted)
        s.checker.check()
