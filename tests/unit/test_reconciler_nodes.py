"""What a pass tells on the Node, and the Node of an instance that died before it had a pool."""

from dataclasses import replace

import pytest

from spiderpool_aws.domain.cluster.node import PodRef
from spiderpool_aws.domain.control import Control
from spiderpool_aws.domain.errors import Code, Refused
from spiderpool_aws.domain.instance import InstanceState
from spiderpool_aws.domain.request import Hint, ReconcileRequest, Status
from tests.unit import build
from tests.unit.build import eni, instance, node
from tests.unit.test_reconciler import DUAL, World


def test_a_launch_is_told_once_and_a_converged_node_tells_nothing() -> None:
    world = World()
    world.one()
    assert [event.reason for event in world.cluster.events] == ["PoolsReady"]
    assert all(name in world.cluster.events[0].message for name in world.cluster.pools)
    for _ in range(3):
        world.one()
    assert len(world.cluster.events) == 1


@pytest.mark.parametrize("strategy", ["tag:Name", "discover"])
def test_no_node_is_asked_for_by_a_name_that_none_can_have(strategy: str) -> None:
    world = World(build.policy(nics=1, nodeName=strategy))
    tags = {"spiderpool-aws/cluster": "prod", "Name": "team/worker-7"}
    world.ec2.put(instance(eni(0, eni_id="eni-odd"), instance_id="i-2", tags=tags, private_dns_name="a%b"))
    world.run("i-2")
    assert not any(read.startswith("get node") for read in world.cluster.reads)


def test_a_full_subnet_and_when_it_is_tried_again_are_told_once_however_often_it_is_tried() -> None:
    world = World()
    world.ec2.refuse[eni(1).eni_id] = Code.SUBNET_EXHAUSTED
    for _ in range(20):
        world.one()
        world.clock.advance(60)
    assert [event.reason for event in world.cluster.events] == ["SubnetExhausted"] * 4, "for each family"


def test_observe_mode_tells_nothing_on_the_node() -> None:
    world = World(DUAL.model_copy(update={"mode": "observe"}))
    world.cluster.nodes[node().name] = node(provider_id="aws:///eu-west-1a/i-9")
    world.ec2.put(instance(instance_id="i-9", state=InstanceState.TERMINATED, enis=()))
    world.one()
    assert world.cluster.events == []
    world.control.control = Control(DUAL)
    world.one()
    assert [event.reason for event in world.cluster.events] == ["StartupTaintRestored", "NodeMismatch"]


def test_an_event_that_cannot_be_posted_keeps_nothing_from_being_done() -> None:
    world = World()
    world.cluster.no_events = Refused("create events is not permitted", Code.FORBIDDEN)
    assert world.one().status is Status.DONE
    assert world.reporter.metrics["EventsNotPosted"] == 1


def dead_before_its_first_pool(**changes: object) -> World:
    world = World(build.policy(nics=1))
    dead = instance(state=InstanceState.TERMINATED, enis=(), private_ipv4="", private_dns_name="")
    world.ec2.put(replace(dead, **changes))  # type: ignore[arg-type]
    world.cluster.nodes[node().name] = node(taints=("spiderpool-aws/not-ready",))
    world.cluster.pods[node().name] = [PodRef("default", "web", "uid-web", world.clock.now())]
    return world


def test_an_instance_that_died_before_its_first_pool_takes_the_node_that_names_it() -> None:
    world = dead_before_its_first_pool()
    assert world.one().writes == 2
    assert (world.cluster.nodes, world.cluster.pods[node().name]) == ({}, [])
    world.cluster.reads.clear()
    assert world.one().writes == 0
    assert world.cluster.reads == ["list pools", "list nodes"]


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {"spiderpool-aws/cluster": "staging"},
        {"spiderpool-aws/cluster": "prod", "spiderpool-aws/managed": "false"},
        {"spiderpool-aws/cluster": "prod", "role": "database"},
    ],
)
def test_the_node_of_a_dead_instance_that_is_not_ours_is_not_even_looked_for(tags: dict[str, str]) -> None:
    world = dead_before_its_first_pool(tags=tags)
    if "role" in tags:
        world.control.control = Control(build.policy(nics=1, match={"tags": {"role": "worker"}}))
    assert world.one().writes == 0
    assert "list nodes" not in world.cluster.reads


def test_the_policy_may_keep_the_node_and_pods_of_an_early_dead() -> None:
    world = dead_before_its_first_pool()
    world.control.control = Control(build.policy(nics=1, nodes={"deleteTerminated": False}))
    assert world.one().writes == 0
    assert "list nodes" not in world.cluster.reads
    assert len(world.cluster.pods[node().name]) == 1


def test_the_node_of_an_early_dead_stays_when_a_live_instance_has_taken_its_name() -> None:
    world = dead_before_its_first_pool()
    world.ec2.put(instance(eni(0, eni_id="eni-heir"), instance_id="i-2"))
    world.one()
    assert node().name in world.cluster.nodes


def test_many_early_dead_of_a_batch_list_the_nodes_once() -> None:
    world = dead_before_its_first_pool()
    for number in (2, 3):
        world.ec2.put(instance(instance_id=f"i-{number}", state=InstanceState.TERMINATED, enis=()))
    world.run("i-1", "i-2", "i-3")
    assert world.cluster.reads.count("list nodes") == 1


def test_of_two_instances_with_one_name_in_a_batch_only_the_first_gets_pools() -> None:
    world = World(build.policy(nics=1, nodeName="tag:Name"))
    tags = {"spiderpool-aws/cluster": "prod", "Name": "worker-7"}
    for number in (1, 2):
        nic = eni(0, eni_id=f"eni-{number:08d}", attachment_id=f"eni-attach-{number}")
        world.ec2.put(instance(nic, instance_id=f"i-{number}", tags=tags, private_ipv4=f"10.0.0.{number}"))
    outcomes = world.run("i-1", "i-2")
    assert [finding.code for finding in outcomes["i-2"].findings] == ["NodeNameTaken"]
    assert [p.identity.instance_id for p in world.cluster.pools.values() if p.identity] == ["i-1"]
    outcome = world.run("i-2")["i-2"]
    assert [finding.code for finding in outcome.findings] == ["NodeNameTaken"]


def test_a_node_that_two_instances_are_named_for_is_told_nothing_of_the_other() -> None:
    world = World(build.policy(nics=1, nodeName="tag:Name"))
    tags = {"spiderpool-aws/cluster": "prod", "Name": "worker-7"}
    for number in (1, 2):
        nic = eni(0, eni_id=f"eni-{number:08d}", attachment_id=f"eni-attach-{number}")
        world.ec2.put(instance(nic, instance_id=f"i-{number}", tags=tags, private_ipv4=f"10.0.0.{number}"))
    world.cluster.nodes = {"worker-7": node(name="worker-7")}
    world.ec2.refuse["eni-00000002"] = Code.FORBIDDEN
    outcome = world.run("i-2")["i-2"]
    assert {finding.code for finding in outcome.findings} == {"Forbidden", "NodeMismatch"}
    assert world.cluster.events == []


def test_a_node_that_nobody_proves_his_own_is_told_that_and_nothing_else() -> None:
    world = World(build.policy(nics=1))
    world.cluster.nodes[node().name] = node(provider_id="aws:///eu-west-1a/i-9")
    world.ec2.refuse[eni(0).eni_id] = Code.FORBIDDEN
    world.one()
    assert [event.reason for event in world.cluster.events] == ["NodeMismatch"]


@pytest.mark.parametrize("strategy", ["discover", "tag:Name"])
def test_of_several_nodes_that_nothing_proves_the_first_name_decides(strategy: str) -> None:
    world = World(build.policy(nics=1))
    world.one()
    world.control.control = Control(build.policy(nics=1, nodeName=strategy))
    (pool,) = world.cluster.pools.values()
    world.cluster.pools[pool.name] = replace(pool, spec=replace(pool.spec, node_name=("first",)))
    tags = {"spiderpool-aws/cluster": "prod", "Name": "tagged"}
    world.ec2.put(replace(world.ec2.known["i-1"], tags=tags))
    theirs = {"provider_id": "aws:///eu-west-1a/i-9", "internal_ips": ()}
    names = ("first", node().name, "tagged")
    world.cluster.nodes = {name: node(name=name, uid=f"uid-{name}", **theirs) for name in names}
    outcome = world.one()
    assert f"Node {'first' if strategy == 'discover' else 'tagged'} is not proved" in outcome.reason


def test_a_second_node_that_a_listing_found_is_looked_for_by_the_worker_too() -> None:
    world = World(build.policy(nics=1))
    world.one()
    newest = node(name="renamed", uid="uid-2", created=world.clock.now())
    world.cluster.nodes["renamed"] = newest
    assert world.one().writes == 0
    request = ReconcileRequest("i-1", "event-1", "resync", frozenset({Hint.NODES}))
    outcome = world.reconciler.reconcile([request])["i-1"]
    assert [finding.code for finding in outcome.findings] == ["NodeDoubled"]
    (pool,) = world.cluster.pools.values()
    assert (pool.spec.node_name, pool.memory.node_uid) == (("renamed",), "uid-2")
    assert world.one().writes == 0
