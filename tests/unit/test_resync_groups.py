"""The resync and Auto Scaling groups: what a group holds up or keeps warm lacks nothing."""

from dataclasses import replace

import pytest

from spiderpool_aws.domain.instance import GROUP_TAG, InstanceState
from spiderpool_aws.domain.lifecycle import Lifecycle
from tests.unit.fleet import Fleet


def grouped(number: int, state: str) -> Fleet:
    """Return a fleet whose one node belongs to a group, in that state, and that was looked at."""
    fleet = Fleet(0)
    fleet.launch(number)
    known = fleet.ec2.known[f"i-{number}"]
    fleet.ec2.put(replace(known, tags={**known.tags, GROUP_TAG: "workers"}))
    fleet.work([known.instance_id])
    for pool in fleet.pools_of(known.instance_id):
        fleet.cluster.pools[pool.name] = replace(pool, allocated=pool.spec.ips)
    fleet.scaling.known[known.instance_id] = Lifecycle("workers", state)
    fleet.work([known.instance_id])
    fleet.scaling.reads = 0
    return fleet


def test_a_node_that_is_drained_is_not_said_to_need_its_pools_enabled_and_is_looked_at_while_it_lasts() -> None:
    fleet = grouped(1, "Terminating:Wait")
    (plan,) = fleet.run(dry_run=True)["plans"]
    assert "pods still have 3 addresses" in plan["plan"]
    assert "able" not in plan["plan"]
    fleet.run()
    assert fleet.enqueued() == ["i-1"]


@pytest.mark.parametrize("state", ["Warmed:Running", "Terminating:Proceed"])
def test_a_node_that_waits_for_no_hook_and_should_have_no_pods_is_left_in_peace(state: str) -> None:
    fleet = grouped(1, state)
    answer = fleet.run()
    assert (answer["converged"], answer["differing"], fleet.enqueued()) == (1, 0, [])


def test_where_everything_is_in_place_auto_scaling_is_not_asked() -> None:
    fleet = grouped(1, "InService")
    fleet.work(["i-1"])
    fleet.scaling.reads = 0
    assert fleet.run()["converged"] == 1
    assert fleet.scaling.reads == 0


def test_a_node_of_no_group_costs_no_call_to_auto_scaling() -> None:
    fleet = Fleet(1)
    fleet.launch(99)
    assert fleet.run()["differing"] == 1
    assert fleet.scaling.reads == 0


def test_all_nodes_of_groups_that_seem_to_lack_something_are_asked_for_at_once() -> None:
    fleet = grouped(1, "Warmed:Running")
    for number in (2, 3):
        fleet.launch(number)
        known = fleet.ec2.known[f"i-{number}"]
        fleet.ec2.put(replace(known, tags={**known.tags, GROUP_TAG: "workers"}))
        fleet.scaling.known[known.instance_id] = Lifecycle("workers", "InService")
    fleet.run()
    assert (fleet.enqueued(), fleet.scaling.reads) == (["i-2", "i-3"], 1)


@pytest.mark.parametrize("state", ["Warmed:Running", "Warmed:Pending:Proceed", "Warmed:Pending", "Warmed:Terminating"])
@pytest.mark.parametrize("changes", [{}, {"provider_id": ""}, {"taints": ("spiderpool-aws/not-ready",)}, None])
def test_a_warm_instance_that_has_no_pool_yet_is_left_in_peace(state: str, changes: dict[str, object] | None) -> None:
    fleet = Fleet(0)
    fleet.launch(1)
    known = fleet.ec2.known["i-1"]
    fleet.ec2.put(replace(known, tags={**known.tags, GROUP_TAG: "workers"}))
    fleet.scaling.known["i-1"] = Lifecycle("workers", state)
    if changes is None:
        fleet.cluster.nodes.clear()
    else:
        fleet.cluster.nodes["node-1"] = replace(fleet.cluster.nodes["node-1"], **changes)  # type: ignore[arg-type]
    answer = fleet.run()
    assert (answer["differing"], fleet.enqueued()) == (0, [])
    fleet.work(["i-1"])
    assert (fleet.cluster.writes, fleet.run()["differing"]) == ([], 0)


def test_a_warm_instance_at_rest_is_left_in_peace_once_its_pools_are_disabled() -> None:
    fleet = grouped(1, "Warmed:Stopped")
    fleet.ec2.put(replace(fleet.ec2.known["i-1"], state=InstanceState.STOPPED))
    fleet.pass_of_the_schedule()
    assert (fleet.pass_of_the_schedule()["differing"], fleet.enqueued()) == (0, [])
