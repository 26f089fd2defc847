"""What the benchmarks compute from what they count: the figures themselves are nobody's verdict."""

import inspect
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from types import SimpleNamespace

import pytest

from spiderpool_aws.deployment import RESYNC, ROUTE_EVENT
from spiderpool_aws.ports import ClusterPort
from tests.bench import batches, burst, calls, costs, latencies
from tests.bench.batches import measure
from tests.bench.concurrency import SharedClock
from tests.bench.document import NoTableError, filled
from tests.bench.fleet import Usage
from tests.bench.rows import Row
from tests.bench.timed import InvocationEnd, TimedCluster
from tests.documents.markdown import ROOT
from tests.simulation import edges

ALONE = 40.0


def made(launches: int, *, calls: Counter[str] | None = None, throttled: Counter[str] | None = None) -> burst.Burst:
    seconds = [float(n) for n in range(launches, 0, -1)]
    usage = Usage(invocations=10, seconds=100.0, receives=30, deletes=20, sends=10)
    return burst.Burst(launches, seconds, calls or Counter(), throttled or Counter(), usage, Counter(a=5), 1.0)


@pytest.mark.parametrize(
    ("launches", "least", "apart"),
    [
        pytest.param(1, 40, 40, id="one is one launch"),
        pytest.param(50, 40, 40, id="fifty are attached at once"),
        pytest.param(250, 50, 80, id="the rest comes at five a second, from the moment at which instances run"),
        pytest.param(1000, 200, 230, id="the pace is what counts"),
        pytest.param(5000, 1000, 1030, id="and does not change"),
    ],
)
def test_the_bounds_are_those_of_the_slowest_bucket(launches: int, least: float, apart: float) -> None:
    assert burst.floor(launches, ALONE) == least
    assert burst.one_after_another(launches, ALONE) == apart


def test_no_burst_is_faster_than_the_floor_and_hardly_a_call_is_throttled() -> None:
    alone = burst.run(1).makespan
    ran = burst.run(60)
    assert burst.floor(60, alone) <= ran.makespan
    assert ran.throttled_share < 0.02
    writes = {name: count for name, count in ran.calls.items() if name in latencies.EC2_WRITES}
    assert writes.keys() == latencies.EC2_WRITES.keys()
    assert ran.calls.total() == ran.reads + sum(writes.values())


def test_throttled_calls_are_a_share_of_the_writes_and_percentiles_are_of_all_launches() -> None:
    ran = made(
        200,
        calls=Counter(AttachNetworkInterface=50, CreateNetworkInterface=50, DescribeInstances=900),
        throttled=Counter(AttachNetworkInterface=3),
    )
    assert ran.throttled_share == 0.03
    assert [ran.percentile(share) for share in (0.5, 0.95, 0.99)] == [101, 191, 199]
    assert (ran.makespan, ran.reads) == (200, 900)


@pytest.mark.parametrize("name", [n for n, _ in inspect.getmembers(ClusterPort, inspect.isfunction) if n[0] != "_"])
def test_no_call_of_the_cluster_is_free(name: str) -> None:
    clock = SharedClock()
    cluster = TimedCluster(clock)
    asked: list[tuple[object, ...]] = []
    setattr(cluster.stored, name, lambda *given: asked.append(given))
    pool = SimpleNamespace(name="a", spec=SimpleNamespace(subnet="10.0.0.0/24"), identity=None)
    begun = clock.now()
    getattr(cluster, name)(pool)
    assert asked == [(pool,)]
    assert (clock.now() - begun).total_seconds() >= latencies.CLUSTER_CALL


def test_a_listing_takes_a_page_more_for_each_five_hundred_objects() -> None:
    taken = [latencies.listing(count, latencies.LISTED_POOL) for count in (0, 499, 500, 1000)]
    assert taken[0] == latencies.PAGE
    assert [round(b - a, 4) for a, b in pairwise(taken)] == [
        round(pages * latencies.PAGE + pools * latencies.LISTED_POOL, 4)
        for pages, pools in ((0, 499), (1, 1), (1, 500))
    ]


def test_an_invocation_has_as_much_time_left_as_lambda_leaves_it() -> None:
    clock = SharedClock()
    end = InvocationEnd(clock, timedelta(seconds=60))
    clock.advance(45)
    assert end.seconds_left() == 15


def test_a_bill_is_counts_by_prices() -> None:
    bill = costs.Bill(gb_seconds=1e6, invocations=2_000_000, sqs_requests=3_000_000, events=4_000_000)
    assert round(bill.dollars, 4) == round(13.3334 + 0.40 + 1.50, 4)


def test_the_bill_of_launches_has_the_router_with_its_cold_starts_and_every_request_to_the_queue() -> None:
    bill = costs.launches(made(100))
    routing = (200 * costs.ROUTE_SECONDS + 100 * latencies.COLD_START) * ROUTE_EVENT.memory_mb / 1024
    assert bill.gb_seconds == made(100).usage.gb_seconds + routing
    assert (bill.invocations, bill.sqs_requests, bill.events) == (210, 65, 200)


def test_an_idle_month_is_paid_by_the_schedule_and_by_what_a_resync_computes() -> None:
    idle = costs.idle_month(0)
    assert (idle.invocations, idle.events, idle.sqs_requests) == (43_200, 43_200, 5 * 129_600)
    more = costs.idle_month(1).gb_seconds - idle.gb_seconds
    # A core's second is as many seconds as the function has less of a core, 8,640 times.
    assert round(more) == round(8640 * latencies.VCPU_MB / RESYNC.memory_mb * RESYNC.memory_mb / 1024)


def test_with_elastic_sizes_each_resync_of_an_idle_month_computes() -> None:
    idle, elastic = costs.idle_month(1), costs.idle_month(1, elastic=True)
    not_due = (43_200 - 8640) * costs.NOT_DUE_SECONDS * RESYNC.memory_mb / 1024
    assert round(elastic.gb_seconds) == round(5 * (idle.gb_seconds - not_due))
    assert (elastic.invocations, elastic.sqs_requests) == (idle.invocations, idle.sqs_requests)


def test_a_batch_reads_each_page_and_only_what_changed_is_parsed_anew() -> None:
    seen = measure(150)
    assert 0 < seen.later < seen.first
    assert seen.a_node > 0


TEXT = """# A

## B

says

| x | y |
| --- | --- |
| 1 | 2 |
| 3 | 4 |

ends

## C

| z |
| --- |
| 5 |
"""
DOCUMENT = (ROOT / "docs" / "benchmarks.md").read_text()


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(lambda: next(burst.rows([1])), id="bursts"),
        pytest.param(lambda: costs.Bill(1, 1, 1, 1).row("a month"), id="costs"),
        pytest.param(lambda: next(edges.rows(nodes=2, events=2)), id="edges"),
        pytest.param(lambda: next(batches.rows([10])), id="batches"),
        pytest.param(lambda: next(calls.rows()), id="calls"),
    ],
)
def test_a_printed_row_has_a_table_in_the_document(row: Callable[[], Row]) -> None:
    printed = row()
    assert f"\n{printed}\n" in filled(DOCUMENT, [printed])


def test_rows_take_the_place_of_their_sections_table_and_of_nothing_else() -> None:
    changed = filled(TEXT, [Row("C", "6"), Row("B", "7", "8")])
    assert changed == TEXT.replace("| 1 | 2 |\n| 3 | 4 |", "| 7 | 8 |").replace("| 5 |", "| 6 |")


@pytest.mark.parametrize("row", [Row("D", "1"), Row("B", "1"), Row("B", "1", "2", "3")])
def test_a_row_without_a_table_is_told(row: Row) -> None:
    with pytest.raises(NoTableError, match=f"no table of {len(row.cells)} columns under '{row.section}'"):
        filled(TEXT, [row])
