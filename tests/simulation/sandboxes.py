"""The functions' surroundings, made once a process: boto3's clients cost more than a whole simulated day.

A sandbox's clients know only a `Line`, and the line is switched to the stack that is simulated.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, TypeVar

from botocore.exceptions import ClientError, ReadTimeoutError
from kubernetes.client.api_client import ApiClient
from kubernetes.client.configuration import Configuration

from spiderpool_aws.local.cluster import ClusterDouble, connect_in_process
from spiderpool_aws.local.cluster.answers import Answer, ApiError, Json
from spiderpool_aws.local.cluster.double import PRODUCT_TOKEN
from spiderpool_aws.local.ec2 import Ec2Call, Ec2Model
from spiderpool_aws.local.ec2 import connect_in_process as connect_ec2
from spiderpool_aws.local.ec2.autoscaling import AutoScaling
from spiderpool_aws.local.ec2.in_process import connect_autoscaling_in_process
from spiderpool_aws.local.isolated import isolated_session
from spiderpool_aws.local.sqs import LocalSqs
from tests.simulation.faults import Faults, cut
from tests.simulation.stepping import Stepped

REGION, ACCOUNT = "eu-west-1", "123456789012"
WORKER = "reconcile_nodes"
T = TypeVar("T")


def answered(faults: Faults, service: str, call: Callable[[], T]) -> T:
    """Make a call of Auto Scaling, SQS or SSM, with what is to go wrong. Raises what botocore raises."""
    fault = faults.of_service(service)
    if fault is None:
        return call()
    if fault.error is not None:
        error = {"Code": fault.error.code, "Message": fault.error.message}
        raise ClientError({"Error": error, "ResponseMetadata": {"HTTPStatusCode": fault.error.status}}, service)  # type: ignore[typeddict-item]
    if fault.takes_effect:
        call()
    raise ReadTimeoutError(endpoint_url=f"https://{service}.invalid/", error="the answer was lost")


class FaultySqs(LocalSqs):
    """SQS as the functions call it."""

    faults: Faults | None = None

    def execute(self, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Make a call, with what is to go wrong."""
        assert self.faults is not None, "no stack is simulated"
        return answered(self.faults, "sqs", lambda: LocalSqs.execute(self, operation, params))


SQS = FaultySqs(REGION, ACCOUNT)
"""One for all stacks: each puts its own queues under the same URLs."""


def process_of(function: str) -> str:
    """Return the process in which a function runs here: two workers at once have one each."""
    stepped = Stepped.current()
    return f"{function} {stepped.name}" if stepped else function


class Parameters:
    """A boto3 client of SSM, as far as the product uses one."""

    def __init__(self) -> None:
        self._versions: dict[str, list[str]] = {}

    def put_parameter(self, *, Name: str, Value: str, **_options: Any) -> None:  # noqa: N803 - boto3's names
        self._versions.setdefault(Name, []).append(Value)

    def get_parameters(self, *, Names: list[str], **_options: Any) -> dict[str, Any]:  # noqa: N803
        known = [(name, self._versions[name]) for name in Names if name in self._versions]
        return {"Parameters": [{"Name": n, "Value": v[-1], "Version": len(v)} for n, v in known]}

    def paginate(self, *, Name: str, **_options: Any) -> Iterator[dict[str, Any]]:  # noqa: N803
        texts = enumerate(self._versions.get(Name, ()), start=1)
        yield {"Parameters": [{"Name": Name, "Value": text, "Version": version} for version, text in texts]}


@dataclass
class World:
    """What a line leads to."""

    model: Ec2Model
    cluster: ClusterDouble
    autoscaling: AutoScaling
    faults: Faults
    parameters: Parameters = field(default_factory=Parameters)


class Line:
    """Where the calls of one function leave it: what can go wrong, goes wrong here."""

    token = PRODUCT_TOKEN

    def __init__(self, function: str) -> None:
        self._is_worker = function == WORKER
        self.world: World | None = None

    @property
    def _world(self) -> World:
        assert self.world is not None, "no stack is simulated"
        return self.world

    def execute(self, operation: str, params: Mapping[str, Any], caller: str) -> Ec2Call:
        """Make a call of EC2."""
        world = self._world
        self._before(operation)
        fault = world.faults.of_ec2(operation)
        if fault is None:
            call = world.model.execute(operation, params, caller)
        else:
            end = world.model.inject(lambda _operation, _params: fault)
            try:
                call = world.model.execute(operation, params, caller)
            finally:
                end()
        self._after()
        if operation == "DescribeInstances" and call.answer is not None and world.faults.unlisted:
            return replace(call, answer=world.faults.without_unlisted(call.answer))
        return call

    def request(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes | Json | None
    ) -> Answer:
        """Send a request to the API server."""
        world = self._world
        self._before(f"{method} {path}")
        try:
            is_cut = world.faults.before_request(method)
        except ApiError as refused:
            return refused.answer
        answer = world.cluster.request(method, path, query, headers, body)
        self._after()
        if is_cut:
            raise cut()
        return answer

    def _before(self, what: str) -> None:
        stepped = Stepped.current()
        if stepped is not None and self._is_worker:
            stepped.pause()
        if self._is_worker:
            self._world.faults.before_worker(process_of(WORKER), what)

    def _after(self) -> None:
        if self._is_worker:
            self._world.faults.after_worker()


class _Scaling:
    """Auto Scaling behind a line."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def execute(self, operation: str, params: Mapping[str, Any], caller: str = "") -> Ec2Call:
        world = self._line._world
        self._line._before(operation)
        call = answered(world.faults, "autoscaling", lambda: world.autoscaling.execute(operation, params, caller))
        self._line._after()
        return call


class _FaultyParameters:
    """SSM as the functions call it."""

    def __init__(self, world: World) -> None:
        self._world = world

    def put_parameter(self, **given: Any) -> None:
        answered(self._world.faults, "ssm", lambda: self._world.parameters.put_parameter(**given))

    def get_parameters(self, **given: Any) -> dict[str, Any]:
        return answered(self._world.faults, "ssm", lambda: self._world.parameters.get_parameters(**given))

    def get_paginator(self, _operation: str) -> "_FaultyParameters":
        return self

    def paginate(self, **given: Any) -> Iterator[dict[str, Any]]:
        return answered(self._world.faults, "ssm", lambda: self._world.parameters.paginate(**given))


class Sandbox:
    """A session that makes each client once, and a client of the API server."""

    def __init__(self, function: str, role: str) -> None:
        self.line = Line(function)
        self._session = isolated_session(REGION)
        self._clients: dict[tuple[str, str], Any] = {}
        line: Any = self.line
        connect_ec2(self._session, line, role)
        connect_autoscaling_in_process(self._session, _Scaling(self.line), role)  # type: ignore[arg-type]
        SQS.connect(self._session)
        self.api = ApiClient(Configuration(host="https://cluster.local"))
        connect_in_process(self.api, line)

    def client(self, service: str, config: Any = None) -> Any:
        """Return a client, as boto3's session does."""
        if service == "ssm":
            return _FaultyParameters(self.line._world)
        key = (service, repr(sorted(vars(config).get("_user_provided_options", {}).items())) if config else "")
        if key not in self._clients:
            self._clients[key] = self._session.client(service, config=config)  # type: ignore[call-overload]
        return self._clients[key]


@cache
def sandbox(function: str, role: str) -> Sandbox:
    """Return the sandbox of a function."""
    return Sandbox(function, role)
