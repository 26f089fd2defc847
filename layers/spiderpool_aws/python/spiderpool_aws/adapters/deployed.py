"""What a cluster's deployment has running: its functions and queues, by the names that CDK gave them."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from spiderpool_aws.adapters.aws_errors import aws_errors
from spiderpool_aws.deployment import DEAD_REQUESTS, LOST_EVENTS, RECONCILE_NODES, REQUESTS, RESYNC, Names
from spiderpool_aws.domain.errors import Refused, RetryLater

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

MISSING = ("ResourceNotFoundException", "AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")
DEPTHS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed")


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """How many messages a queue holds, in flight or not; approximate, as SQS counts."""

    what: str
    """`requests`, `dead-requests` or `lost-events`."""
    messages: int | None
    """None: there is no such queue."""
    dead: bool = False
    """Whether a message there waits for a person."""


QUEUES = {"requests": REQUESTS, "dead-requests": DEAD_REQUESTS, "lost-events": LOST_EVENTS}
"""What people call the queues of a deployment, as the alarms do, and their names."""


class Deployed:
    """Asks Lambda, SQS and SSM; `make_client` makes a boto3 client of a service."""

    def __init__(self, make_client: Callable[[str], Any], names: Names) -> None:
        self._make_client = make_client
        self._names = names

    def resync(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Invoke the resync and return its answer. Raises Refused with the function's own words when it fails."""
        name = self._names.of(RESYNC.name)
        lambda_ = self._make_client("lambda")
        with aws_errors("lambda:InvokeFunction", name, advice={"ResourceNotFound": _not_deployed(self._names)}):
            answer = lambda_.invoke(FunctionName=name, Payload=json.dumps(payload).encode())
        said: Any = json.loads(answer["Payload"].read() or b"null")
        if answer.get("FunctionError"):
            raise Refused(f"{name} failed: {said.get('errorMessage', said) if isinstance(said, dict) else said}")
        if not isinstance(said, dict):
            raise RetryLater(f"{name} answered {said!r}, which is no answer of a resync: is it another function?")
        return said

    def worker_runs(self) -> bool:
        """Tell whether the worker is deployed and may run: a concurrency that is set to 0 stops it."""
        name = self._names.of(RECONCILE_NODES.name)
        lambda_ = self._make_client("lambda")
        with aws_errors("lambda:GetFunctionConcurrency", name):
            try:
                answer = lambda_.get_function_concurrency(FunctionName=name)
            except ClientError as error:
                if _code(error) in MISSING:
                    return False
                raise
        limit: int | None = answer.get("ReservedConcurrentExecutions")
        return limit != 0

    def policy_changed_at(self) -> datetime | None:
        """Return when the policy's parameter was written last; None: there is none."""
        name = self._names.policy_parameter
        with aws_errors("ssm:GetParameters", name):
            found = self._make_client("ssm").get_parameters(Names=[name])["Parameters"]
        changed: datetime | None = found[0]["LastModifiedDate"] if found else None
        return changed

    def queues(self) -> Sequence[QueueDepth]:
        """Return how full each queue is."""
        return [self._depth(what, queue) for what, queue in QUEUES.items()]

    def pause(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def _depth(self, what: str, queue: str) -> QueueDepth:
        name, dead = self._names.of(queue), queue != REQUESTS
        sqs = self._make_client("sqs")
        with aws_errors("sqs:GetQueueAttributes", name):
            try:
                url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
                answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(DEPTHS))
            except ClientError as error:
                if _code(error) in MISSING:
                    return QueueDepth(what, None, dead)
                raise
        count = sum(int(answer["Attributes"].get(name, 0)) for name in DEPTHS)
        return QueueDepth(what, count, dead)


def _code(error: ClientError) -> str:
    code: str = error.response.get("Error", {}).get("Code", "")
    return code


def _not_deployed(names: Names) -> str:
    return f"is the cluster {names.cluster!r} deployed in this account and region? `cdk deploy` makes its functions"
