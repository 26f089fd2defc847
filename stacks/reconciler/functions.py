"""The three functions, each with its own role and log group, and how they are invoked and by what they fail."""

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from spiderpool_aws.deployment import (
    BATCH_SIZE,
    FUNCTIONS,
    RECONCILE_NODES,
    RESYNC,
    ROUTE_EVENT,
    Function,
)
from stacks import role_names
from stacks.acknowledgements import FUNCTION, acknowledge, acknowledge_wildcards, of_function
from stacks.bundling import dependencies_layer, function_code, package_layer
from stacks.context.deployment import Deployment
from stacks.figures import PERIOD
from stacks.reconciler.environment import environment
from stacks.reconciler.log_groups import log_group
from stacks.reconciler.queues import Queues
from stacks.reconciler.reachability import Reachability

EVENT_AGE = {ROUTE_EVENT: Duration.hours(1), RESYNC: PERIOD}
"""How long Lambda tries an event that it took: an hour; a resync until the next pass over everything is due."""
RETRIES = 2
"""Lambda's most."""


class Functions(Construct):
    """The functions and their roles. The roles come without a statement: `permissions.grant` gives them theirs.

    Not traced by X-Ray: it would add a cost a request and a permission, and says nothing that the log line of each
    instance and the metrics do not.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        deployment: Deployment,
        reachability: Reachability,
        values: Mapping[str, str],
    ) -> None:
        super().__init__(scope, name)
        self._deployment, self._reachability = deployment, reachability
        self._layers = [dependencies_layer(self), package_layer(self)]
        self.roles = {function: self._role(function) for function in FUNCTIONS}
        login = deployment.context.cluster_login
        self.all = {function: self._function(function, environment(function, login, values)) for function in FUNCTIONS}

    def take_from(self, queues: Queues) -> None:
        """Have the worker take requests in batches, and keep every event whose function failed."""
        mapping = lambda_.EventSourceMapping(
            self,
            "Requests",
            target=self.all[RECONCILE_NODES],
            event_source_arn=queues.requests.queue_arn,
            batch_size=BATCH_SIZE,
            max_concurrency=self._deployment.context.workers,
            report_batch_item_failures=True,
        )
        # Lambda looks at the role when a mapping or a destination is made: the role's statements have to be there.
        mapping.node.add_dependency(self.roles[RECONCILE_NODES])
        for function, age in EVENT_AGE.items():
            # Not the construct's `on_failure`, which would write a statement of its own into the role.
            config = lambda_.CfnEventInvokeConfig(
                self,
                f"{_title(function)}Failures",
                function_name=self.all[function].function_name,
                qualifier="$LATEST",
                maximum_event_age_in_seconds=int(age.to_seconds()),
                maximum_retry_attempts=RETRIES,
                destination_config=lambda_.CfnEventInvokeConfig.DestinationConfigProperty(
                    on_failure=lambda_.CfnEventInvokeConfig.OnFailureProperty(destination=queues.lost_events.queue_arn)
                ),
            )
            config.node.add_dependency(self.roles[function])

    def _role(self, function: Function) -> iam.Role:
        names = self._deployment.names
        role = iam.Role(
            self,
            f"{_title(function)}Role",
            role_name=role_names.of_function(names, function),
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description=f"What {function.name} of {names.cluster} may do",
        )
        acknowledge_wildcards(role, of_function(function, names))
        return role

    def _function(self, function: Function, variables: dict[str, str]) -> lambda_.Function:
        name = self._deployment.names.of(function.name)
        made = lambda_.Function(
            self,
            _title(function),
            function_name=name,
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            handler=function.handler,
            code=function_code(function.name),
            layers=self._layers,
            timeout=Duration.seconds(int(function.timeout.total_seconds())),
            memory_size=function.memory_mb,
            role=self.roles[function],
            reserved_concurrent_executions=self._reserved(function),
            environment=variables,
            log_group=log_group(
                self,
                f"{_title(function)}Log",
                function_name=name,
                days=self._deployment.context.log_retention_days,
            ),
            vpc=self._reachability.vpc if function.in_vpc else None,
            vpc_subnets=self._reachability.selection if function.in_vpc else None,
            security_groups=[self._reachability.security_group] if function.in_vpc else None,
            ipv6_allowed_for_dual_stack=(self._deployment.context.ipv6 or None) if function.in_vpc else None,
        )
        acknowledge(made, FUNCTION)
        return made

    def _reserved(self, function: Function) -> int | None:
        """Return the concurrency that Lambda keeps for a function: for the workers just as many as there may be."""
        context = self._deployment.context
        return context.workers if function is RECONCILE_NODES and context.reserve_concurrency else None


def _title(function: Function) -> str:
    return function.name.title().replace("_", "")
