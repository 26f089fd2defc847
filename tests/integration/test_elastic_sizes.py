"""Sizes that change: a policy that is raised and lowered, `max`, and pools that follow their use."""

from collections import Counter
from datetime import timedelta

import pytest

from spiderpool_aws.local.cluster import ClusterWrite
from spiderpool_aws.local.cluster.double import PRODUCT
from spiderpool_aws.local.ec2 import Ec2Options
from tests.integration.capacity import (
    PLANS,
    calls,
    held,
    interface,
    listed,
    nic_of,
    policy_of,
    run_pods,
)
from tests.integration.scene import Scene, scene
from tests.integration.stopping import Stopper

ELASTIC = policy_of(interface(ipv4={"addresses": {"min": 2, "warm": 3, "max": 9}}))
REST = timedelta(seconds=60)


def sizes(s: Scene, instance_id: str) -> tuple[int, int]:
    """Return how many addresses the NIC has and how many its pool lists."""
    return held(nic_of(s, instance_id)).count(), listed(s, instance_id).count()


def end_pods(s: Scene, count: int) -> None:
    """End the newest pods."""
    names = [pod["metadata"]["name"] for pod in s.stack.cluster.objects("pods")]
    for name in sorted(names, key=lambda n: int(n.rpartition("-")[2]))[-count:]:
        s.stack.agent.delete_pod("default", name)


def use(s: Scene, instance_id: str, count: int) -> list[str]:
    """Run so many more pods, each wave as large as what is free, while the pool grows after them."""
    given: list[str] = []
    while len(given) < count:
        used = sum(pool.allocated.count() for pool in s.pools(instance_id))
        given += run_pods(s, instance_id, min(count - len(given), listed(s, instance_id).count() - used))
        s.run(90)
    return given


def confirm(s: Scene) -> None:
    """Confirm, as a person, what the fuse holds."""
    s.stack.bus.invoke_resync({"confirm": s.stack.fuse()["digest"]})


def fixed(count: int | str) -> str:
    return policy_of(interface(ipv4={"addresses": count}))


def test_a_raised_number_is_assigned_in_one_call_and_a_lowered_one_gives_back_what_no_pod_uses() -> None:
    with scene(fixed(4), subnets=PLANS) as s:
        instance_id = s.launch(nics=1)
        s.run(120)
        s.stack.model.calls.clear()
        s.stack.put_policy(fixed(9))
        s.run(60)
        assert (sizes(s, instance_id), calls(s)) == ((9, 9), {"AssignPrivateIpAddresses": 1})
        used = run_pods(s, instance_id, 4)
        s.stack.model.calls.clear()
        s.stack.put_policy(fixed(2))
        s.run(60)
        confirm(s)
        s.run(60)
        assert (sizes(s, instance_id), calls(s)) == ((4, 4), {"UnassignPrivateIpAddresses": 1})
        assert list(listed(s, instance_id)) == sorted(used)
        end_pods(s, 3)
        s.run(600)
        assert sizes(s, instance_id) == (2, 2)
        s.checker.assert_idle(lambda: s.run(600))


def test_max_takes_every_slot_and_going_back_to_a_number_gives_the_rest_back() -> None:
    with scene(fixed("max"), subnets=PLANS) as s:
        instance_id = s.launch(nics=1, instance_type="m5.xlarge")
        s.run(120)
        assert sizes(s, instance_id) == (14, 14)
        s.stack.put_policy(fixed(5))
        s.run(120)
        assert sizes(s, instance_id) == (14, 14), "more than a tenth of all: that needs a person's word"
        confirm(s)
        s.run(120)
        assert sizes(s, instance_id) == (5, 5)
        s.checker.assert_idle(lambda: s.run(600))


def test_an_elastic_pool_grows_by_all_that_is_missing_in_one_call() -> None:
    with scene(ELASTIC, subnets=PLANS) as s:
        instance_id = s.launch(nics=1)
        s.run(120)
        assert sizes(s, instance_id) == (3, 3)
        s.stack.model.calls.clear()
        run_pods(s, instance_id, 3)
        s.run(90)
        assert (sizes(s, instance_id), calls(s)) == ((6, 6), {"AssignPrivateIpAddresses": 1})
        use(s, instance_id, 5)
        assert sizes(s, instance_id) == (9, 9), "max"
        s.checker.assert_idle(lambda: s.run(3600))


def test_it_shrinks_only_when_it_was_too_large_for_five_minutes_and_more_than_the_hysteresis() -> None:
    with scene(ELASTIC, subnets=PLANS) as s:
        instance_id = s.launch(nics=1)
        s.run(120)
        use(s, instance_id, 4)
        assert sizes(s, instance_id) == (7, 7)
        end_pods(s, 2)
        s.run(900)
        assert sizes(s, instance_id) == (7, 7), "two too many are within the hysteresis"
        end_pods(s, 1)
        s.run(240)
        assert sizes(s, instance_id) == (7, 7), "not long enough"
        s.run(200)
        assert sizes(s, instance_id) == (4, 4)
        s.checker.assert_idle(lambda: s.run(3600))


def test_use_that_comes_back_within_the_five_minutes_keeps_the_size() -> None:
    with scene(ELASTIC, subnets=PLANS) as s:
        instance_id = s.launch(nics=1)
        s.run(120)
        use(s, instance_id, 6)
        for _ in range(3):
            end_pods(s, 5)
            s.run(200)
            use(s, instance_id, 5)
            assert sizes(s, instance_id) == (9, 9)


def test_an_address_that_a_pod_takes_in_the_moment_of_the_shrink_stays_the_pods() -> None:
    with scene(ELASTIC, subnets=PLANS) as s:
        instance_id = s.launch(nics=1)
        s.run(120)
        use(s, instance_id, 6)
        end_pods(s, 6)
        raced: list[str] = []

        def race(method: str, path: str) -> None:
            """When our shrink arrives, all of the pool has just been taken."""
            if method == "PATCH" and "/spiderippools/" in path and not raced and shrinking:
                raced.extend(run_pods(s, instance_id, 9))

        shrinking: list[bool] = []
        refused: list[int] = []
        s.stack.cluster.inject(race)
        s.stack.cluster.observe(lambda w: refused.append(w.status) if w.user == PRODUCT and w.status >= 400 else None)
        s.run(280)
        shrinking.append(True)
        s.run(120)
        assert (len(raced), bool(refused)) == (9, True), "Spiderpool has refused the shrink"
        assert (set(listed(s, instance_id)), set(held(nic_of(s, instance_id)))) == (set(raced), set(raced))
        assert calls(s).keys() == {"AssignPrivateIpAddresses"}, "nothing was unassigned"
        end_pods(s, 9)
        s.run(600)
        assert sizes(s, instance_id) == (3, 3)


def shrunk(stop_after: int | None) -> tuple[list[str], tuple[int, int]]:
    """Grow and shrink with a worker that is stopped once, counted from the shrink on; return its writes and the end."""
    with scene(ELASTIC, subnets=PLANS) as s:
        instance_id = s.launch(nics=1)
        s.run(120)
        use(s, instance_id, 6)
        end_pods(s, 6)
        stopper = Stopper(s, stop_after)
        s.run(1200)
        assert len(s.stack.failed_invocations) == int(stop_after is not None)
        s.checker.assert_idle(lambda: s.run(300))
        return stopper.writes, sizes(s, instance_id)


def test_a_worker_that_is_stopped_between_shrink_and_unassign_leaves_nothing_behind() -> None:
    writes, end = shrunk(None)
    assert (writes[-3:-1], end) == (["patch spiderippools", "UnassignPrivateIpAddresses"], (3, 3))
    assert [stop for stop in range(len(writes) + 1) if shrunk(stop)[1] != end] == []


def test_released_addresses_rest_for_a_minute_before_a_pool_lists_them_again() -> None:
    with scene(ELASTIC, subnets=PLANS) as s:
        instance_id = s.launch(nics=1)
        s.run(120)
        use(s, instance_id, 6)
        end_pods(s, 6)
        released_at = {}

        def note(write: ClusterWrite) -> None:
            if write.resource == "spiderippools" and write.user == PRODUCT and write.status < 400:
                now, memory = s.stack.clock.now(), s.pools(instance_id)[0].memory
                released_at.update({a: at for at, addresses in memory.released for a in addresses})
                early = [a for a in listed(s, instance_id) if a in released_at and now - released_at[a] < REST]
                assert early == []

        s.stack.cluster.observe(note)
        while sizes(s, instance_id) != (3, 3):
            s.run(5)
        run_pods(s, instance_id, 3)  # EC2 gives back the very addresses that were released
        s.run(40)
        assert sizes(s, instance_id)[1] == 3
        s.run(120)
        assert sizes(s, instance_id) == (6, 6)
        assert set(listed(s, instance_id)) & set(released_at)


def test_prefixes_go_back_whole_or_not_at_all() -> None:
    def two(count: int) -> str:
        return policy_of(interface(ipv4={"prefixes": count}))

    with scene(two(2), subnets=PLANS) as s:
        instance_id = s.launch(nics=1)
        s.run(120)
        run_pods(s, instance_id, 17)
        s.stack.put_policy(two(1))
        s.run(300)
        assert s.stack.fuse()["state"] == "tripped", "16 of 32 go in the end"
        confirm(s)
        s.run(300)
        assert sizes(s, instance_id) == (32, 32), "a pod uses an address of each"
        end_pods(s, 1)
        s.run(400)
        assert len(nic_of(s, instance_id).ipv4_prefixes) == 1
        assert sizes(s, instance_id) == (16, 16)
        assert calls(s)["UnassignPrivateIpAddresses"] == 1
        s.checker.assert_idle(lambda: s.run(600))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_growing_and_shrinking_under_stale_describes_ends_as_without(seed: int) -> None:
    options = Ec2Options(describe_lag_seconds=30.0, lag_seed=seed)
    with scene(ELASTIC, subnets=PLANS, options=options) as s:
        instance_id = s.launch(nics=1)
        s.run(300)
        assert sizes(s, instance_id) == (3, 3)
        use(s, instance_id, 5)
        s.run(240)
        assert sizes(s, instance_id) == (8, 8)
        end_pods(s, 5)
        s.run(800)
        assert sizes(s, instance_id) == (3, 3)
        assert calls(s)["AssignPrivateIpAddresses"] == 3
        s.checker.assert_idle(lambda: s.run(600))


def test_an_hour_of_scheduled_passes_over_a_converged_cluster_writes_nothing_and_lists_pools_once_a_pass() -> None:
    with scene(ELASTIC, subnets=PLANS) as s:
        ids = [s.launch(nics=1) for _ in range(3)]
        s.run(300)
        for instance_id in ids:
            run_pods(s, instance_id, 2)
        s.run(300)
        s.stack.cluster.requests.clear()
        s.stack.functions["resync"].invocations.clear()
        s.checker.assert_idle(lambda: s.run(3600))
        passes = s.stack.functions["resync"].invocations
        lists = Counter(what for verb, what, _ in s.stack.cluster.requests if verb == "list")
        assert (len(passes), lists["spiderippools"]) == (60, 60)
