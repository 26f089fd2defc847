"""Python's collector of cycles does not run while a listing is read."""

import gc
from collections.abc import Iterator
from typing import Any

import pytest

from spiderpool_aws.adapters.cluster import POOLS
from spiderpool_aws.adapters.cluster_api import ClusterApi
from spiderpool_aws.adapters.credentials import FixedCredentials
from spiderpool_aws.domain.errors import RetryLater
from tests.unit.adapters.doubles import Reply, api_client, status
from tests.unit.adapters.test_cluster import page, pool_document


@pytest.fixture(params=[True, False], ids=["on", "off"], autouse=True)
def enabled(request: pytest.FixtureRequest) -> Iterator[bool]:
    before = gc.isenabled()
    (gc.enable if request.param else gc.disable)()
    yield request.param
    (gc.enable if before else gc.disable)()


def listed(*replies: Reply) -> list[bool]:
    """Return, for each object of a listing, whether the collector could have run when it was parsed."""

    def parse(_: dict[str, Any]) -> bool:
        return gc.isenabled()

    return ClusterApi(FixedCredentials(api_client(*replies)[0])).list_all(POOLS, parse)


def test_a_listing_is_read_without_the_collector_and_leaves_it_as_it_was(enabled: bool) -> None:
    assert listed(page(pool_document("a"), token="more"), page(pool_document("b"))) == [False, False]
    assert gc.isenabled() is enabled


def test_a_listing_that_fails_leaves_it_as_it_was(enabled: bool) -> None:
    with pytest.raises(RetryLater):
        listed(page(pool_document("a"), token="more"), status(500, "etcd"))
    assert gc.isenabled() is enabled
