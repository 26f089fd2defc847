"""The cluster's Node: whose it is, its providerID and its taint."""

from dataclasses import replace
from datetime import timedelta

import pytest

from spiderpool_aws.domain.actions.nics import Assign
from spiderpool_aws.domain.actions.nodes import PrepareNode, TaintNode
from spiderpool_aws.domain.actions.pools import ApplyPool
from spiderpool_aws.domain.instance import InstanceState
from spiderpool_aws.domain.rules.planner import plan_node
from tests.unit import build
from tests.unit.build import V4, eni, instance, node, observed, policy, v4
from tests.unit.domain.planning import FULL, ONE_NIC, codes, full_node, keys, missing, planned_pool


def test_ec2_is_served_while_the_node_has_not_joined() -> None:
    plan = plan_node(observed(instance=instance(eni(0)), node=None), ONE_NIC)
    assert plan.actions == (Assign(eni(0).eni_id, V4, 5),)
    assert plan.waits[0].reason == "i-1 has not joined the cluster"


@pytest.mark.parametrize(
    ("changes", "proved"),
    [
        pytest.param({}, True, id="its providerID"),
        pytest.param({"provider_id": "aws:///eu-west-1a/i-9"}, False, id="another providerID"),
        pytest.param({"provider_id": ""}, True, id="its address, and younger than the launch"),
        pytest.param(
            {"provider_id": "", "created": build.LAUNCHED - timedelta(days=1)}, False, id="older than the launch"
        ),
        pytest.param({"provider_id": "", "internal_ips": ("10.0.0.99",)}, False, id="another address"),
    ],
)
def test_a_node_is_believed_only_when_it_is_proved(changes: dict[str, object], proved: bool) -> None:
    plan = plan_node(observed(instance=instance(eni(0, ipv4=FULL)), node=node(**changes)), ONE_NIC)
    assert any(isinstance(action, ApplyPool) for action in plan.actions) == proved
    assert ("NodeMismatch" in codes(plan)) != proved


@pytest.mark.parametrize(
    ("strategy", "name"),
    [("instance-id", "i-1"), ("private-dns-name", "ip-10-0-0-10.eu-west-1.compute.internal"), ("tag:Name", "worker-7")],
)
def test_a_name_strategy_needs_no_node_to_push_pools(strategy: str, name: str) -> None:
    tags = {"spiderpool-aws/cluster": "prod", "Name": "worker-7"}
    model = observed(instance=instance(eni(0, ipv4=FULL), tags=tags), node=None)
    pool = planned_pool(model, policy(nics=1, nodeName=strategy))
    assert pool.spec.node_name == (name,)


def test_a_missing_name_tag_is_reported() -> None:
    plan = plan_node(observed(instance=instance(eni(0, ipv4=FULL)), node=None), policy(nics=1, nodeName="tag:Name"))
    assert codes(plan) == ["NodeNameMissing"]


@pytest.mark.parametrize(
    "value", ["team/worker-7", "a%b", ".", "..", "worker 7", "../pods", "wörker", "-x", "a..b", "x" * 300]
)
def test_a_tag_that_can_be_no_nodes_name_is_refused_with_its_value(value: str) -> None:
    tags = {"spiderpool-aws/cluster": "prod", "Name": value}
    model = observed(instance=instance(eni(0, ipv4=FULL), tags=tags), node=None)
    plan = plan_node(model, policy(nics=1, nodeName="tag:Name"))
    assert (plan.actions, codes(plan), plan.incomplete) == ((), ["NodeNameMissing"], True)
    assert f"gives {value[:60]!r} for i-1, and no Node can have that name" in plan.findings[0].message


def test_a_name_is_taken_in_lower_case_as_the_kubelet_registers_it() -> None:
    tags = {"spiderpool-aws/cluster": "prod", "Name": "Worker-7.Example"}
    model = observed(instance=instance(eni(0, ipv4=FULL), tags=tags), node=None)
    assert planned_pool(model, policy(nics=1, nodeName="tag:Name")).spec.node_name == ("worker-7.example",)


def test_a_private_dns_name_that_ec2_does_not_tell_yet_is_waited_for() -> None:
    model = observed(instance=instance(eni(0, ipv4=FULL), private_dns_name=""), node=None)
    plan = plan_node(model, policy(nics=1, nodeName="private-dns-name"))
    assert (codes(plan), plan.waits[0].reason) == ([], "i-1 has not joined the cluster")


def test_the_provider_id_is_set_once() -> None:
    model, _ = full_node()
    (action,) = plan_node(replace(model, node=node(provider_id="")), ONE_NIC).actions
    assert action == PrepareNode(node().name, "uid-node-1", provider_id="aws:///eu-west-1a/i-1")


def test_the_taint_goes_when_every_pool_is_in_place_and_not_before() -> None:
    tainted = node(taints=("spiderpool-aws/not-ready", "other"))
    model, pool = full_node(node=tainted)
    (action,) = plan_node(model, ONE_NIC).actions
    assert action == PrepareNode(node().name, "uid-node-1", taint="spiderpool-aws/not-ready")
    untold = replace(model, node=replace(tainted, provider_id=""))
    (both,) = plan_node(untold, ONE_NIC).actions
    assert both == replace(action, provider_id="aws:///eu-west-1a/i-1")
    for incomplete in (
        replace(model, pools=()),
        replace(model, pools=(replace(pool, terminating=True),)),
        replace(model, instance=instance(eni(0, ipv4=v4("10.0.0.20-10.0.0.23")))),
    ):
        assert not any("prepare" in key for key in keys(plan_node(incomplete, ONE_NIC)))


def test_the_taint_stays_while_a_family_lacks_its_pool() -> None:
    model, _ = full_node(node=node(taints=("spiderpool-aws/not-ready",)))
    assert not any("prepare" in key for key in keys(plan_node(model, policy(nics=1, ipv6={"prefixes": 1}))))


def test_a_taint_that_is_gone_is_not_put_back_when_the_pools_shrink_later() -> None:
    model, pool = full_node()
    for incomplete in (replace(model, pools=()), missing(60), replace(model, pools=(replace(pool, terminating=True),))):
        plan = plan_node(incomplete, ONE_NIC)
        assert plan.incomplete
        assert not any("taint" in key for key in keys(plan))


ADOPTED = {"provider_id": "aws:///eu-west-1a/i-dead", "taints": ()}


@pytest.mark.parametrize(
    ("changes", "tainted"),
    [
        pytest.param({}, True, id="the providerID is that of a dead instance"),
        pytest.param(
            {"provider_id": "", "created": build.LAUNCHED - timedelta(days=1)}, True, id="older, no providerID"
        ),
        pytest.param({"taints": ("spiderpool-aws/not-ready",)}, False, id="it is tainted already"),
        pytest.param({"internal_ips": ("10.0.0.99",)}, False, id="another host's: the kubelet has not adopted it"),
        pytest.param({"provider_id": "k3s://worker-7"}, False, id="another provider's"),
    ],
)
def test_a_dead_nodes_node_that_a_kubelet_adopted_is_tainted_again_once(
    changes: dict[str, object], tainted: bool
) -> None:
    dead = {"i-dead": InstanceState.TERMINATED}
    model = observed(instance=instance(eni(0, ipv4=FULL)), node=node(**(ADOPTED | changes)), others=dead)
    plan = plan_node(model, ONE_NIC)
    expected = TaintNode(node().name, "uid-node-1", "spiderpool-aws/not-ready", "i-1")
    assert plan.actions == ((expected,) if tainted else ())
    assert codes(plan) == ["NodeMismatch"]
    if tainted:
        after = replace(model, node=node(**(ADOPTED | changes)).tainted(expected.taint))
        assert plan_node(after, ONE_NIC).actions == ()


@pytest.mark.parametrize(
    "others",
    [{}, {"i-dead": InstanceState.RUNNING}, {"i-dead": InstanceState.STOPPED}],
    ids=["unknown", "runs", "rests"],
)
def test_a_node_whose_own_instance_is_not_known_to_be_dead_keeps_its_taints_though_it_has_our_address(
    others: dict[str, InstanceState],
) -> None:
    model = observed(instance=instance(eni(0, ipv4=FULL)), node=node(**ADOPTED), others=others)
    assert plan_node(model, ONE_NIC).actions == ()


def test_the_policy_may_keep_the_provider_id_empty() -> None:
    model, _ = full_node()
    the_policy = policy(nics=1, nodes={"setProviderID": False})
    untold = replace(model, node=node(provider_id="", taints=("spiderpool-aws/not-ready",)))
    (action,) = plan_node(untold, the_policy).actions
    assert isinstance(action, PrepareNode)
    assert (action.provider_id, action.taint) == ("", "spiderpool-aws/not-ready")
    assert plan_node(replace(model, node=node(provider_id="")), the_policy).converged
