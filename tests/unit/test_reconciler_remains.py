"""What is read before something of a dead instance is removed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from spiderpool_aws.domain.cluster.node import PodRef
from spiderpool_aws.domain.instance import InstanceState, InstanceTypeLimits
from tests.unit import build
from tests.unit.build import instance, node
from tests.unit.test_reconciler import World

DEAD = instance(state=InstanceState.TERMINATED, enis=(), private_ipv4="", private_dns_name="")


def test_the_live_instance_of_a_nodes_provider_id_keeps_its_pods_though_neither_name_nor_address_is_the_nodes() -> None:
    world = World(build.policy(nics=1))
    world.one()
    now = world.clock.now()
    heir = instance(
        instance_id="i-2", private_ipv4="10.0.0.7", private_dns_name="other", launch_time=now - timedelta(minutes=9)
    )
    world.ec2.put(heir)
    world.ec2.put(DEAD)
    world.cluster.nodes[node().name] = node(
        uid="u2", provider_id="aws:///eu-west-1a/i-2", internal_ips=("10.0.1.7",), created=now
    )
    old, early = (
        PodRef("default", name, name, now - timedelta(minutes=age)) for name, age in (("old", 20), ("early", 5))
    )
    world.cluster.pods[node().name] = [old, early]
    outcome = world.one()
    assert world.cluster.pods[node().name] == [early]
    assert node().name in world.cluster.nodes
    assert [finding.code for finding in outcome.findings] == ["NodeClaimed"]


def test_for_terminated_instances_no_type_and_no_subnet_is_read() -> None:
    world = World(build.policy(nics=1))
    world.one()
    world.ec2.put(instance(state=InstanceState.TERMINATED, private_ipv4=""))
    asked: list[str] = []

    def type_limits(instance_types: Sequence[str]) -> Mapping[str, InstanceTypeLimits]:
        asked.extend(instance_types)
        return {}

    world.ec2.type_limits = type_limits  # type: ignore[method-assign]
    assert world.one().writes
    assert (world.cluster.pools, asked) == ({}, [])


def test_a_node_whose_provider_id_names_a_dying_instance_is_claimed_by_nobody() -> None:
    world = World(build.policy(nics=1))
    world.one()
    world.ec2.put(instance(instance_id="i-2", private_ipv4="", private_dns_name="", state=InstanceState.SHUTTING_DOWN))
    world.ec2.put(DEAD)
    now = world.clock.now()
    world.cluster.nodes[node().name] = node(provider_id="aws:///eu-west-1a/i-2", created=now)
    young = PodRef("default", "young", "young", now)
    world.cluster.pods[node().name] = [young]
    assert world.one().findings == ()
    assert world.cluster.pods[node().name] == [young]


def test_pods_of_a_live_node_stay_though_somebody_wrote_its_name_into_the_dead_ones_pool() -> None:
    world = World(build.policy(nics=1))
    world.one()
    (pool,) = world.cluster.pools.values()
    world.cluster.pools[pool.name] = replace(pool, spec=replace(pool.spec, node_name=(node().name, "worker-b")))
    world.cluster.nodes["worker-b"] = node(name="worker-b", uid="uid-b", provider_id="aws:///eu-west-1a/i-2")
    mine, theirs = (PodRef("default", name, name, world.clock.now()) for name in ("mine", "theirs"))
    world.cluster.pods = {node().name: [mine], "worker-b": [theirs]}
    world.ec2.put(DEAD)
    world.one()
    assert world.cluster.pods == {node().name: [], "worker-b": [theirs]}
    assert list(world.cluster.nodes) == ["worker-b"]


def test_a_dead_instance_takes_every_node_whose_provider_id_names_it_with_their_pods() -> None:
    world = World(build.policy(nics=1))
    world.one()
    world.cluster.nodes["renamed"] = node(name="renamed", uid="uid-2")
    pods = {name: [PodRef("default", f"on-{name}", name, world.clock.now())] for name in (node().name, "renamed")}
    world.cluster.pods = pods
    world.ec2.put(DEAD)
    outcome = world.one()
    assert (world.cluster.nodes, [*pods.values()], outcome.writes) == ({}, [[], []], 5)


def test_the_node_of_an_absent_instance_is_not_listed_until_its_absence_is_proved() -> None:
    world = World(build.policy(nics=1))
    world.one()
    del world.ec2.known["i-1"]
    world.cluster.reads.clear()
    world.one()
    assert world.cluster.reads == ["list pools", f"get node {node().name}"]
