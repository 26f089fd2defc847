"""A note on a pool is for the pool that was read, and for no newer one."""

from dataclasses import replace

import pytest

from spiderpool_aws.domain.cluster.pool import Pool
from spiderpool_aws.domain.errors import Code, Refused
from spiderpool_aws.domain.memory import Absence
from tests.integration.adapters.cluster_world import ClusterWorld
from tests.unit.adapters.pools import pool
from tests.unit.build import NOW, v4


def noted(stored: Pool) -> Pool:
    return replace(stored, memory=replace(stored.memory, absent=Absence(NOW)))


def test_a_note_is_written_to_a_pool_as_it_was_read_and_taken_off_by_the_next_write(world: ClusterWorld) -> None:
    cluster = world.cluster
    stored = cluster.apply_pool(pool())
    cluster.note_pool(noted(stored))
    (read,) = cluster.list_pools()
    assert read == noted(stored)
    assert cluster.apply_pool(replace(read, memory=stored.memory)).memory.absent is None


def test_a_note_is_not_written_over_what_somebody_changed_since_it_was_read(world: ClusterWorld) -> None:
    cluster = world.cluster
    stored = cluster.apply_pool(pool())
    shrunk = cluster.apply_pool(replace(stored, spec=replace(stored.spec, ips=v4("10.0.0.12"))))
    with pytest.raises(Refused) as caught:
        cluster.note_pool(noted(stored))
    assert caught.value.code == Code.CONFLICT
    assert cluster.list_pools() == [shrunk]
