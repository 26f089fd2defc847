"""Worlds in which one guard of the product matters: who takes the guard away is found out by these alone.

What random steps meet by chance, and a few seeds may miss: each world brings about just what its guard is for, and
asserts that it came about.
"""

from collections.abc import Callable

import pytest

from spiderpool_aws.local.ec2.errors import Ec2TimeoutError
from tests.simulation.simulation import Simulation
from tests.simulation.worlds import World, Worlds, told

world = Worlds()


def serving(sim: Simulation) -> list[str]:
    pools = sim.stack.cluster.objects("spiderippools")
    return [pool["metadata"]["name"] for pool in pools if not pool["spec"].get("disable")]


def states(sim: Simulation) -> list[str]:
    return [sim.group.state_of(instance_id) for instance_id in sim.group.instance_ids]


def held(sim: Simulation) -> list[list[int]]:
    return [[len(nic.secondary_ips) for nic in sim.nics(number)] for number in range(len(sim.live()))]


@world
def the_hooks_wait_for_pools_and_for_pods(sim: Simulation) -> None:
    sim.hooks("both")
    sim.scale(2)
    sim.advance(30)
    assert states(sim) == 2 * ["Pending:Wait"]
    sim.advance(90)
    sim.run_pod(0)
    sim.run_pod(1, networks=2)
    sim.scale(0)
    sim.advance(60)
    assert states(sim) == 2 * ["Terminating:Wait"]
    sim.delete_pod(0)
    sim.advance(600)
    assert told(sim, "pods still have", "of its addresses, and time is up")


@world
def a_policy_that_takes_much_away_waits_for_a_person(sim: Simulation) -> None:
    for _ in range(3):
        sim.launch(2)
    sim.advance(120)
    sim.set_policy("two")
    sim.advance(700)
    assert sim.stack.fuse()["state"] == "tripped"
    sim.unassign(0, 0, 1)
    sim.terminate(1)
    sim.detach(2)
    sim.advance(400)
    sim.confirm()
    sim.advance(400)


@world
def nothing_is_written_while_a_person_looks(sim: Simulation) -> None:
    sim.launch(2)
    sim.launch(1)
    sim.advance(120)
    for mode, looked, left in (("observe", "mode is observe", 3), ("paused", "paused by the policy", 1)):
        sim.set_mode(mode)
        sim.unassign(0, 0, 2)
        sim.assign(1, 0, 2)
        sim.detach(0)
        sim.launch(1)
        sim.terminate(2)
        sim.advance(400)
        assert told(sim, sim.live()[0].id, looked)
        assert held(sim)[0] == [left], "five are asked for, on each of two NICs"


@world
def what_is_to_be_left_alone_is(sim: Simulation) -> None:
    for _ in range(2):
        sim.launch(2)
    sim.advance(120)
    sim.run_pod(0)
    sim.tag(0, "hands off")
    sim.unassign(0, 0, 1)
    sim.assign(0, 1, 2)
    sim.set_policy("nine")
    sim.advance(400)
    assert held(sim) == [[4, 7], [9, 9]]
    sim.detach(0)
    sim.advance(400)
    assert held(sim) == [[4], [9, 9]]


@world
def a_subnet_keeps_its_reserve(sim: Simulation) -> None:
    sim.set_policy("three", 2, "", 8)
    sim.launch(2)
    sim.advance(120)
    sim.crowd("pods", 10)
    sim.launch(1)
    sim.set_policy("nine", 2, "", 8)
    sim.advance(600)
    assert sim.model.subnets[sim.network.subnets["pods"]].ipv4.free_count == 8
    assert held(sim) == [[9, 5], [9]], "nine are asked for, on each of two NICs"


@world
def an_answer_that_is_lost_is_not_asked_for_again(sim: Simulation) -> None:
    # As few as fit twice: what is assigned twice must not be refused by the type's limit.
    sim.set_policy("three")
    sim.stale(1.0)
    faults: tuple[tuple[int, Callable[[], None]], ...] = (
        (2, lambda: sim.ec2_fails("answer lost")),
        (2, lambda: sim.kill(6, after=True)),
        (1, lambda: sim.ec2_fails("answer lost", skip=1)),
        (1, lambda: sim.kill(9, after=True)),
    )
    for nics, happen in faults:
        # EC2 shows NICs that have been there for long as they were, for half a minute after something was assigned.
        sim.set_mode("paused")
        sim.launch(nics)
        sim.advance(120)
        happen()
        sim.set_mode("apply")
        sim.advance(400)
    lost = {call.operation for call in sim.model.calls if call.took_effect and isinstance(call.error, Ec2TimeoutError)}
    assert lost == {"AssignPrivateIpAddresses", "CreateNetworkInterface"}
    assert sim.stack.faults.killed_at == ["AssignPrivateIpAddresses", "CreateNetworkInterface"]
    assert told(sim, "is being attached or detached"), "no look was old: no NIC was, by then"


@world
def an_old_answer_of_ec2_has_nothing_done_twice(sim: Simulation) -> None:
    sim.stale(1.0)
    sim.launch(1)
    for _ in range(12):
        sim.advance(4)
        sim.two_workers(0, head_start=40)
    sim.launch(1)
    for _ in range(4):
        sim.cluster_fails("500")
    sim.advance(90)
    sim.set_policy("nine")
    for seconds in (1, 5, 10, 20, 35):
        sim.lose_sandboxes()
        sim.touch_pools()
        sim.two_workers(0, head_start=20)
        sim.advance(seconds)
    assert told(sim, "the API server failed (500)", "a NIC was attached, EC2 has to show it first")
    assert told(sim, sim.live()[0].id, "EC2 does not show all its addresses")
    sim.advance(300)


@world
def two_workers_create_one_nic(sim: Simulation) -> None:
    # A newer message arrives meanwhile, and the second worker takes both: its token has to be that of the older one.
    sim.set_mode("paused")
    for head_start in (4, 6, 8, 10):
        sim.launch(1)
        sim.advance(120)
        sim.stale(1.0)
        sim.set_mode("apply")
        sim.two_workers(len(sim.live()) - 1, head_start)
        sim.set_mode("paused")
        sim.stale(0.0)
    tokens = [call.params["ClientToken"] for call in sim.model.calls if call.operation == "CreateNetworkInterface"]
    assert len(tokens) > len(set(tokens)), "the second worker has sent one again"


@world
def a_nic_that_leaves_is_let_go(sim: Simulation) -> None:
    sim.launch(1)
    sim.launch(1)
    sim.advance(120)
    left = [sim.nics(number)[1].id for number in range(2)]
    sim.detach(0)
    sim.advance(10)
    sim.attach(0, index=1, filled=5)
    assert len(sim.nics(0)) == 2, "another one has its place"
    sim.stop(1)
    sim.advance(60)
    sim.ec2_fails("throttled", 0)
    sim.detach(1)
    sim.advance(1500)
    for eni_id in left:
        assert told(sim, "disable pool", eni_id[-8:], "its NIC is no longer attached")
    assert told(sim, "disable pool", left[1][-8:], "the instance is stopping")
    assert told(sim, f"AttachNetworkInterface of {left[1]}", "was throttled")


@world
def a_node_that_was_at_rest_serves_again(sim: Simulation) -> None:
    sim.launch(2)
    sim.launch(2)
    sim.advance(120)
    sim.stop(0)
    sim.interrupt(1, stops=True)
    sim.advance(60)
    # Who looks after the warning, and has not read it, finds it noted.
    sim.two_workers(1, head_start=40)
    assert serving(sim) == []
    sim.advance(240)
    sim.start(0)
    sim.start(1)
    sim.advance(900)
    assert len(serving(sim)) == len(sim.stack.cluster.objects("spiderippools"))


@world
def a_successor_keeps_what_is_its(sim: Simulation) -> None:
    sim.launch(2)
    sim.advance(120)
    sim.run_pod(0)
    sim.hang_pod(0)
    sim.api_down(400)
    sim.terminate(0)
    # EC2 gives the address of what is terminated, and so its node name, to the next one.
    sim.advance(25)
    sim.launch(2)
    sim.advance(120)
    sim.run_pod(0)
    sim.advance(900)
    dead, successor = sim.model.instances
    assert told(sim, "delete pod default/pod-1: its instance is terminated")
    assert told(sim, f"pod default/pod-2 stay though {dead} is gone: {successor}, which EC2 does not call")


@world
def a_pod_keeps_an_address_that_was_taken_away(sim: Simulation) -> None:
    sim.launch(2)
    sim.launch(2)
    sim.advance(120)
    for _ in range(3):
        sim.run_pod(0, networks=2)
    sim.unassign(0, 0, 5)
    sim.crowd("nodes", 0)
    sim.unassign(0, 1, 5)
    sim.advance(300)
    first, second = (nic.id for nic in sim.nics(0))
    assert told(sim, f"which {first} has lost and has no room for", "is held by")
    assert told(sim, f"again to {second}", "still uses it")
    sim.make_room()
    sim.advance(300)
    assert told(sim, f"again to {first}", "still uses it")


@world
def a_policy_that_nobody_can_read_changes_nothing(sim: Simulation) -> None:
    sim.launch(2)
    sim.set_policy("nine", 2, "prefix")
    sim.advance(700)
    sim.break_policy()
    sim.launch(1)
    sim.unassign(0, 0, 2)
    sim.advance(700)
    assert told(sim, "version 3 of the policy", "version 2 stays in force")
    assert told(sim, "has lost")
    assert held(sim) == [[9, 9], [9, 9]]


@pytest.mark.parametrize("ipv6", ["", "addresses"])
@pytest.mark.parametrize("happen", world, ids=lambda happen: happen.__name__)
def test_a_world_in_which_a_guard_matters_ends_well(happen: World, ipv6: str) -> None:
    with Simulation(ipv6=ipv6) as sim:
        happen(sim)
        sim.converge()
