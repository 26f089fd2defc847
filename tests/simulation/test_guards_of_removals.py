"""Worlds in which a guard against removals matters, beside those of `test_guards.py`: one look, one listing, the fuse.

Each is made once, without IPv6: the guards know no family.
"""

import pytest

from tests.simulation.simulation import Simulation
from tests.simulation.worlds import World, Worlds, told

world = Worlds()
RESYNC_SECONDS = 330


def listed(sim: Simulation) -> int:
    pools = sim.stack.cluster.objects("spiderippools")
    return sum(pool["spec"]["ips"] != [] and "deletionTimestamp" not in pool["metadata"] for pool in pools)


@world
def a_nic_that_one_look_misses_keeps_its_pool(sim: Simulation) -> None:
    sim.set_mode("paused")
    sim.launch(1)
    sim.advance(120)
    sim.attach(0, filled=5)
    sim.set_mode("apply")
    sim.advance(6)
    assert listed(sim) == 2
    # The looks that follow are up to 30 s old, in turns: some are of before the NIC came.
    sim.stale(1.0)
    for _ in range(6):
        sim.two_workers(0, head_start=40)
        sim.advance(3)
    assert listed(sim) == 2


@world
def an_instance_that_two_listings_miss_keeps_its_pools(sim: Simulation) -> None:
    sim.set_policy("two")
    for _ in range(6):
        sim.launch(2)
    # Two listings, of the tenth and the fifteenth minute, are not ten minutes apart.
    sim.advance(570)
    sim.unlist(2, 540)
    sim.two_workers(2, head_start=40)
    sim.advance(1230)
    # Seen again, it is forgotten that it was not: what follows is the first listing of another absence.
    sim.stack.faults.unlisted.clear()
    sim.advance(270)
    sim.unlist(2, 540)
    sim.advance(1200)
    assert listed(sim) == 12


@world
def an_address_that_another_nic_has_is_given_to_no_pod(sim: Simulation) -> None:
    sim.launch(2)
    sim.advance(120)
    for _ in range(3):
        sim.run_pod(0)
    sim.unassign(0, 0, 5)
    # EC2 gives the lowest free addresses: the new instance's host and pods get those of the three.
    sim.launch(2, 5)
    sim.advance(300)
    assert sim.stack.cluster.objects("spiderreservedips")


@world
def a_quarantine_ends_with_its_reason(sim: Simulation) -> None:
    an_address_that_another_nic_has_is_given_to_no_pod(sim)
    for _ in range(3):
        sim.delete_pod(0)
    sim.advance(RESYNC_SECONDS)
    assert not sim.stack.cluster.objects("spiderreservedips")


@world
def a_quarantine_ends_with_its_pool(sim: Simulation) -> None:
    an_address_that_another_nic_has_is_given_to_no_pod(sim)
    (kept,) = sim.stack.cluster.objects("spiderreservedips")
    names = [pool["metadata"]["name"] for pool in sim.stack.cluster.objects("spiderippools")]
    sim.delete_pool(names.index(kept["metadata"]["name"]))
    sim.advance(RESYNC_SECONDS)
    assert not sim.stack.cluster.objects("spiderreservedips")


@world
def a_node_of_a_dead_instance_is_not_its_successors(sim: Simulation) -> None:
    # Nobody has marked the Node while its instance lived; the successor has its name and address, and joins later.
    sim.api_down(95)
    sim.launch(2)
    sim.advance(60)
    name = sim.live()[0].private_dns_name
    sim.terminate(0)
    sim.advance(25)
    sim.launch(2)
    sim.advance(5)
    sim.api_down(0)
    for _ in range(6):
        sim.advance(4)
        sim.two_workers(1, head_start=40)
    (successor,) = sim.live()
    assert successor.private_dns_name == name
    assert told(sim, f"Node {name} (providerID empty", f"is not proved to be that of {successor.id}")
    sim.advance(120)


@world
def what_was_released_rests_a_minute(sim: Simulation) -> None:
    sim.launch(2)
    sim.advance(120)
    sim.set_policy("three")
    sim.advance(20)
    assert [nic.ipv4_slots for nic in sim.nics(0)] == [4, 4]
    sim.set_policy("five")
    sim.advance(20)
    assert [nic.ipv4_slots for nic in sim.nics(0)] == [6, 6]
    sim.advance(120)


@world
def an_elastic_size_gives_back_what_is_too_much_and_not_at_once(sim: Simulation) -> None:
    sim.set_policy("elastic")
    sim.launch(2)
    sim.advance(120)
    for _ in range(5):
        sim.run_pod(0)
        sim.retry_pods()
        sim.advance(70)
    assert len(sim.nics(0)[0].secondary_ips) == 7
    for _ in range(5):
        sim.delete_pod(0)
    sim.advance(660)
    assert len(sim.nics(0)[0].secondary_ips) == 2


@world
def addresses_that_one_look_misses_are_not_assigned_twice(sim: Simulation) -> None:
    # As few as fit twice: what is assigned twice must not be refused by the type's limit.
    sim.set_policy("three")
    sim.set_mode("paused")
    sim.launch(2)
    sim.advance(120)
    sim.set_mode("apply")
    sim.advance(3)
    assert listed(sim) == 2
    sim.stale(1.0)
    for _ in range(6):
        sim.two_workers(0, head_start=40)
        sim.advance(4)
    assert [len(nic.secondary_ips) for nic in sim.nics(0)] == [3, 3]


@world
def what_many_lose_unseen_waits_for_a_person(sim: Simulation) -> None:
    for _ in range(3):
        sim.launch(2)
    sim.advance(120)
    sim.disturb("lost", 9)
    for number in range(3):
        sim.unassign(number, 0, 2)
        sim.detach(number)
    sim.advance(RESYNC_SECONDS)
    assert sim.stack.fuse()["state"] == "tripped"
    # What was there, and what the NICs have that were created in place of the three.
    assert listed(sim) == 9


@world
def a_lowered_size_waits_for_a_person_also_where_pods_use_it(sim: Simulation) -> None:
    for _ in range(2):
        sim.launch(2)
    sim.advance(120)
    for _ in range(8):
        sim.run_pod(0)
        sim.run_pod(1)
    sim.set_policy("two")
    sim.advance(60)
    assert sim.stack.fuse()["state"] == "tripped"
    for _ in range(16):
        sim.delete_pod(0)
    sim.advance(RESYNC_SECONDS)


@world
def a_confirmation_covers_no_more_than_it_says(sim: Simulation) -> None:
    for _ in range(2):
        sim.launch(2)
    sim.advance(120)
    for number in range(10):
        sim.run_pod(number, networks=2)
    sim.set_policy("three")
    sim.advance(60)
    sim.confirm()
    sim.advance(60)
    assert sim.stack.fuse()["state"] == "confirmed"
    sim.disturb("lost", 4)
    sim.detach(0)
    sim.detach(1)
    sim.advance(RESYNC_SECONDS)
    assert sim.stack.fuse()["state"] == "tripped"


@world
def a_listing_that_misses_many_is_not_believed(sim: Simulation) -> None:
    for _ in range(4):
        sim.launch(2)
    sim.advance(280)
    # For longer than what proves an absence; but that half of all are gone a person has to say.
    for number in range(2):
        sim.unlist(number, 1500)
    sim.advance(60)
    assert sim.stack.fuse()["state"] == "tripped"
    sim.advance(1600)
    assert listed(sim) == 8


@world
def a_subnet_without_a_whole_block_is_left_in_peace(sim: Simulation) -> None:
    sim.launch(2)
    sim.advance(60)
    # Its count of free addresses does not tell that there is no prefix to be had: EC2 has to be asked, ever less often.
    sim.fragment("nodes")
    sim.fragment("pods")
    sim.set_policy("prefix")
    sim.advance(1800)
    before = sim.checker.probes
    sim.advance(1800)
    assert sim.checker.probes - before <= 4, "two NICs, and pauses of 16 minutes by then"


@world
def a_group_goes_on_as_soon_as_it_may(sim: Simulation) -> None:
    sim.hooks("both")
    sim.scale(3)
    sim.advance(120)
    assert [sim.group.state_of(instance_id) for instance_id in sim.group.instance_ids] == 3 * ["InService"]
    sim.run_pod(0)
    dead, *others = sim.group.instance_ids
    sim.terminate(0)
    sim.scale(0)
    sim.advance(120)
    assert dead not in sim.group.instance_ids
    sim.delete_pod(0)
    sim.advance(120)
    assert not sim.group.instance_ids, others


@pytest.mark.parametrize("happen", world, ids=lambda happen: happen.__name__)
def test_a_world_in_which_a_guard_of_what_is_there_matters_ends_well(happen: World) -> None:
    with Simulation() as sim:
        happen(sim)
        sim.converge()
