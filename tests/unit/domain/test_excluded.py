"""What a pool excludes (`excludeIPs`, the users' field): it is listed, no pod gets it, and it is not free."""

from dataclasses import replace
from datetime import timedelta

import pytest

from spiderpool_aws.domain.actions.nics import Assign
from spiderpool_aws.domain.cluster.claims import Claims
from spiderpool_aws.domain.memory import Surplus
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.policy.model import Elastic
from spiderpool_aws.domain.rules.desired import RELEASE_AFTER
from spiderpool_aws.domain.rules.planner import plan_node
from tests.unit.build import NOW, policy, v4
from tests.unit.domain.planning import ONE_NIC
from tests.unit.domain.releasing import ELASTIC, elastic, remembering, shrink, with_pool


def excluding(model: ObservedNode, *excluded: str) -> ObservedNode:
    known = replace(model.pools[0], excluded=v4(*excluded))
    return replace(model, pools=(known,), claims=Claims([known]))


@pytest.mark.parametrize(
    ("free", "used", "excluded", "assigned"),
    [
        pytest.param(2, 3, "10.0.0.24", 1, id="an excluded address is not free"),
        pytest.param(3, 3, "10.0.0.25", None, id="warm are free beside it"),
        pytest.param(0, 2, "10.0.0.20", 2, id="one that a pod uses counts once"),
        pytest.param(2, 3, "10.0.0.99", None, id="one that is not listed does not count"),
        pytest.param(2, 6, "10.0.0.26-10.0.0.27", 1, id="never above max"),
        pytest.param(2, 0, "10.0.0.20", 1, id="min is of what pods can get"),
    ],
)
def test_what_a_pool_excludes_is_no_part_of_an_elastic_size(
    free: int, used: int, excluded: str, assigned: int | None
) -> None:
    plan = plan_node(excluding(elastic(free, used), excluded), policy(nics=1, ipv4={"addresses": ELASTIC}))
    assert [a.count for a in plan.actions if isinstance(a, Assign)] == ([] if assigned is None else [assigned])


def test_a_shrink_of_an_elastic_size_leaves_what_the_pool_excludes_on_the_nic() -> None:
    the_policy, model = policy(nics=1, ipv4={"addresses": ELASTIC}), excluding(elastic(6, 1), "10.0.0.25-10.0.0.26")
    assert model.pools[0].spec.ips == v4("10.0.0.20-10.0.0.26")
    assert plan_node(model, the_policy).actions == (), "one used, two excluded, four free: not too large"
    larger = excluding(elastic(7, 1), "10.0.0.26-10.0.0.27")
    due = remembering(larger, surplus=Surplus(NOW - RELEASE_AFTER, str(Elastic(**ELASTIC))))
    assert shrink(due, the_policy).released == v4("10.0.0.23-10.0.0.25")


def test_a_lower_number_takes_what_the_pool_excludes_only_when_nothing_else_is_free() -> None:
    model = excluding(with_pool(v4("10.0.0.20-10.0.0.24"), used=v4("10.0.0.20")), "10.0.0.23-10.0.0.24")
    for count, dropped in ((3, v4("10.0.0.21-10.0.0.22")), (2, v4("10.0.0.21-10.0.0.22", "10.0.0.24"))):
        assert shrink(model, policy(nics=1, ipv4={"addresses": count})).dropped == dropped


def test_an_address_that_is_excluded_and_used_is_never_given_back() -> None:
    model = excluding(with_pool(v4("10.0.0.20-10.0.0.24"), used=v4("10.0.0.24")), "10.0.0.23-10.0.0.24")
    dropped = shrink(model, policy(nics=1, ipv4={"addresses": 1})).dropped
    assert dropped == v4("10.0.0.20-10.0.0.23")


def test_an_excluded_address_that_the_nic_has_lost_is_no_part_of_the_size_any_more() -> None:
    model = excluding(with_pool(v4("10.0.0.20-10.0.0.24"), held=v4("10.0.0.20-10.0.0.23")), "10.0.0.24")
    lost = remembering(model, missing=((NOW - timedelta(seconds=30), v4("10.0.0.24")),))
    plan = plan_node(lost, policy(nics=1, ipv4={"addresses": {"min": 4, "warm": 4, "max": 9}}))
    assert not any(isinstance(action, Assign) for action in plan.actions)


def test_a_pool_that_excludes_all_it_lists_keeps_the_taint_and_says_so() -> None:
    model = excluding(with_pool(v4("10.0.0.20-10.0.0.24")), "10.0.0.0-10.0.0.255")
    plan = plan_node(model, ONE_NIC)
    assert (plan.actions, plan.incomplete, [f.code for f in plan.findings]) == ((), True, ["PoolDisabled"])
    assert not plan_node(excluding(model, "10.0.0.0-10.0.0.23"), ONE_NIC).incomplete
