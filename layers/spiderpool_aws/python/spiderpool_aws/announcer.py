"""Posts the Events of Nodes: each once, and never at the price of a reconcile."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from spiderpool_aws.domain.errors import Code, Refused, RetryLater
from spiderpool_aws.domain.node_events import NodeEvent
from spiderpool_aws.metrics import Metric
from spiderpool_aws.ports import ClusterPort, Reporter

EVENT_LIFE = timedelta(hours=1)
"""How long an API server keeps an Event (`--event-ttl`, its default): a finding that outlives it is told again."""
SILENCE = timedelta(minutes=1)
"""How long nothing is posted after a post failed: each may cost a time-out, and ten nodes share a function's time."""
REMEMBERED = 32_768
"""Names of 5,000 nodes with some findings each."""


@dataclass(slots=True)
class Announcer:
    """Remembers what this process has told, so that a finding that lasts costs no request at each pass."""

    cluster: ClusterPort
    reporter: Reporter
    _told: dict[str, datetime] = field(default_factory=dict)
    _silent_until: datetime | None = None

    def tell(self, events: Iterable[NodeEvent], may_go_on: Callable[[], bool] = lambda: True) -> None:
        """Post those that were not told yet. One that cannot be posted is counted and told at the next pass."""
        for event in events:
            told_at = self._told.get(event.name)
            if told_at is not None and event.at - told_at < EVENT_LIFE:
                continue
            if not may_go_on() or (self._silent_until is not None and event.at < self._silent_until):
                return
            try:
                self.cluster.post_event(event)
            except (RetryLater, Refused) as failed:
                self.reporter.count(Metric.EVENTS_NOT_POSTED)
                self.reporter.warning(f"Events of node {event.node_name} are not posted: {failed.reason}")
                if isinstance(failed, RetryLater) or failed.code is Code.FORBIDDEN:
                    self._silent_until = event.at + SILENCE
                    return
            else:
                self._remember(event)

    def _remember(self, event: NodeEvent) -> None:
        self._told.pop(event.name, None)
        self._told[event.name] = event.at
        if len(self._told) > REMEMBERED:
            del self._told[next(iter(self._told))]
