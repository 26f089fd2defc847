"""An instance's own tags say how much its NICs hold."""

from typing import Any

import pytest

from spiderpool_aws.domain.instance import CLUSTER_TAG
from spiderpool_aws.domain.rules.planner import plan_node
from tests.unit.build import eni, instance, observed, policy
from tests.unit.domain.planning import codes


@pytest.mark.parametrize(
    ("value", "size", "expected"),
    [("3", {"addresses": 5}, 3), ("max", {"addresses": 5}, 9), ("2", {"prefixes": 1}, 2)],
)
def test_an_instances_tag_overrides_a_size(value: str, size: dict[str, Any], expected: int) -> None:
    tagged = instance(eni(0), tags={CLUSTER_TAG: "prod", "spiderpool-aws/0/ipv4": value})
    plan = plan_node(observed(instance=tagged), policy(nics=1, ipv4=size))
    assert [getattr(action, "count", None) for action in plan.due] == [expected]


@pytest.mark.parametrize(
    ("value", "size"), [("many", {"addresses": 5}), ("0", {"addresses": 5}), ("max", {"prefixes": 5})]
)
def test_a_tag_that_says_nothing_is_reported_and_the_policy_holds(value: str, size: dict[str, Any]) -> None:
    tagged = instance(eni(0), tags={CLUSTER_TAG: "prod", "spiderpool-aws/0/ipv4": value})
    plan = plan_node(observed(instance=tagged), policy(nics=1, ipv4=size))
    assert codes(plan) == ["TagInvalid"]
    assert [getattr(action, "count", None) for action in plan.due] == [5]
