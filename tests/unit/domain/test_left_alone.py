"""Instances and NICs that are not ours to manage."""

from dataclasses import replace

import pytest

from spiderpool_aws.domain.rules.planner import plan_node
from tests.unit.build import eni, instance, observed
from tests.unit.domain.planning import ONE_NIC, codes, full_node


@pytest.mark.parametrize(
    ("changes", "reported"),
    [
        pytest.param({"tags": {}}, ["LeftAlone"], id="it lost the cluster's tag but has pools"),
        pytest.param(
            {"tags": {"spiderpool-aws/cluster": "prod", "spiderpool-aws/managed": "false"}},
            ["LeftAlone"],
            id="unmanaged",
        ),
        pytest.param({"platform": "windows"}, ["LeftAlone"], id="Windows"),
    ],
)
def test_an_instance_that_is_not_ours_to_manage_is_left_alone(changes: dict[str, object], reported: list[str]) -> None:
    model, _ = full_node()
    plan = plan_node(replace(model, instance=instance(eni(0), **changes)), ONE_NIC)
    assert (plan.actions, plan.waits, codes(plan)) == ((), (), reported)


def test_an_instance_of_another_cluster_is_not_even_reported() -> None:
    stranger = instance(eni(0), tags={"spiderpool-aws/cluster": "staging"})
    assert plan_node(observed(instance=stranger), ONE_NIC).findings == ()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"tags": {"spiderpool-aws/managed": "false"}}, "LeftAlone", id="tagged"),
        pytest.param({"interface_type": "efa"}, "LeftAlone", id="EFA"),
        pytest.param({"device_index": 5}, "NicMissing", id="not at the policy's index"),
        pytest.param({"network_card": 1}, "NicMissing", id="on another network card"),
    ],
)
def test_a_nic_that_is_not_ours_to_manage_is_left_alone(changes: dict[str, object], code: str) -> None:
    plan = plan_node(observed(instance=instance(eni(0, **changes))), ONE_NIC)
    assert (plan.actions, codes(plan)) == ((), [code])


def test_a_nic_that_is_being_attached_is_waited_for() -> None:
    plan = plan_node(observed(instance=instance(eni(0, attached=False))), ONE_NIC)
    assert plan.actions == ()
    assert "is being attached or detached" in plan.waits[0].reason
