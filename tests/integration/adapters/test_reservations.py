"""SpiderReservedIPs through the cluster adapter; `make e2e` runs it on a real API server."""

from dataclasses import replace
from typing import Any

import pytest

from spiderpool_aws.domain.cluster.reservation import Reservation, reservation_for
from spiderpool_aws.domain.errors import Refused
from tests.integration.adapters.cluster_world import API, ClusterWorld
from tests.unit.adapters.pools import RANGES, V6, pool
from tests.unit.build import v4, v6

RESERVED = f"/apis/{API}/spiderreservedips"
POOL = pool()
ONE = reservation_for(POOL, v4("10.0.0.11"))


def hand_made(name: str = POOL.name, **metadata: Any) -> dict[str, Any]:
    """Return what somebody else keeps back: the very addresses that we would."""
    metadata = {"name": name} | metadata
    spec = {"ipVersion": 4, "ips": ["10.0.0.11"]}
    return {"apiVersion": API, "kind": "SpiderReservedIP", "metadata": metadata, "spec": spec}


@pytest.mark.parametrize(
    "reservation",
    [
        pytest.param(ONE, id="an address"),
        pytest.param(reservation_for(POOL, v4("10.0.0.11", "10.0.0.13-10.0.0.14")), id="ranges"),
        pytest.param(reservation_for(pool("n-v6", family=V6), v6(RANGES[V6])), id="IPv6"),
    ],
)
def test_a_reservation_is_listed_as_it_was_answered_until_it_is_deleted(
    world: ClusterWorld, reservation: Reservation
) -> None:
    stored = world.cluster.apply_reservation(reservation)
    assert stored.uid
    assert replace(stored, uid="") == reservation
    assert world.cluster.list_reservations() == [stored]
    for _ in range(2):
        world.cluster.delete_reservation(stored)
        assert world.objects(RESERVED) == []


def test_a_reservation_is_written_by_its_uid_and_a_write_of_the_same_changes_nothing(world: ClusterWorld) -> None:
    stored = world.cluster.apply_reservation(ONE)
    grown = world.cluster.apply_reservation(replace(stored, addresses=v4("10.0.0.11", "10.0.0.13")))
    assert (grown.addresses, grown.uid) == (v4("10.0.0.11", "10.0.0.13"), stored.uid)
    before = world.objects(RESERVED)
    assert world.cluster.apply_reservation(grown) == grown
    assert world.objects(RESERVED) == before
    with pytest.raises(Refused) as caught:
        world.cluster.apply_reservation(replace(grown, uid="another"))
    assert caught.value.code == "Conflict"


def test_somebody_elses_reservation_of_the_name_is_neither_listed_nor_written_nor_deleted(world: ClusterWorld) -> None:
    world.put(hand_made())
    before = world.objects(RESERVED)
    assert world.cluster.list_reservations() == []
    with pytest.raises(Refused, match="is not ours, or is being deleted, and is left alone") as caught:
        world.cluster.apply_reservation(ONE)
    assert caught.value.code == "Conflict"
    world.cluster.delete_reservation(replace(ONE, uid="another"))
    assert world.objects(RESERVED) == before


def test_what_somebody_wrote_into_ours_is_ours_again_with_the_next_write(world: ClusterWorld) -> None:
    stored = world.cluster.apply_reservation(ONE)
    world.write_as_admin(f"spiderreservedips/{ONE.name}", {"spec": {"ips": ["10.0.0.77"]}})
    assert [known.addresses for known in world.cluster.list_reservations()] == [v4("10.0.0.77")]
    assert world.cluster.apply_reservation(stored).addresses == ONE.addresses


def test_a_reservation_that_is_being_deleted_is_made_again_only_when_it_is_gone(world: ClusterWorld) -> None:
    stored = world.cluster.apply_reservation(ONE)
    path = f"spiderreservedips/{ONE.name}"
    world.write_as_admin(path, {"metadata": {"finalizers": ["example.com/kept"]}})
    world.cluster.delete_reservation(stored)
    assert world.cluster.list_reservations() == []
    for again in (ONE, stored):
        with pytest.raises(Refused, match="being deleted") as caught:
            world.cluster.apply_reservation(again)
        assert caught.value.code == "Conflict"
    world.write_as_admin(path, {"metadata": {"finalizers": None}})
    assert world.cluster.apply_reservation(ONE).uid != stored.uid


def test_reservations_come_in_pages_and_only_ours(world: ClusterWorld) -> None:
    stored = world.cluster.apply_reservation(ONE)
    world.put_many([hand_made(f"other-{number}") for number in range(500)])
    world.requests.clear()
    assert world.cluster.list_reservations() == [stored]
    assert world.requests == [("list", "spiderreservedips", 200)] * 2
