"""The whole product in one process: the handlers, the queue and the patterns that are deployed, on local parts.

EC2 networking is our model, the cluster our double, SQS our strict queues; SSM is moto's. Each function has a role of
its own, by which EC2 sees its calls, so that the rules' exclusion of our own calls is at work here, too.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from types import TracebackType
from typing import Any, Self

from kubernetes.client.api_client import ApiClient
from kubernetes.client.configuration import Configuration
from moto import mock_aws

from lambdas import reconcile_nodes, resync, route_event
from spiderpool_aws.adapters.credentials import FixedCredentials
from spiderpool_aws.bootstrap import Application, InvocationReporter, install
from spiderpool_aws.deployment import (
    DEAD_REQUESTS,
    LOST_EVENTS,
    MAX_RECEIVES,
    RECONCILE_NODES,
    REQUEST_BYTES,
    REQUESTS,
    RESYNC,
    ROUTE_EVENT,
    VISIBILITY_TIMEOUT,
    Function,
    Names,
)
from spiderpool_aws.domain.errors import PolicyError
from spiderpool_aws.domain.policy.model import Policy, parse_policy
from spiderpool_aws.local.bus import Bus, rules
from spiderpool_aws.local.clock import ManualClock
from spiderpool_aws.local.cluster import ClusterDouble, SpiderpoolAgent
from spiderpool_aws.local.cluster import connect_in_process as connect_cluster
from spiderpool_aws.local.ec2 import Ec2Model, Ec2Options, connect_autoscaling_in_process
from spiderpool_aws.local.ec2 import connect_in_process as connect_ec2
from spiderpool_aws.local.ec2.autoscaling import AutoScaling
from spiderpool_aws.local.functions import AsyncInvoker, EventSourceMapping, Handler, Invocation, LocalFunction
from spiderpool_aws.local.iam import Caller, Guard, Policies
from spiderpool_aws.local.isolated import isolated_session
from spiderpool_aws.local.journal import Journal, JournalReporter
from spiderpool_aws.local.queues import LocalQueue
from spiderpool_aws.local.sqs import LocalSqs
from spiderpool_aws.routes import Target

POLICY_PARAMETER, FUSE_PARAMETER = Names("local").policy_parameter, Names("local").fuse_parameter
HANDLERS: dict[Function, Handler] = {
    ROUTE_EVENT: route_event.handler,
    RECONCILE_NODES: reconcile_nodes.handler,
    RESYNC: resync.handler,
}


_parsed = cache(parse_policy)


class LocalStack:
    """A context manager; inside of it the parts are there, and `bus` moves the time.

    `policy` is the text of the policy's file. With `options` EC2 can be throttled, stale or slow. With `policies`, the
    statements of each function's role, every call of a function is judged by IAM first (`guard`).
    """

    def __init__(
        self,
        policy: str,
        *,
        options: Ec2Options | None = None,
        clock: ManualClock | None = None,
        policies: Policies | None = None,
    ) -> None:
        self.clock = clock or ManualClock()
        self.model = Ec2Model(self.clock, options=options)
        self.autoscaling = AutoScaling(self.model)
        self.guard = None if policies is None else Guard(self.model, policies)
        self.cluster = ClusterDouble(self.clock)
        self.agent = SpiderpoolAgent(self.cluster)
        self.journal = Journal()
        self.lost_events = LocalQueue(self.clock, LOST_EVENTS)
        self.dead_requests = LocalQueue(self.clock, DEAD_REQUESTS)
        self.requests = LocalQueue(
            self.clock,
            REQUESTS,
            visibility_seconds=int(VISIBILITY_TIMEOUT.total_seconds()),
            dead_letters=self.dead_requests,
            max_receives=MAX_RECEIVES,
        )
        self.requests.max_bytes = REQUEST_BYTES
        self.sqs = LocalSqs(self.model.region, self.model.account_id)
        self.functions = {function.name: self._function(function, handler) for function, handler in HANDLERS.items()}
        self.bus = self._bus()
        self._policies = [policy]
        self._aws = mock_aws()
        self._settings = self._environment()

    @property
    def roles(self) -> dict[str, str]:
        """Return each function's role."""
        prefix = f"arn:aws:iam::{self.model.account_id}:role/spiderpool-aws"
        return {name: f"{prefix}-{name.replace('_', '-')}" for name in (function.name for function in HANDLERS)}

    @property
    def role_arns(self) -> tuple[str, ...]:
        """Return the roles of all functions: whose calls the rules leave out."""
        return tuple(self.roles.values())

    def __enter__(self) -> Self:
        self._aws.start()
        self._ssm().put_parameter(Name=POLICY_PARAMETER, Value=self._policies[0], Type="String", Tier="Advanced")
        self.model.subscribe(self._put)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        install(None)
        self._aws.stop()

    def policy(self) -> Policy:
        """Return the policy that is in force: the newest that is valid. Raises PolicyError when none is."""
        for text in reversed(self._policies[1:]):
            with suppress(PolicyError):
                return _parsed(text)
        return _parsed(self._policies[0])

    def put_policy(self, policy: str) -> None:
        """Write the policy's parameter, as a person does; SSM tells the bus."""
        self._policies.append(policy)
        self._ssm().put_parameter(Name=POLICY_PARAMETER, Value=policy, Type="String", Tier="Advanced", Overwrite=True)
        arn = f"arn:aws:ssm:{self.model.region}:{self.model.account_id}:parameter{POLICY_PARAMETER}"
        detail = {"operation": "Update", "name": POLICY_PARAMETER, "type": "String"}
        self.bus.put(self.model.events.envelope("aws.ssm", "Parameter Store Change", [arn], detail))

    @property
    def failed_invocations(self) -> list[Invocation]:
        """Return every invocation that raised, in order of functions."""
        return [run for function in self.functions.values() for run in function.invocations if run.error is not None]

    def fuse(self) -> dict[str, Any]:
        """Return the fuse's parameter; empty when it was never written."""
        found = self._ssm().get_parameters(Names=[FUSE_PARAMETER])["Parameters"]
        parsed: dict[str, Any] = json.loads(found[0]["Value"]) if found else {}
        return parsed

    def application(self, name: str) -> Application:
        """Return a function's application, as its role; a new one, as a new sandbox has it."""
        session = isolated_session(self.model.region)
        if self.guard is not None:
            self.guard.stand_before(session, Caller(name, self.roles[name], self.functions[name].arn))
        connect_ec2(session, self.model, self.roles[name])
        connect_autoscaling_in_process(session, self.autoscaling, self.roles[name])
        self.sqs.connect(session)
        api = ApiClient(Configuration(host="https://cluster.local"))
        connect_cluster(api, self.cluster)
        return Application(session, self._load, self.reporter(name), self.clock, FixedCredentials(api))

    def reporter(self, name: str) -> InvocationReporter:
        """Return what a function of this name reports to."""
        return JournalReporter(self.journal, name, self.clock)

    def _put(self, event: dict[str, Any]) -> None:
        self.bus.put(event)

    def _function(self, function: Function, handler: Handler) -> LocalFunction:
        name, timeout_seconds = function.name, int(function.timeout.total_seconds())
        arn = f"arn:aws:lambda:{self.model.region}:{self.model.account_id}:function:spiderpool-aws-{name}"
        return LocalFunction(name, self._as_function(name, handler), arn, timeout_seconds, self.clock)

    def _as_function(self, name: str, handler: Handler) -> Handler:
        """Return the handler with its own application installed: in Lambda each function is a process of its own."""
        sandbox: list[Application] = []

        def run(event: Any, context: Any) -> Any:
            if not sandbox:
                sandbox.append(self.application(name))
            install(sandbox[0])
            return handler(event, context)

        return run

    def _mapping(self) -> EventSourceMapping:
        return EventSourceMapping(self.requests, self.sqs.arn(self.requests), self.functions["reconcile_nodes"])

    def _bus(self) -> Bus:
        return Bus(
            self.clock,
            rules(own_role_arns=self.role_arns, policy_parameter=POLICY_PARAMETER),
            {Target.ROUTE_EVENT: self.functions["route_event"], Target.RESYNC: self.functions["resync"]},
            self._mapping(),
            AsyncInvoker(self.clock, self.lost_events),
        )

    def _environment(self) -> dict[str, Any]:
        return {
            # One worker at a time is all that there is here, so EC2's whole request rate is its share.
            "workers": 1,
            "queue_url": self.sqs.add(self.requests),
            "dead_letter_url": self.sqs.add(self.dead_requests),
            "lost_events_url": self.sqs.add(self.lost_events),
            "policy_parameter": POLICY_PARAMETER,
            "fuse_parameter": FUSE_PARAMETER,
        }

    def _load(self, model: Callable[..., Any]) -> Any:
        return model(**self._settings)

    def _ssm(self) -> Any:
        return isolated_session(self.model.region).client("ssm")
