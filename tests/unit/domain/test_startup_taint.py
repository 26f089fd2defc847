"""The startup taint goes when all that the node needs is in place, and not before."""

from dataclasses import replace
from typing import Any

import pytest

from spiderpool_aws.domain.actions.nics import Assign
from spiderpool_aws.domain.actions.nodes import PrepareNode
from spiderpool_aws.domain.actions.plan import NodePlan, Tried
from spiderpool_aws.domain.actions.pools import ApplyMultusConfig
from spiderpool_aws.domain.cluster.multus import MultusConfig
from spiderpool_aws.domain.instance import Eni
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.policy.model import Policy
from spiderpool_aws.domain.rules.planner import plan_node
from tests.unit.build import MULTUS, SUBNET_0, V4, eni, instance, node, policy, v4
from tests.unit.domain.planning import FULL, ONE_NIC, codes, full_node

TAINTED = node(taints=("spiderpool-aws/not-ready",))
KEY = "kube-system/ipvlan-ens5"
TWO_NICS, DUAL = policy(nics=2), policy(nics=1, ipv6={"addresses": 1})


def keeps(plan: NodePlan) -> bool:
    return plan.incomplete and not any(isinstance(action, PrepareNode) for action in plan.actions)


def test_the_taint_of_a_complete_node_goes() -> None:
    model, _ = full_node(node=TAINTED)
    assert [type(action) for action in plan_node(model, ONE_NIC).actions] == [PrepareNode]


def two_nics(**changes: Any) -> ObservedNode:
    model, _ = full_node(node=TAINTED)
    return replace(model, instance=instance(eni(0, ipv4=FULL), eni(1, **changes)))


def one_nic(nic: Eni | None = None, **changes: Any) -> ObservedNode:
    model, _ = full_node(node=TAINTED, **changes)
    return replace(model, instance=instance(nic)) if nic is not None else model


FOREIGN = MultusConfig("kube-system", "ipvlan-ens5", "eth0", ours=False)


@pytest.mark.parametrize(
    ("model", "the_policy", "found"),
    [
        pytest.param(one_nic(), TWO_NICS, ["NicMissing"], id="a NIC is missing"),
        pytest.param(
            two_nics(tags={"spiderpool-aws/managed": "false"}), TWO_NICS, ["LeftAlone"], id="one is unmanaged"
        ),
        pytest.param(two_nics(interface_type="efa"), TWO_NICS, ["LeftAlone"], id="one is an EFA"),
        pytest.param(one_nic(subnets={}), ONE_NIC, [], id="the subnet could not be read"),
        pytest.param(
            one_nic(subnets={"subnet-0": replace(SUBNET_0, ipv6=None)}),
            DUAL,
            ["SubnetWithoutFamily"],
            id="no IPv6 CIDR",
        ),
        pytest.param(
            one_nic(eni(0, ipv4=FULL, primary_ipv6=None)),
            DUAL,
            ["HostAddressUnknown"],
            id="the host's own is not known",
        ),
        pytest.param(one_nic(multus={KEY: FOREIGN}), ONE_NIC, ["ForeignMultusConfig"], id="the network is another's"),
        pytest.param(one_nic(multus={}), ONE_NIC, [], id="the network is not there yet"),
        pytest.param(
            one_nic(multus={}, tried=(Tried(ApplyMultusConfig(MULTUS[KEY], "prod"), "Denied"),)),
            ONE_NIC,
            [],
            id="the network was refused in this pass",
        ),
    ],
)
def test_the_taint_stays_while_something_that_the_node_needs_is_not_there(
    model: ObservedNode, the_policy: Policy, found: list[str]
) -> None:
    plan = plan_node(model, the_policy)
    assert keeps(plan)
    assert codes(plan) == found


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        pytest.param({"subnet": "10.0.9.0/24"}, ["SubnetChanged"], id="it is of another subnet"),
        pytest.param({"disable": True}, ["PoolDisabled"], id="an operator has disabled it"),
        pytest.param({"ips": v4()}, [], id="it is empty"),
    ],
)
def test_the_taint_stays_while_a_pool_gives_no_address(spec: dict[str, Any], found: list[str]) -> None:
    model, pool = full_node(node=TAINTED)
    plan = plan_node(replace(model, pools=(replace(pool, spec=replace(pool.spec, **spec)),)), ONE_NIC)
    assert keeps(plan)
    assert codes(plan) == found


def test_the_taint_stays_on_an_empty_pool_for_which_nothing_can_be_assigned() -> None:
    model, pool = full_node(node=TAINTED)
    empty = replace(pool, spec=replace(pool.spec, ips=v4()))
    refused = (Tried(Assign(eni(0).eni_id, V4, 5), "Forbidden"),)
    plan = plan_node(replace(model, instance=instance(eni(0)), pools=(empty,), tried=refused), ONE_NIC)
    assert (plan.actions, plan.incomplete) == ((), True)


def test_the_taint_stays_while_addresses_are_being_assigned() -> None:
    model, pool = full_node(node=TAINTED)
    fewer = v4("10.0.0.20-10.0.0.23")
    some = replace(pool, spec=replace(pool.spec, ips=fewer))
    plan = plan_node(replace(model, instance=instance(eni(0, ipv4=fewer)), pools=(some,)), ONE_NIC)
    assert plan.actions == (Assign(eni(0).eni_id, V4, 1),)


def test_a_network_that_is_there_needs_no_write() -> None:
    model, _ = full_node(node=TAINTED, multus=MULTUS)
    assert not plan_node(model, ONE_NIC).incomplete
