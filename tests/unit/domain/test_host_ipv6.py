"""NICs of which nothing says which IPv6 address is the host's own."""

from dataclasses import replace
from typing import Any

import pytest

from spiderpool_aws.domain.actions.nics import Assign, MarkPrimaryIpv6, Unassign
from spiderpool_aws.domain.addresses import EMPTY, AddressSet, parse_network
from spiderpool_aws.domain.cluster.pool import Pool
from spiderpool_aws.domain.instance import CLUSTER_TAG, INSTANCE_TAG, Eni
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.rules.planner import plan_node
from tests.unit.build import V6, eni, instance, observed, policy, v6
from tests.unit.domain.planning import FULL, codes, full_node

OURS = {CLUSTER_TAG: "prod", INSTANCE_TAG: "i-1"}
THREE = v6("2001:db8:0:100::a-2001:db8:0:100::c")
DUAL = policy(nics=1, ipv6={"addresses": 3})
NIC = eni(0).eni_id


def nic_with(addresses: AddressSet = EMPTY[V6], **changes: Any) -> Eni:
    """Return a NIC of ours with these IPv6 addresses, none of which is marked."""
    return replace(eni(0, ipv4=FULL, ipv6=addresses, primary_ipv6=None, tags=OURS), **changes)


def ipv6_actions(nic: Eni, **changes: Any) -> list[Any]:
    plan = plan_node(observed(instance=instance(nic), **changes), DUAL)
    assert plan.incomplete
    return [a for a in plan.actions if isinstance(a, Assign | MarkPrimaryIpv6)]


def with_ipv6_pool(allocated: AddressSet) -> ObservedNode:
    model, pool = full_node()
    assert pool.identity is not None
    ipv6: Pool = replace(
        pool,
        name="v6",
        identity=replace(pool.identity, family=V6),
        spec=replace(pool.spec, ips=THREE),
        allocated=allocated,
        excluded=EMPTY[V6],
    )
    return replace(model, instance=instance(nic_with(THREE)), pools=(pool, ipv6))


def test_a_nic_of_ours_without_an_ipv6_address_gets_one_which_is_marked_before_the_pods_get_theirs() -> None:
    assert ipv6_actions(nic_with()) == [Assign(NIC, V6, 1)]
    one = nic_with(v6("2001:db8:0:100::a"))
    assert ipv6_actions(one) == [MarkPrimaryIpv6(NIC)]
    marked = one.with_primary_ipv6()
    assert marked.primary_ipv6 == "2001:db8:0:100::a"
    assert ipv6_actions(marked) == [Assign(NIC, V6, 3)]


def test_a_nic_that_is_full_of_prefixes_gives_one_back_before_the_host_gets_its_own_address() -> None:
    block = parse_network("2001:db8:0:100:5::/80")
    full = replace(nic_with(), ipv6_prefixes=tuple(parse_network(f"2001:db8:0:100:{n}::/80") for n in range(1, 11)))
    plan = plan_node(observed(instance=instance(full)), DUAL)
    assert [a for a in plan.actions if isinstance(a, Assign)] == [], "EC2 would refuse it, at every look"
    (given,) = [a for a in plan.actions if isinstance(a, Unassign)]
    assert 0 < len(given.prefixes) <= 3
    assert ipv6_actions(replace(nic_with(), ipv6_prefixes=(block,))) == [Assign(NIC, V6, 1)]
    theirs = plan_node(observed(instance=instance(replace(full, tags={}))), DUAL)
    assert codes(theirs) == ["HostAddressUnknown"]


def test_which_of_several_addresses_was_marked_ec2_has_to_show_first() -> None:
    several = nic_with(THREE)
    assert ipv6_actions(several) == [MarkPrimaryIpv6(NIC)]
    marked = several.with_primary_ipv6()
    assert marked.primary_ipv6 is None
    plan = plan_node(observed(instance=instance(marked)), DUAL)
    assert ipv6_actions(marked) == []
    assert [wait.delay_seconds for wait in plan.waits] == [30.0]


@pytest.mark.parametrize(
    "tags", [{}, {CLUSTER_TAG: "prod"}, {INSTANCE_TAG: "i-1"}, OURS | {INSTANCE_TAG: "i-2"}], ids=str
)
def test_of_a_nic_that_is_not_ours_nothing_is_changed(tags: dict[str, str]) -> None:
    plan = plan_node(observed(instance=instance(nic_with(THREE, tags=tags))), DUAL)
    assert codes(plan) == ["HostAddressUnknown"]
    assert ipv6_actions(nic_with(THREE, tags=tags)) == []


def test_an_address_that_a_pod_uses_keeps_its_nic_from_being_marked() -> None:
    used = plan_node(with_ipv6_pool(v6("2001:db8:0:100::b")), DUAL)
    assert (used.actions, codes(used), used.incomplete) == ((), ["HostAddressUnknown"], True)
    assert "2001:db8:0:100::b" in used.findings[0].message
    free = plan_node(with_ipv6_pool(EMPTY[V6]), DUAL)
    assert free.actions == (MarkPrimaryIpv6(NIC),)
