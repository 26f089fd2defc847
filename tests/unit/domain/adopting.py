"""Hand-made pools, and what would become of them, for the tests of adoption."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from spiderpool_aws.domain.addresses import EMPTY, AddressSet
from spiderpool_aws.domain.adoption.plan import Adoption, AdoptionPlan, Survey, plan_adoption
from spiderpool_aws.domain.cluster.claims import Claims
from spiderpool_aws.domain.cluster.pool import Pool, PoolSpec
from spiderpool_aws.domain.instance import Eni
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.policy.model import Policy
from tests.unit.build import V4, eni, instance, node, observed, policy, v4, v6
from tests.unit.domain.planning import FULL, ONE_NIC

NAME = node().name
ENI = eni().eni_id
DUAL = policy(nics=1, ipv6={"addresses": 2})
V6_FULL = v6("2001:db8:0:100::20-2001:db8:0:100::21")
OF_SPEC = {field.name for field in fields(PoolSpec)}


def hand_made(ips: AddressSet = FULL, name: str = "worker-7-ens5", **changes: Any) -> Pool:
    """Return a pool as the Spiderpool guide has its reader write it, with fields of it or of its spec changed."""
    subnet, gateway = ("10.0.0.0/24", "10.0.0.1") if ips.family is V4 else ("2001:db8:0:100::/64", "2001:db8:0:100::1")
    spec = PoolSpec(subnet, ips, gateway, (NAME,), ("kube-system/ipvlan-ens5",), default=True)
    spec = replace(spec, **{key: value for key, value in changes.items() if key in OF_SPEC})
    pool = Pool(name, None, spec, EMPTY[ips.family], EMPTY[ips.family], uid=f"uid-{name}", resource_version="7")
    return replace(pool, **{key: value for key, value in changes.items() if key not in OF_SPEC})


def model(nic: Eni | None = None, *, pools: Sequence[Pool] = (), **changes: Any) -> ObservedNode:
    """Return a node with one NIC that holds five addresses."""
    one = nic or eni(ipv4=FULL)
    made = observed(instance=instance(one), node=node())
    own = tuple(pool for pool in pools if pool.identity is not None)
    return replace(made, pools=own, claims=Claims(pools), **changes)


def plan(
    *pools: Pool,
    nodes: Sequence[ObservedNode] = (),
    only: Sequence[str] = (),
    held: Mapping[str, str] | None = None,
    the_policy: Policy = ONE_NIC,
) -> AdoptionPlan:
    listed = [replace(one, claims=Claims(pools)) for one in nodes or [model()]]
    survey = Survey({one.instance_id: one for one in listed}, pools, held or {})
    return plan_adoption(survey, the_policy, frozenset(only))


def only_one(made: AdoptionPlan) -> Adoption:
    (adoption,) = made.adoptions
    return adoption


def adopted(made: AdoptionPlan) -> Pool:
    (adoption,) = made.ready
    assert adoption.after is not None
    return adoption.after


def problem(made: AdoptionPlan) -> str:
    """Return the one thing that speaks against the one pool."""
    (said,) = only_one(made).problems
    assert only_one(made).after is None
    assert made.then == {}
    return said


def other_node(**changes: Any) -> ObservedNode:
    """Return another instance in the same subnet."""
    nic = eni(eni_id="eni-other", attachment_id="a-other", primary_ipv4="10.0.0.11", ipv4=v4("10.0.0.60-10.0.0.62"))
    nic = replace(nic, primary_ipv6="2001:db8:0:100::b", ipv6=v6("2001:db8:0:100::b"))
    its_node = node(name="other", uid="uid-node-2", provider_id="aws:///eu-west-1a/i-2", internal_ips=("10.0.0.11",))
    host = instance(nic, instance_id="i-2", private_ipv4="10.0.0.11")
    return replace(observed(instance_id="i-2", instance=host, node=its_node), **changes)
