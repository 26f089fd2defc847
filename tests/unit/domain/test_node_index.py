"""Which Nodes are proved an instance's, and that a listing finds just those."""

from datetime import timedelta

import pytest

from spiderpool_aws.domain.cluster.node import Node, NodeProof
from spiderpool_aws.domain.cluster.node_index import NodeIndex
from tests.unit.build import LAUNCHED, node

PROOF = NodeProof("i-1", frozenset({"uid-known"}), "10.0.0.10", LAUNCHED)


@pytest.mark.parametrize(
    ("changes", "proved"),
    [
        pytest.param({}, True, id="its providerID"),
        pytest.param({"provider_id": "aws:///eu-west-1a/i-11"}, False, id="a providerID that only begins like its own"),
        pytest.param(
            {"provider_id": "aws:///eu-west-1a/i-9", "uid": "uid-known"}, False, id="another one decides alone"
        ),
        pytest.param(
            {"provider_id": "", "uid": "uid-known", "internal_ips": (), "created": LAUNCHED - timedelta(days=1)},
            True,
            id="the Node that was proved before, whatever else it has",
        ),
        pytest.param({"provider_id": "", "created": LAUNCHED}, True, id="its address, made at the launch"),
        pytest.param({"provider_id": "", "created": LAUNCHED - timedelta(seconds=1)}, False, id="older than that"),
        pytest.param({"provider_id": "", "internal_ips": ("10.0.0.11",)}, False, id="another address"),
    ],
)
def test_what_proves_a_node_also_finds_it_among_all(changes: dict[str, object], proved: bool) -> None:
    the_node = node(**changes)
    assert PROOF.holds(the_node) == proved
    strangers = [node(name=f"n{n}", uid=f"u{n}", provider_id=f"aws:///z/i-x{n}") for n in range(3)]
    assert NodeIndex([*strangers, the_node]).proved(PROOF) == ((the_node,) if proved else ())


def test_without_an_address_no_address_proves_anything() -> None:
    assert not NodeProof("i-1", launched=LAUNCHED).holds(node(provider_id="", internal_ips=("",)))


def test_of_several_proved_nodes_the_newest_comes_first() -> None:
    old, new = (
        node(name=name, uid=name, created=LAUNCHED + timedelta(minutes=age)) for name, age in (("b", 1), ("a", 2))
    )
    assert NodeIndex([old, new]).proved(PROOF) == (new, old)
    assert NodeIndex([new, old]).proved(PROOF) == (new, old)


def test_a_node_is_found_by_its_name() -> None:
    index = NodeIndex([node()])
    assert index.get(node().name) == node()
    missing: Node | None = index.get("other")
    assert missing is None
