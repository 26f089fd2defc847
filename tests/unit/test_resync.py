"""The pass over the whole cluster, and the fuse that judges it (invariant 10)."""

from dataclasses import replace

import pytest

from spiderpool_aws.domain.cluster.reservation import reservation_for
from spiderpool_aws.domain.control import Control
from spiderpool_aws.domain.errors import Code, Refused, RetryLater
from spiderpool_aws.domain.instance import InstanceState
from spiderpool_aws.domain.request import Hint
from spiderpool_aws.survey import PAGE
from tests.unit.build import v4
from tests.unit.fleet import POLICY, Fleet


def test_a_converged_cluster_gets_no_message_and_no_write() -> None:
    fleet = Fleet()
    answer = fleet.run()
    assert (answer["instances"], answer["converged"], answer["enqueued"]) == (30, 30, 0)
    assert (fleet.cluster.writes, fleet.queue.sent) == ([], [])


def test_only_the_nodes_that_differ_are_enqueued() -> None:
    fleet = Fleet()
    fleet.launch(99)
    fleet.run()
    assert fleet.enqueued() == ["i-99"]
    assert fleet.queue.sent[0].deduplication_id == "request-1:i-99"


def test_a_dry_run_answers_with_plans_and_changes_nothing() -> None:
    fleet = Fleet(3)
    fleet.launch(99)
    answer = fleet.run(dry_run=True)
    assert [plan["instance"] for plan in answer["plans"]] == ["i-0", "i-1", "i-2", "i-99"]
    assert "assign 3 IPv4 addresses" in answer["plans"][3]["plan"]
    assert answer["nextToken"] is None
    assert (fleet.cluster.writes, fleet.queue.sent) == ([], [])


def test_a_dry_run_is_paged() -> None:
    fleet = Fleet(0)
    for number in range(PAGE + 5):
        fleet.launch(number)
    first = fleet.run(dry_run=True)
    second = fleet.run(dry_run=True, page_token=first["nextToken"])
    assert (len(first["plans"]), len(second["plans"]), second["nextToken"]) == (PAGE, 5, None)
    assert {p["instance"] for p in first["plans"]}.isdisjoint(p["instance"] for p in second["plans"])


def test_named_instances_are_enqueued_without_a_listing() -> None:
    fleet = Fleet(3)
    fleet.ec2.calls.clear()
    assert fleet.run(instance_ids=("i-0", "i-2"))["enqueued"] == 2
    assert (fleet.enqueued(), fleet.ec2.calls) == (["i-0", "i-2"], [])


@pytest.mark.parametrize("mode", ["observe", "paused"])
def test_no_mode_but_apply_enqueues(mode: str) -> None:
    fleet = Fleet(3, POLICY)
    fleet.launch(99)
    fleet.control.control = Control(POLICY.model_copy(update={"mode": mode}))
    fleet.run()
    assert fleet.queue.sent == []


def test_without_a_valid_policy_nothing_is_done() -> None:
    fleet = Fleet(1)
    fleet.control.control = Control(None, problem="cluster: missing, add it")
    assert fleet.run() == {"done": False, "reason": "no valid policy: cluster: missing, add it"}
    assert fleet.reporter.metrics["PolicyInvalid"] == 1


def test_what_cannot_be_read_raises_and_changes_nothing() -> None:
    fleet = Fleet(1)
    fleet.cluster.unavailable = True
    with pytest.raises(RetryLater):
        fleet.run()
    assert fleet.queue.sent == []


def test_an_empty_listing_removes_nothing_and_trips_the_fuse() -> None:
    fleet = Fleet(1)
    fleet.ec2.known.clear()
    for _ in range(4):
        answer = fleet.pass_of_the_schedule()
    assert answer["fuse"]["state"] == "tripped"
    assert "listed no instance" in answer["fuse"]["reason"]
    assert fleet.reporter.metrics["FuseTripped"] >= 4
    assert (len(fleet.cluster.pools), fleet.cluster.writes) == (1, [])


def test_a_mistyped_cluster_removes_nothing_and_raises_the_alarm() -> None:
    fleet = Fleet()
    fleet.control.control = Control(POLICY.model_copy(update={"cluster": "prdo"}))
    for _ in range(4):
        answer = fleet.pass_of_the_schedule()
    assert (answer["done"], "prod" in answer["reason"]) == (False, True)
    assert fleet.reporter.metrics["ClusterMismatch"] == 4
    assert fleet.cluster.writes == []


def test_one_pool_with_another_clusters_name_is_left_alone_and_reported_and_the_others_are_served() -> None:
    fleet = Fleet(3)
    [pool] = fleet.pools_of("i-0")
    assert pool.identity is not None
    fleet.cluster.pools[pool.name] = replace(pool, identity=replace(pool.identity, cluster="staging"))
    fleet.launch(99)
    answer = fleet.run()
    assert (answer["done"], "i-99" in fleet.enqueued()) == (True, True)
    assert fleet.reporter.metrics["ClusterMismatch"] == 1
    assert any("staging: those are left alone" in line for line in fleet.reporter.lines)
    fleet.work(["i-99"])
    assert [len(list(pool.spec.ips)) for pool in fleet.pools_of("i-99")] == [3]
    assert fleet.cluster.writes == ["apply node-99-ens5-v4-00000099"]


def test_one_of_many_that_is_absent_is_removed_after_two_listings_ten_minutes_apart() -> None:
    fleet = Fleet()
    del fleet.ec2.known["i-7"]
    (pool,) = [pool for pool in fleet.cluster.pools.values() if pool.identity and pool.identity.instance_id == "i-7"]
    fleet.pass_of_the_schedule()
    assert fleet.cluster.pools[pool.name].memory.absent is not None
    fleet.pass_of_the_schedule()
    assert pool.name in fleet.cluster.pools
    fleet.pass_of_the_schedule()
    assert pool.name not in fleet.cluster.pools
    assert "node-7" not in fleet.cluster.nodes


def test_an_instance_that_was_missing_once_and_came_back_stopped_loses_nothing_when_it_is_missing_once_more() -> None:
    fleet = Fleet()
    known = fleet.ec2.known.pop("i-7")
    fleet.pass_of_the_schedule()
    fleet.ec2.put(replace(known, state=InstanceState.STOPPED))
    fleet.pass_of_the_schedule()
    fleet.pass_of_the_schedule()
    del fleet.ec2.known["i-7"]
    fleet.pass_of_the_schedule()
    assert len(fleet.cluster.pools) == len(fleet.cluster.nodes) == 30


def test_an_instance_that_lost_its_tag_is_reported_and_left_alone() -> None:
    fleet = Fleet()
    fleet.ec2.put(replace(fleet.ec2.known["i-7"], tags={}))
    for _ in range(4):
        answer = fleet.pass_of_the_schedule()
    assert any("i-7 is left alone" in finding for finding in answer["findings"])
    assert (fleet.cluster.writes, answer["absent"]) == ([], [])


def test_a_pool_whose_note_is_refused_keeps_no_other_node_waiting() -> None:
    fleet = Fleet()
    del fleet.ec2.known["i-7"], fleet.ec2.known["i-8"]
    fleet.launch(99)
    fleet.cluster.refused_notes["i-7"] = Refused("the webhook says no", Code.DENIED)
    fleet.run()
    assert fleet.enqueued() == ["i-99"]
    assert fleet.reporter.metrics["AbsenceNotNoted"] == 1
    assert [pool.memory.absent is not None for pool in fleet.pools_of("i-8")] == [True]


def test_an_api_server_that_is_away_ends_the_notes_and_not_the_pass() -> None:
    fleet = Fleet()
    del fleet.ec2.known["i-7"], fleet.ec2.known["i-8"]
    fleet.launch(99)
    fleet.cluster.refused_notes["i-7"] = RetryLater("the API server cannot be reached")
    assert fleet.run()["enqueued"] == 1
    assert fleet.reporter.metrics["AbsenceNotNoted"] == 1
    assert fleet.cluster.writes == []


def test_a_note_of_absence_never_brings_back_what_a_worker_has_taken_out_meanwhile() -> None:
    fleet = Fleet()
    (pool,) = fleet.pools_of("i-7")
    listed = fleet.cluster.list_pools()
    shrunk = replace(pool, spec=replace(pool.spec, ips=pool.spec.ips - v4(next(iter(pool.spec.ips)))))
    fleet.cluster.apply_pool(shrunk)
    fleet.cluster.list_pools = lambda: listed  # type: ignore[method-assign]
    del fleet.ec2.known["i-7"]
    fleet.run()
    assert fleet.cluster.pools[pool.name].spec == shrunk.spec
    assert fleet.reporter.metrics["AbsenceNotNoted"] == 1


def test_a_reservation_whose_pool_is_gone_brings_a_worker_though_ec2_has_forgotten_the_instance() -> None:
    fleet = Fleet(2)
    [pool] = fleet.pools_of("i-1")
    fleet.cluster.reservations[pool.name] = replace(reservation_for(pool, pool.spec.ips), uid="u")
    del fleet.cluster.pools[pool.name], fleet.ec2.known["i-1"]
    fleet.pass_of_the_schedule()
    assert fleet.cluster.reservations == {}
    assert fleet.pass_of_the_schedule()["enqueued"] == 0


def test_another_clusters_reservation_is_nobodys_matter() -> None:
    fleet = Fleet(1)
    [pool] = fleet.pools_of("i-0")
    assert pool.identity is not None
    theirs = replace(pool, name="theirs", identity=replace(pool.identity, cluster="staging"))
    fleet.cluster.reservations["theirs"] = replace(reservation_for(theirs, pool.spec.ips), uid="u")
    assert fleet.pass_of_the_schedule()["enqueued"] == 0
    assert "theirs" in fleet.cluster.reservations


def test_a_pool_that_is_going_gets_no_note_of_absence() -> None:
    fleet = Fleet()
    (pool,) = fleet.pools_of("i-7")
    fleet.cluster.pools[pool.name] = replace(pool, terminating=True)
    del fleet.ec2.known["i-7"]
    for _ in range(3):
        fleet.pass_of_the_schedule()
    assert fleet.cluster.writes == []


def test_a_dead_nodes_node_that_its_heir_has_adopted_goes_when_the_heir_is_gone_though_ec2_has_forgotten_both() -> None:
    fleet = Fleet(3)
    heir = replace(fleet.ec2.known["i-1"], instance_id="i-9", launch_time=fleet.clock.now())
    fleet.ec2.put(replace(fleet.ec2.known["i-1"], state=InstanceState.TERMINATED, enis=(), private_ipv4=""))
    fleet.ec2.put(heir)
    fleet.pass_of_the_schedule()
    assert (fleet.pools_of("i-1"), fleet.cluster.nodes["node-1"].gone_instance) == ([], "i-1")
    del fleet.ec2.known["i-1"]
    fleet.cluster.writes.clear()
    fleet.pass_of_the_schedule()
    assert (fleet.cluster.writes, "node-1" in fleet.cluster.nodes) == ([], True)
    del fleet.ec2.known["i-9"]
    fleet.pass_of_the_schedule()
    assert (fleet.cluster.writes, "node-1" in fleet.cluster.nodes) == ([], True), "absence is not proof"
    fleet.ec2.put(replace(heir, state=InstanceState.TERMINATED))
    fleet.run()
    assert ("i-1", frozenset({Hint.NODES})) in [(request.subject, request.hints) for request in fleet.queue.sent]
    fleet.reconciler.reconcile(fleet.queue.sent)
    assert "node-1" not in fleet.cluster.nodes
    assert (fleet.enqueued(), fleet.run()["enqueued"]) == (["i-1"], 0)


def test_a_note_on_a_node_of_an_instance_that_ec2_knows_removes_nothing() -> None:
    fleet = Fleet(3)
    fleet.cluster.nodes["node-1"] = fleet.cluster.nodes["node-1"].noted("i-1", "i-9")
    fleet.pass_of_the_schedule()
    assert fleet.cluster.writes == ["note on node-1 that  is gone"], "it is taken off"
    assert fleet.run()["enqueued"] == 0
    fleet.ec2.put(replace(fleet.ec2.known["i-1"], tags={}))
    fleet.pass_of_the_schedule()
    assert "node-1" in fleet.cluster.nodes


def test_a_second_node_of_an_instance_is_reported_and_the_worker_is_told_to_look_for_it() -> None:
    fleet = Fleet(3)
    double = replace(fleet.cluster.nodes["node-1"], name="renamed", uid="u-new", created=fleet.clock.now())
    fleet.cluster.nodes["renamed"] = double
    answer = fleet.run()
    assert [finding for finding in answer["findings"] if "more than one Node" in finding] != []
    assert [(request.subject, request.hints) for request in fleet.queue.sent] == [("i-1", frozenset({Hint.NODES}))]
    fleet.reconciler.reconcile(fleet.queue.sent)
    assert [pool.spec.node_name for pool in fleet.pools_of("i-1")] == [("renamed",)]
    assert fleet.run()["enqueued"] == 0
    assert fleet.reporter.metrics["NodeDoubled"] == 1
