"""What a NIC should hold, and what its pool lists of it."""

from dataclasses import replace

import pytest

from spiderpool_aws.domain.actions.nics import Assign
from spiderpool_aws.domain.actions.pools import ApplyPool, PoolChange
from spiderpool_aws.domain.addresses import parse_network
from spiderpool_aws.domain.policy.model import Policy
from spiderpool_aws.domain.rules.planner import plan_node
from tests.unit import build
from tests.unit.build import V4, eni, instance, node, observed, policy, v4, v6
from tests.unit.domain.planning import FULL, ONE_NIC, codes, full_node


def test_missing_addresses_are_assigned_before_the_pool_is_written_once() -> None:
    plan = plan_node(observed(instance=instance(eni(0, ipv4=v4("10.0.0.20")))), ONE_NIC)
    assert plan.due == (Assign(eni(0).eni_id, V4, 4),)


@pytest.mark.parametrize(
    ("size", "held", "expected"),
    [
        pytest.param({"addresses": 5}, v4(), (5, False), id="a fixed number is filled"),
        pytest.param({"addresses": 5}, v4("10.0.0.20-10.0.0.27"), None, id="more than that is not assigned"),
        pytest.param({"addresses": "max"}, v4("10.0.0.20"), (8, False), id="max leaves a slot for the primary"),
        pytest.param({"addresses": 12}, v4(), (9, False), id="the type's limit cuts a number"),
        pytest.param({"prefixes": 2}, v4("10.0.0.20"), (2, True), id="prefixes are counted apart from addresses"),
        pytest.param(
            {"addresses": {"min": 2, "warm": 4, "max": 14}}, v4("10.0.0.20"), (3, False), id="warm is kept free"
        ),
    ],
)
def test_what_a_nic_should_hold(size: dict[str, object], held: object, expected: tuple[int, bool] | None) -> None:
    plan = plan_node(observed(instance=instance(eni(0, ipv4=held))), policy(nics=1, ipv4=size))
    assigns = [(a.count, a.prefixes) for a in plan.actions if isinstance(a, Assign)]
    assert assigns == ([expected] if expected else [])


def test_a_number_above_the_limit_is_reported() -> None:
    plan = plan_node(observed(instance=instance(eni(0, ipv4=v4()))), policy(nics=1, ipv4={"addresses": 12}))
    assert codes(plan) == ["CapacityLimited"]
    assert "m5.large allows 10 a NIC" in plan.findings[0].message


def test_prefixes_on_a_type_that_has_none_are_refused() -> None:
    model = observed(instance=instance(eni(0)), limits=replace(build.M5_LARGE, instance_type="t2.large", nitro=False))
    plan = plan_node(model, policy(nics=1, ipv4={"prefixes": 1}))
    assert (plan.actions, codes(plan)) == ((), ["CapacityLimited"])


def test_the_reserve_of_a_subnet_is_kept() -> None:
    subnets = {"subnet-0": replace(build.SUBNET_0, available_ipv4=10)}
    document = policy(nics=1).model_dump(by_alias=True, exclude_unset=True)
    document["groups"][0]["interfaces"][0]["subnets"] = {"reserve": 8}
    plan = plan_node(observed(instance=instance(eni(0)), subnets=subnets), Policy.model_validate(document))
    assert plan.actions == (Assign(eni(0).eni_id, V4, 2),)
    assert codes(plan) == ["CapacityLimited"]


def test_the_hosts_own_ipv6_address_is_never_in_a_pool() -> None:
    ipv6 = v6("2001:db8:0:100::a-2001:db8:0:100::f")
    the_policy = policy(nics=1, ipv6={"addresses": 5})
    model = observed(instance=instance(eni(0, ipv4=FULL, ipv6=ipv6, primary_ipv6="2001:db8:0:100::c")))
    pools = [a.pool for a in plan_node(model, the_policy).actions if isinstance(a, ApplyPool)]
    assert [pool.spec.ips.to_ranges() for pool in pools][1] == [
        "2001:db8:0:100::a-2001:db8:0:100::b",
        "2001:db8:0:100::d-2001:db8:0:100::f",
    ]
    assert pools[1].spec.gateway == "2001:db8:0:100::1"


def test_without_a_primary_mark_the_nodes_internal_ip_tells_the_hosts_address() -> None:
    nic = eni(0, ipv4=FULL, ipv6=v6("2001:db8:0:100::a-2001:db8:0:100::f"), primary_ipv6=None)
    known = node(internal_ips=("10.0.0.10", "2001:db8:0:100::a"))
    plan = plan_node(observed(instance=instance(nic), node=known), policy(nics=1, ipv6={"addresses": 5}))
    pools = [a.pool for a in plan.actions if isinstance(a, ApplyPool)]
    assert pools[1].spec.ips == v6("2001:db8:0:100::b-2001:db8:0:100::f")


def test_ipv6_addresses_are_refused_while_the_hosts_own_is_unknown() -> None:
    nic = eni(0, ipv4=FULL, primary_ipv6=None)
    plan = plan_node(observed(instance=instance(nic)), policy(nics=1, ipv6={"addresses": 5}))
    assert codes(plan) == ["HostAddressUnknown"]
    assert not any(isinstance(action, Assign) for action in plan.actions)


def test_prefixes_need_no_host_address_and_are_cut_to_the_policys_number() -> None:
    prefix = parse_network("2001:db8:0:100:5::/80")
    nic = eni(0, ipv4=FULL, primary_ipv6=None, ipv6_prefixes=(prefix,))
    plan = plan_node(observed(instance=instance(nic)), policy(nics=1, ipv6={"prefixes": 1, "perPrefix": 16}))
    pools = [a.pool for a in plan.actions if isinstance(a, ApplyPool)]
    assert pools[1].spec.ips.to_ranges() == ["2001:db8:0:100:5::-2001:db8:0:100:5::f"]


def test_a_subnet_without_ipv6_is_refused_with_its_name() -> None:
    subnets = {"subnet-0": replace(build.SUBNET_0, ipv6=None)}
    plan = plan_node(
        observed(instance=instance(eni(0, ipv4=FULL)), subnets=subnets), policy(nics=1, ipv6={"addresses": 2})
    )
    assert codes(plan) == ["SubnetWithoutFamily"]
    assert "subnet-0" in plan.findings[0].message


def test_a_new_address_grows_the_pool() -> None:
    model, pool = full_node()
    more = replace(model, instance=instance(eni(0, ipv4=FULL | v4("10.0.0.40"))))
    (action,) = plan_node(more, policy(nics=1, ipv4={"addresses": 6})).actions
    assert isinstance(action, ApplyPool)
    assert (action.change, action.pool.spec.ips, action.pool.uid) == (PoolChange.GROW, FULL | v4("10.0.0.40"), pool.uid)
