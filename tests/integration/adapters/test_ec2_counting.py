"""EC2's calls are counted where botocore sends them: on real requests to the model's server, retries among them."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from spiderpool_aws.adapters.ec2 import Ec2Adapter
from spiderpool_aws.domain.addresses import IPFamily
from spiderpool_aws.domain.errors import RetryLater
from spiderpool_aws.local.ec2.calls import Fault
from spiderpool_aws.local.ec2.moto_server import AwsServer, serve_aws
from spiderpool_aws.metrics import Metric
from tests.integration.ec2_world import Ec2World
from tests.unit.adapters.doubles import RecordingReporter

THROTTLED = Fault.refuse("RequestLimitExceeded", "Request limit exceeded.", 503)


@pytest.fixture
def world() -> Ec2World:
    return Ec2World()


@pytest.fixture
def server(world: Ec2World) -> Iterator[AwsServer]:
    served = serve_aws(0, world.model)
    yield served
    served.stop()


@pytest.fixture
def counted(server: AwsServer, monkeypatch: pytest.MonkeyPatch) -> tuple[Ec2Adapter, RecordingReporter]:
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    session = boto3.Session(aws_access_key_id="A", aws_secret_access_key="b", region_name="eu-west-1")
    reporter = RecordingReporter()
    return Ec2Adapter.from_session(session, reporter=reporter), reporter


def test_each_attempt_of_a_read_counts_and_each_throttled_one(
    world: Ec2World, counted: tuple[Ec2Adapter, RecordingReporter]
) -> None:
    ec2, reporter = counted
    instance = world.launch()
    world.fail_once("DescribeInstances", THROTTLED)
    assert list(ec2.observe_instances([instance])) == [instance]
    assert reporter.counts_of == {
        (Metric.EC2_CALLS, "DescribeInstances"): 2,
        (Metric.EC2_THROTTLES, "DescribeInstances"): 1,
        (Metric.EC2_CALLS, "DescribeNetworkInterfaces"): 1,
    }


def test_a_write_is_sent_once_and_what_is_refused_is_not_throttled(
    world: Ec2World, counted: tuple[Ec2Adapter, RecordingReporter]
) -> None:
    ec2, reporter = counted
    eni = world.eni(world.launch())
    world.fail_once("AssignPrivateIpAddresses", THROTTLED)
    with pytest.raises(RetryLater, match="throttled"):
        ec2.assign(eni, IPFamily.IPV4, 1, prefixes=False)
    world.fail_once("AssignPrivateIpAddresses", Fault.refuse("IncorrectState", "Not now.", 400))
    with pytest.raises(RetryLater):
        ec2.assign(eni, IPFamily.IPV4, 1, prefixes=False)
    counts: dict[Any, int] = reporter.counts_of
    assert counts == {
        (Metric.EC2_CALLS, "AssignPrivateIpAddresses"): 2,
        (Metric.EC2_THROTTLES, "AssignPrivateIpAddresses"): 1,
    }
