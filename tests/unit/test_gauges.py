"""What is measured: the whole cluster by the resync, a launch and a refused pool by the worker."""

from datetime import timedelta

import pytest

from spiderpool_aws.domain.actions.plan import NodePlan
from spiderpool_aws.domain.actions.pools import ApplyPool, PoolChange
from spiderpool_aws.domain.errors import Code, Refused
from spiderpool_aws.domain.node_events import Step
from spiderpool_aws.metrics import Metric
from spiderpool_aws.telling import LAUNCH_LASTS, launch_seconds
from tests.unit import build
from tests.unit.build import LAUNCHED
from tests.unit.fleet import Fleet
from tests.unit.test_reconciler import World

FREE = Metric.SUBNET_ADDRESSES_FREE


def converged(nodes: int) -> Fleet:
    fleet = Fleet(nodes)
    fleet.reporter.figures.clear()
    return fleet


def test_a_resync_measures_who_waits_and_what_each_subnet_has_free() -> None:
    fleet = converged(3)
    fleet.run()
    [used] = {eni.subnet_id for each in fleet.ec2.known.values() for eni in each.enis}
    assert fleet.reporter.figures == {(Metric.NODES_WAITING, ""): 0, (FREE, used): 200}
    fleet.launch(99)
    del fleet.cluster.nodes["node-99"]
    fleet.pass_of_the_schedule()
    fleet.pass_of_the_schedule()
    assert fleet.reporter.figures[Metric.NODES_WAITING, ""] == 1


@pytest.mark.parametrize("request_", [{"dry_run": True}, {"instance_ids": ("i-0",)}])
def test_a_look_at_some_or_without_effect_measures_nothing(request_: dict[str, object]) -> None:
    fleet = converged(1)
    fleet.run(**request_)
    assert fleet.reporter.figures == {}


def test_it_is_measured_once_a_minute_at_most() -> None:
    fleet = converged(1)
    fleet.run()
    fleet.reporter.figures.clear()
    fleet.clock.advance(59)
    fleet.run()
    assert fleet.reporter.figures == {}
    fleet.clock.advance(1)
    fleet.run()
    assert (Metric.NODES_WAITING, "") in fleet.reporter.figures


@pytest.mark.parametrize(
    ("age", "measured"), [(timedelta(seconds=42), {42}), (LAUNCH_LASTS + timedelta(seconds=1), set())]
)
def test_a_launch_is_measured_when_its_last_pool_is_there_and_a_later_pool_is_none_of_it(
    age: timedelta, measured: set[float]
) -> None:
    world = World()
    world.clock.time = LAUNCHED + age
    world.one()
    assert {s for (metric, _), s in world.reporter.figures.items() if metric == Metric.LAUNCH_TO_POOLS} == measured
    world.reporter.figures.clear()
    world.one()
    assert world.reporter.figures == {}


def test_a_pool_that_the_cluster_refuses_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()

    def refuse(_: object) -> None:
        raise Refused("the webhook says no", Code.DENIED)

    monkeypatch.setattr(world.cluster, "apply_pool", refuse)
    world.one()
    assert world.reporter.metrics[Metric.POOLS_REFUSED] == 4
    assert not [metric for metric, _ in world.reporter.figures if metric == Metric.LAUNCH_TO_POOLS]


def test_a_pass_that_leaves_a_pool_of_the_node_out_is_not_the_end_of_its_launch() -> None:
    world = World()
    world.one()
    pool = next(iter(world.cluster.pools.values()))
    before = build.observed()
    steps = [Step(before, ApplyPool(PoolChange.CREATE, pool, "it was missing"))]
    now = LAUNCHED + timedelta(seconds=42)
    assert launch_seconds(steps, NodePlan("i-1"), before, now) == 42
    assert launch_seconds(steps, NodePlan("i-1", incomplete=True), before, now) is None
