"""What a pass tells on the Node, and that the same thing has the same name."""

from dataclasses import replace
from datetime import timedelta

import pytest

from spiderpool_aws.domain.actions.nics import Assign, Reassign
from spiderpool_aws.domain.actions.nodes import DeleteNode, PrepareNode, TaintNode
from spiderpool_aws.domain.actions.plan import Action, Finding, NodePlan
from spiderpool_aws.domain.actions.pools import ApplyMultusConfig, ApplyPool, PoolChange
from spiderpool_aws.domain.cluster.multus import MultusConfig
from spiderpool_aws.domain.cluster.pool import Pool
from spiderpool_aws.domain.node_events import NodeEvent, Step, node_events
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.rules.planner import plan_node
from tests.unit import build
from tests.unit.build import NOW, V4, eni, instance, node, observed, v4

DONE = NodePlan("i-1")
REFUSED = Finding("Overlap", "create pool p: overlap with IPPool q")
ENI = eni(0).eni_id


def pool(**changes: object) -> Pool:
    model = observed(instance=instance(eni(0, ipv4=v4("10.0.0.20-10.0.0.24"))))
    (action,) = plan_node(model, build.policy(nics=1)).actions
    assert isinstance(action, ApplyPool)
    return replace(action.pool, name="p", uid="u", **changes)  # type: ignore[arg-type]


def tell(action: Action, refusal: Finding | None = None, *, before: ObservedNode | None = None) -> list[NodeEvent]:
    model = before or observed(pools=(pool(),))
    plan = replace(DONE, findings=(refusal,)) if refusal else DONE
    return list(node_events([Step(model, action, refusal)], plan, model))


@pytest.mark.parametrize(
    ("action", "refusal", "reason", "is_warning"),
    [
        pytest.param(ApplyPool(PoolChange.CREATE, pool(), "x"), None, "PoolsReady", False, id="the last pool"),
        pytest.param(PrepareNode("n", "u", taint="t"), None, "PoolsReady", False, id="the taint goes"),
        pytest.param(Reassign(ENI, v4("10.0.0.20"), "x"), None, "AddressReassigned", False, id="healed"),
        pytest.param(DeleteNode("n", "u", "x"), None, "NodeDeleted", False, id="a dead instance's Node"),
        pytest.param(TaintNode("n", "u", "t", "i-1"), None, "StartupTaintRestored", True, id="adopted"),
        pytest.param(ApplyPool(PoolChange.CREATE, pool(), "x"), REFUSED, "PoolRefused", True, id="refused pool"),
        pytest.param(Assign(ENI, V4, 1), Finding("SubnetExhausted", "x"), "SubnetExhausted", True, id="full subnet"),
        pytest.param(Assign(ENI, V4, 1), Finding("Unauthorized", "x"), "AssignmentRefused", True, id="no permission"),
        pytest.param(
            Reassign(ENI, v4("10.0.0.20"), "x"), Finding("AddressTaken", "x"), "AddressTaken", True, id="taken"
        ),
        pytest.param(PrepareNode("n", "u"), Finding("Conflict", "x"), "NodeRefused", True, id="refused Node"),
        pytest.param(
            ApplyMultusConfig(MultusConfig("a", "b", "ens5"), "prod"),
            Finding("Conflict", "x"),
            "NetworkRefused",
            True,
            id="refused network",
        ),
    ],
)
def test_what_is_told(action: Action, refusal: Finding | None, reason: str, is_warning: bool) -> None:
    (event,) = tell(action, refusal)
    assert (event.reason, event.is_warning, event.node_uid) == (reason, is_warning, "uid-node-1")


def test_a_pass_that_did_and_found_nothing_tells_nothing() -> None:
    assert node_events([], DONE, observed(pools=(pool(),))) == ()


def test_without_a_node_there_is_nobody_to_tell_it_on() -> None:
    plan = replace(DONE, findings=(Finding("NicMissing", "x"),))
    assert node_events([], plan, observed(node=None)) == ()


def test_pools_are_not_called_ready_while_one_is_lacking_or_something_is_still_to_do() -> None:
    step = Step(observed(), ApplyPool(PoolChange.CREATE, pool(), "x"))
    assert node_events([step], replace(DONE, incomplete=True), observed()) == ()
    assert node_events([step], replace(DONE, actions=(step.action,)), observed()) == ()


def test_a_finding_is_told_with_its_code() -> None:
    (event,) = node_events([], replace(DONE, findings=(Finding("NodeMismatch", "whose is it"),)), observed())
    assert (event.reason, event.message, event.is_warning) == ("NodeMismatch", "whose is it", True)


@pytest.mark.parametrize(
    ("field", "drift", "text"),
    [
        ("gateway", {"gateway": None}, "gateway was empty, is 10.0.0.1 again"),
        ("nodeName", {"node_name": ("a", "b")}, "nodeName was a,b, is"),
        ("multusName", {"multus_name": ()}, "multusName was empty, is kube-system/ipvlan-ens5 again"),
        ("default", {"default": False}, "default was false, is true again"),
        ("ips", {"ips": v4("10.0.0.20")}, "ips was 10.0.0.20, is 10.0.0.20-10.0.0.24 again"),
    ],
)
def test_a_users_change_that_is_set_back_is_told_and_our_own_change_is_not(
    field: str, drift: dict[str, object], text: str
) -> None:
    drifted = replace(pool(), spec=replace(pool().spec, **drift))  # type: ignore[arg-type]
    action = ApplyPool(PoolChange.UPDATE, pool(), "x")
    (event,) = tell(action, before=observed(pools=(replace(drifted, taken=frozenset({field})),)))
    assert event.reason == "FieldCorrected"
    assert text in event.message
    assert tell(action, before=observed(pools=(drifted,))) == []


def test_a_gateway_that_is_the_users_is_not_told_when_the_pool_is_written_for_something_else() -> None:
    without = replace(pool(), spec=replace(pool().spec, gateway=None))
    action = ApplyPool(PoolChange.GROW, without, "x")
    assert tell(action, before=observed(pools=(replace(pool(), taken=frozenset({"gateway"})),))) == []


def test_addresses_that_leave_a_pool_are_told() -> None:
    (event,) = tell(ApplyPool(PoolChange.SHRINK, pool(), "eni-1 has lost 10.0.0.77", v4("10.0.0.77")))
    assert (event.reason, event.message) == ("AddressesDropped", "pool p: eni-1 has lost 10.0.0.77")


def test_a_network_that_is_mended_is_told_and_one_that_is_created_is_not() -> None:
    known = MultusConfig("kube-system", "ipvlan-ens5", "", uid="u")
    before = observed(multus={known.key: known})
    (event,) = tell(ApplyMultusConfig(replace(known, master="ens5"), "prod"), before=before)
    said = "SpiderMultusConfig kube-system/ipvlan-ens5 changed: it was no ipvlan of one NIC, it is on ens5"
    assert (event.reason, event.message) == ("NetworkChanged", said)
    assert tell(ApplyMultusConfig(replace(known, master="ens5", uid=""), "prod"), before=before) == []


def test_the_same_finding_has_the_same_name_whenever_it_is_found() -> None:
    plan = replace(DONE, findings=(Finding("CapacityLimited", "x"),))
    later = observed(now=NOW + timedelta(hours=5))
    assert node_events([], plan, observed())[0].name == node_events([], plan, later)[0].name
    other = observed(node=node(uid="another"))
    assert node_events([], plan, observed())[0].name != node_events([], plan, other)[0].name


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        pytest.param(
            "subnet-0 has 199 free addresses and keeps 200: eni-1 gets 0 of 5",
            "subnet-0 has 7 free addresses and keeps 200: eni-1 gets 1 of 5",
            True,
            id="counts",
        ),
        pytest.param("there is room for 3", "there is room for 0", True, id="a count at the end"),
        pytest.param("10.0.0.20 is lost", "10.0.0.21 is lost", False, id="an address"),
        pytest.param("10.0.0.20 is lost", "11.0.0.20 is lost", False, id="an address of another network"),
        pytest.param("10.0.0.20-10.0.0.21", "10.0.0.20-10.0.0.22", False, id="a range"),
        pytest.param("2001:db8::1 is lost", "2001:db8::2 is lost", False, id="an IPv6 address"),
        pytest.param("of eni-0001: no", "of eni-0002: no", False, id="an id"),
        pytest.param("at device index 1: no", "at device index 2: no", False, id="a device index"),
        pytest.param("create NIC 1 of i-1", "create NIC 2 of i-1", False, id="a NIC"),
        pytest.param("pod web-0 uses it", "pod web-1 uses it", False, id="a name"),
    ],
)
def test_what_says_the_same_with_other_counts_is_told_once(one: str, two: str, same: bool) -> None:
    names = [
        node_events([], replace(DONE, findings=(Finding("CapacityLimited", text),)), observed())[0].name
        for text in (one, two)
    ]
    assert (names[0] == names[1]) == same


def test_a_refused_assignment_is_told_once_whatever_it_lacks() -> None:
    one, two = (tell(Assign(ENI, V4, count), Finding("SubnetExhausted", "no room"))[0] for count in (5, 4))
    assert one.name == two.name


def test_a_refusal_that_is_worded_anew_each_time_has_one_name() -> None:
    one, two = (tell(Assign(ENI, V4, 1), Finding("UnauthorizedOperation", text))[0] for text in ("id 1", "id 2"))
    assert one.name == two.name


def test_a_change_that_somebody_keeps_undoing_is_told_once_in_ten_minutes() -> None:
    names = set()
    for minute in range(30):
        before = observed(now=NOW + timedelta(minutes=minute))
        names |= {event.name for event in tell(Reassign(ENI, v4("10.0.0.20"), "x"), before=before)}
    assert len(names) == 3


def test_the_name_of_an_event_fits_whatever_the_node_is_called() -> None:
    plan = replace(DONE, findings=(Finding("CapacityLimited", "x" * 5000),))
    (event,) = node_events([], plan, observed(node=node(name="n" * 235 + "." + "n" * 17)))
    assert len(event.name) <= 253
    assert ".." not in event.name
    assert len(event.message) == 1024
