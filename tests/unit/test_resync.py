"""The pass over the whole cluster, and the fuse that judges it (invariant 10)."""

from dataclasses import replace
from typing import Any

import pytest

from spiderpool_aws.domain.control import Control
from spiderpool_aws.domain.errors import RetryLater
from spiderpool_aws.domain.fuse import Fuse, FuseState
from spiderpool_aws.domain.instance import InstanceState
from spiderpool_aws.domain.policy import Policy
from spiderpool_aws.domain.request import ReconcileRequest
from spiderpool_aws.events import ResyncRequest
from spiderpool_aws.reconciler import Reconciler
from spiderpool_aws.resync import PAGE, Resync
from tests.unit import build
from tests.unit.build import eni, instance, node, v4
from tests.unit.world import SmallClock, SmallCluster, SmallControl, SmallEc2, SmallQueue, SmallReporter

POLICY = build.policy(nics=1, ipv4={"addresses": 3})


class Fleet:
    """A converged cluster of so many one-NIC nodes."""

    def __init__(self, nodes: int = 30, policy: Policy = POLICY) -> None:
        self.ec2, self.cluster, self.clock = SmallEc2(), SmallCluster(), SmallClock()
        self.control, self.reporter, self.queue = SmallControl(Control(policy)), SmallReporter(), SmallQueue()
        self.reconciler = Reconciler(self.ec2, self.cluster, self.control, self.clock, self.reporter)
        self.resync = Resync(self.ec2, self.cluster, self.control, self.queue, self.clock, self.reporter)
        for number in range(nodes):
            self.launch(number)
        self.work([f"i-{number}" for number in range(nodes)])
        self.cluster.writes.clear()

    def launch(self, number: int) -> None:
        nic = eni(0, eni_id=f"eni-{number:08d}", attachment_id=f"eni-attach-{number:08d}")
        name, address = f"node-{number}", f"10.0.9.{number}"
        self.ec2.put(instance(nic, instance_id=f"i-{number}", private_dns_name=name, private_ipv4=address))
        proof = {"provider_id": f"aws:///eu-west-1a/i-{number}", "internal_ips": (address,)}
        self.cluster.nodes[name] = node(name=name, uid=f"u-{number}", **proof)

    def work(self, instance_ids: list[str]) -> None:
        self.reconciler.reconcile([ReconcileRequest(i, "event", "test") for i in instance_ids])

    def run(self, **request: Any) -> dict[str, Any]:
        self.queue.sent.clear()
        return self.resync.run(ResyncRequest(request_id="request-1", **request))

    def enqueued(self) -> list[str]:
        return [request.subject for request in self.queue.sent]

    def work_on_queue(self) -> None:
        self.work(self.enqueued())

    def pass_of_the_schedule(self, minutes: int = 5) -> dict[str, Any]:
        self.clock.advance(60 * minutes)
        answer = self.run()
        if self.enqueued():
            self.work_on_queue()
        return answer


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


def half_gone(fleet: Fleet) -> None:
    for number in range(15):
        del fleet.ec2.known[f"i-{number}"]


def test_half_the_fleet_absent_trips_the_fuse_until_its_digest_is_confirmed() -> None:
    fleet = Fleet()
    half_gone(fleet)
    answer = fleet.pass_of_the_schedule()
    assert (answer["fuse"]["state"], answer["removals"]["nodes"]) == ("tripped", 15)
    for _ in range(4):
        fleet.pass_of_the_schedule()
    assert fleet.cluster.writes == []
    confirmed = fleet.run(confirm=answer["removals"]["digest"])
    assert confirmed["fuse"]["state"] == "confirmed"
    for _ in range(4):
        last = fleet.pass_of_the_schedule()
    assert (len(fleet.cluster.pools), last["fuse"]["state"]) == (15, "whole")


def test_a_digest_of_something_else_is_refused_and_named() -> None:
    fleet = Fleet()
    half_gone(fleet)
    fleet.run()
    answer = fleet.run(confirm="0123456789abcdef")
    assert answer["fuse"]["state"] == "tripped"
    assert answer["removals"]["digest"] in answer["fuse"]["reason"]


def test_a_confirmation_is_for_these_removals_and_no_others() -> None:
    fleet = Fleet()
    half_gone(fleet)
    fleet.run(confirm=fleet.run(dry_run=True)["removals"]["digest"])
    del fleet.ec2.known["i-20"]
    assert fleet.pass_of_the_schedule()["fuse"]["state"] == "tripped"


def test_a_tripped_fuse_stays_tripped_when_the_listing_is_whole_again_until_a_person_says_so() -> None:
    fleet = Fleet()
    saved = dict(fleet.ec2.known)
    fleet.ec2.known.clear()
    fleet.run()
    fleet.ec2.known.update(saved)
    answer = fleet.run()
    assert answer["fuse"]["state"] == "tripped"
    assert fleet.run(confirm=answer["removals"]["digest"])["fuse"]["state"] == "whole"


def test_many_terminated_instances_trip_nothing() -> None:
    fleet = Fleet()
    for number in range(15):
        fleet.ec2.put(instance(instance_id=f"i-{number}", state=InstanceState.TERMINATED, enis=(), private_ipv4=""))
    answer = fleet.pass_of_the_schedule()
    assert (answer["fuse"]["state"], len(fleet.cluster.pools)) == ("whole", 15)


def test_while_the_fuse_is_tripped_nodes_are_still_given_addresses() -> None:
    fleet = Fleet()
    half_gone(fleet)
    fleet.run()
    fleet.launch(99)
    fleet.run()
    assert fleet.enqueued() == ["i-99"]


def test_a_quiet_pass_writes_no_fuse() -> None:
    fleet = Fleet(2)
    fleet.control.control = Control(POLICY, Fuse(FuseState.WHOLE, since=fleet.clock.now()))
    before = fleet.control.control
    fleet.run()
    assert fleet.control.control is before


def test_a_lost_address_of_many_nodes_at_once_trips_the_fuse() -> None:
    fleet = Fleet()
    for number in range(30):
        nic = fleet.ec2.known[f"i-{number}"].enis[0]
        fleet.ec2.change_eni(replace(nic, ipv4=v4()))
    fleet.pass_of_the_schedule()
    answer = fleet.pass_of_the_schedule()
    assert answer["fuse"]["state"] == "tripped"
    assert all(len(pool.spec.ips) == 3 for pool in fleet.cluster.pools.values())
