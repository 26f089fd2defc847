"""The router: an event becomes requests in the FIFO queue, one per instance.

EventBridge cannot take a message group from an event, and most ENI calls name no instance: so a function does both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from spiderpool_aws.about import About
from spiderpool_aws.domain.errors import Throttled
from spiderpool_aws.domain.request import ReconcileRequest
from spiderpool_aws.events import MalformedEvent, NodeEvent
from spiderpool_aws.metrics import Metric
from spiderpool_aws.ports import DeadLetterPort, QueuePort, Reporter
from spiderpool_aws.routes import parse


class NicOwners(Protocol):
    """What the router needs of `Ec2Port`."""

    def instances_of_enis(self, eni_ids: Sequence[str]) -> Mapping[str, str]:
        """Return ENI id -> instance id for those that are attached."""


class Router:
    """Takes one event at a time. RetryLater leaves it as it is: then Lambda invokes again, and dead-letters at last."""

    def __init__(self, ec2: NicOwners, queue: QueuePort, dead_letters: DeadLetterPort, reporter: Reporter) -> None:
        self._ec2 = ec2
        self._queue = queue
        self._dead_letters = dead_letters
        self._reporter = reporter

    def route(self, event: object) -> tuple[ReconcileRequest, ...]:
        """Enqueue what the event is about and return it; an event that nobody understands goes to the dead letters.

        Dead-lettered here and not by raising: Lambda would try it three times, and keep it without the reason.
        """
        try:
            parsed = parse(event, NodeEvent)
        except MalformedEvent as malformed:
            self._dead_letters.put(event, str(malformed))
            self._reporter.warning(f"dead-lettered: {malformed}", dead_lettered=str(malformed))
            self._reporter.count(Metric.EVENTS_DEAD_LETTERED)
            return ()
        requests = self._with_instances(parsed.to_requests())
        self._queue.send(requests)
        for request in requests:
            instance = "" if _is_nic(request.subject) else request.subject
            eni = request.subject if _is_eni(request.subject) else ""
            with self._reporter.about(About(instance, eni, correlation_id=request.event_id)):
                self._reporter.info(f"{request.reason}: {request.subject}", event=request.reason)
        self._reporter.count(Metric.EVENTS_ROUTED)
        return requests

    def _with_instances(self, requests: tuple[ReconcileRequest, ...]) -> tuple[ReconcileRequest, ...]:
        """Put the instance in place of an ENI that is attached to one.

        What EC2 no longer knows goes on under its own id: the worker finds the pool that carries it, by its label. So
        does what EC2 does not answer because too much is asked: the workers read NICs from the same bucket, and a NIC
        that has no pool is the resync's.
        """
        enis = [request.subject for request in requests if _is_eni(request.subject)]
        try:
            owners = self._ec2.instances_of_enis(enis) if enis else {}
        except Throttled as throttled:
            self._reporter.warning(f"{', '.join(enis)}: left to the worker under its own id: {throttled.reason}")
            owners = {}
        resolved: dict[str, ReconcileRequest] = {}
        for request in requests:
            subject = owners.get(request.subject, request.subject)
            resolved.setdefault(subject, replace(request, subject=subject))
        return tuple(resolved.values())


def _is_nic(subject: str) -> bool:
    return subject.startswith("eni-")


def _is_eni(subject: str) -> bool:
    return subject.startswith("eni-") and not subject.startswith("eni-attach-")
