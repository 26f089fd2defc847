"""Sizes of IPv6 that follow their use or the policy: grown in one call, shrunk by handshake; pods keep theirs."""

from collections import Counter

import pytest

from spiderpool_aws.local.ec2 import Ec2Options
from tests.integration.capacity import PLANS, V6, calls, held, interface, listed, nic_of, policy_of, run_pods
from tests.integration.scene import Scene, scene
from tests.integration.stopping import Stopper
from tests.integration.test_elastic_sizes import confirm, end_pods

SIZE = {"addresses": {"min": 2, "warm": 3, "max": 8}}
ELASTIC = policy_of(interface(ipv4={"addresses": 9}, ipv6=SIZE))


def sizes(s: Scene, instance_id: str) -> tuple[int, int]:
    """Return how many IPv6 addresses for pods the NIC has, and how many its pool lists."""
    return held(nic_of(s, instance_id), V6).count() - 1, listed(s, instance_id, V6).count()


def ipv6(addresses: list[str]) -> set[str]:
    return {address for address in addresses if ":" in address}


def use(s: Scene, instance_id: str, count: int) -> set[str]:
    """Run so many more pods, each wave as large as what is free of IPv6."""
    given: set[str] = set()
    while len(given) < count:
        used = sum(pool.allocated.count() for pool in s.pools(instance_id) if pool.family is V6)
        given |= ipv6(run_pods(s, instance_id, min(count - len(given), listed(s, instance_id, V6).count() - used)))
        s.run(90)
    return given


def prefixes(count: int, per_prefix: int = 4) -> str:
    return policy_of(interface(ipv4={"addresses": 9}, ipv6={"prefixes": count, "perPrefix": per_prefix}))


def test_single_addresses_grow_in_one_call_up_to_max() -> None:
    with scene(ELASTIC, subnets=PLANS) as s:
        instance_id = s.launch(nics=1)
        s.run(120)
        assert sizes(s, instance_id) == (3, 3)
        s.stack.model.calls.clear()
        run_pods(s, instance_id, 3)
        s.run(90)
        assert (sizes(s, instance_id), calls(s)) == ((6, 6), Counter(AssignIpv6Addresses=1))
        use(s, instance_id, 4)
        assert sizes(s, instance_id) == (8, 8)
        s.checker.assert_idle(lambda: s.run(1800))


def test_single_addresses_shrink_pool_first_and_pods_keep_theirs() -> None:
    with scene(ELASTIC, subnets=PLANS) as s:
        instance_id = s.launch(nics=1)
        s.run(120)
        use(s, instance_id, 7)
        s.stack.model.calls.clear()
        end_pods(s, 6)
        (used,) = (set(pool.allocated) for pool in s.pools(instance_id) if pool.family is V6)
        s.run(240)
        assert sizes(s, instance_id) == (8, 8), "not long enough"
        s.run(240)
        assert (sizes(s, instance_id), calls(s)) == ((4, 4), Counter(UnassignIpv6Addresses=1))
        assert used <= set(listed(s, instance_id, V6))
        assert s.stack.fuse()["state"] == "whole"
        s.checker.assert_idle(lambda: s.run(1800))


def shrunk(stop_after: int | None) -> tuple[list[str], tuple[int, int]]:
    with scene(ELASTIC, subnets=PLANS) as s:
        instance_id = s.launch(nics=1)
        s.run(120)
        use(s, instance_id, 5)
        end_pods(s, 5)
        stopper = Stopper(s, stop_after)
        s.run(1200)
        s.checker.assert_idle(lambda: s.run(300))
        return stopper.writes, sizes(s, instance_id)


def test_a_worker_that_is_stopped_on_the_way_leaves_nothing_behind() -> None:
    writes, end = shrunk(None)
    assert (writes[-3:-1], end) == (["patch spiderippools", "UnassignIpv6Addresses"], (3, 3))
    assert [stop for stop in range(len(writes) + 1) if shrunk(stop)[1] != end] == []


@pytest.mark.parametrize("seed", [0, 1])
def test_stale_describes_change_neither_the_end_nor_the_number_of_calls(seed: int) -> None:
    with scene(ELASTIC, subnets=PLANS, options=Ec2Options(describe_lag_seconds=30.0, lag_seed=seed)) as s:
        instance_id = s.launch(nics=1)
        s.run(300)
        use(s, instance_id, 4)
        s.run(240)
        assert sizes(s, instance_id) == (7, 7)
        end_pods(s, 4)
        s.run(800)
        assert (sizes(s, instance_id), calls(s)["AssignIpv6Addresses"]) == ((3, 3), 3)
        s.checker.assert_idle(lambda: s.run(600))


def test_prefixes_follow_the_policy_and_one_goes_only_when_no_pod_uses_any_of_it() -> None:
    with scene(prefixes(1), subnets=PLANS) as s:
        instance_id = s.launch(nics=1)
        s.run(120)
        s.stack.model.calls.clear()
        s.stack.put_policy(prefixes(2))
        s.run(60)
        assert (len(nic_of(s, instance_id).ipv6_prefixes), listed(s, instance_id, V6).count()) == (2, 8)
        assert calls(s) == Counter(AssignIpv6Addresses=1)
        used = ipv6(run_pods(s, instance_id, 5))
        s.stack.put_policy(prefixes(1))
        s.run(600)
        held = len(nic_of(s, instance_id).ipv6_prefixes), listed(s, instance_id, V6).count()
        assert held == (2, 8), "both are in use"
        end_pods(s, 1)
        s.run(600)
        assert len(nic_of(s, instance_id).ipv6_prefixes) == 1
        (pool,) = (pool for pool in s.pools(instance_id) if pool.family is V6)
        assert (pool.spec.ips.count(), set(pool.allocated) <= used, pool.allocated.count()) == (4, True, 4)
        s.checker.assert_idle(lambda: s.run(600))


def test_what_is_listed_of_each_prefix_follows_the_policy_and_pods_keep_theirs() -> None:
    with scene(prefixes(1, 4), subnets=PLANS) as s:
        instance_id = s.launch(nics=1)
        s.run(120)
        s.stack.model.calls.clear()
        s.stack.put_policy(prefixes(1, 8))
        s.run(60)
        assert listed(s, instance_id, V6).count() == 8
        used = ipv6(run_pods(s, instance_id, 6))
        s.stack.put_policy(prefixes(1, 3))
        s.run(400)
        assert set(listed(s, instance_id, V6)) == used
        end_pods(s, 6)
        s.run(400)
        assert listed(s, instance_id, V6).count() == 3
        assert calls(s) == Counter(), "the prefix is the same"
        s.checker.assert_idle(lambda: s.run(600))


def test_single_addresses_in_place_of_a_prefix_come_before_it_goes() -> None:
    with scene(prefixes(1, 6), subnets=PLANS) as s:
        instance_id = s.launch(nics=1)
        s.run(120)
        used = ipv6(run_pods(s, instance_id, 2))
        s.stack.put_policy(ELASTIC)
        s.run(120)
        if s.stack.fuse()["state"] == "tripped":
            confirm(s)
            s.run(120)
        eni = nic_of(s, instance_id)
        assert (len(eni.ipv6_prefixes), used <= set(listed(s, instance_id, V6))) == (1, True)
        end_pods(s, 2)
        s.run(900)
        if s.stack.fuse().get("state") == "tripped":
            confirm(s)
            s.run(120)
        assert (eni.ipv6_prefixes, sizes(s, instance_id)) == ([], (5, 5)), "two too many are within the hysteresis"
        s.checker.assert_idle(lambda: s.run(900))
