"""What a NIC holds too much: out of the pool first, then back to the subnet."""

from dataclasses import replace
from datetime import timedelta

import pytest

from spiderpool_aws.domain.actions.nics import Assign, Unassign
from spiderpool_aws.domain.actions.pools import ApplyPool, PoolChange
from spiderpool_aws.domain.addresses import AddressSet, parse_network
from spiderpool_aws.domain.cluster.claims import Claims
from spiderpool_aws.domain.memory import REST, Surplus
from spiderpool_aws.domain.policy.model import Elastic
from spiderpool_aws.domain.rules.desired import RELEASE_AFTER
from spiderpool_aws.domain.rules.planner import plan_node
from tests.unit.build import NOW, SUBNET_0, V6, eni, instance, observed, policy, v4
from tests.unit.domain.planning import ONE_NIC, planned_pool
from tests.unit.domain.releasing import ELASTIC, after, elastic, remembering, shrink, with_pool


def test_a_lower_policy_takes_the_highest_free_addresses_out_of_the_pool_and_only_then_off_the_nic() -> None:
    model, lower = with_pool(v4("10.0.0.20-10.0.0.24"), used=v4("10.0.0.24")), policy(nics=1, ipv4={"addresses": 3})
    shrunk = shrink(model, lower)
    assert (shrunk.pool.spec.ips, shrunk.dropped) == (v4("10.0.0.20-10.0.0.21", "10.0.0.24"), v4("10.0.0.22-10.0.0.23"))
    (unassign,) = plan_node(after(model, shrunk), lower).actions
    assert unassign == Unassign(eni(0).eni_id, v4("10.0.0.22-10.0.0.23"), unassign.why)  # type: ignore[union-attr]


def test_an_address_in_use_stays_however_low_the_policy_is() -> None:
    model = with_pool(v4("10.0.0.20-10.0.0.24"), used=v4("10.0.0.20-10.0.0.24"))
    assert plan_node(model, policy(nics=1, ipv4={"addresses": 1})).actions == ()


def test_what_was_never_listed_goes_first_and_needs_no_shrink() -> None:
    model = with_pool(v4("10.0.0.20-10.0.0.24"), held=v4("10.0.0.20-10.0.0.26"))
    (action,) = plan_node(model, ONE_NIC).actions
    assert isinstance(action, Unassign)
    assert action.addresses == v4("10.0.0.25-10.0.0.26")


def test_what_another_pool_lists_is_not_given_back_while_it_does() -> None:
    model = with_pool(v4("10.0.0.20-10.0.0.24"), held=v4("10.0.0.20-10.0.0.26"))
    (pool,) = model.pools
    stale = replace(pool, name="stale", uid="uid-stale", spec=replace(pool.spec, ips=v4("10.0.0.25-10.0.0.26")))
    plan = plan_node(replace(model, claims=Claims([pool, stale])), ONE_NIC)
    assert (plan.actions, len(plan.waits)) == ((), 1)


def test_the_fuse_counts_a_lower_policy_and_holds_it() -> None:
    model, lower = with_pool(v4("10.0.0.20-10.0.0.24")), policy(nics=1, ipv4={"addresses": 3})
    assert plan_node(model, lower).removals.address_count == 2
    held = plan_node(replace(model, removals_held="the fuse is tripped"), lower)
    assert (held.actions, {f.code for f in held.findings}) == ((), {"RemovalHeld"})


def test_the_fuse_holds_an_unassignment_of_what_is_in_no_pool() -> None:
    model = with_pool(v4("10.0.0.20-10.0.0.24"), held=v4("10.0.0.20-10.0.0.26"))
    held = plan_node(replace(model, removals_held="the fuse is tripped"), ONE_NIC)
    assert (held.actions, [f.code for f in held.findings]) == ((), ["RemovalHeld"])


@pytest.mark.parametrize(
    ("free", "used", "assigned"),
    [
        pytest.param(1, 3, 1, id="fewer than warm are free"),
        pytest.param(2, 3, None, id="warm are free"),
        pytest.param(0, 5, 2, id="all that is missing in one call"),
        pytest.param(0, 8, 1, id="never above max"),
    ],
)
def test_an_elastic_size_grows_to_what_is_used_and_warm(free: int, used: int, assigned: int | None) -> None:
    plan = plan_node(elastic(free, used), policy(nics=1, ipv4={"addresses": ELASTIC}))
    assert [a.count for a in plan.actions if isinstance(a, Assign)] == ([] if assigned is None else [assigned])


def test_an_elastic_size_that_is_too_large_is_noted_first_and_shrinks_after_a_while() -> None:
    the_policy, model = policy(nics=1, ipv4={"addresses": ELASTIC}), elastic(6, 1)
    (note,) = plan_node(model, the_policy).actions
    assert isinstance(note, ApplyPool)
    assert (note.change, note.pool.spec.ips) == (PoolChange.REMEMBER, model.pools[0].spec.ips)
    noted = after(model, note)
    early = replace(noted, now=NOW + RELEASE_AFTER - timedelta(seconds=1))
    assert plan_node(early, the_policy).actions == ()
    late = replace(noted, now=NOW + RELEASE_AFTER)
    shrunk = shrink(late, the_policy)
    assert (shrunk.pool.spec.ips.count(), shrunk.dropped, shrunk.released) == (3, None, v4("10.0.0.23-10.0.0.26"))
    assert plan_node(late, the_policy).removals.address_count == 0
    (unassign,) = plan_node(after(late, shrunk), the_policy).actions
    assert isinstance(unassign, Unassign)
    assert unassign.addresses == v4("10.0.0.23-10.0.0.26")


def test_a_few_too_many_are_kept_and_nothing_is_written() -> None:
    assert plan_node(elastic(4, 1), policy(nics=1, ipv4={"addresses": ELASTIC})).actions == ()


def test_a_changed_policy_begins_the_while_anew() -> None:
    model = remembering(elastic(6, 1), surplus=Surplus(NOW - timedelta(hours=1), "another size"))
    (action,) = plan_node(model, policy(nics=1, ipv4={"addresses": ELASTIC})).actions
    assert isinstance(action, ApplyPool)
    assert action.change is PoolChange.REMEMBER
    assert action.pool.memory.surplus == Surplus(NOW, str(Elastic(**ELASTIC)))


def test_a_surplus_that_is_gone_is_forgotten() -> None:
    the_policy = policy(nics=1, ipv4={"addresses": ELASTIC})
    (note,) = plan_node(elastic(6, 1), the_policy).actions
    assert isinstance(note, ApplyPool)
    busy = remembering(elastic(2, 3), surplus=note.pool.memory.surplus)
    (action,) = plan_node(busy, the_policy).actions
    assert isinstance(action, ApplyPool)
    assert action.pool.memory.surplus is None


def test_a_worker_that_was_stopped_before_the_unassignment_does_it_at_the_next_look() -> None:
    # Two more than wanted is within what an elastic size tolerates: only the note of the shrink tells that they go.
    listed, released = v4("10.0.0.20-10.0.0.22"), v4("10.0.0.23-10.0.0.24")
    model = with_pool(listed, used=v4("10.0.0.20"), held=listed | released)
    noted = remembering(model, released=((NOW - timedelta(seconds=10), released),))
    (action,) = plan_node(noted, policy(nics=1, ipv4={"addresses": ELASTIC})).actions
    assert isinstance(action, Unassign)
    assert action.addresses == released


def test_a_released_address_that_is_wanted_again_rests_for_a_minute_before_it_is_offered() -> None:
    listed, released = v4("10.0.0.20-10.0.0.23"), v4("10.0.0.24")
    model = remembering(with_pool(listed, held=listed | released), released=((NOW - timedelta(seconds=10), released),))
    plan = plan_node(model, ONE_NIC)
    assert (plan.actions, [wait.delay_seconds for wait in plan.waits]) == ((), [50.0])
    (action,) = plan_node(replace(model, now=NOW - timedelta(seconds=10) + REST), ONE_NIC).actions
    assert isinstance(action, ApplyPool)
    assert (action.change, action.pool.spec.ips, action.pool.memory.released) == (
        PoolChange.GROW,
        listed | released,
        (),
    )


def test_a_rest_that_is_over_is_no_reason_to_write() -> None:
    model = with_pool(v4("10.0.0.20-10.0.0.24"))
    noted = remembering(model, released=((NOW - timedelta(hours=1), v4("10.0.0.40")),))
    assert plan_node(noted, ONE_NIC).actions == ()


def test_the_hosts_own_ipv6_address_is_never_given_back() -> None:
    nic = eni(0, ipv4=v4("10.0.0.20-10.0.0.24"))
    the_policy = policy(nics=1, ipv6={"prefixes": 1})
    model = observed(instance=instance(replace(nic, ipv6_prefixes=(parse_network("2001:db8:0:100:5::/80"),))))
    assert not any(isinstance(action, Unassign) for action in plan_node(model, the_policy).actions)
    assert V6 in {a.pool.family for a in plan_node(model, the_policy).actions if isinstance(a, ApplyPool)}
    assert planned_pool(observed(instance=instance(eni(0, ipv4=v4("10.0.0.20-10.0.0.24")))), ONE_NIC)


def test_a_nic_that_lacks_a_look_at_one_of_its_addresses_has_no_slot_for_another() -> None:
    model = with_pool(v4("10.0.0.20-10.0.0.28"), held=v4("10.0.0.20-10.0.0.27"))
    plan = plan_node(model, policy(nics=1, ipv4={"addresses": "max"}))
    assert (plan.findings, [a for a in plan.actions if isinstance(a, Assign)]) == ((), [])


@pytest.mark.parametrize(
    ("released", "listed", "unassigned"),
    [
        pytest.param("10.0.0.23-10.0.0.24", "10.0.0.20-10.0.0.22", v4("10.0.0.23"), id="not what another pool lists"),
        pytest.param("10.0.0.23", "10.0.0.20-10.0.0.21", None, id="nor what is wanted instead of that"),
    ],
)
def test_of_what_a_stopped_worker_released_only_what_nobody_needs_goes(
    released: str, listed: str, unassigned: AddressSet | None
) -> None:
    held = v4(listed, "10.0.0.23-10.0.0.24")
    model = with_pool(v4(listed), used=v4("10.0.0.20"), held=held)
    noted = remembering(model, released=((NOW - timedelta(seconds=10), v4(released)),))
    (pool,) = noted.pools
    stale = replace(pool, name="stale", uid="uid-stale", spec=replace(pool.spec, ips=v4("10.0.0.24")))
    plan = plan_node(replace(noted, claims=Claims([pool, stale])), policy(nics=1, ipv4={"addresses": ELASTIC}))
    found = [a.addresses for a in plan.actions if isinstance(a, Unassign)]
    assert found == ([unassigned] if unassigned is not None else [])


def test_a_full_nic_gives_back_no_more_slots_than_the_subnet_has_prefixes_for() -> None:
    model = replace(with_pool(v4("10.0.0.20-10.0.0.28")), subnets={"subnet-0": replace(SUBNET_0, available_ipv4=31)})
    assert shrink(model, policy(nics=1, ipv4={"prefixes": 3})).dropped == v4("10.0.0.28")
