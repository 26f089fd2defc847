"""What a NIC holds too much: out of the pool first, then back to the subnet."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from spiderpool_aws.domain.actions.nics import Assign, Unassign
from spiderpool_aws.domain.actions.plan import Tried
from spiderpool_aws.domain.actions.pools import ApplyPool, PoolChange
from spiderpool_aws.domain.addresses import EMPTY, AddressSet, parse_network
from spiderpool_aws.domain.cluster.claims import Claims
from spiderpool_aws.domain.memory import REST, Surplus
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.policy.model import Elastic, Policy
from spiderpool_aws.domain.rules.desired import RELEASE_AFTER, cooling_key
from spiderpool_aws.domain.rules.planner import plan_node
from tests.unit.build import M5_LARGE, NOW, SUBNET_0, V4, V6, eni, instance, observed, policy, v4
from tests.unit.domain.planning import ONE_NIC, full_node, keys, planned_pool

ELASTIC = {"min": 2, "warm": 2, "max": 9}
PREFIX = parse_network("10.0.0.32/28")
PREFIXES = policy(nics=1, ipv4={"prefixes": 1})
INSTEAD = policy(nics=1, ipv4={"prefixes": 1, "fallback": "addresses"})


def with_pool(
    listed: AddressSet, used: AddressSet = EMPTY[V4], held: AddressSet | None = None, **nic: Any
) -> ObservedNode:
    """Return a node whose pool lists so much, of which pods use some, on a NIC that holds that (or something else)."""
    model, pool = full_node()
    holding = instance(eni(0, ipv4=listed if held is None else held, **nic))
    known = replace(pool, spec=replace(pool.spec, ips=listed), allocated=used)
    return replace(model, instance=holding, pools=(known,), claims=Claims([known]))


def remembering(model: ObservedNode, **memory: Any) -> ObservedNode:
    (pool,) = model.pools
    return replace(model, pools=(replace(pool, memory=replace(pool.memory, **memory)),))


def shrink(model: ObservedNode, the_policy: Policy) -> ApplyPool:
    (action,) = plan_node(model, the_policy).due
    assert isinstance(action, ApplyPool)
    assert action.change is PoolChange.SHRINK
    return action


def after(model: ObservedNode, action: ApplyPool) -> ObservedNode:
    return replace(model, pools=(action.pool,), claims=Claims([action.pool]))


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


def elastic(free: int, used: int) -> ObservedNode:
    last = 20 + free + used - 1
    return with_pool(v4(f"10.0.0.20-10.0.0.{last}"), used=v4(f"10.0.0.20-10.0.0.{19 + used}") if used else EMPTY[V4])


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


def test_a_prefix_goes_whole_and_only_when_no_pod_uses_one_of_it() -> None:
    block, single = AddressSet.from_networks(V4, [PREFIX]), v4("10.0.0.20")
    five = policy(nics=1, ipv4={"addresses": 1})
    busy = with_pool(block | single, used=v4("10.0.0.40"), held=single, ipv4_prefixes=(PREFIX,))
    assert plan_node(busy, five).actions == ()
    idle = with_pool(block | single, held=single, ipv4_prefixes=(PREFIX,))
    shrunk = shrink(idle, five)
    assert shrunk.pool.spec.ips == single
    (unassign,) = plan_node(after(idle, shrunk), five).actions
    assert isinstance(unassign, Unassign)
    assert (unassign.prefixes, unassign.addresses.count()) == ((PREFIX,), 0)


def test_a_policy_that_turns_from_addresses_to_prefixes_gets_the_prefix_before_it_gives_anything_back() -> None:
    model = with_pool(v4("10.0.0.20-10.0.0.24"))
    assert keys(plan_node(model, PREFIXES)) == [f"assign IPv4 prefixes to {eni(0).eni_id} (1)"]
    with_prefix = with_pool(v4("10.0.0.20-10.0.0.24"), ipv4_prefixes=(PREFIX,))
    assert shrink(with_prefix, PREFIXES).dropped == v4("10.0.0.20-10.0.0.24")


def refused(model: ObservedNode) -> ObservedNode:
    return replace(model, tried=(Tried(Assign(eni(0).eni_id, V4, 1, prefixes=True), "SubnetExhausted"),))


@pytest.mark.parametrize(
    ("the_policy", "expected"),
    [
        pytest.param(INSTEAD, [(8, False)], id="one slot is left for the prefix"),
        pytest.param(PREFIXES, [], id="the policy does not allow it"),
    ],
)
def test_single_addresses_stand_in_for_a_prefix_that_is_not_to_be_had(
    the_policy: Policy, expected: list[tuple[int, bool]]
) -> None:
    plan = plan_node(refused(observed(instance=instance(eni(0)))), the_policy)
    assert [(a.count, a.prefixes) for a in plan.actions if isinstance(a, Assign)] == expected


def test_another_pass_tries_the_prefix_again_unless_the_subnet_said_no_a_moment_ago() -> None:
    model = with_pool(v4("10.0.0.20-10.0.0.27"))
    assert [a.prefixes for a in plan_node(model, INSTEAD).actions if isinstance(a, Assign)] == [True]
    cooling: Mapping[str, Any] = {cooling_key("subnet-0", V4, prefixes=True): NOW + timedelta(seconds=30)}
    assert plan_node(replace(model, cooling=cooling), INSTEAD).actions == ()


def test_the_single_addresses_go_back_when_the_prefix_is_there_and_that_is_no_removal() -> None:
    model = with_pool(v4("10.0.0.20-10.0.0.21"), used=v4("10.0.0.21"), ipv4_prefixes=(PREFIX,))
    shrunk = shrink(model, INSTEAD)
    assert (shrunk.dropped, shrunk.released) == (None, v4("10.0.0.20"))


def test_the_hosts_own_ipv6_address_is_never_given_back() -> None:
    nic = eni(0, ipv4=v4("10.0.0.20-10.0.0.24"))
    the_policy = policy(nics=1, ipv6={"prefixes": 1})
    model = observed(instance=instance(replace(nic, ipv6_prefixes=(parse_network("2001:db8:0:100:5::/80"),))))
    assert not any(isinstance(action, Unassign) for action in plan_node(model, the_policy).actions)
    assert V6 in {a.pool.family for a in plan_node(model, the_policy).actions if isinstance(a, ApplyPool)}
    assert planned_pool(observed(instance=instance(eni(0, ipv4=v4("10.0.0.20-10.0.0.24")))), ONE_NIC)


@pytest.mark.parametrize(
    "model",
    [
        pytest.param({"limits": replace(M5_LARGE, instance_type="t2.large", nitro=False)}, id="not a Nitro type"),
        pytest.param({"subnets": {"subnet-0": replace(SUBNET_0, available_ipv4=3)}}, id="no room in the subnet"),
    ],
)
def test_a_prefix_that_cannot_be_had_takes_no_address_away(model: dict[str, Any]) -> None:
    plan = plan_node(replace(with_pool(v4("10.0.0.20-10.0.0.24")), **model), PREFIXES)
    assert plan.actions == ()
    assert [finding.code for finding in plan.findings] == ["CapacityLimited"]


def test_a_full_nic_gives_back_one_address_for_the_slot_of_a_prefix_and_no_more() -> None:
    full = with_pool(v4("10.0.0.20-10.0.0.28"))
    shrunk = shrink(full, PREFIXES)
    assert shrunk.dropped == v4("10.0.0.28")
    (unassign,) = plan_node(after(full, shrunk), PREFIXES).due
    assert isinstance(unassign, Unassign)
    assert unassign.addresses == v4("10.0.0.28")


@pytest.mark.parametrize("prefixes", [False, True])
def test_a_pause_that_is_over_keeps_nothing_from_being_asked(prefixes: bool) -> None:
    cooling = {cooling_key("subnet-0", V4, prefixes=prefixes): NOW}
    model = with_pool(v4("10.0.0.20-10.0.0.22"))
    plan = plan_node(replace(model, cooling=cooling), INSTEAD if prefixes else ONE_NIC)
    assert [a.prefixes for a in plan.actions if isinstance(a, Assign)] == [prefixes]


def test_a_prefix_that_another_nic_could_not_get_is_asked_for() -> None:
    other = Tried(Assign(eni(1).eni_id, V4, 1, prefixes=True), "SubnetExhausted")
    plan = plan_node(observed(instance=instance(eni(0)), tried=(other,)), INSTEAD)
    assert plan.due == (Assign(eni(0).eni_id, V4, 1, prefixes=True),)
    assert plan.findings == ()


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


NO_PREFIX: Mapping[str, Any] = {cooling_key("subnet-0", V4, prefixes=True): NOW + timedelta(seconds=30)}


def test_a_full_nic_gives_back_one_address_for_a_prefix_that_single_ones_could_stand_in_for() -> None:
    full = with_pool(v4("10.0.0.20-10.0.0.28"))
    shrunk = shrink(full, INSTEAD)
    assert (shrunk.pool.spec.ips, shrunk.dropped) == (v4("10.0.0.20-10.0.0.27"), None)
    unlisted = after(full, shrunk)
    (unassign,) = plan_node(unlisted, INSTEAD).due
    assert isinstance(unassign, Unassign)
    assert unassign.addresses == v4("10.0.0.28")
    nic = eni(0, ipv4=v4("10.0.0.20-10.0.0.27"))
    free = replace(unlisted, instance=instance(nic))
    assert plan_node(free, INSTEAD).due == (Assign(nic.eni_id, V4, 1, prefixes=True),)
    assert not any(isinstance(a, Assign | Unassign) for a in plan_node(refused(free), INSTEAD).actions)


@pytest.mark.parametrize("the_policy", [INSTEAD, PREFIXES])
@pytest.mark.parametrize(
    "model",
    [
        pytest.param({"cooling": NO_PREFIX}, id="EC2 said so a moment ago"),
        pytest.param({"subnets": {"subnet-0": replace(SUBNET_0, available_ipv4=15)}}, id="too few are free"),
    ],
)
def test_a_full_nic_gives_nothing_back_for_a_prefix_that_is_not_to_be_had(
    the_policy: Policy, model: dict[str, Any]
) -> None:
    plan = plan_node(replace(with_pool(v4("10.0.0.20-10.0.0.28")), **model), the_policy)
    assert plan.actions == ()


def test_a_full_nic_gives_back_no_more_slots_than_the_subnet_has_prefixes_for() -> None:
    model = replace(with_pool(v4("10.0.0.20-10.0.0.28")), subnets={"subnet-0": replace(SUBNET_0, available_ipv4=31)})
    assert shrink(model, policy(nics=1, ipv4={"prefixes": 3})).dropped == v4("10.0.0.28")


def test_what_takes_the_place_of_released_addresses_is_listed_in_the_same_write() -> None:
    model = with_pool(v4("10.0.0.20-10.0.0.24"), ipv4_prefixes=(PREFIX,))
    assert shrink(model, PREFIXES).pool.spec.ips == AddressSet.from_networks(V4, [PREFIX])


def test_prefixes_that_an_elastic_policy_gives_back_count_for_the_fuse() -> None:
    block = AddressSet.from_networks(V4, [PREFIX])
    model = with_pool(block | v4("10.0.0.20"), held=v4("10.0.0.20"), ipv4_prefixes=(PREFIX,))
    the_policy = policy(nics=1, ipv4={"addresses": {"min": 1, "warm": 1, "max": 9}})
    assert plan_node(model, the_policy).removals.address_count == 16
