"""The fuse over a whole cluster (invariant 10)."""

from dataclasses import replace

from spiderpool_aws.domain.control import Control
from spiderpool_aws.domain.errors import Code
from spiderpool_aws.domain.fuse import Fuse
from spiderpool_aws.domain.instance import InstanceState
from tests.unit import build
from tests.unit.build import instance, v4
from tests.unit.fleet import POLICY, Fleet


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
    for number in range(15, 21):
        del fleet.ec2.known[f"i-{number}"]
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
    fleet.control.control = Control(POLICY, Fuse(since=fleet.clock.now(), policy=POLICY.digest))
    before = fleet.control.control
    fleet.run()
    assert fleet.control.control is before


def lose_addresses(fleet: Fleet, nodes: int) -> None:
    for number in range(nodes):
        nic = fleet.ec2.known[f"i-{number}"].enis[0]
        fleet.ec2.change_eni(replace(nic, ipv4=v4()))


def worked_on_twice(fleet: Fleet) -> None:
    """Let the workers do what was enqueued, and again after the wait that they ask for."""
    fleet.work_on_queue()
    fleet.clock.advance(31)
    fleet.work_on_queue()


def test_addresses_that_many_nodes_lost_at_once_trip_the_fuse_before_a_worker_has_looked_twice() -> None:
    fleet = Fleet()
    lose_addresses(fleet, 30)
    # The lowest free address would be the very one that was lost.
    fleet.ec2.refuse = {i.enis[0].eni_id: Code.SUBNET_EXHAUSTED for i in fleet.ec2.known.values()}
    assert fleet.run()["fuse"]["state"] == "tripped"
    worked_on_twice(fleet)
    assert all(pool.spec.ips.count() == 3 for pool in fleet.cluster.pools.values())
    assert fleet.pass_of_the_schedule()["fuse"]["state"] == "tripped"


def test_a_loss_that_the_next_listing_does_not_see_makes_the_fuse_whole_by_itself() -> None:
    fleet = Fleet()
    saved = dict(fleet.ec2.known)
    lose_addresses(fleet, 30)
    assert fleet.run()["fuse"]["state"] == "tripped"
    fleet.work_on_queue()
    fleet.ec2.known.update(saved)
    assert fleet.pass_of_the_schedule()["fuse"]["state"] == "whole"
    assert fleet.pass_of_the_schedule()["converged"] == 30


def test_a_doubt_that_becomes_certain_keeps_its_digest() -> None:
    fleet = Fleet()
    lose_addresses(fleet, 30)
    first = fleet.run()
    fleet.work_on_queue()
    fleet.clock.advance(31)
    assert fleet.run()["removals"] == first["removals"]


def test_nics_that_left_many_nodes_at_once_trip_the_fuse_before_their_pools_go() -> None:
    fleet = Fleet()
    for number in range(10):
        known = fleet.ec2.known[f"i-{number}"]
        fleet.ec2.put(replace(known, enis=()))
    answer = fleet.run()
    assert (answer["fuse"]["state"], answer["removals"]["pools"]) == ("tripped", 10)
    worked_on_twice(fleet)
    assert len(fleet.cluster.pools) == 30


def test_what_few_nodes_lost_is_dropped_as_ever() -> None:
    fleet = Fleet()
    lose_addresses(fleet, 1)
    assert fleet.run()["fuse"]["state"] == "whole"
    worked_on_twice(fleet)
    assert fleet.pass_of_the_schedule()["fuse"]["state"] == "whole"


def test_while_the_fuse_is_tripped_a_node_that_would_only_lose_something_is_not_looked_at() -> None:
    fleet = Fleet(policy=build.policy(nics=1, ipv4={"addresses": 1}))
    half_gone(fleet)
    nic = fleet.ec2.known["i-20"].enis[0]
    fleet.ec2.change_eni(replace(nic, ipv4=v4("10.0.0.250")))
    fleet.work(["i-20"])
    fleet.ec2.change_eni(replace(nic, ipv4=v4("10.0.0.250")))
    fleet.clock.advance(31)
    assert fleet.run()["fuse"]["state"] == "tripped"
    assert fleet.enqueued() == []
