"""Logs and metrics over Powertools: JSON lines, and CloudWatch's embedded metric format. No network, no client."""

from __future__ import annotations

from collections import Counter, defaultdict
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict
from threading import Lock
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from spiderpool_aws.about import About
from spiderpool_aws.metrics import FURTHER_DIMENSIONS, NAMESPACE, SECONDS, Metric

if TYPE_CHECKING:
    from collections.abc import Iterator


_NOTHING = About()


class PowertoolsReporter:
    """Implements `Reporter`. A metric has the dimension `service` (the function) and at most one more, with few values.

    Counts are summed and figures gathered, and `flush` writes them, once an invocation: one line for each value of the
    further dimension. Calls to EC2 are counted where they are made, in several threads.
    """

    def __init__(self, service: str, logger: Logger | None = None) -> None:
        self._service = service
        self._logger = logger or Logger(service=service)
        self._about = ContextVar("about", default=_NOTHING)
        self._lock = Lock()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._figures: defaultdict[tuple[str, str], list[float]] = defaultdict(list)

    def begin(self, request_id: str) -> None:
        """Have every line of the log carry the invocation's id, which correlates what no event explains."""
        self._logger.append_keys(function_request_id=request_id)
        self._about.set(About(correlation_id=request_id))

    @contextmanager
    def about(self, about: About) -> Iterator[None]:
        """Have the lines inside of the block be about this, too."""
        around = self._about.set(self._about.get().with_known(about))
        try:
            yield
        finally:
            self._about.reset(around)

    def info(self, message: str, **fields: object) -> None:
        """Say what was done; the fields are under `detail`, so that none takes the place of one of the logger's."""
        self._logger.info(message, extra=self._extra(fields))

    def warning(self, message: str, **fields: object) -> None:
        """Say what a person should know."""
        self._logger.warning(message, extra=self._extra(fields))

    def _extra(self, fields: dict[str, object]) -> dict[str, Any]:
        about = asdict(self._about.get())
        return about | {"detail": fields} if fields else about

    def count(self, metric: str, value: int = 1, *, of: str = "") -> None:
        """Add to a metric; zero makes a datapoint as well, by which an alarm sees that all is well."""
        with self._lock:
            self._counts[metric, of] += value

    def measure(self, metric: str, value: float, *, of: str = "") -> None:
        """Add a figure; all of an invocation are written, so that CloudWatch has their percentiles."""
        self._figures[metric, of].append(value)

    def flush(self) -> None:
        """Write the counts and figures and begin anew; nothing is written when there are none."""
        values: dict[tuple[str, str], list[float]] = {key: [count] for key, count in self._counts.items()}
        values |= self._figures
        self._counts.clear()
        self._figures = defaultdict(list)
        by_dimension: defaultdict[tuple[str, str], dict[str, list[float]]] = defaultdict(dict)
        for (metric, of), several in sorted(values.items()):
            name = FURTHER_DIMENSIONS[Metric(metric)] if of else ""
            by_dimension[name, of][metric] = several
        for (name, of), metrics in by_dimension.items():
            self._write({name: of} if of else {}, metrics)

    def _write(self, dimensions: dict[str, str], metrics: dict[str, list[float]]) -> None:
        document = EphemeralMetrics(namespace=NAMESPACE, service=self._service)
        for name, of in dimensions.items():
            document.add_dimension(name=name, value=of)
        for metric, values in metrics.items():
            unit = MetricUnit.Seconds if metric in SECONDS else MetricUnit.Count
            for value in values:
                document.add_metric(name=metric, unit=unit, value=value)
        document.flush_metrics()
