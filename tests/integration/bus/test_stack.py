"""The whole product on the local parts: the deployed handlers, patterns and adapters."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from spiderpool_aws.deployment import BATCH_SIZE
from spiderpool_aws.events import MalformedEvent
from spiderpool_aws.local.cluster import Fault
from spiderpool_aws.local.ec2 import Ec2Options
from spiderpool_aws.local.ec2.fixtures import Network, SubnetPlan, create_network, launch
from spiderpool_aws.local.functions import FunctionError
from spiderpool_aws.local.invariants import InvariantChecker
from spiderpool_aws.local.kubelet import Kubelets
from spiderpool_aws.local.stack import LocalStack

POLICY = """
version: 1
cluster: prod
groups:
  - name: workers
    match: {tags: {role: worker}}
    interfaces:
      - {deviceIndex: 0, host: ens5, multus: kube-system/ipvlan-ens5, ipv4: {addresses: 3}}
"""
TAGS = {"spiderpool-aws/cluster": "prod", "role": "worker"}


class World:
    """A stack with one subnet, where nodes join by themselves and the invariants are watched."""

    def __init__(self, stack: LocalStack) -> None:
        self.stack = stack
        self.bus = stack.bus
        self.bus.scheduled = False
        self.checker = InvariantChecker(stack.model, stack.cluster, stack.role_arns, stack.policy)
        Kubelets(stack.model, stack.cluster, stack.agent)
        self.network: Network = create_network(stack.model, {"a": SubnetPlan("10.0.1.0/24")}, ipv6=False)

    def launch(self, tags: dict[str, str] | None = None) -> str:
        nic = {"SubnetId": self.network.subnets["a"], "Groups": [self.network.group_id]}
        return launch(self.stack.model, [nic], tags=tags or TAGS)

    def eni_of(self, instance_id: str) -> str:
        enis = self.stack.model.enis.values()
        return next(eni.id for eni in enis if eni.attachment and eni.attachment.instance_id == instance_id)

    def pools(self) -> dict[str, str]:
        """Instance id -> the addresses of its pool, as its ranges say."""
        return {
            pool["metadata"]["labels"]["spiderpool-aws/instance"]: ",".join(pool["spec"]["ips"])
            for pool in self.stack.cluster.objects("spiderippools")
        }

    def calls(self) -> Counter[str]:
        """The product's EC2 calls since the last time that somebody asked."""
        mine = Counter(call.operation for call in self.stack.model.calls if call.caller in self.stack.role_arns)
        self.stack.model.calls.clear()
        return mine


@pytest.fixture
def world() -> Iterator[World]:
    with LocalStack(POLICY) as stack:
        world = World(stack)
        yield world
        world.checker.check()
        unexpected = [run.error for run in stack.failed_invocations if not isinstance(run.error, MalformedEvent)]
        assert unexpected == []


def test_an_instance_launches_gets_addresses_and_its_pool_appears(world: World) -> None:
    instance_id = world.launch()
    assert world.bus.settle()
    eni = world.stack.model.enis[world.eni_of(instance_id)]
    assert len(eni.secondary_ips) == 3
    assert list(world.pools()) == [instance_id]
    assert world.stack.lost_events.messages == []


def test_the_products_own_calls_come_back_as_records_that_no_rule_takes(world: World) -> None:
    world.launch()
    taken: list[tuple[str, list[str]]] = []
    world.bus.watch(lambda event, names: taken.append((event["detail"].get("eventName", ""), list(names))))
    assert world.bus.settle()
    world.bus.advance(120)
    assert ("AssignPrivateIpAddresses", []) in taken
    assert [names for name, names in taken if name == "AssignPrivateIpAddresses"] == [[]]


def test_somebody_elses_call_wakes_the_worker_and_a_converged_node_is_not_written(world: World) -> None:
    instance_id = world.launch()
    assert world.bus.settle()
    params = {"NetworkInterfaceId": world.eni_of(instance_id), "Description": {"Value": "a person was here"}}
    world.stack.model.call("ModifyNetworkInterfaceAttribute", params)
    world.calls()
    reconciles = len(world.stack.functions["reconcile_nodes"].invocations)
    world.checker.assert_idle(world.bus.settle)
    assert len(world.stack.functions["reconcile_nodes"].invocations) == reconciles + 1
    assert "AssignPrivateIpAddresses" not in world.calls()


def test_a_batch_is_one_look_at_instances_and_one_at_nics_also_when_one_is_gone(world: World) -> None:
    ids = [world.launch() for _ in range(BATCH_SIZE - 1)]
    assert world.bus.settle()
    world.calls()
    gone = "i-00000000000000000"
    assert world.bus.invoke_resync({"instanceIds": [*ids, gone]})["enqueued"] == BATCH_SIZE
    invocations = world.stack.functions["reconcile_nodes"].invocations
    invocations.clear()
    world.checker.assert_idle(world.bus.settle)
    first, *others = [[r["attributes"]["MessageGroupId"] for r in run.event["Records"]] for run in invocations]
    assert sorted(first) == sorted([*ids, gone])
    # What EC2 does not show may be too new: that one alone is looked for again, for a minute.
    assert others
    assert all(groups == [gone] for groups in others)
    assert world.calls() == {"DescribeInstances": 1 + len(others), "DescribeNetworkInterfaces": 1}


def test_one_manual_resync_of_three_instances_delivered_twice_is_three_reconciles(world: World) -> None:
    ids = [world.launch() for _ in range(3)]
    assert world.bus.settle()
    invocations = world.stack.functions["reconcile_nodes"].invocations
    invocations.clear()
    for _ in range(2):
        world.bus.invoke_resync({"instanceIds": ids}, "one-request")
    assert world.bus.settle()
    worked_on = [record["attributes"]["MessageGroupId"] for run in invocations for record in run.event["Records"]]
    assert sorted(worked_on) == sorted(ids)


def test_the_same_event_ten_times_and_out_of_order_does_no_harm(world: World) -> None:
    ids = [world.launch() for _ in range(2)]
    seen: list[dict[str, Any]] = []
    world.bus.watch(lambda event, names: seen.append(event) if names else None)
    assert world.bus.settle()
    before = world.pools()
    for event in reversed(seen[:]):
        world.bus.deliver(event, times=10)
    world.checker.assert_idle(world.bus.settle)
    assert world.pools() == before
    assert sorted(before) == sorted(ids)
    assert world.stack.lost_events.messages == []


def test_another_clusters_instance_and_one_that_is_gone_are_left_alone(world: World) -> None:
    stranger = world.launch({"spiderpool-aws/cluster": "other", "role": "worker"})
    untagged = world.launch({"role": "worker"})
    assert world.bus.settle()
    world.stack.model.call("TerminateInstances", {"InstanceIds": [untagged]})
    assert world.bus.settle()
    assert world.pools() == {}
    assert world.stack.model.enis[world.eni_of(stranger)].secondary_ips == []
    assert world.stack.dead_requests.messages == []


def test_a_terminated_instances_pools_go(world: World) -> None:
    instance_id = world.launch()
    assert world.bus.settle()
    world.stack.model.call("TerminateInstances", {"InstanceIds": [instance_id]})
    assert world.bus.settle()
    assert world.pools() == {}


def test_a_malformed_event_is_kept_in_the_queue_of_lost_events_with_its_reason(world: World) -> None:
    event = {
        "id": "malformed",
        "source": "aws.ec2",
        "detail-type": "EC2 Instance State-change Notification",
        "detail": {"state": "running", "instance-id": "web-1"},
    }
    assert world.bus.put(event) == ["instance-state"]
    assert world.bus.settle()
    (kept,) = world.stack.lost_events.messages
    assert json.loads(kept.body) == event
    assert "'web-1' is not an instance id" in kept.attributes["reason"]["StringValue"]


def test_a_poison_body_is_kept_in_the_fifo_dead_letter_queue_and_the_others_are_done(world: World) -> None:
    instance_id = world.launch()
    world.stack.requests.send("not json", group="i-00000001", deduplication_id="poison")
    assert world.bus.settle()
    (kept,) = world.stack.dead_requests.messages
    assert kept.body == "not json"
    assert "not JSON" in kept.attributes["reason"]["StringValue"]
    assert list(world.pools()) == [instance_id]


def test_a_new_policy_reaches_the_nodes_without_a_deploy(world: World) -> None:
    instance_id = world.launch()
    assert world.bus.settle()
    world.stack.put_policy(POLICY.replace("addresses: 3", "addresses: 5"))
    assert world.bus.settle()
    assert len(world.stack.model.enis[world.eni_of(instance_id)].secondary_ips) == 5


def test_a_dry_run_shows_the_plan_and_changes_nothing(world: World) -> None:
    instance_id = world.launch()
    assert world.bus.settle()
    world.stack.put_policy(POLICY.replace("addresses: 3", "addresses: 4"))
    world.stack.clock.advance(0)
    calls = len(world.stack.sqs.calls)
    answer = world.bus.invoke_resync({"dryRun": True})
    assert [page["instance"] for page in answer["plans"]] == [instance_id]
    assert "assign 1 IPv4 address" in answer["plans"][0]["plan"]
    assert len(world.stack.sqs.calls) == calls


def test_a_wrong_manual_resync_tells_the_person_what_would_be_right(world: World) -> None:
    with pytest.raises(FunctionError, match="instanceIDs is not known; what may be given: instanceIds"):
        world.bus.invoke_resync({"instanceIDs": ["i-1"]})


def test_what_no_event_told_the_schedule_finds() -> None:
    with LocalStack(POLICY, options=Ec2Options(cloudtrail_delay_seconds=1e6)) as stack:
        world = World(stack)
        instance_id = world.launch()
        assert world.bus.settle()
        eni = stack.model.enis[world.eni_of(instance_id)]
        params = {"NetworkInterfaceId": eni.id, "PrivateIpAddresses": eni.secondary_ips[:1]}
        stack.model.call("UnassignPrivateIpAddresses", params)
        assert world.bus.settle()
        assert len(eni.secondary_ips) == 2
        world.bus.scheduled = True
        world.bus.advance(600)
        assert len(eni.secondary_ips) == 3
        world.checker.check()


def test_a_wrong_token_keeps_every_message_and_says_what_to_do(world: World) -> None:
    world.stack.cluster.tokens.clear()
    world.launch()
    assert not world.bus.settle(600)
    assert len(world.stack.requests.messages) == 1
    assert world.bus.settle(1800)
    (kept,) = world.stack.dead_requests.messages
    assert "401" in kept.attributes["reason"]["StringValue"]


def test_an_api_server_that_comes_back_within_twenty_minutes_costs_time_and_nothing_else(world: World) -> None:
    with world.stack.cluster.failing(Fault.unavailable()):
        instance_id = world.launch()
        world.bus.advance(600)
        assert world.pools() == {}
    assert world.bus.settle()
    assert list(world.pools()) == [instance_id]
    assert world.stack.dead_requests.messages == []
