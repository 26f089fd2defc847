"""The functions' own metrics, as alarms and the dashboard read them."""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from spiderpool_aws.deployment import RECONCILE_NODES, RESYNC, RESYNC_PERIOD, Function, Names
from spiderpool_aws.domain.errors import Code
from spiderpool_aws.metrics import DIMENSION, FURTHER_DIMENSIONS, NAMESPACE, Metric

PERIOD = Duration.seconds(int(RESYNC_PERIOD.total_seconds()))
"""What lasts is counted in each, five times where a size of the policy is elastic."""

PLANNERS = (RECONCILE_NODES, RESYNC)
"""Both count what a plan finds: the worker where something is to be done, the resync where nothing is."""


@dataclass(frozen=True, slots=True)
class Count:
    """One of the names that a function counts."""

    function: Function
    metric: Metric | Code

    @property
    def key(self) -> str:
        """Return what an expression calls it: a graph may hold several, and each id once."""
        return f"{self.metric[0].lower()}{self.metric[1:]}_{self.function.name}"

    def metric_of(self, names: Names, statistic: str = cloudwatch.Stats.SUM, label: str = "") -> cloudwatch.Metric:
        """Return it as CloudWatch's metric, by default how often in five minutes."""
        return cloudwatch.Metric(
            namespace=NAMESPACE,
            metric_name=self.metric,
            dimensions_map={DIMENSION: names.of(self.function.name)},
            statistic=statistic,
            period=PERIOD,
            label=label or self.metric,
        )


def counts(functions: Sequence[Function], *metrics: Metric | Code) -> tuple[Count, ...]:
    """Return every one of the metrics of every one of the functions."""
    return tuple(Count(function, metric) for function in functions for metric in metrics)


def total(several: Sequence[Count], names: Names, label: str) -> cloudwatch.IMetric:
    """Return their sum, in which one that was not counted is zero."""
    if len(several) == 1:
        return several[0].metric_of(names)
    known = {count.key: count.metric_of(names) for count in several}
    expression = "+".join(f"FILL({key},0)" for key in known)
    return cloudwatch.MathExpression(expression=expression, using_metrics=known, label=label, period=PERIOD)


def by_further_dimension(metric: Metric, function: Function, names: Names, statistic: str) -> cloudwatch.IMetric:
    """Return a line for each value of a metric's further dimension: which there are CloudWatch finds out.

    Source: CloudWatch's User Guide, "CloudWatch search expression syntax".
    """
    further = FURTHER_DIMENSIONS[metric]
    wanted = f'MetricName="{metric}" {DIMENSION}="{names.of(function.name)}"'
    schema = f"{{{NAMESPACE},{DIMENSION},{further}}}"
    expression = f"SEARCH('{schema} {wanted}', '{statistic}', {int(PERIOD.to_seconds())})"
    return cloudwatch.SearchExpression(expression=expression, label="", period=PERIOD)
