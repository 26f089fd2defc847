"""The data of the map: the figures of `status`, and the state of every address."""

import json
from dataclasses import replace
from typing import Any

import pytest

from spiderpool_aws.cli.cluster_map import addresses
from spiderpool_aws.cli.cluster_map.model import map_document
from spiderpool_aws.cli.reading import read, summary
from spiderpool_aws.domain.addresses import AddressSet
from spiderpool_aws.domain.control import Control
from spiderpool_aws.domain.memory import PoolMemory
from tests.unit import build
from tests.unit.build import V4, V6, v4
from tests.unit.cli.map_fleet import MapFleet

FAMILIES = ("ipv4", "ipv6")


def drawn(fleet: MapFleet) -> Any:
    return json.loads(json.dumps(map_document(read(fleet.world()))))


def address_of(document: dict[str, Any], address: str) -> dict[str, Any]:
    found: dict[str, Any]
    (found,) = [
        one
        for node in document["nodes"]
        for nic in node["nics"]
        for family in FAMILIES
        if family in nic
        for one in nic[f"{family}Details"]["addresses"]
        if one["address"] == address
    ]
    return found


def common(more: Any, less: Any) -> Any:
    """Return of `more` what `less` has as well."""
    if isinstance(less, dict):
        return {key: common(more[key], value) for key, value in less.items()}
    if isinstance(less, list):
        assert len(more) == len(less)
        return [common(one, other) for one, other in zip(more, less, strict=True)]
    return more


@pytest.fixture
def fleet() -> MapFleet:
    return MapFleet(6)


def troubled() -> MapFleet:
    """Every state of an address and of a node is in it."""
    fleet = MapFleet(9)
    for number in (1, 2):
        fleet.lose(list(fleet.pool(number).spec.ips)[-1])
    used = next(iter(fleet.pool(3).users))
    fleet.lose(used)
    fleet.quarantine(fleet.pool(3), used)
    pool = fleet.pool(4, 1)
    fleet.put(replace(pool, spec=replace(pool.spec, disable=True)))
    pool = fleet.pool(5)
    fleet.put(replace(pool, spec=replace(pool.spec, ips=pool.spec.ips - v4(list(pool.spec.ips)[-1]))))
    return fleet


@pytest.mark.parametrize("fleet", [MapFleet(6), troubled(), MapFleet(0)], ids=["converged", "troubled", "empty"])
def test_every_figure_of_status_is_in_the_map_as_it_is(fleet: MapFleet) -> None:
    reading = read(fleet.world())
    status = summary(reading)
    assert common(map_document(reading), status) == status


def test_the_addresses_add_up_to_the_figures_of_their_nic() -> None:
    document = drawn(troubled())
    for nic in (nic for node in document["nodes"] for nic in node["nics"]):
        for family in FAMILIES:
            has, shown = nic[family], nic[f"{family}Details"]["addresses"]
            assert sum(one["listed"] for one in shown) == has["listed"] > 0
            assert sum("pod" in one for one in shown) == has["used"]
            assert sum(one["listed"] and "pod" not in one for one in shown) == has["free"]


def test_the_addresses_add_up_to_the_figures_of_the_cluster() -> None:
    document = drawn(troubled())
    shown = [
        one
        for node in document["nodes"]
        for nic in node["nics"]
        for family in FAMILIES
        for one in nic[f"{family}Details"]["addresses"]
    ]
    assert sum(one["listed"] for one in shown) == document["pools"]["addresses"]
    assert sum("pod" in one for one in shown) == document["pools"]["used"]
    assert sum(one["state"] == "quarantined" for one in shown) == document["pools"]["quarantined"] == 1


def test_an_address_is_used_by_its_pod_or_free(fleet: MapFleet) -> None:
    pool = fleet.pool(4)
    fleet.let_pod_use(pool, "shop/web", free := next(iter(pool.spec.ips - pool.allocated)))
    document = drawn(fleet)
    assert address_of(document, free) == {"address": free, "state": "used", "listed": True, "pod": "shop/web"}
    assert address_of(document, list(pool.spec.ips)[-1])["state"] == "free"


def test_what_is_in_a_pool_and_not_in_ec2_drifts_also_while_a_pod_uses_it(fleet: MapFleet) -> None:
    pool = fleet.pool(0)
    address = list(pool.spec.ips)[-1]
    fleet.let_pod_use(pool, "shop/web", address)
    fleet.lose(address)
    found = address_of(drawn(fleet), address)
    assert (found["state"], found["pod"], found["listed"]) == ("drifting", "shop/web", True)
    assert found["why"] == "in a pool, but EC2 has not assigned it to this NIC"


def test_what_ec2_assigned_and_no_pool_lists_drifts(fleet: MapFleet) -> None:
    pool = fleet.pool(0)
    address = list(pool.spec.ips)[-1]
    fleet.put(replace(pool, spec=replace(pool.spec, ips=pool.spec.ips - v4(address))))
    found = address_of(drawn(fleet), address)
    assert (found["state"], found["listed"], found["why"]) == ("drifting", False, "assigned by EC2, but in no pool")


def test_what_left_its_pool_to_be_unassigned_says_since_when(fleet: MapFleet) -> None:
    pool = fleet.pool(0)
    address = list(pool.spec.ips)[-1]
    memory = PoolMemory(released=((build.NOW, v4(address)),))
    fleet.put(replace(pool, spec=replace(pool.spec, ips=pool.spec.ips - v4(address)), memory=memory))
    assert address_of(drawn(fleet), address)["why"] == "left its pool at 12:00:00 UTC to be unassigned"


def test_a_quarantined_address_is_told_before_that_it_drifts(fleet: MapFleet) -> None:
    pool = fleet.pool(8 % 6)
    address = next(iter(pool.spec.ips))
    fleet.let_pod_use(pool, "shop/old", address)
    fleet.lose(address)
    fleet.quarantine(fleet.pool(8 % 6), address)
    found = address_of(drawn(fleet), address)
    assert (found["state"], found["pod"]) == ("quarantined", "shop/old")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"excluded": True}, "in excludeIPs of its pool"),
        ({"disable": True}, "its pool is disabled"),
        ({"terminating": True}, "its pool is terminating"),
    ],
)
def test_an_address_that_no_pod_can_get_is_withheld(fleet: MapFleet, changes: dict[str, Any], why: str) -> None:
    pool = fleet.pool(1)
    address = list(pool.spec.ips)[-1]
    fleet.put(
        replace(
            pool,
            excluded=v4(address) if "excluded" in changes else pool.excluded,
            spec=replace(pool.spec, disable="disable" in changes),
            terminating="terminating" in changes,
        )
    )
    found = address_of(drawn(fleet), address)
    assert (found["state"], found["why"]) == ("withheld", why)


def test_a_nic_that_the_policy_does_not_have_is_outside(fleet: MapFleet) -> None:
    for pool in [p for p in fleet.cluster.pools.values() if p.identity and p.identity.eni_id == fleet.eni_id(0, 1)]:
        del fleet.cluster.pools[pool.name]
    fleet.control.control = Control(build.policy(nics=1, ipv4={"addresses": 7}, ipv6={"prefixes": 1}))
    (nic,) = [n for node in drawn(fleet)["nodes"] for n in node["nics"] if n["eni"] == fleet.eni_id(0, 1)]
    assert {one["state"] for one in nic["ipv4Details"]["addresses"]} == {"outside"}


def test_the_hosts_own_addresses_are_told_apart(fleet: MapFleet) -> None:
    eni = fleet.ec2.eni(fleet.eni_id(0))
    (nic,) = [n for node in drawn(fleet)["nodes"] for n in node["nics"] if n["eni"] == eni.eni_id]
    assert nic["hostAddresses"] == [eni.primary_ipv4, eni.primary_ipv6]
    assert nic["ipv6Details"]["prefixes"] == [str(eni.ipv6_prefixes[0])]
    assert eni.primary_ipv6 not in [one["address"] for one in nic["ipv6Details"]["addresses"]]
    assert len(nic["ipv6Details"]["addresses"]) == 16


def test_a_pool_without_a_nic_is_a_leftover_of_its_node(fleet: MapFleet) -> None:
    pool = fleet.pool(2)
    del fleet.ec2.known[f"i-{2:017x}"]
    document = drawn(fleet)
    (node,) = [node for node in document["nodes"] if node["instance"] == f"i-{2:017x}"]
    assert node["nics"] == []
    assert len(node["leftovers"]) == 4
    (leftover,) = [one for one in node["leftovers"] if one["pools"] == [pool.name]]
    assert (leftover["eni"], leftover["listed"], leftover["used"]) == (fleet.eni_id(2), 7, pool.allocated.count())
    assert {one["state"] for one in leftover["addresses"]} == {"drifting"}


def test_a_pool_that_lists_a_whole_subnet_is_not_counted_out(fleet: MapFleet) -> None:
    pool = fleet.pool(0, 0, V6)
    whole = AddressSet.parse(V6, ["2001:db8:0:0:1::-2001:db8:0:0:1:ffff:ffff:ffff"])
    fleet.put(replace(pool, spec=replace(pool.spec, ips=whole)))
    (nic,) = [n for node in drawn(fleet)["nodes"] for n in node["nics"] if n["eni"] == fleet.eni_id(0)]
    details = nic["ipv6Details"]
    assert len(details["addresses"]) == addresses.SHOWN + len(pool.users)
    assert details["omitted"] + len(details["addresses"]) == nic["ipv6"]["listed"] == 1 << 48


def test_a_subnet_knows_its_size_and_who_holds_it(fleet: MapFleet) -> None:
    document = drawn(fleet)
    assert [one["zone"] for one in document["vpcs"][0]["zones"]] == ["eu-west-1a", "eu-west-1b", "eu-west-1c"]
    subnet = next(one for one in document["subnets"] if one["subnet"] == "subnet-0-0")
    assert (subnet["name"], subnet["vpc"], subnet["size"]) == ("nodes-a", "vpc-0123456789abcdef0", 2048 - 5)
    assert subnet["nics"] == [fleet.eni_id(0), fleet.eni_id(3)]
    assert subnet["held"] == 2 * (1 + 7)
    assert subnet["used"] == sum(fleet.pool(number, 0, V4).allocated.count() for number in (0, 3))


def test_every_counted_nic_has_its_place_in_the_tree(fleet: MapFleet) -> None:
    document = drawn(fleet)
    ids = [i for vpc in document["vpcs"] for zone in vpc["zones"] for i in zone["subnets"]]
    assert sorted(ids) == sorted(one["subnet"] for one in document["subnets"])
    placed = [eni for one in document["subnets"] for eni in one["nics"]]
    assert sorted(placed) == sorted(nic["eni"] for node in document["nodes"] for nic in node["nics"])
