"""What a dead instance leaves: which Nodes are its own, and under which names its pods are looked for."""

from dataclasses import replace
from datetime import timedelta

import pytest

from spiderpool_aws.domain.cluster.node import NodeProof
from spiderpool_aws.domain.cluster.node_index import NodeIndex
from spiderpool_aws.domain.instance import InstanceState
from spiderpool_aws.domain.memory import Absence
from spiderpool_aws.domain.observed import LiveClaim
from spiderpool_aws.domain.rules.remains import (
    EVER,
    Remains,
    claim_of,
    find_remains,
    is_noted_gone,
    is_surely_gone,
    node_ipv4,
    proved_others,
)
from tests.unit.build import NOW, instance, node, observed, policy
from tests.unit.domain.planning import ONE_NIC, full_node

PROOF = NodeProof("i-1", frozenset({"uid-node-1"}))
HEIR = node(provider_id="", uid="uid-heir")
BYSTANDER = node(name="worker-b", uid="uid-b", provider_id="aws:///eu-west-1a/i-2")


def test_a_name_that_somebody_wrote_into_the_pool_finds_no_pods_of_another_node() -> None:
    _, pool = full_node()
    edited = replace(pool, spec=replace(pool.spec, node_name=(node().name, "worker-b", "")))
    assert find_remains(PROOF, [edited], NodeIndex([node(), BYSTANDER]), ONE_NIC) == Remains((node(),), (node().name,))


def test_a_proved_node_is_found_though_the_pool_no_longer_names_it() -> None:
    _, pool = full_node()
    edited = replace(pool, spec=replace(pool.spec, node_name=("worker-b",)))
    assert find_remains(PROOF, [edited], NodeIndex([node(), BYSTANDER]), ONE_NIC) == Remains((node(),), (node().name,))


def test_pods_are_looked_for_under_a_name_that_no_node_has() -> None:
    _, pool = full_node()
    odd = replace(pool, spec=replace(pool.spec, node_name=("gone", "", "a/b")))
    assert find_remains(PROOF, [odd], NodeIndex([BYSTANDER]), ONE_NIC) == Remains((), ("gone",))


def test_pods_are_looked_for_under_the_name_for_which_the_pool_was_made_though_another_node_has_it_now() -> None:
    _, pool = full_node()
    proof = NodeProof("i-1", frozenset({"another"}))
    assert find_remains(proof, [pool], NodeIndex([HEIR]), ONE_NIC) == Remains((HEIR,), (HEIR.name,))


DEAD = instance(state=InstanceState.TERMINATED, enis=(), private_ipv4="", private_dns_name="")
LAUNCH = NOW - timedelta(minutes=3)
HEIRS = {"instance_id": "i-2", "private_dns_name": "other", "private_ipv4": "10.0.0.99", "launch_time": LAUNCH}


@pytest.mark.parametrize(
    ("changes", "strategy", "claims"),
    [
        pytest.param({}, "discover", False, id="nothing of it"),
        pytest.param({"private_dns_name": node().name}, "discover", True, id="its name"),
        pytest.param({"private_ipv4": "10.0.0.10"}, "discover", True, id="its address"),
        pytest.param({"tags": {"Name": node().name}}, "tag:Name", True, id="its name by the policy"),
        pytest.param(
            {"tags": {"Name": "x"}, "private_dns_name": node().name}, "tag:Name", False, id="the policy names it else"
        ),
        pytest.param({"instance_id": "i-1", "private_ipv4": "10.0.0.10"}, "discover", False, id="itself"),
    ],
)
def test_a_live_instance_claims_what_has_its_name_or_address(
    changes: dict[str, object], strategy: str, claims: bool
) -> None:
    model, _ = full_node()
    gone = replace(model, instance=DEAD, left_names=(node().name,))
    other = instance(**(HEIRS | changes))
    expected = LiveClaim("i-2", LAUNCH) if claims else None
    assert claim_of(gone, [other], (), policy(nics=1, nodeName=strategy)) == expected


def test_of_several_who_may_have_it_the_oldest_claims_it() -> None:
    model, _ = full_node()
    gone = replace(model, instance=DEAD, left_names=(node().name,))
    young, old = (
        instance(**(HEIRS | {"instance_id": i, "private_ipv4": "10.0.0.10", "launch_time": NOW - timedelta(minutes=m)}))
        for i, m in (("i-3", 1), ("i-4", 9))
    )
    assert claim_of(gone, [young, old], (), ONE_NIC) == LiveClaim("i-4", NOW - timedelta(minutes=9))


def test_an_heir_has_the_node_until_it_is_known_to_be_terminated() -> None:
    model, _ = full_node()
    gone = replace(model, instance=DEAD, node=node().noted("i-1", "i-9"), left_names=("other",))
    heir = instance(**(HEIRS | {"instance_id": "i-9", "private_ipv4": "", "private_dns_name": ""}))
    assert claim_of(gone, [heir], (), ONE_NIC) == LiveClaim("i-9", LAUNCH)
    assert claim_of(gone, [], {"i-9", "i-8"}, ONE_NIC) == LiveClaim("i-9", EVER), "EC2 does not know it: no proof"
    assert claim_of(gone, [], (), ONE_NIC) is None


def test_an_address_of_ipv6_and_a_name_that_is_empty_claim_nothing() -> None:
    model, _ = full_node()
    known = node(internal_ips=("2001:db8::1", "10.0.0.10"))
    gone = replace(model, instance=DEAD, node=known, left_names=(known.name,))
    assert node_ipv4(gone) == ["10.0.0.10"]
    nameless = instance(**(HEIRS | {"private_dns_name": "", "private_ipv4": ""}))
    assert claim_of(gone, [nameless], (), ONE_NIC) is None


def test_the_providers_id_of_another_cloud_or_of_no_instance_proves_nobody_else() -> None:
    model, _ = full_node()
    cases: dict[str, set[str]] = {"aws:///z/i-2": {"i-2"}, "aws:///z/i-1": set(), "gce://p/z/i-2": set()}
    for text, others in (cases | {"aws:///z/*": set(), "": set()}).items():
        assert proved_others(replace(model, node=node(provider_id=text))) == others


POOL = full_node()[1]
PROVED = Absence(NOW - timedelta(minutes=11), NOW)


@pytest.mark.parametrize(
    ("state", "absences", "gone"),
    [
        pytest.param(InstanceState.TERMINATED, [], True, id="EC2 calls it terminated"),
        pytest.param(InstanceState.SHUTTING_DOWN, [PROVED], False, id="it is dying, whatever an annotation says"),
        pytest.param(None, [], False, id="no pool says since when it is missing"),
        pytest.param(None, [PROVED, PROVED], True, id="each pool says so"),
        pytest.param(None, [PROVED, None], False, id="one does not"),
        pytest.param(None, [PROVED, Absence(NOW)], False, id="one says so since now"),
    ],
)
def test_an_instance_is_surely_gone(state: InstanceState | None, absences: list[Absence | None], gone: bool) -> None:
    _, pool = full_node()
    pools = [replace(pool, memory=replace(pool.memory, absent=absence)) for absence in absences]
    model = observed(instance=None if state is None else instance(state=state), pools=tuple(pools))
    assert is_surely_gone(model) == gone
    going = tuple(replace(p, terminating=True) for p in pools)
    assert not is_surely_gone(replace(model, instance=None, pools=going))


def test_a_pool_that_is_going_says_nothing_of_an_absence() -> None:
    _, pool = full_node()
    noted = replace(pool, memory=replace(pool.memory, absent=PROVED))
    assert is_surely_gone(observed(instance=None, pools=(noted, replace(pool, terminating=True))))


@pytest.mark.parametrize(
    ("changes", "provider_id", "gone"),
    [
        pytest.param({}, "aws:///eu-west-1a/i-1", True, id="its providerID proves the Node"),
        pytest.param({}, "", True, id="only the note says whose Node it was"),
        pytest.param({}, "aws:///eu-west-1a/i-2", False, id="the Node is another's by now"),
        pytest.param({"instance": instance()}, "", False, id="EC2 knows the instance"),
        pytest.param({"pools": (POOL,)}, "", False, id="a pool says more of it"),
        pytest.param({"pools": (replace(POOL, terminating=True),)}, "", True, id="its pool is going"),
    ],
)
def test_a_node_that_says_so_proves_an_instance_gone(changes: dict[str, object], provider_id: str, gone: bool) -> None:
    noted = node(uid="u", provider_id=provider_id).noted("i-1", "i-9")
    model = replace(observed(instance=None, node=noted), **changes)  # type: ignore[arg-type]
    assert (is_noted_gone(model), is_surely_gone(model)) == (gone, gone)
    assert not is_noted_gone(replace(model, node=replace(noted, gone_instance="i-2")))
