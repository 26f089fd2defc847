"""Hand-made pools that are not adopted, each with what to do."""

from dataclasses import replace
from typing import Any

import pytest

from spiderpool_aws.domain.addresses import EMPTY, parse_network
from spiderpool_aws.domain.adoption.plan import MOST_UNPLACED, Survey, unplaced
from spiderpool_aws.domain.cluster.pool import PoolIdentity
from spiderpool_aws.domain.instance import InstanceState
from tests.unit.build import V4, eni, instance, node, policy, v4, v6
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
    problem,
)
from tests.unit.domain.planning import FULL, ONE_NIC, planned_pool


def test_a_pool_that_lists_nothing_of_ours_is_somebody_elses_business() -> None:
    assert plan(hand_made(v4("10.0.0.90-10.0.0.99"))).adoptions == ()


def test_a_pool_that_is_named_and_lists_nothing_of_ours_is_refused_with_who_holds_it() -> None:
    pool = hand_made(v4("10.0.0.90-10.0.0.91"))
    said = problem(plan(pool, only=[pool.name], held={"10.0.0.90": "eni-lb"}))
    assert "no instance with the tag" not in said
    assert "10.0.0.90 is held by eni-lb" in said
    assert "tag spiderpool-aws/cluster=prod" in said


def test_addresses_of_two_nics_or_nodes_in_one_pool_are_refused() -> None:
    second = eni(1, ipv4=v4("10.0.1.20-10.0.1.24"))
    one_node = replace(model(), instance=instance(eni(ipv4=FULL), replace(second, ipv4=v4("10.0.0.30"))))
    both = hand_made(v4("10.0.0.20-10.0.0.30"))
    assert f"addresses of 2 NICs (10.0.0.20-10.0.0.24 of {ENI}" in problem(plan(both, nodes=[one_node]))
    two_nodes = hand_made(FULL | v4("10.0.0.60"))
    assert "10.0.0.60 of eni-other of i-2 (other)" in problem(plan(two_nodes, nodes=[model(), other_node()]))


def test_addresses_of_a_nic_outside_of_the_cluster_are_refused() -> None:
    pool = hand_made(v4("10.0.0.20-10.0.0.25"))
    assert "10.0.0.25 is held by eni-9" in problem(plan(pool, held={"10.0.0.25": "eni-9"}))


def test_nobody_is_asked_who_holds_more_addresses_than_can_be_asked_for() -> None:
    wide = hand_made(v4("10.0.0.20-10.0.40.0"), subnet="10.0.0.0/16")
    survey = Survey({"i-1": model()}, [wide])
    assert wide.spec.ips.count() > MOST_UNPLACED
    assert unplaced(survey)[V4] == EMPTY[V4]
    assert any("that no NIC of the cluster has" in said for said in only_one(plan(wide)).problems)


def test_what_no_nic_of_the_cluster_has_is_what_is_asked_for() -> None:
    pools = [hand_made(v4("10.0.0.10-10.0.0.26")), hand_made(v4("10.0.0.99"), "elses")]
    survey = Survey({"i-1": model()}, pools)
    assert unplaced(survey)[V4] == v4("10.0.0.11-10.0.0.19", "10.0.0.25-10.0.0.26")
    assert unplaced(survey, frozenset({"elses"}))[V4] == v4("10.0.0.99")
    others = Survey({"i-1": model(), "i-2": other_node()}, [hand_made(v4("10.0.0.10-10.0.0.11", "10.0.0.20"))])
    assert unplaced(others)[V4] == EMPTY[V4], "the primary addresses of the cluster's own instances"


def test_another_subnet_than_the_nics_is_refused() -> None:
    assert "its subnet is 10.0.0.0/25, that of" in problem(plan(hand_made(subnet="10.0.0.0/25")))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        pytest.param({"state": InstanceState.STOPPED}, "i-1 is stopped", id="stopped"),
        pytest.param(
            {"tags": {"spiderpool-aws/cluster": "prod", "spiderpool-aws/managed": "false"}},
            "managed=false: remove the tag",
            id="unmanaged",
        ),
        pytest.param({"platform": "windows"}, "Windows", id="windows"),
    ],
)
def test_an_instance_that_is_left_alone_is_refused(changed: dict[str, Any], words: str) -> None:
    host = replace(model(), instance=instance(eni(ipv4=FULL), **changed))
    assert words in problem(plan(hand_made(), nodes=[host]))


def test_an_instance_of_no_group_and_a_nic_of_no_interface_are_refused() -> None:
    groups = [{"name": "w", "match": {"tags": {"role": "worker"}}, "interfaces": [{
        "deviceIndex": 0, "host": "ens5", "multus": "kube-system/ipvlan-ens5", "ipv4": {"addresses": 5}}]}]  # fmt: skip
    said = only_one(plan(hand_made(), the_policy=policy(groups=groups))).problems
    assert any("no group of the policy matches i-1" in one for one in said)
    second = replace(model(), instance=instance(eni(), eni(1, ipv4=v4("10.0.1.20"))))
    pool = hand_made(v4("10.0.1.20"), subnet="10.0.1.0/24")
    assert "says nothing of device index 1" in problem(plan(pool, nodes=[second]))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        pytest.param({"tags": {"spiderpool-aws/managed": "false"}}, "managed=false", id="unmanaged"),
        pytest.param({"interface_type": "efa"}, "of type efa", id="efa"),
        pytest.param({"attached": False}, "being attached or detached", id="on the way"),
    ],
)
def test_a_nic_that_is_left_alone_is_refused(changed: dict[str, Any], words: str) -> None:
    assert words in problem(plan(hand_made(), nodes=[model(eni(ipv4=FULL, **changed))]))


def test_a_nic_that_has_a_pool_of_ours_is_refused() -> None:
    own = planned_pool(model(), ONE_NIC)
    pool = hand_made(v4("10.0.0.24"))
    ours = replace(own, spec=replace(own.spec, ips=v4("10.0.0.20-10.0.0.23")))
    with_it = replace(model(), pools=(ours,))
    assert f"has the IPv4 pool {own.name} of spiderpool-aws already" in problem(plan(pool, ours, nodes=[with_it]))
    dying = replace(ours, terminating=True)
    assert "still being deleted" in problem(plan(pool, dying, nodes=[replace(with_it, pools=(dying,))]))


def test_a_terminating_pool_is_refused() -> None:
    assert "it is being deleted" in problem(plan(hand_made(terminating=True)))


def test_a_node_that_is_not_proved_to_be_the_instances_is_refused_with_how_to_prove_it() -> None:
    older = node(provider_id="", created=instance().launch_time.replace(year=2025))
    said = problem(plan(hand_made(), nodes=[replace(model(), node=older)]))
    assert f'kubectl patch node {NAME} -p \'{{"spec":{{"providerID":"aws:///eu-west-1a/i-1"}}}}\'' in said
    foreign = node(provider_id="aws:///eu-west-1a/i-9")
    assert "has the providerID aws:///eu-west-1a/i-9" in problem(
        plan(hand_made(), nodes=[replace(model(), node=foreign)])
    )
    assert "has joined the cluster" in problem(plan(hand_made(), nodes=[replace(model(), node=None)]))


def test_of_two_pools_for_one_nic_and_family_neither_is_chosen_until_a_person_does() -> None:
    one, two = hand_made(v4("10.0.0.20-10.0.0.22"), "one"), hand_made(v4("10.0.0.23-10.0.0.24"), "two")
    made = plan(one, two)
    assert [adoption.after for adoption in made.adoptions] == [None, None]
    assert "two is for the same NIC" in made.adoptions[0].problems[0]
    assert "one is for the same NIC" in made.adoptions[1].problems[0]
    chosen = plan(one, two, only=["one"])
    assert adopted(chosen).spec.ips == one.spec.ips
    assert any("pool two is not ours and lists 10.0.0.23-10.0.0.24" in line for line in chosen.then["i-1"])


def test_an_address_that_another_pool_lists_too_is_refused() -> None:
    stale = replace(planned_pool(model(), ONE_NIC), name="stale", identity=PoolIdentity("prod", "i-0", "e", "a", V4))
    assert "pool stale lists 10.0.0.20-10.0.0.24, too" in problem(plan(hand_made(), stale))


@pytest.mark.parametrize("used", ["10.0.0.27", "10.0.0.10"])
def test_a_pod_with_an_address_that_is_not_the_nics_for_pods_is_named(used: str) -> None:
    pool = hand_made(v4("10.0.0.10", "10.0.0.20-10.0.0.27"), allocated=v4(used), users={used: "shop/web"})
    said = problem(plan(pool))
    assert f"shop/web uses {used}, which {ENI} does not have for pods" in said


def test_ipv6_without_the_hosts_own_address_known_or_without_the_policys_word_is_refused() -> None:
    nic = eni(ipv4=FULL, ipv6=eni().ipv6 | V6_FULL, primary_ipv6=None)
    six = hand_made(V6_FULL, "six")
    assert "mark it as primary" in problem(plan(six, nodes=[model(nic)], the_policy=DUAL))
    marked = replace(nic, primary_ipv6=eni().primary_ipv6)
    assert "gives ens5 no IPv6" in problem(plan(six, nodes=[model(marked)]))


def test_an_ipv6_gateway_that_the_policy_does_not_want_has_to_go_first() -> None:
    nic = eni(ipv4=FULL, ipv6=eni().ipv6 | V6_FULL)
    rules = policy(nics=1, ipv6={"addresses": 2}, pools={"ipv6Gateway": "none"})
    said = problem(plan(hand_made(V6_FULL), nodes=[model(nic)], the_policy=rules))
    assert "kubectl patch spiderippool worker-7-ens5" in said


def test_prefix_addresses_that_the_policy_does_not_offer_leave_nothing_to_adopt() -> None:
    prefix = eni(ipv6_prefixes=(parse_network("2001:db8:0:100:a::/80"),))
    rules = policy(nics=1, ipv6={"prefixes": 1})
    pool = hand_made(v6("2001:db8:0:100:a::100"))
    assert "raise perPrefix" in problem(plan(pool, nodes=[model(prefix)], the_policy=rules))
