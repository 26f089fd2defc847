"""IAM before the in-process services: each call of a function is judged as its role, and denied as AWS denies it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from botocore.awsrequest import AWSResponse, HTTPHeaders

from spiderpool_aws.local.ec2 import Ec2Model
from spiderpool_aws.local.iam.ec2_requests import Ec2Requests
from spiderpool_aws.local.iam.errors import UnknownToIamError
from spiderpool_aws.local.iam.policies import Refusal, Statement, judge
from spiderpool_aws.local.iam.requests import Request
from spiderpool_aws.local.iam.service_requests import ServiceRequests

Policies = Mapping[str, Sequence[Statement]]

_PARAMS = "spiderpool_aws_iam_params"
_FORBIDDEN = 403
_CODES = {
    "ec2": "UnauthorizedOperation",
    "sqs": "AccessDenied",
    "sts": "AccessDenied",
    "auto-scaling": "AccessDenied",
    "ssm": "AccessDeniedException",
    "secrets-manager": "AccessDeniedException",
}
"""Each service, by botocore's name of its events, and its code for it."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: a function's code carries the function's ARN, what Lambda does with the same role does not."""

    function: str
    role_arn: str
    function_arn: str = ""


@dataclass(slots=True)
class Guard:
    """The roles' policies in one account. What it was asked, and what it refused, can be read afterwards."""

    model: Ec2Model
    policies: Policies
    """Function -> the statements of its role."""
    group_tags: dict[str, dict[str, str]] = field(default_factory=dict)
    """Auto Scaling group -> its tags: the local Auto Scaling has none."""
    asked: list[tuple[str, Request]] = field(default_factory=list)
    refused: list[tuple[str, Refusal]] = field(default_factory=list)

    def judge(self, caller: Caller, request: Request) -> Refusal | None:
        """Return what refuses the request of a function's role; None when it is allowed."""
        request = self.as_caller(caller, request)
        self.asked.append((caller.function, request))
        refusal = judge(self.policies[caller.function], request)
        if refusal is not None:
            self.refused.append((caller.function, refusal))
        return refusal

    def as_caller(self, caller: Caller, request: Request) -> Request:
        """Return the request with the keys of who makes it."""
        if not caller.function_arn:
            return request
        return replace(request, keys={**request.keys, "lambda:SourceFunctionArn": (caller.function_arn,)})

    def stand_before(self, session: Any, caller: Caller) -> None:
        """Judge every call of every client that the boto3 session makes; call it before the services are connected.

        A denied call does not reach its service: the model's log of calls and CloudTrail do not have it.
        """

        def keep_params(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
            context[_PARAMS] = params

        def before_call(**given: Any) -> tuple[AWSResponse, dict[str, Any]] | None:
            operation = given["model"]
            service = operation.service_model
            for request in self.requests_of(service.service_name, operation.name, given["context"][_PARAMS]):
                refusal = self.judge(caller, request)
                if refusal is not None:
                    return _denial(_CODES[str(service.service_id.hyphenize())], caller, refusal)
            return None

        def refuse_others(**given: Any) -> None:
            service = given["model"].service_model
            if service.service_id.hyphenize() not in _CODES:
                raise UnknownToIamError(f"calls of {service.service_name} are not modelled")

        session.events.register_last("before-parameter-build", keep_params)
        session.events.register_first("before-call", refuse_others)
        # By service: botocore asks the handlers of the longer name first, and one that answers is the last to be asked.
        for service in _CODES:
            session.events.register_first(f"before-call.{service}", before_call)

    def requests_of(self, service: str, operation: str, params: Mapping[str, Any]) -> list[Request]:
        """Return what a call asks IAM. Raises UnknownToIamError for one that is not modelled."""
        if service == "ec2":
            return Ec2Requests(self.model).of(operation, params)
        world = self.model.world
        services = ServiceRequests(
            world.region, world.account_id, world.partition, lambda name: self.group_tags.get(name, {})
        )
        return [services.of(service, operation, params)]


def _denial(code: str, caller: Caller, refusal: Refusal) -> tuple[AWSResponse, dict[str, Any]]:
    message = (
        f"User: {caller.role_arn} is not authorized to perform: {refusal.action} on resource: {refusal.arn}"
        f" {refusal.reason}"
    )
    if code == _CODES["ec2"]:
        message = f"You are not authorized to perform this operation. {message}"
    metadata = {"HTTPStatusCode": _FORBIDDEN, "HTTPHeaders": {}, "RetryAttempts": 0}
    parsed = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": metadata}
    return AWSResponse("https://iam.invalid/", _FORBIDDEN, HTTPHeaders(), None), parsed
