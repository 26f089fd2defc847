"""EC2's calls for the nodes of a batch are under way together, and each node knows what others are about to take."""

from collections.abc import Callable, Collection
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, TypeVar

import pytest

from spiderpool_aws.domain.control import Control
from spiderpool_aws.domain.errors import Code, Refused, RetryLater, Unavailable
from spiderpool_aws.domain.policy.model import Policy
from spiderpool_aws.domain.request import Outcome, ReconcileRequest, Status
from spiderpool_aws.executor import Executor, InTurn
from spiderpool_aws.ports import Systems
from spiderpool_aws.reconciler import Reconciler
from tests.unit import build
from tests.unit.build import eni, instance, node
from tests.unit.world import SmallClock, SmallCluster, SmallControl, SmallEc2, SmallReporter, SmallScaling

R = TypeVar("R")
NODES = 4


class LastFirst:
    """An executor whose calls take effect as late as they may, the last one first."""

    def __init__(self) -> None:
        self._begun: list[tuple[Future[Any], Callable[[], Any]]] = []
        self.at_once: list[int] = []

    def submit(self, call: Callable[[], R]) -> Future[R]:
        answer: Future[R] = Future()
        self._begun.append((answer, call))
        return answer

    def wait(self, calls: Collection[Future[Any]]) -> None:
        self.at_once.append(len(calls))
        answer, call = self._begun.pop()
        try:
            answer.set_result(call())
        except (RetryLater, Refused) as outcome:
            answer.set_exception(outcome)


class InOrder(LastFirst):
    """An executor whose calls take effect in the order of these positions, then the last one first."""

    def __init__(self, *positions: int) -> None:
        super().__init__()
        self._positions = list(positions)

    def wait(self, calls: Collection[Future[Any]]) -> None:
        if self._positions:
            self._begun.append(self._begun.pop(self._positions.pop(0)))
        super().wait(calls)


class World:
    """Some nodes with one NIC each in one subnet, and nothing assigned yet."""

    def __init__(self, policy: Policy, executor: Executor | None = None) -> None:
        self.ec2, self.cluster, self.calls = SmallEc2(), SmallCluster(), LastFirst()
        for number in range(NODES):
            address = f"10.0.0.{10 + number}"
            name = f"ip-10-0-0-{10 + number}.eu-west-1.compute.internal"
            nic = eni(0, eni_id=f"eni-{number}", primary_ipv4=address)
            own = {"instance_id": f"i-{number}", "private_dns_name": name, "private_ipv4": address}
            self.ec2.put(instance(nic, **own))
            its_node = node(name=name, uid=f"uid-{number}", provider_id="", internal_ips=(address,))
            self.cluster.nodes[name] = its_node
        systems = Systems(self.ec2, self.cluster, SmallScaling())
        self.control = SmallControl(Control(policy))
        self.reconciler = Reconciler(systems, self.control, SmallClock(), SmallReporter(), executor or self.calls)

    def run(self, nodes: int = NODES) -> dict[str, Outcome]:
        requests = [ReconcileRequest(f"i-{number}", f"event-{number}", "test") for number in range(nodes)]
        return dict(self.reconciler.reconcile(requests))

    def addresses(self) -> int:
        return sum(pool.spec.ips.count() for pool in self.cluster.pools.values())


def one_nic(**interface: Any) -> Policy:
    made = build.policy(nics=1)
    document = made.model_dump(mode="json", by_alias=True, exclude_unset=True)
    document["groups"][0]["interfaces"][0] |= interface
    return Policy.model_validate(document)


def test_the_assignments_of_all_nodes_are_under_way_at_once_and_all_nodes_are_done() -> None:
    world = World(one_nic())
    outcomes = world.run()
    assert world.calls.at_once[0] == NODES
    assert [*outcomes] == [f"i-{number}" for number in range(NODES)]
    assert {outcome.status for outcome in outcomes.values()} == {Status.DONE}
    assert world.ec2.calls.count("assign") == NODES
    assert world.addresses() == 5 * NODES


def test_no_launch_waits_for_the_release_of_another_node() -> None:
    world = World(one_nic())
    world.run(nodes=1)
    world.control.control = Control(one_nic(ipv4={"addresses": 3})).judged()
    world.calls.at_once.clear()
    world.ec2.calls.clear()
    world.run()
    assert world.calls.at_once[0] == NODES
    assert [call for call in world.ec2.calls if call.endswith("assign")] == ["assign"] * (NODES - 1) + ["unassign"]
    assert world.addresses() == 3 * NODES


def test_what_one_node_is_about_to_take_is_no_longer_there_for_the_others() -> None:
    # 200 addresses are free, so the reserve leaves twelve: for two nodes, and two addresses for a third.
    world = World(one_nic(subnets={"ids": ["subnet-0"], "reserve": 188}))
    world.run()
    assert world.addresses() == 12


def test_a_count_that_a_refusal_asks_for_leaves_the_others_what_is_under_way_to_them() -> None:
    # Twelve may go: five to the first node, five to the second, two to the third. That one is refused before EC2 has
    # the others' calls, though the count says that there is room (a CIDR reservation is counted as free). The fourth,
    # which saw no room and had other things to do, plans again before they are done.
    dual = one_nic(subnets={"ids": ["subnet-0"], "reserve": 188}, ipv6={"addresses": 2})
    world = World(dual, InOrder(2, 2))
    world.ec2.refuse["eni-2"] = Code.SUBNET_EXHAUSTED
    world.run()
    ipv4 = [pool.spec.ips.count() for pool in world.cluster.pools.values() if pool.family == 4]
    assert sorted(ipv4) == [2, 5, 5]


def test_what_a_node_was_refused_the_next_one_gets() -> None:
    world = World(one_nic(subnets={"ids": ["subnet-0"], "reserve": 195}), InTurn())
    world.ec2.refuse["eni-0"] = Code.FORBIDDEN
    outcomes = world.run()
    assert outcomes["i-0"].status is Status.REFUSED
    assert world.addresses() == 5
    assert outcomes["i-1"].writes > 0


def test_of_two_instances_with_one_name_only_the_first_to_write_gets_pools() -> None:
    world = World(one_nic().model_copy(update={"node_name": "tag:name"}))
    for number in range(NODES):
        known = world.ec2.known[f"i-{number}"]
        name = "same" if number < 2 else known.private_dns_name
        world.ec2.put(replace(known, tags={**known.tags, "name": name}))
        del world.cluster.nodes[known.private_dns_name]
    world.run()
    owners = {
        pool.identity.instance_id
        for pool in world.cluster.pools.values()
        if "same" in pool.spec.node_name and pool.identity is not None
    }
    assert len(owners) == 1


def test_when_the_api_server_does_not_answer_no_other_node_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    world, tried = World(one_nic()), []

    def away(_: SmallCluster, pool: Any) -> Any:
        tried.append(pool.name)
        raise Unavailable("the API server does not answer", 40)

    monkeypatch.setattr(SmallCluster, "apply_pool", away)
    outcomes = world.run()
    assert len(tried) == 1
    assert {(outcome.status, outcome.reason) for outcome in outcomes.values() if outcome.status is Status.FAILED}
    assert {outcome.status for outcome in outcomes.values()} == {Status.FAILED}
    assert all("does not answer" in outcome.reason for outcome in outcomes.values())


def test_a_pass_that_ends_the_function_leaves_no_call_of_another_to_be_made_when_lambda_thaws_the_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By then another worker may have the message, and both would assign."""
    world = World(one_nic())

    def broken(_: SmallCluster, pool: Any) -> Any:
        raise KeyError(pool.name)

    monkeypatch.setattr(SmallCluster, "apply_pool", broken)
    with pytest.raises(KeyError):
        world.run()
    assert world.calls.at_once == [NODES, 3, 2, 1]
    assert world.ec2.calls.count("assign") == NODES
