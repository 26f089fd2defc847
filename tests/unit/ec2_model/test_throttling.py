"""EC2's token buckets."""

import pytest

from spiderpool_aws.local.ec2 import DOCUMENTED_BUCKETS, BucketRate, Ec2Error

from .scene import Scene


def refused(scene: Scene, operation: str, calls: int, **params: object) -> int:
    outcomes = [scene.model.execute(operation, params) for _ in range(calls)]
    codes = {(call.error.code, call.error.status) for call in outcomes if isinstance(call.error, Ec2Error)}
    assert codes <= {("RequestLimitExceeded", 503)}
    return sum(call.error is not None for call in outcomes)


def admitted(scene: Scene, operation: str, calls: int) -> int:
    """Return how many of some calls were not throttled; that they lack their parameters is seen only after that."""
    errors = [scene.model.execute(operation, {}).error for _ in range(calls)]
    return sum(not (isinstance(e, Ec2Error) and e.code == "RequestLimitExceeded") for e in errors)


def test_a_bucket_holds_its_burst_and_fills_with_time() -> None:
    scene = Scene(buckets={"CreateNetworkInterface": BucketRate(5, 2)})
    assert refused(scene, "CreateNetworkInterface", 7, SubnetId=scene.a2) == 2
    scene.clock.advance(1.5)
    assert refused(scene, "CreateNetworkInterface", 5, SubnetId=scene.a2) == 2
    scene.clock.advance(3600)
    assert refused(scene, "CreateNetworkInterface", 6, SubnetId=scene.a2) == 1


def test_without_buckets_nothing_is_throttled() -> None:
    assert refused(Scene(), "DescribeVpcs", 500) == 0


@pytest.mark.parametrize(
    ("params", "at_once"),
    [
        pytest.param({}, 50, id="without filter and page the smaller bucket counts"),
        pytest.param({"MaxResults": 5}, 100, id="a page draws on the larger one only"),
    ],
)
def test_describes_have_a_bucket_each_and_a_smaller_one_for_the_unfiltered(
    params: dict[str, object], at_once: int
) -> None:
    scene = Scene(buckets=DOCUMENTED_BUCKETS)
    assert refused(scene, "DescribeInstances", 150, **params) == 150 - at_once
    assert refused(scene, "DescribeNetworkInterfaces", 10) == 0


@pytest.mark.parametrize(
    ("operation", "at_once", "a_second"),
    [
        pytest.param("AttachNetworkInterface", 50, 5, id="an attach has no row in AWS's table"),
        pytest.param("UnassignIpv6Addresses", 50, 5, id="nor has taking IPv6 addresses away"),
        pytest.param("UnassignPrivateIpAddresses", 100, 5, id="taking IPv4 addresses away has one"),
        pytest.param("AssignIpv6Addresses", 100, 5, id="and assigning IPv6 addresses has one"),
        pytest.param("CreateTags", 100, 10, id="tags have a row of their own"),
        pytest.param("DeleteTags", 100, 10, id="each way"),
    ],
)
def test_each_mutating_call_has_the_bucket_of_its_row_or_that_of_mutating_actions(
    operation: str, at_once: int, a_second: int
) -> None:
    scene = Scene(buckets=DOCUMENTED_BUCKETS)
    assert admitted(scene, operation, 150) == at_once
    scene.clock.advance(1)
    assert admitted(scene, operation, 150) == a_second


def test_cloudtrail_takes_throttling_for_the_clients_fault() -> None:
    scene = Scene(buckets={"DeleteNetworkInterface": BucketRate(1, 0.001)}, cloudtrail_delay_seconds=0)
    codes: list[str | None] = []
    scene.model.subscribe(lambda event: codes.append(event["detail"].get("errorCode")))
    refused(scene, "DeleteNetworkInterface", 2, NetworkInterfaceId=scene.spare)
    assert codes == [None, "Client.RequestLimitExceeded"]


def test_a_throttled_call_has_no_effect() -> None:
    scene = Scene(buckets={"DeleteNetworkInterface": BucketRate(1, 0.001)})
    other = scene.create_eni(SubnetId=scene.b)
    assert refused(scene, "DeleteNetworkInterface", 1, NetworkInterfaceId=scene.spare) == 0
    assert refused(scene, "DeleteNetworkInterface", 1, NetworkInterfaceId=other) == 1
    assert other in scene.model.enis
