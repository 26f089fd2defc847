"""Instances and NICs that are not ours to manage."""

from dataclasses import replace
from typing import Any

import pytest

from spiderpool_aws.domain.instance import MANAGED_TAG, InstanceState
from spiderpool_aws.domain.rules.left_alone import why_left_alone, why_remains_stay
from spiderpool_aws.domain.rules.planner import plan_node
from tests.unit.build import eni, instance, node, observed, policy
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


OURS = {"spiderpool-aws/cluster": "prod"}
THEIRS = {"spiderpool-aws/cluster": "staging"}
HANDS_OFF = OURS | {"spiderpool-aws/managed": "false"}


@pytest.mark.parametrize(
    ("tags", "pooled", "stays"),
    [
        pytest.param(OURS, True, "", id="it was ours"),
        pytest.param(OURS, False, "", id="it was ours, and died before its first pool"),
        pytest.param({}, True, "", id="EC2 has taken its tags: its pools say that it was ours"),
        pytest.param({}, False, "does not carry the tag", id="nothing says that it was ours"),
        pytest.param(None, True, "", id="EC2 has forgotten it"),
        pytest.param(None, False, "EC2 does not know it", id="EC2 never knew it"),
        pytest.param(THEIRS, True, "does not carry the tag", id="another cluster's, whatever a label says"),
        pytest.param(HANDS_OFF, True, "spiderpool-aws/managed=false", id="somebody wanted it left alone"),
    ],
)
def test_what_an_instance_leaves_goes_only_if_the_instance_was_ours(
    tags: dict[str, str] | None, pooled: bool, stays: str
) -> None:
    _, pool = full_node()
    dead = None if tags is None else instance(tags=tags, state=InstanceState.TERMINATED)
    left = observed(instance=dead, pools=(pool,) if pooled else ())
    said = why_remains_stay(left, ONE_NIC)
    assert (stays in said, bool(said)) == (True, bool(stays))


def test_what_an_instance_that_ec2_has_forgotten_leaves_goes_when_its_node_says_that_it_is_gone() -> None:
    left = observed(instance=None)
    assert why_remains_stay(left, ONE_NIC) == "EC2 does not know it"
    assert why_remains_stay(replace(left, node=node().noted("i-1", "i-9")), ONE_NIC) == ""


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({}, "", id="ours"),
        pytest.param({"platform": "windows"}, "Windows nodes have no ipvlan", id="Windows"),
        pytest.param({"platform": "linux"}, "", id="another platform"),
        pytest.param({"tags": OURS | {"spiderpool-aws/managed": "true"}}, "", id="managed"),
        pytest.param({"instance_type": "t3.nano"}, "no group of the policy matches it", id="of no group"),
    ],
)
def test_why_an_instance_is_left_alone(changes: dict[str, object], said: str) -> None:
    assert why_left_alone(instance(**changes), policy(nics=1, match={"instanceTypes": ["m5.*"]})) == said


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        pytest.param({"interface_type": "efa", "tags": {MANAGED_TAG: "true"}}, "is of type efa", id="efa, tagged"),
        pytest.param({"tags": {MANAGED_TAG: "false"}}, f"carries the tag {MANAGED_TAG}=false", id="unmanaged"),
    ],
)
def test_a_nic_is_left_alone_for_the_reason_that_is_said(changed: dict[str, Any], why: str) -> None:
    plan = plan_node(observed(instance=instance(eni(0, **changed))), policy(nics=1))
    (finding,) = plan.findings
    assert (plan.actions, finding.message) == ((), f"{eni(0).eni_id} is left alone: it {why}")
