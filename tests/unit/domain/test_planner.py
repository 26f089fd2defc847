"""A whole plan: converged, corrected, printed."""

from dataclasses import replace

import pytest

from spiderpool_aws.domain.actions.pools import ApplyPool
from spiderpool_aws.domain.cluster.multus import MultusConfig
from spiderpool_aws.domain.cluster.pool import Pool
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.rules.planner import plan_node
from tests.unit.build import V4, V6, eni, instance, node, observed, policy, v6
from tests.unit.domain.planning import FULL, ONE_NIC, codes, full_node


def test_a_converged_node_gets_nothing() -> None:
    model, _ = full_node()
    assert plan_node(model, ONE_NIC).converged


def test_the_pool_carries_identity_subnet_gateway_node_and_network() -> None:
    _, pool = full_node()
    assert pool.name == "ip-10-0-0-10.eu-west-1.compute.internal-ens5-v4-00000000"
    assert pool.spec.ips == FULL
    assert (pool.spec.subnet, pool.spec.gateway, pool.spec.default) == ("10.0.0.0/24", "10.0.0.1", True)
    assert (pool.spec.node_name, pool.spec.multus_name) == ((node().name,), ("kube-system/ipvlan-ens5",))
    assert pool.identity is not None
    assert (pool.identity.cluster, pool.identity.instance_id, pool.identity.family) == ("prod", "i-1", V4)
    assert pool.memory.node_uid == "uid-node-1"


def test_an_operators_own_disable_is_left_to_him() -> None:
    model, pool = full_node()
    disabled = replace(pool, spec=replace(pool.spec, disable=True))
    plan = plan_node(replace(model, pools=(disabled,)), ONE_NIC)
    assert (plan.converged, codes(plan)) == (True, ["PoolDisabled"])


@pytest.mark.parametrize(
    "drift",
    [
        pytest.param({"node_name": ()}, id="nodeName emptied"),
        pytest.param({"multus_name": ("a/b",)}, id="multusName changed"),
        pytest.param({"default": False}, id="default switched off"),
        pytest.param({"gateway": "10.0.0.2"}, id="gateway changed"),
    ],
)
def test_a_change_of_a_field_that_we_own_is_corrected(drift: dict[str, object]) -> None:
    model, pool = full_node()
    drifted = replace(pool, spec=replace(pool.spec, **drift))  # type: ignore[arg-type]
    (action,) = plan_node(replace(model, pools=(drifted,)), ONE_NIC).actions
    assert isinstance(action, ApplyPool)
    assert action.pool.spec == pool.spec


@pytest.mark.parametrize(
    ("known", "applied", "reported"),
    [
        pytest.param(None, True, [], id="missing: created"),
        pytest.param(
            MultusConfig("kube-system", "ipvlan-ens5", "ens5", ours=False), False, [], id="a user's, right: used"
        ),
        pytest.param(
            MultusConfig("kube-system", "ipvlan-ens5", "eth0", ours=False),
            False,
            ["ForeignMultusConfig"],
            id="a user's, other: refused",
        ),
        pytest.param(MultusConfig("kube-system", "ipvlan-ens5", "eth0", uid="u"), True, [], id="ours, drifted: mended"),
    ],
)
def test_the_network_of_each_nic_is_ensured(known: MultusConfig | None, applied: bool, reported: list[str]) -> None:
    model, _ = full_node(multus={known.key: known} if known else {})
    plan = plan_node(model, ONE_NIC)
    assert bool(plan.actions) == applied
    assert codes(plan) == reported


def test_a_plan_reads_as_what_will_be_done() -> None:
    text = str(plan_node(observed(instance=instance(eni(0)), node=None), ONE_NIC))
    assert text == (
        "i-1: to do\nassign 5 IPv4 addresses to eni-00000000000000000\nwait: i-1 has not joined the cluster"
    )


NO_GATEWAY = policy(nics=1, ipv6={"addresses": 1}, pools={"ipv6Gateway": "none"})


def dual_node() -> tuple[ObservedNode, Pool]:
    """Return a converged node with an IPv6 pool without a gateway, and that pool."""
    nic = eni(0, ipv4=FULL)
    nic = replace(nic, ipv6=nic.ipv6 | v6("2001:db8:0:100::20"))
    model = observed(instance=instance(nic))
    pools = tuple(a.pool for a in plan_node(model, NO_GATEWAY).actions if isinstance(a, ApplyPool))
    stored = tuple(replace(pool, uid=f"uid-{pool.name}") for pool in pools)
    return replace(model, pools=stored), next(pool for pool in stored if pool.family is V6)


def test_a_gateway_that_a_user_gives_is_his_where_the_policy_gives_none() -> None:
    model, pool = dual_node()
    (v4_pool,) = [p for p in model.pools if p.family is V4]
    theirs = replace(pool, spec=replace(pool.spec, gateway="2001:db8:0:100::1"), taken=frozenset({"gateway"}))
    assert plan_node(replace(model, pools=(v4_pool, theirs)), NO_GATEWAY).converged


def test_a_gateway_of_ours_goes_when_the_policy_gives_none_any_more() -> None:
    model, pool = dual_node()
    (v4_pool,) = [p for p in model.pools if p.family is V4]
    ours = replace(pool, spec=replace(pool.spec, gateway="2001:db8:0:100::1"))
    (action,) = plan_node(replace(model, pools=(v4_pool, ours)), NO_GATEWAY).actions
    assert isinstance(action, ApplyPool)
    assert action.pool.spec.gateway is None


def test_no_other_field_is_a_users_because_he_changed_it() -> None:
    model, pool = full_node()
    drifted = replace(pool, spec=replace(pool.spec, gateway="10.0.0.2"), taken=frozenset({"gateway"}))
    (action,) = plan_node(replace(model, pools=(drifted,)), ONE_NIC).actions
    assert isinstance(action, ApplyPool)
    assert action.pool.spec == pool.spec
