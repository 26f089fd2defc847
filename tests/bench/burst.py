"""Many launches at once against EC2's documented request rates: `python -m tests.bench.burst 50 250 1000 5000`.

The product's own worker, reconciler, EC2 adapter and pacing, as many at a time as the event source mapping allows, on
the EC2 model with AWS's buckets and the strict FIFO queue. The clock is virtual: every call takes its time by the table
of `latencies`, and a worker that waits does so on that clock. The cluster is the small one of the unit tests (it judges
nothing); the webhook's time is in the table. Not modelled: cold starts but the first of each worker, the scheduled
resync, faults, and others who call EC2 in the same account.
"""

import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from spiderpool_aws.deployment import BATCH_SIZE, MAX_CONCURRENCY
from tests.bench.fleet import Fleet, Usage

SIZES = (50, 250, 1000, 5000)
REFILL, BURST = 5, 50
"""Of the slowest bucket that a launch draws on: AttachNetworkInterface."""


@dataclass
class Burst:
    """What a burst came to; times from the launch."""

    launches: int
    seconds: list[float]
    calls: Counter[str]
    throttled: Counter[str]
    usage: Usage
    sqs_calls: Counter[str]
    took: float
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
        return self.throttled.total() / self.calls.total()

    def percentile(self, share: float) -> float:
        return self.seconds[min(len(self.seconds) - 1, int(share * len(self.seconds)))]


def run(launches: int, workers: int = MAX_CONCURRENCY, batch: int = BATCH_SIZE) -> Burst:
    """Launch so many nodes at once and let everything come to rest."""
    began, fleet = time.perf_counter(), Fleet(workers, batch)
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
        time.perf_counter() - began,
        fleet.reporter.metrics.get("CallsPaced", 0),
    )


def rows(sizes: Sequence[int] = SIZES, workers: int = MAX_CONCURRENCY) -> Iterator[tuple[str, str, str]]:
    """Return each burst's makespan over its bound, its throttled calls, and its percentiles."""
    alone = run(1, workers).makespan
    yield "one launch, to its last pool", f"{alone:.0f} s", "the node joins 35 s after the launch"
    for size in sizes:
        burst = run(size, workers)
        bound = alone + max(0, size - BURST) / REFILL
        percentiles = "/".join(f"{burst.percentile(share):.0f}" for share in (0.5, 0.95, 0.99))
        figure = f"{burst.makespan:.0f} s, bound {bound:.0f} s: {burst.makespan / bound:.2f}"
        how = (
            f"{burst.throttled_share:.2%} of {burst.calls.total():,} EC2 calls throttled; p50/p95/p99 {percentiles} s; "
            f"{burst.usage.invocations} invocations, {burst.usage.gb_seconds:,.0f} GB-s; {burst.took:.0f} s to run"
        )
        yield f"burst of {size:,} launches, {workers} workers", figure, how


if __name__ == "__main__":
    for row in rows([int(size) for size in sys.argv[1:]] or SIZES):
        print(" | ".join(row), flush=True)  # noqa: T201 - figures for a terminal
