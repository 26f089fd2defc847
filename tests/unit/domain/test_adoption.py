"""What becomes of hand-made pools, and that the planner then finds nothing to do."""

from dataclasses import replace

import pytest

from spiderpool_aws.domain.addresses import parse_network
from spiderpool_aws.domain.adoption.plan import as_it_is_now, changed_since
from spiderpool_aws.domain.cluster.claims import Claims
from spiderpool_aws.domain.cluster.field_managers import FieldOwner
from spiderpool_aws.domain.cluster.pool import Pool, PoolIdentity
from spiderpool_aws.domain.instance import Eni
from spiderpool_aws.domain.rules.planner import plan_node
from tests.unit.build import V4, eni, instance, policy, v4, v6
from tests.unit.domain.adopting import (
    DUAL,
    ENI,
    NAME,
    V6_FULL,
    adopted,
    hand_made,
    model,
    only_one,
    other_node,
    plan,
)
from tests.unit.domain.planning import FULL, ONE_NIC


def test_a_pool_like_the_guides_gets_the_labels_of_its_nic_and_keeps_the_rest() -> None:
    pool = hand_made()
    after = adopted(plan(pool))
    assert after.identity == PoolIdentity("prod", "i-1", ENI, "eni-attach-0", V4)
    assert (after.name, after.uid, after.resource_version, after.spec) == (pool.name, pool.uid, "7", pool.spec)
    assert only_one(plan(pool)).changes == (f"labels: i-1, {ENI}, eni-attach-0, IPv4",)


def test_after_its_adoption_the_planner_has_nothing_to_do() -> None:
    made = plan(hand_made())
    assert made.then == {"i-1": ()}
    after = adopted(made)
    assert plan_node(replace(model(), pools=(after,), claims=Claims([after])), ONE_NIC).converged


@pytest.mark.parametrize(
    ("pool", "nic"),
    [
        pytest.param(hand_made(v4("10.0.0.20-10.0.0.22")), eni(ipv4=FULL), id="it lists fewer"),
        pytest.param(hand_made(v4("10.0.0.20-10.0.0.30")), eni(ipv4=FULL), id="it lists more"),
        pytest.param(hand_made(node_name=(), multus_name=(), default=False), eni(ipv4=FULL), id="it fits everything"),
        pytest.param(hand_made(gateway=None), eni(ipv4=FULL), id="no gateway"),
        pytest.param(
            hand_made(v4("10.0.0.20-10.0.0.26"), allocated=v4("10.0.0.26")),
            eni(ipv4=v4("10.0.0.20-10.0.0.26")),
            id="more than the policy wants, one in use",
        ),
        pytest.param(hand_made(excluded=v4("10.0.0.21")), eni(ipv4=FULL), id="an address is excluded"),
    ],
)
def test_whatever_is_adopted_converges_without_losing_what_pods_use(pool: Pool, nic: Eni) -> None:
    after = adopted(plan(pool, nodes=[model(nic)]))
    observation = model(nic, pools=[after])
    for _ in range(5):
        planned = plan_node(observation, ONE_NIC)
        for action in planned.due:
            target = getattr(action, "pool", None)
            if target is not None:
                assert pool.allocated <= target.spec.ips
                observation = observation.with_pool(target)
                observation = replace(observation, claims=Claims(observation.pools))
            else:
                observation = observation.with_changed_eni(
                    ENI,
                    lambda e, a=action: e.without(a.addresses, a.prefixes),  # type: ignore[misc]
                )
    assert plan_node(observation, ONE_NIC).actions == ()
    assert pool.allocated <= observation.pools[0].spec.ips


def test_only_what_ec2_assigned_stays_and_the_hosts_own_address_leaves() -> None:
    made = plan(hand_made(v4("10.0.0.10", "10.0.0.20-10.0.0.27")))
    assert adopted(made).spec.ips == FULL
    assert only_one(made).changes[1:] == (
        "ips: 10.0.0.10 leaves: the host's own",
        f"ips: 10.0.0.25-10.0.0.27 leaves: EC2 has not assigned it to {ENI}",
        "ips: 10.0.0.20-10.0.0.24 stay",
    )


def test_the_policys_fields_are_taken_over_and_told() -> None:
    pool = hand_made(node_name=(), multus_name=("default/old",), gateway="10.0.0.254", default=False, disable=True)
    made = plan(pool)
    after = adopted(made)
    assert after.spec == replace(hand_made().spec, disable=True)
    assert only_one(made).changes[1:] == (
        "gateway: 10.0.0.254 -> 10.0.0.1",
        f"nodeName: any -> {NAME}",
        "multusName: default/old -> kube-system/ipvlan-ens5",
        "default: false -> true",
    )
    assert "disabled" in only_one(made).notes[0]


def test_an_address_that_a_pod_uses_stays_though_the_policy_keeps_it_from_pods() -> None:
    prefix = eni(ipv6_prefixes=(parse_network("2001:db8:0:100:a::/80"),))
    rules = policy(nics=1, ipv6={"prefixes": 1, "perPrefix": 4})
    listed, used = v6("2001:db8:0:100:a::-2001:db8:0:100:a::ff"), v6("2001:db8:0:100:a::80")
    made = plan(hand_made(listed, allocated=used), nodes=[model(prefix)], the_policy=rules)
    assert adopted(made).spec.ips == v6("2001:db8:0:100:a::-2001:db8:0:100:a::3") | used


def test_a_pool_of_ours_is_not_adopted_again() -> None:
    after = adopted(plan(hand_made()))
    assert plan(after, nodes=[model(pools=[after])], only=[after.name]).adoptions == ()


def test_another_nodes_primary_address_in_the_pool_is_only_dropped() -> None:
    made = plan(hand_made(FULL | v4("10.0.0.11")), nodes=[model(), other_node()])
    assert adopted(made).spec.ips == FULL


def test_what_another_pool_excludes_is_not_counted_as_its_nics() -> None:
    pool = hand_made(FULL | v4("10.0.0.60-10.0.0.62"), excluded=v4("10.0.0.60-10.0.0.62"))
    assert adopted(plan(pool, nodes=[model(), other_node()])).spec.ips == FULL


def test_both_families_of_a_nic_are_adopted_and_the_hosts_ipv6_address_leaves() -> None:
    nic = eni(ipv4=FULL, ipv6=eni().ipv6 | V6_FULL)
    ipv6 = hand_made(V6_FULL | eni().ipv6, "six")
    made = plan(hand_made(), ipv6, nodes=[model(nic)], the_policy=DUAL)
    assert [adoption.after.spec.ips for adoption in made.ready if adoption.after] == [V6_FULL, FULL]
    assert made.then == {"i-1": ()}


def test_ipv6_pools_do_not_become_default_before_every_node_has_one() -> None:
    nic = eni(ipv4=FULL, ipv6=eni().ipv6 | V6_FULL)
    made = plan(hand_made(V6_FULL, default=False), nodes=[model(nic), other_node()], the_policy=DUAL)
    assert adopted(made).spec.default is False
    assert "becomes default when every node" in only_one(made).notes[0]
    assert not any("update pool" in line for line in made.then["i-1"])


def test_a_default_ipv6_pool_stays_so_and_the_nics_without_one_are_named() -> None:
    nic = eni(ipv4=FULL, ipv6=eni().ipv6 | V6_FULL)
    made = plan(hand_made(V6_FULL), nodes=[model(nic), other_node()], the_policy=DUAL)
    assert adopted(made).spec.default is True
    assert only_one(made).notes == (
        "it is default, so no pod gets an address on a NIC without an IPv6 pool: eni-other",
    )


def test_field_managers_are_told_what_they_lose() -> None:
    owners = (
        FieldOwner("kubectl-client-side-apply", False, frozenset({"ips", "gateway", "nodeName"})),
        FieldOwner("argocd", True, frozenset({"default"})),
    )
    made = plan(hand_made(v4("10.0.0.20-10.0.0.25"), owners=owners))
    assert only_one(made).notes == (
        "kubectl-client-side-apply loses ips to spiderpool-aws",
        "argocd applies default server-side and will be in conflict: take the pool out of what it applies first",
    )


def test_what_changed_in_ec2_since_the_plan_is_seen() -> None:
    adoption = only_one(plan(hand_made()))
    assert changed_since(adoption, instance(eni(ipv4=FULL))) == ""
    assert "no longer attached" in changed_since(adoption, None)
    assert "no longer attached" in changed_since(adoption, instance(eni(ipv4=FULL, attachment_id="again")))
    assert f"{ENI} has lost 10.0.0.24" in changed_since(adoption, instance(eni(ipv4=v4("10.0.0.20-10.0.0.23"))))


def test_pods_that_come_and_go_do_not_hinder_an_adoption_and_any_other_change_does() -> None:
    pool = hand_made(v4("10.0.0.20-10.0.0.25"))
    adoption = only_one(plan(pool))
    busy = replace(pool, allocated=v4("10.0.0.20"), users={"10.0.0.20": "a/b"}, resource_version="8")
    now = as_it_is_now(adoption, busy)
    assert now is not None
    assert (now.resource_version, now.allocated, now.identity) == ("8", v4("10.0.0.20"), adopted(plan(pool)).identity)
    assert as_it_is_now(adoption, replace(pool, allocated=v4("10.0.0.25"))) is None
    assert as_it_is_now(adoption, replace(pool, spec=replace(pool.spec, default=False))) is None
    assert as_it_is_now(adoption, replace(pool, uid="another")) is None
    assert as_it_is_now(adoption, None) is None
