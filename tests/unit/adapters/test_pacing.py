"""Pacing: each worker's share of EC2's request rates, on a clock that stands still until somebody waits."""

from dataclasses import dataclass, field

import pytest

from spiderpool_aws.adapters.pacing import WAITS_SECONDS, Pacer, Urgency
from spiderpool_aws.deployment import EC2_BUCKETS, MAX_CONCURRENCY, BucketRate
from spiderpool_aws.domain.errors import Paced
from spiderpool_aws.local.ec2 import DOCUMENTED_BUCKETS
from tests.unit.world import SmallClock, SmallReporter

ATTACH, DELETE = "AttachNetworkInterface", "DeleteNetworkInterface"


@dataclass
class Sleeper(SmallClock):
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 3))
        self.advance(seconds)


class Scene:
    def __init__(self, burst: float = 50, refill: float = 5, workers: int = 10) -> None:
        self.clock, self.reporter = Sleeper(), SmallReporter()
        rates = {ATTACH: BucketRate(burst, refill), DELETE: BucketRate(100, 5)}
        self.pacer = Pacer(rates, workers, self.clock, self.reporter)

    def take(self, action: str = ATTACH, urgency: Urgency = Urgency.LAUNCH, times: int = 1) -> None:
        for _ in range(times):
            self.pacer.take(action, urgency)

    def has_to_wait(self, action: str) -> bool:
        """Tell whether the next call would wait."""
        slept = len(self.clock.slept)
        self.pacer.take(action, Urgency.LAUNCH)
        return len(self.clock.slept) > slept

    def paced_for(self, action: str, urgency: Urgency) -> float:
        """Return the delay of a call that is not made."""
        with pytest.raises(Paced) as caught:
            self.pacer.take(action, urgency)
        assert caught.value.delay_seconds is not None
        return caught.value.delay_seconds


def test_a_worker_takes_its_share_of_the_burst_at_once_and_then_waits_for_each_token() -> None:
    scene = Scene()
    scene.take(times=5)
    assert scene.clock.slept == []
    scene.take(times=3)
    assert scene.clock.slept == [2, 2, 2]
    assert scene.reporter.metrics == {"CallsPaced": 3}


def test_the_shares_of_all_workers_are_never_more_than_the_bucket() -> None:
    """However long they draw on it, each as fast as it may."""
    calls: list[float] = []
    for _ in range(MAX_CONCURRENCY):
        scene = Scene(workers=MAX_CONCURRENCY)
        start = scene.clock.now()
        for _ in range(15):
            scene.take()
            calls.append((scene.clock.now() - start).total_seconds())
    for now in sorted(set(calls)):
        assert sum(at <= now for at in calls) <= 50 + 5 * now + 1e-3


def test_what_was_not_used_is_kept_up_to_the_burst() -> None:
    scene = Scene()
    scene.take(times=5)
    scene.clock.advance(3600)
    scene.pacer.begin()
    scene.take(times=5)
    assert scene.clock.slept == []
    scene.take()
    assert scene.clock.slept == [2]


def test_an_invocation_brings_no_tokens_only_time_does_also_that_in_which_lambda_had_the_process_frozen() -> None:
    scene = Scene()
    scene.take(times=5)
    for _ in range(3):
        scene.pacer.begin()
        scene.take()
    assert scene.clock.slept == [2, 2, 2]
    scene.clock.advance(4)
    scene.pacer.begin()
    scene.take(times=3)
    assert scene.clock.slept == [2, 2, 2, 2]


def test_a_clock_that_is_set_back_and_forth_brings_no_tokens_either() -> None:
    scene = Scene()
    scene.take(times=5)
    scene.clock.advance(-60)
    assert scene.has_to_wait(ATTACH)
    scene.clock.advance(60)
    assert scene.has_to_wait(ATTACH)


def test_a_share_of_less_than_one_call_lets_single_calls_through_at_its_pace() -> None:
    scene = Scene(workers=100)
    scene.take(times=2)
    assert scene.clock.slept == [10, 20]


def test_a_launch_waits_no_longer_than_the_invocation_has_time_and_then_comes_back_in_its_turn() -> None:
    scene = Scene()
    scene.take(times=5 + int(WAITS_SECONDS // 2))
    assert [round(scene.paced_for(ATTACH, Urgency.LAUNCH), 3) for _ in range(3)] == [2, 4, 6]
    scene.pacer.begin()
    scene.take()
    assert scene.clock.slept[-1] == 2


def test_a_release_never_waits_and_leaves_half_of_the_bucket_to_launches() -> None:
    scene = Scene()
    scene.take(DELETE, Urgency.CLEAN_UP, times=5)
    assert round(scene.paced_for(DELETE, Urgency.CLEAN_UP), 3) == 2
    assert scene.clock.slept == []
    scene.take(DELETE, Urgency.LAUNCH, times=5)
    assert scene.clock.slept == []
    # A launch empties the bucket, and the release has to wait until it is half full again.
    assert round(scene.paced_for(DELETE, Urgency.CLEAN_UP), 3) == 2 + 12


def test_a_release_comes_through_at_the_buckets_pace_also_where_the_share_is_one_call() -> None:
    scene = Scene(workers=100)
    scene.clock.advance(1000)
    for _ in range(3):
        scene.take(DELETE, Urgency.CLEAN_UP)
        scene.clock.advance(scene.paced_for(DELETE, Urgency.CLEAN_UP))


def test_a_token_that_one_thread_waits_for_is_no_other_threads() -> None:
    scene = Scene()
    scene.take(times=5)
    others = iter([scene.take, scene.take])
    sleep, waits = scene.clock.sleep, []

    def sleep_while_others_ask(seconds: float) -> None:
        waits.append(round(seconds, 3))
        for ask in others:
            ask()
        if seconds == max(waits):
            sleep(seconds)

    scene.clock.sleep = sleep_while_others_ask  # type: ignore[method-assign]
    scene.take()
    assert waits == [2, 4, 6]


def test_an_action_without_a_rate_is_not_paced() -> None:
    scene = Scene()
    scene.take("DescribeInstances", times=1000)
    assert scene.clock.slept == []


def test_the_rates_of_the_product_and_of_the_ec2_model_are_the_same() -> None:
    model = {action: DOCUMENTED_BUCKETS.get(action, DOCUMENTED_BUCKETS["Mutating"]) for action in EC2_BUCKETS}
    assert {a: (r.burst, r.refill_per_second) for a, r in EC2_BUCKETS.items()} == {
        a: (r.burst, r.refill_per_second) for a, r in model.items()
    }
