"""What AWS asks for it: per 1,000 launches, and for an idle month with 1,000 nodes.

Counted in the burst and the resync of the other benchmarks and priced by `PRICES`. Not in it: NAT gateway or endpoints,
logs, metrics and alarms, the trail, and every free tier.
"""

from collections.abc import Iterator

from spiderpool_aws.deployment import RESYNC, ROUTE_EVENT
from tests.bench import burst, latencies

PRICES = {
    "Lambda, arm64, GB-second": 0.0000133334,
    "Lambda, a million requests": 0.20,
    "SQS FIFO, a million requests": 0.50,
    "EventBridge, a million events of AWS's own services": 0.0,
}
"""US dollars, us-east-1, as published in 2026: Lambda's and SQS's price pages; events of AWS's services are free."""
LAUNCHES = 1000
EVENTS_OF_A_LAUNCH = 2
"""Pending and running; our own calls come back by no rule."""
ROUTE_SECONDS = 0.05
MINUTES = 30 * 24 * 60
RESYNC_MINUTES = 5
POLLERS, LONG_POLL_SECONDS = 5, 20
"""Of an idle event source mapping with a maximum concurrency (Lambda developer guide, "Configuring scaling behavior for
SQS event source mappings"; SQS's longest poll)."""
RESYNC_CPU_SECONDS = 0.5
"""Of one resync of 1,000 nodes on a whole core, by `tests.bench.resync`."""
POOLS, NODES = 4000, 1000


def rows() -> Iterator[tuple[str, str, str]]:
    """Return both bills."""
    yield _launches()
    yield _idle_month()


def _launches() -> tuple[str, str, str]:
    run = burst.run(LAUNCHES)
    events = EVENTS_OF_A_LAUNCH * LAUNCHES
    gb_seconds = run.usage.gb_seconds + events * ROUTE_SECONDS * ROUTE_EVENT.memory_mb / 1024
    sqs = run.usage.receives + run.usage.deletes + run.usage.sends + run.sqs_calls.total()
    return _bill(f"{LAUNCHES:,} launches with a created NIC", gb_seconds, run.usage.invocations + events, sqs, events)


def _idle_month() -> tuple[str, str, str]:
    passes = MINUTES // RESYNC_MINUTES
    core = RESYNC.memory_mb / latencies.VCPU_MB
    parsing = (POOLS + NODES) * latencies.PARSED_POOL / latencies.SLOWER
    pages = (POOLS + NODES) / latencies.POOLS_IN_A_PAGE
    # Three pages of describes, the parameters, the cluster's pages; and our own work on less than a whole core.
    seconds = 3 * latencies.EC2_READ + latencies.SSM + pages * latencies.PAGE_OF_POOLS
    seconds += (RESYNC_CPU_SECONDS + parsing) / core
    empty = (MINUTES - passes) * 0.05
    gb_seconds = (passes * seconds + empty) * RESYNC.memory_mb / 1024
    receives = POLLERS * MINUTES * 60 // LONG_POLL_SECONDS
    return _bill("idle month, 1,000 nodes", gb_seconds, MINUTES, receives, MINUTES)


def _bill(what: str, gb_seconds: float, invocations: int, sqs: int, events: int) -> tuple[str, str, str]:
    of_lambda = gb_seconds * PRICES["Lambda, arm64, GB-second"]
    of_requests = invocations * PRICES["Lambda, a million requests"] / 1e6
    of_sqs = sqs * PRICES["SQS FIFO, a million requests"] / 1e6
    how = (
        f"{gb_seconds:,.0f} GB-s {of_lambda:.2f}, {invocations:,} invocations {of_requests:.2f}, "
        f"{sqs:,} SQS requests {of_sqs:.2f}, {events:,} events 0.00"
    )
    return f"cost of {what}", f"{of_lambda + of_requests + of_sqs:.2f} USD", how


if __name__ == "__main__":
    for row in rows():
        print(" | ".join(row), flush=True)  # noqa: T201 - figures for a terminal
