"""The one place that wires: environment and session in, router, worker and resync out.

Everything is made at its first use, imports included: a function pays for the SDKs that it uses and no other.
"""

from __future__ import annotations

import functools
import os
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, assert_never

from spiderpool_aws.ports import Reporter, Systems

if TYPE_CHECKING:
    from collections.abc import Callable

    from boto3 import Session

    from spiderpool_aws.adapters.cluster import ClusterAdapter
    from spiderpool_aws.adapters.control import SsmControl
    from spiderpool_aws.adapters.credentials import ClusterCredentials
    from spiderpool_aws.adapters.ec2 import Ec2Adapter
    from spiderpool_aws.adapters.pacing import Pacer, WaitingClock
    from spiderpool_aws.executor import Executor
    from spiderpool_aws.resync import Resync
    from spiderpool_aws.router import Router
    from spiderpool_aws.settings import FunctionSettings, PacingSettings
    from spiderpool_aws.worker import Worker

    S = TypeVar("S", bound=FunctionSettings)


class LambdaContext(Protocol):
    """What the functions use of Lambda's context."""

    @property
    def aws_request_id(self) -> str:
        """The invocation's id; asynchronous retries of one event have the same."""

    def get_remaining_time_in_millis(self) -> int:
        """Return how long the invocation may still run."""


@dataclass(frozen=True, slots=True)
class InvocationDeadline:
    """The time-out of a Lambda invocation, as its context tells it; implements `Deadline`."""

    context: LambdaContext

    def seconds_left(self) -> float:
        """Return the seconds until Lambda stops the function."""
        return self.context.get_remaining_time_in_millis() / 1000


class InvocationReporter(Reporter, Protocol):
    """A reporter that knows where an invocation begins and ends."""

    def begin(self, request_id: str) -> None:
        """Have every line of the log carry the invocation's id."""

    def flush(self) -> None:
        """Write what was gathered."""


class SettingsSource(Protocol):
    """Where settings come from: `settings.load` reads the environment."""

    def __call__(self, model: type[S]) -> S:
        """Return a function's settings, or raise SettingsError."""


class Application:
    """The functions' parts, made when they are first asked for and kept for the life of the process."""

    def __init__(
        self,
        session: Session,
        settings: SettingsSource,
        reporter: InvocationReporter,
        clock: WaitingClock,
        credentials: ClusterCredentials | None = None,
    ) -> None:
        self.session = session
        self.reporter = reporter
        self.clock = clock
        self.executor: Executor | None = None
        """By what the worker makes EC2's calls; None: one after the other, as on a clock that is moved by hand."""
        self._settings = settings
        self._credentials = credentials
        self._at_begin: list[Callable[[], None]] = []

    def begin(self, context: LambdaContext) -> None:
        """An invocation begins: tell the parts that care."""
        self.reporter.begin(context.aws_request_id)
        for tell in self._at_begin:
            tell()

    @cached_property
    def router(self) -> Router:
        """Return what `route_event` runs."""
        from spiderpool_aws.adapters.queue import SqsDeadLetters, SqsQueue
        from spiderpool_aws.router import Router
        from spiderpool_aws.settings import RouteSettings

        settings = self._settings(RouteSettings)
        queue = SqsQueue(self._sqs, settings.queue_url)
        return Router(self.ec2, queue, SqsDeadLetters(self._sqs, settings.lost_events_url), self.reporter)

    @cached_property
    def worker(self) -> Worker:
        """Return what `reconcile_nodes` runs."""
        from spiderpool_aws.adapters.ec2 import Ec2Adapter
        from spiderpool_aws.adapters.queue import SqsInbox, SqsQueue
        from spiderpool_aws.reconciler import Reconciler
        from spiderpool_aws.settings import ReconcileSettings
        from spiderpool_aws.worker import Worker

        settings = self._settings(ReconcileSettings)
        ec2 = Ec2Adapter.from_session(self.session, self._pacer(settings), self.reporter)
        reconciler = Reconciler(self._systems(ec2), self.control, self.clock, self.reporter, self.executor)
        inbox = SqsInbox(self._sqs, settings.queue_url, settings.dead_letter_url)
        return Worker(reconciler, inbox, SqsQueue(self._sqs, settings.queue_url), self.reporter, self.clock)

    @cached_property
    def resync(self) -> Resync:
        """Return what `resync` runs."""
        from spiderpool_aws.adapters.queue import SqsQueue
        from spiderpool_aws.resync import Resync
        from spiderpool_aws.settings import ResyncSettings

        queue = SqsQueue(self._sqs, self._settings(ResyncSettings).queue_url)
        return Resync(self.systems, self.control, queue, self.clock, self.reporter)

    @cached_property
    def systems(self) -> Systems:
        """Return what a pass reads and changes, for one who calls EC2 alone: it does not pace itself."""
        return self._systems(self.ec2)

    def _systems(self, ec2: Ec2Adapter) -> Systems:
        from spiderpool_aws.adapters.scaling import ScalingAdapter

        return Systems(ec2, self.cluster, ScalingAdapter(lambda: self._client("autoscaling")))

    @cached_property
    def ec2(self) -> Ec2Adapter:
        """Return EC2 for a function that only reads it: nothing is paced."""
        from spiderpool_aws.adapters.ec2 import Ec2Adapter

        return Ec2Adapter.from_session(self.session, reporter=self.reporter)

    def _pacer(self, settings: PacingSettings) -> Pacer:
        from spiderpool_aws.adapters.pacing import Pacer

        pacer = Pacer(settings.ec2_buckets, settings.workers, self.clock, self.reporter)
        self._at_begin.append(pacer.begin)
        return pacer

    @cached_property
    def cluster(self) -> ClusterAdapter:
        """Return the cluster, logged in the way that is configured unless credentials were given."""
        from spiderpool_aws.adapters.cluster import ClusterAdapter

        return ClusterAdapter(self._credentials or self._login(), self.reporter)

    @cached_property
    def control(self) -> SsmControl:
        """Return the policy and the fuse."""
        from spiderpool_aws.adapters.control import SsmControl
        from spiderpool_aws.settings import ControlSettings

        settings = self._settings(ControlSettings)
        ssm = self._client("ssm")
        return SsmControl(ssm, settings.policy_parameter, settings.fuse_parameter, self.reporter)

    def _login(self) -> ClusterCredentials:
        from spiderpool_aws.adapters.credentials import TokenCredentials, TokenSource
        from spiderpool_aws.settings import (
            IamAuthenticatorSettings,
            KubeconfigSettings,
            LoginSettings,
            WebIdentitySettings,
        )

        where: WebIdentitySettings | IamAuthenticatorSettings
        source: TokenSource
        match self._settings(LoginSettings).cluster_login:
            case "kubeconfig":
                from spiderpool_aws.adapters.kubeconfig_secret import KubeconfigFromSecret

                secret = self._settings(KubeconfigSettings).kubeconfig_secret
                return KubeconfigFromSecret(self._client("secretsmanager"), secret, self.clock)
            case "web-identity":
                from spiderpool_aws.adapters.web_identity import WebIdentityToken

                where = self._settings(WebIdentitySettings)
                source = WebIdentityToken(self._client("sts"), where.cluster_audience)
            case "iam-authenticator":
                from spiderpool_aws.adapters.iam_authenticator import IamAuthenticatorToken

                where = self._settings(IamAuthenticatorSettings)
                source = IamAuthenticatorToken(self._client("sts"), where.cluster_id)
            case never:
                assert_never(never)
        return TokenCredentials(source, where.cluster_endpoint, where.cluster_ca, self.clock)

    @cached_property
    def _sqs(self) -> Any:
        return self._client("sqs")

    def _client(self, service: str) -> Any:
        from botocore.config import Config

        # Four attempts within a function's 60 s, also when each of them times out.
        config = Config(connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 4})
        return self.session.client(service, config=config)  # type: ignore[call-overload]


_application: Application | None = None


def application(service: str) -> Application:
    """Return the process's application; built from the environment at the first call. `service` names the function."""
    global _application
    if _application is None:
        _application = _from_environment(service)
    return _application


def install(app: Application | None) -> None:
    """Have the handlers of this process use this application from now on; None: the environment's again."""
    global _application
    _application = app


def _from_environment(service: str) -> Application:
    import os

    import boto3
    import botocore.session

    from spiderpool_aws.adapters.clock import SystemClock
    from spiderpool_aws.adapters.reporting import PowertoolsReporter
    from spiderpool_aws.adapters.threads import Threads
    from spiderpool_aws.deployment import BATCH_SIZE
    from spiderpool_aws.settings import load

    core = botocore.session.get_session()
    # The global STS has no GetWebIdentityToken; AWS_STS_REGIONAL_ENDPOINTS=legacy would send us there.
    core.set_config_variable("sts_regional_endpoints", "regional")
    session = boto3.Session(botocore_session=core)
    # Lambda's own name for the function carries the cluster: two clusters in one account share no metric.
    reporter = PowertoolsReporter(os.environ.get("AWS_LAMBDA_FUNCTION_NAME", service))
    app = Application(session, load, reporter, SystemClock())
    app.executor = Threads(BATCH_SIZE)
    return app


A = TypeVar("A")

INITIALIZATION = "AWS_LAMBDA_INITIALIZATION_TYPE"
"""Set in Lambda and nowhere else (developer guide, "Defined runtime environment variables")."""


def function(
    service: str, needs: Callable[[Application], object]
) -> Callable[[Callable[[Application, Any, LambdaContext], A]], Callable[[Any, Any], A]]:
    """Make a Lambda handler of a function that is also given the application; the counts are written at its end.

    What it `needs` of the application is made in Lambda's init phase, outside of the function's own time-out.
    """

    def decorate(handle: Callable[[Application, Any, LambdaContext], A]) -> Callable[[Any, Any], A]:
        @functools.wraps(handle)
        def handler(event: Any, context: LambdaContext) -> A:
            app = application(service)
            app.begin(context)
            try:
                return handle(app, event, context)
            finally:
                app.reporter.flush()

        if INITIALIZATION in os.environ:
            _prepare(service, needs)
        return handler

    return decorate


def _prepare(service: str, needs: Callable[[Application], object]) -> None:
    from spiderpool_aws.settings import SettingsError

    # The first event raises it again, and there it reaches the caller and the dead-letter queue.
    with suppress(SettingsError):
        needs(application(service))
