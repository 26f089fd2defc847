"""The cluster of these tests: the double. `make e2e` runs them again, on a real API server. And EC2, the model."""

from collections.abc import Iterator

import pytest

from spiderpool_aws.adapters.ec2 import Ec2Adapter
from spiderpool_aws.local.ec2.moto_server import serve_aws
from tests.integration.adapters.cluster_world import ClusterWorld, DoubleWorld
from tests.integration.ec2_world import ACCESS_KEY, Ec2World, session_of


@pytest.fixture
def world() -> Iterator[ClusterWorld]:
    double = DoubleWorld()
    yield double
    double.stop()


@pytest.fixture(params=["in-process", "http"])
def either(request: pytest.FixtureRequest) -> Iterator[Ec2World]:
    """The EC2 world through one front of the model, and through the other."""
    world = Ec2World()
    if request.param == "in-process":
        yield world
        return
    served = serve_aws(0, world.model, {ACCESS_KEY: "arn:aws:iam::123456789012:role/worker"})
    session = session_of(world.model)
    reads, writes = (session.client("ec2", endpoint_url=served.url) for _ in range(2))
    world.ec2 = Ec2Adapter(reads, writes)
    yield world
    reads.close()
    writes.close()
    served.stop()
