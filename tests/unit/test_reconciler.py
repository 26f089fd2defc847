"""Observe, plan, apply, on the smallest world that behaves."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiderpool_aws.domain.control import Control
from spiderpool_aws.domain.errors import Code, RetryLater
from spiderpool_aws.domain.policy.model import Policy
from spiderpool_aws.domain.request import Outcome, ReconcileRequest, Status
from spiderpool_aws.ports import Assigned, Systems
from spiderpool_aws.reconciler import Reconciler
from tests.unit import build
from tests.unit.build import eni, instance, node, v4
from tests.unit.world import SmallClock, SmallCluster, SmallControl, SmallEc2, SmallReporter, SmallScaling

DUAL = build.policy(ipv6={"addresses": 3})


class World:
    """A reconciler between an EC2 with one two-NIC instance and a cluster with its Node."""

    def __init__(self, policy: Policy = DUAL) -> None:
        self.ec2, self.cluster, self.clock = SmallEc2(), SmallCluster(), SmallClock()
        self.scaling = SmallScaling()
        self.control, self.reporter = SmallControl(Control(policy).judged()), SmallReporter()
        self.ec2.put(instance())
        self.cluster.nodes[node().name] = node(provider_id="", taints=("spiderpool-aws/not-ready",))
        self.reconciler = Reconciler(
            Systems(self.ec2, self.cluster, self.scaling), self.control, self.clock, self.reporter
        )

    def run(self, *subjects: str) -> Mapping[str, Outcome]:
        return self.reconciler.reconcile([ReconcileRequest(s, "event-1", "test") for s in subjects or ("i-1",)])

    def one(self) -> Outcome:
        return self.run()["i-1"]


def test_a_launch_assigns_each_family_of_each_nic_once_and_writes_each_pool_once() -> None:
    world = World()
    assert world.one().status is Status.DONE
    assert world.ec2.calls.count("assign") == 4
    applies = [write for write in world.cluster.writes if write.startswith("apply")]
    assert len(applies) == len(set(applies)) == 4
    assert world.cluster.writes[-1] == f"prepare {node().name}"
    assert world.cluster.nodes[node().name] == node(provider_id="aws:///eu-west-1a/i-1", taints=())


def test_a_second_reconcile_of_a_converged_node_writes_nothing() -> None:
    world = World()
    world.one()
    world.cluster.writes.clear()
    world.ec2.calls.clear()
    outcome = world.one()
    assert (outcome.status, outcome.writes) == (Status.DONE, 0)
    assert world.cluster.writes == []
    assert world.ec2.calls == ["observe"]


def test_a_batch_reads_ec2_and_the_pools_once() -> None:
    world = World()
    world.run(*(f"i-{number}" for number in range(10)))
    assert world.ec2.calls.count("observe") == 1
    assert world.cluster.reads.count("list pools") == 1


def test_the_networks_are_ensured_once_for_a_whole_batch() -> None:
    world = World(build.policy(nics=1))
    world.cluster.multus.clear()
    world.ec2.put(instance(eni(0, eni_id="eni-second-2"), instance_id="i-2", private_ipv4="10.0.0.11"))
    world.run("i-unknown", "i-1", "i-2")
    assert [write for write in world.cluster.writes if "multus" in write] == [
        "apply multus kube-system/ipvlan-ens5 prod"
    ]


def test_an_instance_that_is_gone_does_not_keep_the_others_from_being_done() -> None:
    world = World()
    outcomes = world.run("i-unknown", "i-1")
    assert outcomes["i-1"].writes > 0
    unknown = outcomes["i-unknown"]
    assert (unknown.status, unknown.patience_seconds, unknown.writes) == (Status.WAITING, 60, 0)


def test_a_node_that_has_not_joined_is_waited_for_with_its_addresses_assigned() -> None:
    world = World()
    world.cluster.nodes.clear()
    outcome = world.one()
    # No pool remembers what was assigned, so the next look waits until no describe is too old to show it.
    assert (outcome.status, outcome.delay_seconds) == (Status.WAITING, 30)
    assert (world.one().delay_seconds, world.one().status) == (None, Status.WAITING)
    assert world.ec2.calls.count("assign") == 4
    assert not any(write.startswith("apply ip-") for write in world.cluster.writes)


@pytest.mark.parametrize(
    ("code", "status"), [(Code.FORBIDDEN, Status.REFUSED), (Code.SUBNET_EXHAUSTED, Status.WAITING)]
)
def test_a_refused_assignment_ends_planning_and_the_rest_is_done(code: Code, status: Status) -> None:
    world = World()
    world.ec2.refuse[eni(1).eni_id] = code
    outcome = world.one()
    assert outcome.status is status
    assert {finding.code for finding in outcome.findings} == {code}
    assert sum(write.startswith("apply ip-") for write in world.cluster.writes) == 2
    assert not any(write.startswith("prepare") for write in world.cluster.writes)


def test_an_assignment_that_fails_keeps_the_other_nic_from_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    world, assign = World(), world_assign()
    monkeypatch.setattr(SmallEc2, "assign", assign)
    outcome = world.one()
    assert (outcome.status, outcome.delay_seconds) == (Status.FAILED, 30)
    assert "throttled" in outcome.reason
    applied = {write for write in world.cluster.writes if write.startswith("apply ip-")}
    assert len(applied) == 2
    assert all("ens6" in write for write in applied)


def world_assign() -> Callable[..., Assigned]:
    """Return an assignment that fails on NIC 0 and works on the others."""
    real = SmallEc2.assign

    def assign(ec2: SmallEc2, eni_id: str, *rest: Any, **options: Any) -> Assigned:
        if eni_id == eni(0).eni_id:
            raise RetryLater("throttled", 30)
        return real(ec2, eni_id, *rest, **options)

    return assign


def test_observe_mode_plans_and_writes_nothing() -> None:
    world = World(DUAL.model_copy(update={"mode": "observe"}))
    outcome = world.one()
    assert outcome.plans[0].actions
    assert (world.cluster.writes, world.ec2.calls) == ([], ["observe"])


def test_paused_reads_nothing() -> None:
    world = World(DUAL.model_copy(update={"mode": "paused"}))
    assert world.one().status is Status.DONE
    assert (world.cluster.reads, world.ec2.calls) == ([], [])


def test_no_valid_policy_fails_and_changes_nothing() -> None:
    world = World()
    world.control.control = Control(None, problem="version: Input should be 1")
    assert world.one().status is Status.FAILED
    assert world.ec2.calls == []
    assert world.reporter.metrics["PolicyInvalid"] == 1


def test_an_older_policy_in_force_is_reported_and_used() -> None:
    world = World()
    world.control.control = Control(DUAL, problem="mode: not 'off'")
    assert world.one().status is Status.DONE
    assert world.reporter.metrics["PolicyInvalid"] == 1


def test_what_cannot_be_read_is_left_to_a_retry_before_anything_is_done() -> None:
    world = World()
    world.cluster.unavailable = True
    with pytest.raises(RetryLater, match="cannot be reached"):
        world.one()
    assert world.ec2.calls == []


def test_pools_of_another_cluster_name_stop_everything() -> None:
    world = World()
    world.one()
    world.cluster.writes.clear()
    world.control.control = Control(DUAL.model_copy(update={"cluster": "prdo"}))
    outcome = world.one()
    assert [finding.code for finding in outcome.findings] == ["ClusterMismatch"]
    assert world.cluster.writes == []


@pytest.mark.parametrize("subject", [eni(0).eni_id, eni(0).attachment_id])
def test_an_id_that_is_no_instance_writes_nothing_and_names_the_pools_instance(subject: str) -> None:
    world = World()
    world.one()
    world.cluster.writes.clear()
    outcome = world.run(subject)[subject]
    assert (outcome.status, outcome.nudges) == (Status.DONE, frozenset({"i-1"}))
    assert world.cluster.writes == []


def test_healing_asks_first_who_holds_the_address() -> None:
    world = World(build.policy(nics=1))
    world.one()
    (pool,) = world.cluster.pools.values()
    used = v4("10.0.0.20")
    long_ago = ((world.clock.now() - timedelta(minutes=1), used),)
    memory = replace(pool.memory, missing=long_ago)
    world.cluster.pools[pool.name] = replace(pool, allocated=used, memory=memory)
    nic = world.ec2.eni(eni(0).eni_id)
    world.ec2.change_eni(replace(nic, ipv4=nic.ipv4 - used))
    thief = instance(eni(0, eni_id="eni-thief", ipv4=used), instance_id="i-2")
    world.ec2.put(thief)
    outcome = world.one()
    assert "reassign" not in world.ec2.calls
    assert "10.0.0.20 is held by eni-thief" in str([finding.message for finding in outcome.findings])
    assert used <= world.cluster.pools[pool.name].spec.ips


def test_an_address_in_use_that_is_free_in_ec2_is_assigned_again() -> None:
    world = World(build.policy(nics=1))
    world.one()
    (pool,) = world.cluster.pools.values()
    used = v4("10.0.0.20")
    memory = replace(pool.memory, missing=((world.clock.now() - timedelta(minutes=1), used),))
    world.cluster.pools[pool.name] = replace(pool, allocated=used, memory=memory)
    nic = world.ec2.eni(eni(0).eni_id)
    world.ec2.change_eni(replace(nic, ipv4=nic.ipv4 - used))
    assert world.one().status is Status.DONE
    assert world.ec2.eni(eni(0).eni_id).ipv4 == pool.spec.ips
    assert world.cluster.pools[pool.name].memory.missing == ()


SIZES = st.one_of(
    st.builds(lambda n: {"addresses": n}, st.integers(1, 14)),
    st.builds(lambda n: {"prefixes": n}, st.integers(1, 3)),
    st.just({"addresses": "max"}),
    st.builds(lambda a, w, m: {"addresses": {"min": a, "warm": w, "max": max(a, w) + m}}, *[st.integers(1, 5)] * 3),
)
BITS = st.sets(st.integers(20, 60), max_size=12)


@given(ipv4=SIZES, ipv6=st.one_of(st.none(), SIZES), nics=st.integers(1, 2), held=BITS, listed=BITS, used=BITS)
def test_planning_and_applying_always_ends_in_an_empty_plan(
    ipv4: dict[str, object],
    ipv6: dict[str, object] | None,
    nics: int,
    held: set[int],
    listed: set[int],
    used: set[int],
) -> None:
    """Whatever a NIC holds, a pool lists and pods use: some passes, with time between them, converge."""
    world = World(build.policy(nics=nics, ipv4=ipv4, ipv6=ipv6))
    world.ec2.put(instance(*(eni(i, ipv4=v4(*(f"10.0.{i}.{n}" for n in held))) for i in range(nics))))
    world.one()
    for name, pool in list(world.cluster.pools.items()):
        if pool.family is build.V4:
            third = pool.spec.subnet.split(".")[2]
            ips = v4(*(f"10.0.{third}.{n}" for n in listed)) or pool.spec.ips
            allocated = ips & v4(*(f"10.0.{third}.{n}" for n in used))
            world.cluster.pools[name] = replace(pool, spec=replace(pool.spec, ips=ips), allocated=allocated)
    for _ in range(4):
        world.clock.advance(31)
        outcome = world.one()
        assert outcome.status is not Status.FAILED
    # Refused: a pod uses what its NIC has lost and has no room for.
    assert outcome.writes == 0
    assert outcome.status in (Status.DONE, Status.REFUSED)
    for pool in world.cluster.pools.values():
        assert pool.identity is not None
        nic = world.ec2.eni(pool.identity.eni_id)
        lost = pool.spec.ips - (nic.addresses(pool.family) | build.prefix_addresses(nic, pool.family))
        # What a pod uses stays listed; it is not on the NIC again only where the type leaves no room for it.
        assert lost <= pool.allocated
        room = (
            world.ec2.limits.per_eni(pool.family)
            - 1
            - nic.addresses(pool.family).count()
            - len(nic.prefixes(pool.family))
        )
        assert not lost or lost.count() > room
        assert pool.allocated <= pool.spec.ips


def test_an_auto_scaling_that_cannot_be_read_holds_up_only_the_nodes_of_groups() -> None:
    world = World()
    grouped = instance(instance_id="i-2", tags={"spiderpool-aws/cluster": "prod", "aws:autoscaling:groupName": "g"})
    world.ec2.put(grouped)
    world.scaling.down = True
    outcomes = world.run("i-1", "i-2")
    assert (outcomes["i-1"].status, outcomes["i-2"].status) == ("done", "failed")
    assert "Auto Scaling" in outcomes["i-2"].reason
