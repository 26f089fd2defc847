"""What sizes take away later: pods use it, a prefix has to come first, or an elastic size has to wait."""

from dataclasses import replace
from datetime import timedelta

import pytest

from spiderpool_aws.domain.actions.pools import ApplyPool
from spiderpool_aws.domain.addresses import AddressSet, parse_network
from spiderpool_aws.domain.cluster.claims import Claims
from spiderpool_aws.domain.memory import Surplus
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.policy.model import Elastic, Policy
from spiderpool_aws.domain.rules.desired import RELEASE_AFTER
from spiderpool_aws.domain.rules.planner import plan_node
from tests.unit.build import M5_LARGE, NOW, SUBNET_0, V4, V6, eni, instance, observed, policy, v4
from tests.unit.domain.planning import ONE_NIC
from tests.unit.domain.releasing import ELASTIC, INSTEAD, PREFIX, PREFIXES, elastic, remembering, shrink, with_pool


def owed(model: ObservedNode, the_policy: Policy) -> tuple[int, int, int]:
    """Return how many addresses go now for the fuse, when no pod uses them, and by an elastic size's nature."""
    plan = plan_node(model, the_policy)
    return plan.removals.address_count, plan.lowered.address_count, plan.surplus.address_count


LOWER = policy(nics=1, ipv4={"addresses": 3})


@pytest.mark.parametrize(
    ("used", "counted"),
    [
        pytest.param(0, (2, 0, 0), id="none in use"),
        pytest.param(3, (2, 0, 0), id="what stays is in use"),
        pytest.param(4, (1, 1, 0), id="one too many in use"),
        pytest.param(5, (0, 2, 0), id="all in use"),
    ],
)
def test_a_lower_policy_counts_the_same_in_the_end_whatever_pods_use(used: int, counted: tuple[int, int, int]) -> None:
    assert owed(elastic(5 - used, used), LOWER) == counted


def test_a_fixed_size_that_fits_owes_nothing() -> None:
    assert owed(elastic(0, 5), ONE_NIC) == (0, 0, 0)
    assert owed(observed(instance=instance(eni(0, ipv4=v4("10.0.0.20-10.0.0.29")))), LOWER) == (0, 0, 0), "no pool yet"


def test_what_is_in_no_pool_is_owed_by_nobody() -> None:
    model = with_pool(v4("10.0.0.20-10.0.0.22"), used=v4("10.0.0.20-10.0.0.22"), held=v4("10.0.0.20-10.0.0.26"))
    assert owed(model, LOWER) == (0, 0, 0)


def test_an_elastic_size_that_is_too_large_owes_its_surplus_before_and_when_it_shrinks() -> None:
    the_policy, model = policy(nics=1, ipv4={"addresses": ELASTIC}), elastic(6, 1)
    assert owed(model, the_policy) == (0, 0, 4)
    noted = remembering(model, surplus=Surplus(NOW - RELEASE_AFTER, str(Elastic(**ELASTIC))))
    assert shrink(noted, the_policy).released == v4("10.0.0.23-10.0.0.26")
    assert owed(noted, the_policy) == (0, 0, 4)
    assert (len(plan_node(model, the_policy).later), plan_node(noted, the_policy).later) == (1, ())
    assert owed(elastic(4, 1), the_policy) == (0, 0, 0), "within what it tolerates"


def test_an_elastic_size_owes_what_is_above_its_max_though_pods_use_it() -> None:
    assert owed(elastic(0, 8), policy(nics=1, ipv4={"addresses": {"min": 1, "warm": 1, "max": 4}})) == (0, 0, 4)


def test_a_policy_that_waits_for_its_prefix_owes_the_addresses_that_go_then() -> None:
    model = with_pool(v4("10.0.0.20-10.0.0.24"), used=v4("10.0.0.20"))
    assert owed(model, PREFIXES) == (0, 5, 0)
    no_room = replace(model, subnets={"subnet-0": replace(SUBNET_0, available_ipv4=3)})
    assert owed(no_room, PREFIXES) == (0, 5, 0)
    old_type = replace(model, limits=replace(M5_LARGE, instance_type="t2.large", nitro=False))
    assert owed(old_type, PREFIXES) == (0, 0, 0), "no address goes where no prefix can be had"


def test_single_addresses_that_stood_in_for_a_prefix_are_owed_only_beyond_its_sixteen() -> None:
    few = with_pool(v4("10.0.0.60-10.0.0.69"), ipv4_prefixes=(PREFIX,))
    assert owed(few, INSTEAD) == (0, 0, 0)
    many = with_pool(v4("10.0.0.60-10.0.0.79"), ipv4_prefixes=(PREFIX,))
    assert owed(many, INSTEAD) == (0, 0, 4)


def test_a_prefix_in_use_that_a_lower_policy_takes_away_is_owed_whole() -> None:
    block = AddressSet.from_networks(V4, [PREFIX])
    model = with_pool(block | v4("10.0.0.20"), used=v4("10.0.0.40"), held=v4("10.0.0.20"), ipv4_prefixes=(PREFIX,))
    assert owed(model, policy(nics=1, ipv4={"addresses": 1})) == (0, 16, 0)
    by_nature = policy(nics=1, ipv4={"addresses": {"min": 1, "warm": 1, "max": 1}})
    assert owed(model, by_nature) == (0, 16, 0)


def test_what_a_lower_per_prefix_keeps_from_pods_is_owed_while_pods_use_it() -> None:
    block = parse_network("2001:db8:0:100:5::/80")
    base = instance(eni(0, ipv4=v4("10.0.0.20-10.0.0.24"), ipv6_prefixes=(block,)))
    sixteen, four = (policy(nics=1, ipv6={"prefixes": 1, "perPrefix": count}) for count in (16, 4))
    created = [a.pool for a in plan_node(observed(instance=base), sixteen).actions if isinstance(a, ApplyPool)]
    pools = [replace(pool, uid=pool.name) for pool in created]
    used = AddressSet.from_networks(V6, [block], limit_each=16) - AddressSet.from_networks(V6, [block], limit_each=14)
    busy = tuple(replace(pool, allocated=used) if pool.family is V6 else pool for pool in pools)
    model = observed(instance=base, pools=busy, claims=Claims(busy))
    assert owed(model, four) == (10, 2, 0)


def test_while_removals_are_held_an_elastic_size_keeps_its_note_and_nothing_is_written() -> None:
    noted = remembering(elastic(6, 1), surplus=Surplus(NOW - RELEASE_AFTER, str(Elastic(**ELASTIC))))
    held = replace(noted, removals_held="no resync has judged this policy yet")
    assert plan_node(held, policy(nics=1, ipv4={"addresses": ELASTIC})).actions == ()


def test_a_lost_address_that_leaves_does_not_make_an_elastic_size_begin_its_while_anew() -> None:
    the_policy, model = policy(nics=1, ipv4={"addresses": ELASTIC}), elastic(6, 1)
    note = Surplus(NOW - timedelta(minutes=2), str(Elastic(**ELASTIC)))
    listed = model.pools[0].spec.ips | v4("10.0.0.40")
    lost = ((NOW - timedelta(minutes=1), v4("10.0.0.40")),)
    (pool,) = remembering(model, surplus=note, missing=lost).pools
    losing = replace(model, pools=(replace(pool, spec=replace(pool.spec, ips=listed)),))
    assert shrink(losing, the_policy).pool.memory.surplus == note


def test_what_is_owed_is_told_in_the_plan() -> None:
    assert "later: 2 addresses of pool" in str(plan_node(elastic(0, 5), LOWER))
    assert "when no pod uses them" in str(plan_node(elastic(1, 4), LOWER))
    assert "later: 1 address of pool" in str(plan_node(elastic(1, 4), LOWER))
    assert "when the size was too large for a while" in str(
        plan_node(elastic(6, 1), policy(nics=1, ipv4={"addresses": ELASTIC}))
    )


def test_single_addresses_beside_all_their_prefixes_are_no_fallback() -> None:
    model = with_pool(v4("10.0.0.60-10.0.0.61"), used=v4("10.0.0.60-10.0.0.61"), ipv4_prefixes=(PREFIX,))
    assert "PrefixFallback" not in {finding.code for finding in plan_node(model, INSTEAD).findings}
    assert "PrefixFallback" in {f.code for f in plan_node(with_pool(v4("10.0.0.60")), INSTEAD).findings}
