"""`spiderpool-aws status`: its figures are EC2's, the pools' and the queues' own."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from spiderpool_aws.adapters.deployed import QueueDepth
from spiderpool_aws.cli import status
from spiderpool_aws.cli.demo_world import DemoDeployment, assign_by_hand
from spiderpool_aws.cli.errors import Mistake
from spiderpool_aws.cli.world import World
from spiderpool_aws.domain.errors import Refused, RetryLater
from spiderpool_aws.local.demo import POLICY
from spiderpool_aws.local.stack import LocalStack
from tests.integration.cli.conftest import Run

On = Callable[[LocalStack], Run]


def test_addresses_are_counted_as_ec2_and_the_pools_have_them(stack: LocalStack, on: On) -> None:
    status = on(stack)("status", "-o", "json").document
    pools = stack.cluster.objects("spiderippools")
    used = sum(pool["status"]["allocatedIPCount"] for pool in pools)
    assert used > 0
    assert status["pools"]["used"] == used
    assert status["pools"]["addresses"] == sum(pool["status"]["totalIPCount"] for pool in pools)
    assert status["pools"]["pools"] == len(pools) == 24
    for node in status["nodes"]:
        assert [nic["host"] for nic in node["nics"]] == ["ens5", "ens6"]
        for nic in node["nics"]:
            eni = stack.model.enis[nic["eni"]]
            ipv4, ipv6 = nic["ipv4"], nic["ipv6"]
            assert ipv4["assigned"] == len(eni.secondary_ips) == ipv4["used"] + ipv4["free"] == ipv4["listed"]
            assert (ipv4["slots"], ipv4["limit"]) == (len(eni.secondary_ips) + 1, 10)
            assert (ipv6["prefixes"], ipv6["listed"], ipv6["slots"]) == (1, 16, 2)
    free = {one["subnet"]: one["free"] for one in status["subnets"]}
    described = stack.model.call("DescribeSubnets", {})["Subnets"]
    assert free == {one["SubnetId"]: one["AvailableIpAddressCount"] for one in described}


def test_drift_is_told_of_the_node_that_drifts(stack: LocalStack, on: On) -> None:
    assert on(stack)("status", "-o", "json").document["drift"] == {
        "instances": 6, "converged": 6, "drifting": 0, "waiting": 0, "findings": 0,
    }  # fmt: skip
    eni = stack.model.enis[assign_by_hand(stack)]
    assert eni.attachment is not None
    status = on(stack)("status", "-o", "json").document
    assert [node["instance"] for node in status["nodes"] if node["is"] == "drifts"] == [eni.attachment.instance_id]
    assert (status["drift"]["converged"], status["drift"]["drifting"]) == (5, 1)


def test_an_instance_that_is_over_and_left_nothing_is_none_of_the_nodes(stack: LocalStack, on: On) -> None:
    victim, *_ = stack.model.instances
    stack.model.call("TerminateInstances", {"InstanceIds": [victim]})
    before = on(stack)("status", "-o", "json").document
    assert victim in {node["instance"] for node in before["nodes"]}
    stack.bus.advance(900)
    stack.bus.settle()
    assert victim in stack.model.instances
    after = on(stack)("status", "-o", "json").document
    assert victim not in {node["instance"] for node in after["nodes"]}
    assert after["drift"]["instances"] == len(after["nodes"]) == 6  # the successor is there


def test_the_tables_fit_a_terminal_of_80_columns_and_name_every_node(stack: LocalStack, on: On) -> None:
    ran = on(stack)("status")
    assert ran.code == 0
    for instance in stack.model.instances.values():
        assert instance.id in ran.out
        assert instance.private_dns_name.partition(".")[0] in ran.out
    assert "6 instances: 6 converged, 0 drift, 0 wait, 0 findings" in ran.out
    assert "…" not in ran.out


def test_queues_and_dead_letters_are_told(stack: LocalStack, on: On, monkeypatch: pytest.MonkeyPatch) -> None:
    queues = [
        QueueDepth("requests", 4),
        QueueDepth("dead-requests", 2, dead=True),
        QueueDepth("lost-events", None, dead=True),
    ]
    monkeypatch.setattr(DemoDeployment, "queues", lambda _self: queues)
    document = on(stack)("status", "-o", "json").document
    assert document["queues"] == {"requests": 4, "dead-requests": 2, "lost-events": None}
    assert document["deadLetters"] == 2
    out = on(stack)("status").out
    assert "Queues: requests 4, dead-requests 2, lost-events unknown" in out
    assert "! 2 dead letters wait for a person" in out


def test_watching_looks_again_until_the_person_has_seen_enough(
    stack: LocalStack, on: On, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    def pause(_self: DemoDeployment, seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            raise KeyboardInterrupt
        assign_by_hand(stack)

    monkeypatch.setattr(DemoDeployment, "pause", pause)
    ran = on(stack)("status", "--watch", "--every", "3", "-o", "json")
    assert ran.code == 0
    assert pauses == [3, 3]
    assert [json.loads(line)["drift"]["drifting"] for line in ran.out.splitlines()] == [0, 1]
    pauses[:] = [0]
    assert on(stack)("status", "--watch").code == 0


def test_watching_goes_on_where_one_look_gets_no_answer(
    stack: LocalStack, on: On, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = iter([1, RetryLater("EC2 is throttled"), Refused("no"), Mistake("no policy"), 2, KeyboardInterrupt()])

    def look(_world: World) -> dict[str, Any]:
        what = next(found)
        if isinstance(what, BaseException):
            raise what
        return {"look": what}

    def pause(_self: DemoDeployment, _seconds: float) -> None:
        return None

    monkeypatch.setattr(status, "look", look)
    monkeypatch.setattr(DemoDeployment, "pause", pause)
    ran = on(stack)("status", "--watch", "-o", "json")
    lines = [json.loads(line) for line in ran.out.splitlines()]
    assert ran.code == 0
    assert [line.get("problem") for line in lines] == [None, "EC2 is throttled", "no", "no policy", None]
    assert lines[-1]["look"] == 2


def test_a_warning_that_is_true_no_more_is_not_shown_at_the_next_look(
    stack: LocalStack, on: On, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    def pause(_self: DemoDeployment, seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            raise KeyboardInterrupt
        stack.put_policy(POLICY)

    monkeypatch.setattr(DemoDeployment, "pause", pause)
    stack.put_policy("nonsense")
    ran = on(stack)("status", "--watch", "-o", "json")
    before, after = (json.loads(line)["warnings"] for line in ran.out.splitlines())
    assert any("the newest policy is not in force" in warning for warning in before)
    assert after == []


def test_a_status_writes_nothing(stack: LocalStack, on: On) -> None:
    stack.model.calls.clear()
    stack.cluster.requests.clear()
    on(stack)("status")
    assert all(call.operation.startswith("Describe") for call in stack.model.calls)
    assert {verb for verb, _, _ in stack.cluster.requests} <= {"get", "list"}
