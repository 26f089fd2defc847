"""The queues: requests of the reconciler, and where those and the events go that nobody could work on."""

from aws_cdk import Duration
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from spiderpool_aws.deployment import (
    DEAD_REQUESTS,
    LOST_EVENTS,
    MAX_RECEIVES,
    REQUEST_BYTES,
    REQUESTS,
    VISIBILITY_TIMEOUT,
    Names,
)
from stacks.acknowledgements import DEAD_LETTERS, acknowledge

DEAD_LETTERS_KEPT = Duration.days(14)
"""SQS's longest: a person has to look at them."""


class Queues(Construct):
    """Three queues, all over TLS only and encrypted with SQS's own key.

    No key of the customer's: a message holds an instance id and an event, which are no secrets, and EventBridge could
    not send to the dead letters without being let into that key's policy as well.
    """

    def __init__(self, scope: Construct, name: str, *, names: Names) -> None:
        super().__init__(scope, name)
        self.dead_requests = self._fifo("DeadRequests", names.of(DEAD_REQUESTS), retention_period=DEAD_LETTERS_KEPT)
        self.requests = self._fifo(
            "Requests",
            names.of(REQUESTS),
            visibility_timeout=Duration.seconds(int(VISIBILITY_TIMEOUT.total_seconds())),
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.dead_requests, max_receive_count=MAX_RECEIVES),
            max_message_size_bytes=REQUEST_BYTES,
        )
        # Standard, because EventBridge and Lambda's destinations know no message group.
        self.lost_events = sqs.Queue(
            self,
            "LostEvents",
            queue_name=names.of(LOST_EVENTS),
            retention_period=DEAD_LETTERS_KEPT,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
        )
        acknowledge(self.lost_events, DEAD_LETTERS)

    def _fifo(
        self,
        name: str,
        queue_name: str,
        *,
        visibility_timeout: Duration | None = None,
        retention_period: Duration | None = None,
        dead_letter_queue: sqs.DeadLetterQueue | None = None,
        max_message_size_bytes: int | None = None,
    ) -> sqs.Queue:
        """Make a queue whose message groups (instances) neither wait for nor deduplicate each other."""
        return sqs.Queue(
            self,
            name,
            queue_name=queue_name,
            fifo=True,
            deduplication_scope=sqs.DeduplicationScope.MESSAGE_GROUP,
            fifo_throughput_limit=sqs.FifoThroughputLimit.PER_MESSAGE_GROUP_ID,
            visibility_timeout=visibility_timeout,
            retention_period=retention_period,
            dead_letter_queue=dead_letter_queue,
            max_message_size_bytes=max_message_size_bytes,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
        )
