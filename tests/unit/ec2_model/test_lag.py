"""Eventual consistency: what a call does not see yet, and what it still sees."""

from collections.abc import Callable

import pytest

from spiderpool_aws.local.ec2 import Ec2Error
from tests.unit.ec2_model.scene import Scene

NOT_YET = "InvalidNetworkInterfaceID.NotFound"


def writes(scene: Scene, eni: str) -> list[Callable[[], object]]:
    groups = [scene.network.group_id]
    return [
        lambda: scene.call("AssignPrivateIpAddresses", NetworkInterfaceId=eni, SecondaryPrivateIpAddressCount=1),
        lambda: scene.call("ModifyNetworkInterfaceAttribute", NetworkInterfaceId=eni, Groups=groups),
        lambda: scene.attach(eni),
    ]


@pytest.mark.parametrize("which", range(3))
def test_a_write_right_after_create_does_not_find_the_nic_until_the_lag_has_passed(which: int) -> None:
    scene = Scene(write_lag_seconds=5)
    write = writes(scene, scene.create_eni(SubnetId=scene.a2))[which]
    scene.clock.advance(4.9)
    with pytest.raises(Ec2Error, match=NOT_YET):
        write()
    scene.clock.advance(0.1)
    write()


def test_with_a_seed_the_same_write_is_found_by_one_call_and_not_by_the_next_and_never_lost_after_the_lag() -> None:
    def found(seed: int) -> list[bool]:
        scene = Scene(write_lag_seconds=10, lag_seed=seed)
        eni = scene.create_eni(SubnetId=scene.a2)
        answers = []
        for _ in range(20):
            scene.clock.advance(0.6)
            params = {"NetworkInterfaceId": eni, "Groups": [scene.network.group_id]}
            error = scene.model.execute("ModifyNetworkInterfaceAttribute", params).error
            answers.append(error is None)
            assert error is None or getattr(error, "code", "") == NOT_YET
        return answers

    assert found(1) == found(1)
    assert found(1) != found(2)
    assert {True, False} == set(found(1)[:16])
    assert all(found(1)[16:])


def free(scene: Scene) -> int:
    count: int = scene.call("DescribeSubnets", SubnetIds=[scene.a])["Subnets"][0]["AvailableIpAddressCount"]
    return count


def test_the_number_of_free_addresses_lags_as_well() -> None:
    scene = Scene(describe_lag_seconds=5)
    before = free(scene)
    scene.call("AssignPrivateIpAddresses", NetworkInterfaceId=scene.nic0, SecondaryPrivateIpAddressCount=2)
    scene.clock.advance(4)
    scene.call("AssignPrivateIpAddresses", NetworkInterfaceId=scene.nic0, SecondaryPrivateIpAddressCount=1)
    assert free(scene) == before
    scene.clock.advance(1)
    assert free(scene) == before - 2
    scene.clock.advance(4)
    assert free(scene) == before - 3


def addresses(scene: Scene) -> int:
    (reservation,) = scene.call("DescribeInstances", InstanceIds=[scene.instance])["Reservations"]
    return len(reservation["Instances"][0]["NetworkInterfaces"][0]["PrivateIpAddresses"])


def test_a_describe_of_instances_shows_the_addresses_as_they_were() -> None:
    scene = Scene(describe_lag_seconds=5)
    scene.call("AssignPrivateIpAddresses", NetworkInterfaceId=scene.nic0, SecondaryPrivateIpAddressCount=2)
    scene.clock.advance(4.9)
    assert addresses(scene) == 1
    scene.clock.advance(0.1)
    assert addresses(scene) == 3


def test_a_lag_that_varies_makes_reads_flap_within_the_lag_and_never_after_it() -> None:
    scene = Scene(describe_lag_seconds=10, lag_seed=3)
    scene.call("AssignPrivateIpAddresses", NetworkInterfaceId=scene.nic0, SecondaryPrivateIpAddressCount=2)
    scene.clock.advance(5)
    seen = [addresses(scene) for _ in range(30)]
    assert set(seen) == {1, 3}
    assert seen != sorted(seen)
    assert len({free(scene) for _ in range(30)}) == 2
    scene.clock.advance(5)
    assert {addresses(scene) for _ in range(30)} == {3}
