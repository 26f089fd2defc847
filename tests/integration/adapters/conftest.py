"""The cluster of these tests: the double. `make e2e` runs them again, on a real API server."""

from collections.abc import Iterator

import pytest

from tests.integration.adapters.cluster_world import ClusterWorld, DoubleWorld


@pytest.fixture
def world() -> Iterator[ClusterWorld]:
    double = DoubleWorld()
    yield double
    double.stop()
