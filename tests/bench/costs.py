"""What AWS asks for it: per 1,000 launches, and for idle months with 1,000 nodes: `python -m tests.bench.costs`.

Counted in the burst and the resync of the other benchmarks and priced by `PRICES`. Durations are those of the table of
`latencies`, but for what the resync computes, which is measured. Not in it: NAT gateway or endpoints, logs, metrics and
alarms, the trail, and every free tier.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from spiderpool_aws.deployment import RESYNC, RESYNC_PERIOD, RESYNC_SCHEDULE, ROUTE_EVENT
from tests.bench import burst, latencies, resync
from tests.bench.given import POOLS_OF_A_NODE
from tests.bench.rows import Row, show

PRICES = {
    "Lambda, arm64, GB-second": 0.0000133334,
    "Lambda, a million requests": 0.20,
    "SQS FIFO, a million requests": 0.50,
    "EventBridge, a million events of AWS's own services": 0.0,
}
"""US dollars, us-east-1, without tiers: the pages "AWS Lambda Pricing", "Amazon SQS pricing" and "Amazon EventBridge
pricing" as they were in November 2026. Scheduled rules and events of AWS's own services cost nothing."""
LAUNCHES = 1000
EVENTS_OF_A_LAUNCH = 2
"""The launch hook and `running`; our own calls come back by no rule."""
ROUTE_SECONDS = 0.05
MONTH_SECONDS = 30 * 24 * 3600
POLLERS, LONG_POLL_SECONDS = 5, 20
"""Of an idle event source mapping with a maximum concurrency (Lambda developer guide, "Configuring scaling behavior for
SQS event source mappings"; SQS's longest poll)."""
NOT_DUE_SECONDS = 0.05
"""Of a resync that finds nothing due: two parameters are read."""
NODES = 1000
POOLS = POOLS_OF_A_NODE * NODES


@dataclass(frozen=True, slots=True)
class Bill:
    """What is paid for."""

    gb_seconds: float
    invocations: int
    sqs_requests: int
    events: int

    @property
    def dollars(self) -> float:
        """Return the sum, by `PRICES`."""
        return (
            self.gb_seconds * PRICES["Lambda, arm64, GB-second"]
            + self.invocations * PRICES["Lambda, a million requests"] / 1e6
            + self.sqs_requests * PRICES["SQS FIFO, a million requests"] / 1e6
            + self.events * PRICES["EventBridge, a million events of AWS's own services"] / 1e6
        )

    def row(self, what: str) -> Row:
        """Return it as a row."""
        counts = (f"{count:,.0f}" for count in (self.gb_seconds, self.invocations, self.sqs_requests, self.events))
        return Row("Cost", what, *counts, f"{self.dollars:.2f}")


def rows() -> Iterator[Row]:
    """Return the bills."""
    yield launches(burst.run(LAUNCHES)).row(f"{LAUNCHES:,} launches with a created NIC")
    cpu_seconds = resync.measured(NODES).cpu_seconds
    yield idle_month(cpu_seconds).row(f"an idle month with {NODES:,} nodes")
    yield idle_month(cpu_seconds, elastic=True).row("the same with elastic sizes: every resync looks at everything")


def launches(run: burst.Burst) -> Bill:
    """Return the bill of a burst; each of its first events starts a process of `route_event`."""
    events = EVENTS_OF_A_LAUNCH * run.launches
    routing = events * ROUTE_SECONDS + run.launches * latencies.COLD_START
    gb_seconds = run.usage.gb_seconds + routing * ROUTE_EVENT.memory_mb / 1024
    sqs = run.usage.receives + run.usage.deletes + run.usage.sends + run.sqs_calls.total()
    return Bill(gb_seconds, run.usage.invocations + events, sqs, events)


def idle_month(resync_cpu_seconds: float, *, elastic: bool = False) -> Bill:
    """Return the bill of a month in which nothing happens but the schedule; given what a resync computes on a core.

    Where no size is elastic, the resync passes over what is not due: four of five invocations.
    """
    invocations = int(MONTH_SECONDS / RESYNC_SCHEDULE.total_seconds())
    passes = invocations if elastic else int(MONTH_SECONDS / RESYNC_PERIOD.total_seconds())
    # The listings by the worker's share of a core are those of the resync's by the ratio of their memories.
    slower = latencies.VCPU_MB / RESYNC.memory_mb
    listed = (POOLS * latencies.LISTED_POOL + NODES * latencies.LISTED_NODE) / latencies.SLOWER
    waits = 4 * latencies.EC2_READ + latencies.SSM + latencies.listing(POOLS, 0) + latencies.listing(NODES, 0)
    seconds = passes * (waits + (resync_cpu_seconds + listed) * slower) + (invocations - passes) * NOT_DUE_SECONDS
    receives = POLLERS * MONTH_SECONDS // LONG_POLL_SECONDS
    return Bill(seconds * RESYNC.memory_mb / 1024, invocations, receives, invocations)


if __name__ == "__main__":
    show(rows())
