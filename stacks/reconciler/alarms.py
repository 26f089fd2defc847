"""What a person is told: one alarm for each thing that does not mend itself."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from spiderpool_aws.deployment import GIVE_UP, RECONCILE_NODES, RESYNC, VISIBILITY_TIMEOUT, Function
from spiderpool_aws.domain.errors import Code
from spiderpool_aws.metrics import Metric
from stacks.context.deployment import Deployment
from stacks.figures import PERIOD, PLANNERS, Count, counts, total
from stacks.reconciler.queues import Queues

LOOKED_AT = 3
"""Periods: once in a quarter of an hour is enough, so that an alarm does not clear between two passes."""

MOST_METRICS = 10
"""What an alarm on a sum takes. Source: CloudWatch's User Guide, "Limits" of alarms."""


@dataclass(frozen=True, slots=True)
class Watched:
    """An alarm on what the functions count: the first one counts."""

    name: str
    counted: tuple[Count, ...]
    meaning: str


WATCHED = (
    Watched(
        "refused-pools",
        counts([RECONCILE_NODES], Code.REFUSED, Code.INVALID, Code.DENIED, Code.FORBIDDEN)
        + counts(PLANNERS, Metric.FOREIGN_POOL, Metric.FOREIGN_MULTUS_CONFIG),
        "The cluster or EC2 refuses a write, or something hand-made is in a pool's way.",
    ),
    Watched(
        "reconciles-refused",
        counts([RECONCILE_NODES], Metric.RECONCILES_REFUSED),
        "A node cannot be completed until a person changes something.",
    ),
    Watched(
        "exhausted-subnets",
        counts([RECONCILE_NODES], Code.SUBNET_EXHAUSTED) + counts(PLANNERS, Metric.CAPACITY_LIMITED),
        "A subnet has no room, or an instance type takes no more: pods get fewer addresses than the policy says.",
    ),
    Watched(
        "nodes-not-ready",
        counts([RECONCILE_NODES], Metric.WAITS_GIVEN_UP),
        "A node was not complete 20 minutes after its event.",
    ),
    Watched("fuse-tripped", counts(PLANNERS, Metric.FUSE_TRIPPED), "Removals are held until a person confirms them."),
    Watched("policy-invalid", counts(PLANNERS, Metric.POLICY_INVALID), "The newest policy is not in force."),
    Watched(
        "cluster-mismatch",
        counts(PLANNERS, Metric.CLUSTER_MISMATCH),
        "Pools carry another cluster's name than the policy: nothing is done.",
    ),
)


class Alarms(Construct):
    """The alarms; they tell the topic that the context names, if it names one, also when all is well again."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        deployment: Deployment,
        queues: Queues,
        functions: Mapping[Function, lambda_.IFunction],
    ) -> None:
        super().__init__(scope, name)
        self._names = deployment.names
        self.all = [
            *(self._watched(watched) for watched in WATCHED),
            *self._of_queues(queues),
            *(alarm for function in functions.items() for alarm in self._of_function(*function)),
            self._silence(functions[RESYNC]),
        ]
        if topic := deployment.context.alarm_topic_arn:
            self._tell(topic)

    def _tell(self, topic_arn: str) -> None:
        action = actions.SnsAction(sns.Topic.from_topic_arn(self, "Topic", topic_arn))
        for alarm in self.all:
            alarm.add_alarm_action(action)
            alarm.add_ok_action(action)

    def _watched(self, watched: Watched) -> cloudwatch.Alarm:
        metric = total(watched.counted, self._names, watched.name)
        return self._alarm(watched.name, metric, watched.meaning, periods=LOOKED_AT)

    def _of_queues(self, queues: Queues) -> Iterator[cloudwatch.Alarm]:
        dead: tuple[tuple[str, sqs.IQueue, str], ...] = (
            (
                "dead-requests",
                queues.dead_requests,
                "Work on an instance failed for 20 minutes, ended the function, or could not be read.",
            ),
            ("lost-events", queues.lost_events, "An event could not be handed over or understood, or a resync failed."),
        )
        # A metric with the instance as a dimension would be one more metric for each node that ever failed.
        names_it = f"Which instance, and why: spiderpool-aws dlq list --cluster {self._names.cluster}"
        for name, queue, meaning in dead:
            metric = queue.metric_approximate_number_of_messages_visible(period=PERIOD, statistic="Maximum")
            yield self._alarm(name, metric, f"{meaning} {names_it}")
        oldest = queues.requests.metric_approximate_age_of_oldest_message(period=PERIOD, statistic="Maximum")
        # A message is given up after GIVE_UP; one that was just received then is out of sight for a little longer.
        limit = int((GIVE_UP + VISIBILITY_TIMEOUT).total_seconds())
        meaning = "Requests are older than the worker waits for anything: it does not run, or too much is asked of it."
        yield self._alarm("old-requests", oldest, meaning, threshold=limit)

    def _of_function(self, function: Function, made: lambda_.IFunction) -> Iterator[cloudwatch.Alarm]:
        title = function.name.replace("_", "-")
        yield self._alarm(f"{title}-errors", made.metric_errors(period=PERIOD), f"{function.name} fails: see its log.")
        throttles = made.metric_throttles(period=PERIOD)
        meaning = f"{function.name} is throttled: the account's concurrency is used up."
        yield self._alarm(f"{title}-throttles", throttles, meaning)

    def _silence(self, resync: lambda_.IFunction) -> cloudwatch.Alarm:
        """Notice a resync that is not even invoked: every lost event is left to it."""
        return cloudwatch.Alarm(
            self,
            "ResyncSilent",
            alarm_name=self._names.of("resync-silent"),
            alarm_description="No resync ran in a quarter of an hour: is its rule enabled?",
            metric=resync.metric_invocations(period=PERIOD),
            threshold=1,
            comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            evaluation_periods=LOOKED_AT,
            treat_missing_data=cloudwatch.TreatMissingData.BREACHING,
        )

    def _alarm(
        self, name: str, metric: cloudwatch.IMetric, meaning: str, *, threshold: int = 1, periods: int = 1
    ) -> cloudwatch.Alarm:
        return cloudwatch.Alarm(
            self,
            name.title().replace("-", ""),
            alarm_name=self._names.of(name),
            alarm_description=meaning,
            metric=metric,
            threshold=threshold,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            evaluation_periods=periods,
            datapoints_to_alarm=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
