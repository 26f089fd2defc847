"""What a dead instance leaves: what is read before it is removed, and who gets it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from spiderpool_aws.domain.cluster.node import PodRef
from spiderpool_aws.domain.control import Control
from spiderpool_aws.domain.fuse import Fuse, FuseState
from spiderpool_aws.domain.instance import InstanceState, InstanceTypeLimits
from spiderpool_aws.domain.request import Status
from tests.unit import build
from tests.unit.build import eni, instance, node, v4
from tests.unit.test_reconciler import DUAL, World

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


@pytest.mark.parametrize(
    ("state", "codes"), [(InstanceState.TERMINATED, []), (InstanceState.SHUTTING_DOWN, ["NodeClaimed"])]
)
def test_a_node_is_claimed_by_the_instance_of_its_provider_id_until_that_is_terminated(
    state: InstanceState, codes: list[str]
) -> None:
    world = World(build.policy(nics=1))
    world.one()
    world.ec2.put(instance(instance_id="i-2", private_ipv4="", private_dns_name="", state=state))
    world.ec2.put(DEAD)
    now = world.clock.now()
    world.cluster.nodes[node().name] = node(provider_id="aws:///eu-west-1a/i-2", created=now)
    young = PodRef("default", "young", "young", now)
    world.cluster.pods[node().name] = [young]
    assert [finding.code for finding in world.one().findings] == codes
    assert world.cluster.pods[node().name] == [young]


def test_the_pods_of_an_heir_that_shuts_down_stay_until_it_is_terminated() -> None:
    world = World(build.policy(nics=1))
    world.one()
    world.ec2.put(DEAD)
    launched = world.clock.now() - timedelta(minutes=9)
    heir = instance(eni(0, eni_id="eni-heir"), instance_id="i-2", launch_time=launched)
    world.ec2.put(replace(heir, state=InstanceState.SHUTTING_DOWN))
    young = PodRef("default", "young", "young", world.clock.now())
    world.cluster.pods[node().name] = [young]
    world.one()
    assert (world.cluster.pods[node().name], world.cluster.nodes[node().name].gone_instance) == ([young], "i-1")
    world.ec2.put(replace(heir, state=InstanceState.TERMINATED))
    world.one()
    assert (world.cluster.pods[node().name], world.cluster.nodes) == ([], {})


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


def test_a_hand_over_waits_for_the_dead_nodes_pool_and_then_lists_its_addresses() -> None:
    world = World(build.policy(nics=1))
    world.one()
    (old,) = world.cluster.pools.values()
    world.ec2.put(instance(state=InstanceState.TERMINATED, enis=(), private_ipv4=""))
    world.cluster.pools[old.name] = replace(old, allocated=v4("10.0.0.20"))
    heir = instance(eni(0, eni_id="eni-heir-heir", ipv4=old.spec.ips), instance_id="i-2", private_ipv4="10.0.0.30")
    world.ec2.put(heir)
    world.cluster.nodes["heir"] = node(name="heir", uid="u2", provider_id="aws:///eu-west-1a/i-2")
    assert world.run("i-1")["i-1"].status is Status.DONE
    waiting = world.run("i-2")["i-2"]
    assert waiting.status is Status.WAITING
    assert f"pool {old.name} still lists it" in waiting.reason
    del world.cluster.pools[old.name]
    assert world.run("i-2")["i-2"].status is Status.DONE
    assert [pool.spec.ips for pool in world.cluster.pools.values()] == [old.spec.ips]


def test_of_two_live_instances_with_the_dead_ones_name_the_older_decides_whose_pods_are_kept() -> None:
    world = World(build.policy(nics=1))
    world.one()
    world.ec2.put(instance(state=InstanceState.TERMINATED, enis=(), private_ipv4="", private_dns_name=""))
    for number, minutes in ((2, 30), (3, 10)):
        launched = world.clock.now() - timedelta(minutes=minutes)
        nic = eni(0, eni_id=f"eni-heir-{number}")
        world.ec2.put(instance(nic, instance_id=f"i-{number}", launch_time=launched))
    old, young = (
        PodRef("default", name, name, world.clock.now() - timedelta(minutes=age))
        for name, age in (("old", 40), ("young", 20))
    )
    world.cluster.pods[node().name] = [old, young]
    world.one()
    assert world.cluster.pods[node().name] == [young]
    assert node().name in world.cluster.nodes


def test_many_dead_instances_of_a_batch_ask_ec2_once_who_took_their_names() -> None:
    world = World(build.policy(nics=1))
    world.one()
    world.ec2.calls.clear()
    world.ec2.put(instance(state=InstanceState.TERMINATED, enis=(), private_ipv4="", private_dns_name=""))
    world.run("i-1", "i-2", "i-3")
    assert world.ec2.calls == ["observe", "namesakes"]


def test_a_tripped_fuse_keeps_the_pools_of_an_absent_instance() -> None:
    world = World()
    world.one()
    world.control.control = Control(DUAL, Fuse(FuseState.TRIPPED, reason="too much"))
    del world.ec2.known["i-1"]
    world.one()
    assert len(world.cluster.pools) == 4
