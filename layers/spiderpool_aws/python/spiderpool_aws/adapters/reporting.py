"""Logs and metrics over Powertools: JSON lines, and CloudWatch's embedded metric format. No network, no client."""

from __future__ import annotations

from collections import Counter

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from spiderpool_aws.metrics import NAMESPACE


class PowertoolsReporter:
    """Implements `Reporter`. `service` (the function) is the only dimension, so the number of metrics has a bound.

    Counts are summed and written by `flush`, once an invocation: one datapoint a metric.
    """

    def __init__(self, service: str, logger: Logger | None = None) -> None:
        self._service = service
        self._logger = logger or Logger(service=service)
        self._counts: Counter[str] = Counter()

    def begin(self, request_id: str) -> None:
        """Have every line of the log carry the invocation's id."""
        self._logger.append_keys(function_request_id=request_id)

    def info(self, message: str, **fields: object) -> None:
        """Say what was done; the fields are under `detail`, so that none takes the place of one of the logger's."""
        self._logger.info(message, extra={"detail": fields} if fields else None)

    def warning(self, message: str, **fields: object) -> None:
        """Say what a person should know."""
        self._logger.warning(message, extra={"detail": fields} if fields else None)

    def count(self, metric: str, value: int = 1) -> None:
        """Add to a metric; zero makes a datapoint as well, by which an alarm sees that all is well."""
        self._counts[metric] += value

    def flush(self) -> None:
        """Write the counts and begin anew; nothing is written when nothing was counted."""
        counts, self._counts = self._counts, Counter()
        if not counts:
            return
        metrics = EphemeralMetrics(namespace=NAMESPACE, service=self._service)
        for metric, value in sorted(counts.items()):
            metrics.add_metric(name=metric, unit=MetricUnit.Count, value=value)
        metrics.flush_metrics()
