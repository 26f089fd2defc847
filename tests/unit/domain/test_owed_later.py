"""What a policy takes away from a NIC or a node whose turn comes later: it is judged with all else."""

from dataclasses import replace

import pytest

from spiderpool_aws.domain.addresses import EMPTY, AddressSet, parse_network
from spiderpool_aws.domain.cluster.claims import Claims
from spiderpool_aws.domain.instance import CLUSTER_TAG, INSTANCE_TAG, InstanceState
from spiderpool_aws.domain.lifecycle import Lifecycle
from spiderpool_aws.domain.memory import Surplus
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.policy.model import Elastic
from spiderpool_aws.domain.rules.desired import RELEASE_AFTER
from spiderpool_aws.domain.rules.planner import plan_node
from tests.unit.build import NOW, V6, eni, instance, observed, policy, v4
from tests.unit.domain.planning import ONE_NIC, full_node
from tests.unit.domain.releasing import ELASTIC, elastic, remembering
from tests.unit.domain.test_owed import LOWER, owed

OURS = {CLUSTER_TAG: "prod", INSTANCE_TAG: "i-1"}
BLOCK = parse_network("2001:db8:0:100:5::/80")


def in_state(model: ObservedNode, state: InstanceState) -> ObservedNode:
    assert model.instance is not None
    return replace(model, instance=replace(model.instance, state=state))


def with_ipv6_pool(ips: AddressSet, *, default: bool = True) -> ObservedNode:
    """Return a node whose NIC, one of ours, has a prefix and no address of its own, and a pool of each family."""
    model, pool = full_node()
    assert pool.identity is not None
    ipv6 = replace(
        pool,
        name="v6",
        identity=replace(pool.identity, family=V6),
        spec=replace(pool.spec, ips=ips, subnet="2001:db8:0:100::/64", gateway="2001:db8:0:100::1", default=default),
        allocated=EMPTY[V6],
        excluded=EMPTY[V6],
    )
    nic = replace(eni(0, ipv4=pool.spec.ips, ipv6_prefixes=(BLOCK,)), primary_ipv6=None, tags=OURS)
    return replace(model, instance=instance(nic), pools=(pool, ipv6), claims=Claims([pool, ipv6]))


@pytest.mark.parametrize("used", [0, 4])
def test_a_stopped_instance_owes_what_goes_when_it_runs_again(used: int) -> None:
    stopped = in_state(elastic(5 - used, used), InstanceState.STOPPED)
    assert owed(stopped, LOWER) == (0, 2, 0)
    assert owed(stopped, ONE_NIC) == (0, 0, 0)


def test_the_surplus_of_an_elastic_size_is_owed_while_its_instance_is_stopped() -> None:
    noted = remembering(elastic(6, 1), surplus=Surplus(NOW - RELEASE_AFTER, str(Elastic(**ELASTIC))))
    stopped = in_state(noted, InstanceState.STOPPED)
    assert owed(stopped, policy(nics=1, ipv4={"addresses": ELASTIC})) == (0, 0, 4)


def test_what_a_stopped_instance_has_lost_is_no_debt_of_the_policy() -> None:
    model = in_state(elastic(5, 0), InstanceState.STOPPED)
    lost = ((NOW - RELEASE_AFTER, v4("10.0.0.24")),)
    assert model.instance is not None
    enis = (eni(0, ipv4=v4("10.0.0.20-10.0.0.23")),)
    losing = replace(remembering(model, missing=lost), instance=replace(model.instance, enis=enis))
    assert owed(losing, LOWER) == (1, 1, 0)


@pytest.mark.parametrize(("state", "counted"), [("Warmed:Running", 2), ("Terminating:Wait", 0), ("InService", 0)])
def test_a_warm_instance_owes_and_one_that_is_terminated_does_not(state: str, counted: int) -> None:
    model = replace(elastic(5, 0), lifecycle=Lifecycle("workers", state))
    assert plan_node(model, LOWER).lowered.address_count == counted
    assert in_state(model, InstanceState.SHUTTING_DOWN).instance is not None
    assert plan_node(in_state(model, InstanceState.SHUTTING_DOWN), LOWER).lowered.address_count == 0


@pytest.mark.parametrize("model", [elastic(5, 0), elastic(1, 4)], ids=["idle", "in use"])
def test_a_node_that_is_not_proved_owes_what_one_that_is_does(model: ObservedNode) -> None:
    assert owed(replace(model, node=None), LOWER) == owed(model, LOWER) != (0, 0, 0)


def test_prefixes_are_owed_while_it_is_found_out_which_address_is_the_hosts_own() -> None:
    sixteen = AddressSet.from_networks(V6, [BLOCK], limit_each=16)
    assert owed(with_ipv6_pool(sixteen), policy(nics=1, ipv6={"addresses": 3})) == (0, 16, 0)
    assert owed(with_ipv6_pool(sixteen), policy(nics=1, ipv6={"prefixes": 1})) == (0, 0, 0)


@pytest.mark.parametrize(("default", "counted"), [(True, (0, 16, 0)), (False, (16, 0, 0))])
def test_a_family_that_goes_is_owed_before_its_pools_stop_being_default(
    default: bool, counted: tuple[int, int, int]
) -> None:
    sixteen = AddressSet.from_networks(V6, [BLOCK], limit_each=16)
    assert owed(with_ipv6_pool(sixteen, default=default), ONE_NIC) == counted


def test_nothing_is_owed_where_there_is_no_pool() -> None:
    assert owed(in_state(observed(instance=instance(eni(0))), InstanceState.STOPPED), LOWER) == (0, 0, 0)
