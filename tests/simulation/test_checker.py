"""The simulation finds a product that has gone wrong: each invariant is broken once, in the middle of a world."""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from spiderpool_aws.local.ec2 import Ec2Error
from spiderpool_aws.local.ec2.autoscaling import LifecycleHook, Result, Transition
from spiderpool_aws.local.invariants import InvariantError
from spiderpool_aws.local.stack import FUSE_PARAMETER
from tests.simulation.policies import policy_text
from tests.simulation.simulation import Simulation

POOLS = "/apis/spiderpool.spidernet.io/v2beta1/spiderippools"


def _write(sim: Simulation, verb: str, path: str, body: Any = None) -> None:
    headers = {"authorization": f"Bearer {sim.stack.cluster.token}", "content-type": "application/merge-patch+json"}
    sim.stack.cluster.request(verb, path, {}, headers, body)


def _call(sim: Simulation, operation: str, **params: Any) -> None:
    with suppress(Ec2Error):  # trying is wrong enough
        sim.model.call(operation, params, sim.stack.roles["reconcile_nodes"])


def _pool(sim: Simulation) -> dict[str, Any]:
    return next(p for p in sim.stack.cluster.objects("spiderippools") if "-ens5-" in p["metadata"]["name"])


def _change(sim: Simulation, **spec: Any) -> None:
    _write(sim, "PATCH", f"{POOLS}/{_pool(sim)['metadata']['name']}", {"spec": spec})


def list_what_ec2_has_not_assigned(sim: Simulation) -> None:
    _change(sim, ips=["10.0.0.5-10.0.0.9", "10.0.0.200"])


def unassign_what_a_pool_lists(sim: Simulation) -> None:
    eni = sim.nics(0)[0]
    _call(sim, "UnassignPrivateIpAddresses", NetworkInterfaceId=eni.id, PrivateIpAddresses=[eni.secondary_ips[-1]])


def unassign_what_a_pod_uses(sim: Simulation) -> None:
    sim.run_pod(0)
    unassign = list(sim.nics(0)[0].secondary_ips)
    _call(sim, "UnassignPrivateIpAddresses", NetworkInterfaceId=sim.nics(0)[0].id, PrivateIpAddresses=unassign)


def list_the_hosts_own_address(sim: Simulation) -> None:
    _change(sim, ips=[sim.nics(0)[0].primary_ip, "10.0.0.5-10.0.0.9"])


def go_below_the_reserve(sim: Simulation) -> None:
    sim.set_policy("five", 2, "", 8)
    sim.crowd("pods", 9)
    _call(sim, "AssignPrivateIpAddresses", NetworkInterfaceId=sim.nics(0)[1].id, SecondaryPrivateIpAddressCount=4)


def create_a_nic_without_its_tags(sim: Simulation) -> None:
    _call(sim, "CreateNetworkInterface", SubnetId=sim.network.subnets["pods"])


def delete_what_others_created(sim: Simulation) -> None:
    sim.crowd("pods", 100)
    _call(sim, "DeleteNetworkInterface", NetworkInterfaceId=sim.crowding[0])


def assign_more_than_the_policy_asks_for(sim: Simulation) -> None:
    _call(sim, "AssignPrivateIpAddresses", NetworkInterfaceId=sim.nics(0)[0].id, SecondaryPrivateIpAddressCount=1)


def delete_a_pool_of_the_living(sim: Simulation) -> None:
    _write(sim, "DELETE", f"{POOLS}/{_pool(sim)['metadata']['name']}", {})


def lose_what_the_nic_has(sim: Simulation) -> None:
    _change(sim, ips=["10.0.0.5-10.0.0.8"])


def list_again_at_once_what_was_let_go(sim: Simulation) -> None:
    _change(sim, ips=["10.0.0.5-10.0.0.8"])
    _change(sim, ips=["10.0.0.5-10.0.0.9"])


def unassign_what_the_pool_does_not_note(sim: Simulation) -> None:
    _change(sim, ips=["10.0.0.5-10.0.0.8"])
    _call(sim, "UnassignPrivateIpAddresses", NetworkInterfaceId=sim.nics(0)[0].id, PrivateIpAddresses=["10.0.0.9"])


def shrink_an_elastic_pool_at_once(sim: Simulation) -> None:
    sim.set_policy("elastic")
    sim.advance(60)
    _change(sim, ips=["10.0.0.5-10.0.0.7"])


def ask_for_what_another_nic_has(sim: Simulation) -> None:
    sim.launch(2)
    sim.advance(60)
    there = list(sim.nics(1)[0].secondary_ips)
    _call(sim, "AssignPrivateIpAddresses", NetworkInterfaceId=sim.nics(0)[0].id, PrivateIpAddresses=there[:1])


def take_from_the_living_while_the_fuse_is_tripped(sim: Simulation) -> None:
    sim.launch(2)
    sim.launch(2)
    sim.advance(120)
    sim.set_policy("two")
    sim.advance(400)
    _change(sim, ips=[_pool(sim)["spec"]["ips"][0].split("-")[0]])


def take_the_startup_taint_off_early(sim: Simulation) -> None:
    sim.api_down(300)
    sim.launch(2)
    sim.advance(60)
    (name,) = (n["metadata"]["name"] for n in sim.stack.cluster.objects("nodes") if n["spec"].get("taints"))
    _write(sim, "PATCH", f"/api/v1/nodes/{name}", {"spec": {"taints": []}})


def write_while_a_person_looks(sim: Simulation) -> None:
    sim.set_mode("observe")
    _change(sim, default=False)


@pytest.mark.parametrize(
    ("invariant", "break_it"),
    [
        (1, list_what_ec2_has_not_assigned),
        (2, unassign_what_a_pool_lists),
        (3, unassign_what_a_pod_uses),
        (4, list_the_hosts_own_address),
        (5, go_below_the_reserve),
        (6, create_a_nic_without_its_tags),
        (7, delete_what_others_created),
        (8, assign_more_than_the_policy_asks_for),
        (8, lose_what_the_nic_has),
        (8, take_the_startup_taint_off_early),
        (10, take_from_the_living_while_the_fuse_is_tripped),
        (11, write_while_a_person_looks),
        (10, delete_a_pool_of_the_living),
    ],
)
def test_the_next_step_tells_of_a_product_that_went_wrong(
    invariant: int, break_it: Callable[[Simulation], None]
) -> None:
    with Simulation() as sim:
        sim.launch(2)
        sim.advance(120)
        with pytest.raises(InvariantError, match=f"invariant {invariant}: "):  # noqa: PT012 - a step of it may tell already
            break_it(sim)
            sim.advance(1)


@pytest.mark.parametrize(
    ("message", "break_it"),
    [
        ("10.0.0.9 left the pool, and pool .* does not note", lose_what_the_nic_has),
        ("offers 10.0.0.9 again less than a minute after", list_again_at_once_what_was_let_go),
        ("10.0.0.9 was unassigned, and pool .* does not note", unassign_what_the_pool_does_not_note),
        ("elastic pool .* lost 10.0.0.8-10.0.0.9, and was not too large", shrink_an_elastic_pool_at_once),
        ("invariant 7: .* asked for .*, which .* has", ask_for_what_another_nic_has),
    ],
)
def test_the_rule_itself_tells(message: str, break_it: Callable[[Simulation], None]) -> None:
    with Simulation() as sim:
        sim.launch(2)
        sim.advance(120)
        with pytest.raises(InvariantError, match=message):  # noqa: PT012 - a step of it may tell already
            break_it(sim)
            sim.advance(1)


def _reserve(sim: Simulation, *addresses: str) -> None:
    pool = _pool(sim)["metadata"]
    body = {
        "apiVersion": "spiderpool.spidernet.io/v2beta1",
        "kind": "SpiderReservedIP",
        "metadata": {"name": pool["name"], "labels": pool["labels"]},
        "spec": {"ipVersion": 4, "ips": list(addresses)},
    }
    sim.stack.cluster.put(body)


def test_a_reservation_whose_reason_is_gone_is_found_at_rest() -> None:
    with Simulation() as sim:
        sim.launch(2)
        sim.advance(120)
        sim.run_pod(0)
        _reserve(sim, "10.0.0.5", "10.0.0.6")
        with pytest.raises(InvariantError, match=r"keeps back 10\.0\.0\.6, which no pod uses any more"):
            sim.checker.assert_kept_back()
        _reserve(sim, "10.0.0.5")
        with pytest.raises(InvariantError, match=r"keeps back 10\.0\.0\.5, which its NIC has again"):
            sim.checker.assert_kept_back()
        sim.set_mode("paused")
        sim.unassign(0, 0, 1)
        sim.checker.assert_kept_back()
        sim.delete_pool(0)
        with pytest.raises(InvariantError, match=r"keeps back 10\.0\.0\.5, and its pool is going"):
            sim.checker.assert_kept_back()


def test_an_address_that_the_next_pod_would_get_and_another_nic_has_is_found_at_rest() -> None:
    with Simulation() as sim:
        sim.launch(2)
        sim.advance(120)
        sim.run_pod(0)
        sim.set_mode("paused")
        sim.unassign(0, 0, 1)
        sim.crowd("nodes", 0)
        with pytest.raises(InvariantError, match=r"gives 10\.0\.0\.5 to the next pod, and eni-\w+ has it"):
            sim.checker.assert_kept_back()
        _reserve(sim, "10.0.0.5")
        sim.checker.assert_kept_back()


@pytest.mark.parametrize(("size", "lets_go"), [("three", False), ("two", True)])
def test_a_fuse_that_does_not_trip_is_found_at_the_end_of_the_pass(size: str, *, lets_go: bool) -> None:
    with Simulation() as sim:
        sim.launch(2)
        sim.advance(120)
        # As if the pass had found nothing: one node loses four addresses of ten, and six.
        sim.stack._policies.append(policy_text(size))
        whole = {"state": "whole", "policy": sim.stack.policy().digest}
        sim.stack._ssm().put_parameter(Name=FUSE_PARAMETER, Value=json.dumps(whole))
        sim.checker.judge_pass({})
        found = any("a pass found that 6 of 10 addresses go" in str(one) for one in sim.checker.violations)
        assert found is lets_go
        sim.checker.violations.clear()
        sim.checker.judge_pass({"addresses": 6})
        assert not sim.checker.violations


def test_a_group_that_goes_on_by_itself_has_not_converged() -> None:
    with Simulation() as sim:
        # Nobody completes a hook that the product does not know.
        sim.group.put_hook(LifecycleHook("forgotten", Transition.LAUNCHING, 300, Result.CONTINUE))
        sim.scale(1)
        with pytest.raises(AssertionError, match="nobody completed forgotten of i-"):
            sim.converge()


def test_a_product_that_acts_on_a_policy_which_nobody_can_read_is_found_out() -> None:
    with Simulation() as sim:
        sim.launch(2)
        sim.advance(120)
        sim.break_policy()
        with pytest.raises(InvariantError, match="invariant 8: "):  # noqa: PT012
            # As if the broken policy asked for more (invariant 11): the one that is in force does not.
            assign_more_than_the_policy_asks_for(sim)
            sim.advance(1)


def test_a_system_that_goes_on_writing_does_not_converge() -> None:
    with Simulation() as sim:
        sim.launch(2)
        sim.advance(120)
        sim.model.clock.call_later(1200, lambda: _change(sim, default=False))
        with pytest.raises(InvariantError, match="invariant 8: "):
            sim.checker.assert_idle(lambda: sim.advance(1800))
