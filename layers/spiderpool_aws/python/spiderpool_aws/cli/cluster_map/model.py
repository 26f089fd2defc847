"""What the map shows, as data: the figures of `status`, with the addresses and the place of each NIC. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spiderpool_aws.cli.cluster_map.addresses import AddressBook, book_of, hosts_ipv6, leftover_book
from spiderpool_aws.cli.condition import interfaces_of, pools_of
from spiderpool_aws.cli.reading import summary
from spiderpool_aws.domain.addresses import AWS_RESERVED, IPFamily

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from spiderpool_aws.cli.planning import PlannedInstance
    from spiderpool_aws.cli.reading import Reading
    from spiderpool_aws.domain.cluster.pool import Pool
    from spiderpool_aws.domain.instance import Eni, Subnet
    from spiderpool_aws.domain.policy.model import Interface


def map_document(reading: Reading) -> dict[str, Any]:
    """Return what `status` returns, and more of each node and subnet; no figure of `status` is counted again here."""
    status = summary(reading)
    planned = {known.plan.instance_id: known for known in reading.plan.instances}
    nodes = [_node(node, planned[node["instance"]], reading) for node in status["nodes"]]
    subnets = [_subnet(one, reading.subnets[one["subnet"]], nodes) for one in status["subnets"]]
    return {**status, "nodes": nodes, "subnets": subnets, "vpcs": _tree(subnets)}


def _node(node: Mapping[str, Any], planned: PlannedInstance, reading: Reading) -> dict[str, Any]:
    instance = planned.model.instance
    enis = {eni.eni_id: eni for eni in instance.enis} if instance is not None else {}
    wanted = interfaces_of(planned, reading.plan.policy)
    return {
        **node,
        "changes": planned.to_document()["changes"],
        "nics": [
            _nic(nic, planned, enis[nic["eni"]], wanted.get(nic["deviceIndex"]))
            for nic in node["nics"]
        ],
        "leftovers": [_leftover(planned, pool) for pool in planned.model.pools if _eni_of(pool) not in enis],
    }  # fmt: skip


def _nic(nic: Mapping[str, Any], planned: PlannedInstance, eni: Eni, wanted: Interface | None) -> dict[str, Any]:
    document = {**nic, "hostAddresses": [eni.primary_ipv4, *hosts_ipv6(planned, eni)]}
    for family in IPFamily:
        key = str(family).lower()
        if key in nic:
            pools = pools_of(planned, eni.eni_id, family)
            blocks = [str(prefix) for prefix in eni.prefixes(family)]
            book = book_of(planned, eni, family, pools, wanted)
            document[f"{key}Details"] = {**_details(book, pools), "prefixes": blocks}
    return document


def _leftover(planned: PlannedInstance, pool: Pool) -> dict[str, Any]:
    return {
        "eni": _eni_of(pool),
        "family": str(pool.family),
        "listed": pool.spec.ips.count(),
        "used": pool.allocated.count(),
        **_details(leftover_book(planned, pool), [pool]),
    }


def _details(book: AddressBook, pools: Sequence[Pool]) -> dict[str, Any]:
    return {
        "pools": [pool.name for pool in pools],
        "addresses": book.to_documents(),
        "omitted": book.omitted(),
    }


def _eni_of(pool: Pool) -> str:
    return pool.identity.eni_id if pool.identity is not None else ""


def _subnet(one: Mapping[str, Any], subnet: Subnet, nodes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    nics = [nic for node in nodes for nic in node["nics"] if nic["subnet"] == subnet.subnet_id]
    ipv4 = [nic["ipv4"] for nic in nics if "ipv4" in nic]
    return {
        **one,
        "vpc": subnet.vpc_id,
        "name": subnet.tags.get("Name", ""),
        "ipv6Cidr": str(subnet.ipv6) if subnet.ipv6 is not None else None,
        "size": subnet.ipv4.num_addresses - AWS_RESERVED if subnet.ipv4 is not None else None,
        # Of the size: the NICs' primary addresses and what they have beside; and of that, what pods use.
        "held": len(nics) + sum(has["assigned"] for has in ipv4),
        "used": sum(has["used"] for has in ipv4),
        "nics": [nic["eni"] for nic in nics],
    }


def _tree(subnets: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    tree: dict[str, dict[str, list[str]]] = {}
    for subnet in sorted(subnets, key=lambda one: (one["vpc"], one["zone"], one["name"], one["subnet"])):
        tree.setdefault(subnet["vpc"], {}).setdefault(subnet["zone"], []).append(subnet["subnet"])
    return [
        {"vpc": vpc, "zones": [{"zone": zone, "subnets": ids} for zone, ids in zones.items()]}
        for vpc, zones in tree.items()
    ]
