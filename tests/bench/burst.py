"""Many launches at once against EC2's documented request rates: `python -m tests.bench.burst 50 250 1000 5000`.

The product's own worker, reconciler, EC2 adapter and pacing, as many at a time as the event source mapping allows, on
the EC2 model with AWS's buckets and the strict FIFO queue. The clock is virtual: every call takes its time by the table
of `latencies`, and a worker that waits does so on that clock. The cluster is the small one of the unit tests (it judges
nothing); the webhook's time is in the table. Not modelled: how fast EC2 launches so many and Lambda begins to poll,
cold starts but the first of each worker, the scheduled resync, faults, and others who call EC2 in the same account.
"""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache

from spiderpool_aws.deployment import BATCH_SIZE, MAX_CONCURRENCY
from spiderpool_aws.local.ec2 import DOCUMENTED_BUCKETS, Ec2Options
from tests.bench.cpu import Stopwatch
from tests.bench.fleet import Fleet, Usage
from tests.bench.latencies import EC2_WRITES
from tests.bench.rows import Row, show

SIZES = (50, 60, 120, 250, 1000, 5000)
"""60 and 120 are where most of the bucket's tokens lie unused until the Nodes join."""
COMPARED = (50, 60, 250, 1000)
DEPLOYMENTS = ((MAX_CONCURRENCY, BATCH_SIZE), (MAX_CONCURRENCY, 2 * BATCH_SIZE), (15, BATCH_SIZE), (5, BATCH_SIZE))
"""Workers, and messages a batch."""


@dataclass
class Burst:
    """What a burst came to; times from the launch."""

    launches: int
    seconds: list[float]
    calls: Counter[str]
    throttled: Counter[str]
    usage: Usage
    sqs_calls: Counter[str]
    cpu_seconds: float
    paced: int = 0
    reads: int = field(init=False)

    def __post_init__(self) -> None:
        self.seconds.sort()
        self.reads = sum(count for name, count in self.calls.items() if name.startswith("Describe"))

    @property
    def makespan(self) -> float:
        return self.seconds[-1]

    @property
    def throttled_share(self) -> float:
        """Return which part of the calls that have a bucket of their own, the writes, was refused."""
        writes = sum(count for name, count in self.calls.items() if name in EC2_WRITES)
        return self.throttled.total() / writes

    def percentile(self, share: float) -> float:
        return self.seconds[min(len(self.seconds) - 1, int(share * len(self.seconds)))]


def slowest_bucket_seconds(launches: int) -> float:
    """Return how long EC2's slowest bucket takes to let so many launches through, from a full one on."""
    buckets = [DOCUMENTED_BUCKETS.get(action, DOCUMENTED_BUCKETS["Mutating"]) for action in EC2_WRITES]
    return max(max(0, launches - rate.burst) / rate.refill_per_second for rate in buckets)


def floor(launches: int, alone: float) -> float:
    """Return the makespan below which nobody gets: EC2 attaches nothing to an instance that does not run yet.

    From then on the attaches come at the bucket's pace, and no launch is faster than one alone.
    """
    return max(alone, Ec2Options().pending_seconds + slowest_bucket_seconds(launches))


def one_after_another(launches: int, alone: float) -> float:
    """Return the bound of the design: one launch as a whole, and then the bucket's pace.

    It is no lower bound: it takes the attaches for the last part of a launch, and they need not wait for the Node.
    """
    return alone + slowest_bucket_seconds(launches)


def run(launches: int, workers: int = MAX_CONCURRENCY, batch: int = BATCH_SIZE) -> Burst:
    """Launch so many nodes at once and let everything come to rest. The same each time, so it is run once."""
    return _run(launches, workers, batch)


@cache
def _run(launches: int, workers: int, batch: int) -> Burst:
    watch, fleet = Stopwatch(), Fleet(workers, batch)
    start, ids = fleet.clock.now(), fleet.launch(launches)
    fleet.clock.run_out()
    missing = sorted(set(ids) - set(fleet.cluster.complete))
    if missing:
        raise RuntimeError(f"{len(missing)} of {launches} nodes never got their pools, {missing[0]} for one")
    ours = [call for call in fleet.model.calls if call.caller.endswith("/worker")]
    return Burst(
        launches,
        [(at - start).total_seconds() for at in fleet.cluster.complete.values()],
        Counter(call.operation for call in ours),
        Counter(c.operation for c in ours if c.error is not None and "RequestLimitExceeded" in str(c.error)),
        fleet.usage,
        Counter(fleet.sqs.calls),
        watch.seconds(),
        fleet.reporter.metrics.get("CallsPaced", 0),
    )


def rows(sizes: Sequence[int] = SIZES, workers: int = MAX_CONCURRENCY) -> Iterator[Row]:
    """Return each burst's makespan over its bounds, its percentiles and throttled calls, and what Lambda counts."""
    alone = run(1, workers).makespan
    for size in sizes:
        burst, least, apart = run(size, workers), floor(size, alone), one_after_another(size, alone)
        percentiles = " / ".join(f"{burst.percentile(share):.0f}" for share in (0.5, 0.95, 0.99))
        yield Row(
            "Bursts of launches",
            f"{size:,}",
            f"{burst.makespan:,.0f} s",
            f"{least:,.0f} s: {burst.makespan / least:.2f}",
            f"{apart:,.0f} s: {burst.makespan / apart:.2f}",
            f"{percentiles} s",
            f"{burst.calls.total():,}, {burst.throttled.total()} of the writes ({burst.throttled_share:.2%})",
            f"{burst.usage.invocations:,}, {burst.usage.gb_seconds:,.0f}",
            f"{burst.cpu_seconds:.0f} s",
        )


def deployments() -> Iterator[Row]:
    """Return what the bursts would be with other figures of the deployment, over the floor of each."""
    for workers, batch in DEPLOYMENTS:
        alone, bursts = run(1, workers, batch).makespan, [run(size, workers, batch) for size in COMPARED]
        over = (f"{one.makespan / floor(one.launches, alone):.2f}" for one in bursts)
        last = bursts[-1]
        yield Row(
            "Workers and batches",
            f"{workers} workers, {batch} a batch",
            *over,
            f"{last.reads:,}",
            f"{last.usage.gb_seconds:,.0f}",
        )


if __name__ == "__main__":
    show(rows([int(size) for size in sys.argv[1:]] or SIZES))
