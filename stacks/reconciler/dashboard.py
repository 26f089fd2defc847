"""The dashboard: what is wrong, what is worked on, and what the functions found."""

from collections.abc import Mapping, Sequence

from aws_cdk import Aws
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from spiderpool_aws.deployment import RECONCILE_NODES, RESYNC, ROUTE_EVENT, Function, Names
from spiderpool_aws.domain.errors import Code
from spiderpool_aws.metrics import Metric
from stacks.figures import PERIOD, PLANNERS, Count, by_further_dimension, counts, total
from stacks.reconciler.queues import Queues

WIDTH = 24
WORK = counts(
    [RECONCILE_NODES],
    Metric.RECONCILES_DONE,
    Metric.RECONCILES_WAITING,
    Metric.RECONCILES_REFUSED,
    Metric.RECONCILES_FAILED,
)
EVENTS = counts([ROUTE_EVENT], Metric.EVENTS_ROUTED, Metric.EVENTS_DEAD_LETTERED) + counts(
    [RECONCILE_NODES], Metric.MESSAGES_DEAD_LETTERED, Metric.WAITS_GIVEN_UP, Metric.CRASH_SUSPECTS
)
REFUSALS = counts([RECONCILE_NODES], *Code)
FINDINGS = (
    Metric.ADDRESS_LOST,
    Metric.CAPACITY_LIMITED,
    Metric.FOREIGN_POOL,
    Metric.INSTANCE_UNKNOWN,
    Metric.IPV6_HELD,
    Metric.LEFT_ALONE,
    Metric.NIC_MISSING,
    Metric.NODE_MISMATCH,
    Metric.REMOVAL_HELD,
)


class Dashboard(Construct):
    """One page: alarms, queues, work, functions, refusals, findings, launches, subnets, and what is asked of EC2."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        names: Names,
        queues: Queues,
        functions: Mapping[Function, lambda_.IFunction],
        alarms: Sequence[cloudwatch.IAlarm],
    ) -> None:
        super().__init__(scope, name)
        self._names = names
        # Dashboards are global: a second region's would replace this one (CloudWatch API reference, PutDashboard).
        page = cloudwatch.Dashboard(self, "Page", dashboard_name=f"{names.of('reconciler')}-{Aws.REGION}")
        page.add_widgets(cloudwatch.AlarmStatusWidget(title="Alarms", alarms=list(alarms), width=WIDTH, height=4))
        page.add_widgets(self._queues(queues), self._graph("Work on instances", WORK), self._graph("Events", EVENTS))
        made = functions.values()
        page.add_widgets(
            _lines("Invocations", [function.metric_invocations(period=PERIOD) for function in made]),
            _lines("Errors", [function.metric_errors(period=PERIOD) for function in made]),
            _lines(
                "Duration, longest", [function.metric_duration(period=PERIOD, statistic="Maximum") for function in made]
            ),
        )
        page.add_widgets(self._graph("Refusals", REFUSALS, WIDTH // 2), self._findings())
        page.add_widgets(self._launches(), self._waiting(), self._subnets())
        page.add_widgets(
            self._found("EC2 calls of the worker", Metric.EC2_CALLS, RECONCILE_NODES),
            self._found("EC2 calls of the resync", Metric.EC2_CALLS, RESYNC),
            self._found("EC2 calls that were throttled", Metric.EC2_THROTTLES, RECONCILE_NODES, RESYNC, ROUTE_EVENT),
        )

    def _queues(self, queues: Queues) -> cloudwatch.GraphWidget:
        each = (queues.requests, queues.dead_requests, queues.lost_events)
        visible = [queue.metric_approximate_number_of_messages_visible(period=PERIOD) for queue in each]
        oldest = queues.requests.metric_approximate_age_of_oldest_message(period=PERIOD)
        return cloudwatch.GraphWidget(title="Queues", left=visible, right=[oldest], width=WIDTH // 3)

    def _graph(self, title: str, several: Sequence[Count], width: int = WIDTH // 3) -> cloudwatch.GraphWidget:
        return _lines(title, [count.metric_of(self._names) for count in several], width)

    def _findings(self) -> cloudwatch.GraphWidget:
        sums = [total(counts(PLANNERS, metric), self._names, metric) for metric in FINDINGS]
        return _lines("Findings", sums, WIDTH // 2)

    def _launches(self) -> cloudwatch.GraphWidget:
        [measured] = counts([RECONCILE_NODES], Metric.LAUNCH_TO_POOLS)
        shown = {"median": "p50", "95 of 100": "p95", "longest": cloudwatch.Stats.MAXIMUM}
        lines = [measured.metric_of(self._names, statistic, label) for label, statistic in shown.items()]
        return _lines("Seconds from a launch to its last pool", lines)

    def _waiting(self) -> cloudwatch.GraphWidget:
        [waiting] = counts([RESYNC], Metric.NODES_WAITING)
        [refused] = counts([RECONCILE_NODES], Metric.POOLS_REFUSED)
        lines = [waiting.metric_of(self._names, cloudwatch.Stats.MAXIMUM), refused.metric_of(self._names)]
        return _lines("Nodes that wait, pools that are refused", lines)

    def _subnets(self) -> cloudwatch.GraphWidget:
        return self._found("IPv4 addresses free, by subnet", Metric.SUBNET_ADDRESSES_FREE, RESYNC, statistic="Minimum")

    def _found(
        self, title: str, metric: Metric, *functions: Function, statistic: str = cloudwatch.Stats.SUM
    ) -> cloudwatch.GraphWidget:
        return _lines(title, [by_further_dimension(metric, f, self._names, statistic) for f in functions])


def _lines(title: str, metrics: Sequence[cloudwatch.IMetric], width: int = WIDTH // 3) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=list(metrics), width=width)
