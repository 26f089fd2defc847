"""What the other services ask IAM about a call: the queue, parameter or secret by ARN, and the token's properties.

Source: Service Authorization Reference, the pages of SQS, Systems Manager, Secrets Manager, Security Token Service and
Auto Scaling. A batch of SQS is the single action; GetParameters is about every parameter that it names.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from spiderpool_aws.local.iam.errors import UnknownToIamError
from spiderpool_aws.local.iam.requests import Request, Target, Values, tags

Params = Mapping[str, Any]
GroupTags = Callable[[str], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class ServiceRequests:
    """Knows the ARNs of one account and region, and the tags of its Auto Scaling groups."""

    region: str
    account: str
    partition: str
    group_tags: GroupTags

    def of(self, service: str, operation: str, params: Params) -> Request:
        """Return the decision of one call. Raises UnknownToIamError for a service or a call that is not modelled."""
        match service:
            case "sqs":
                return self._sqs(operation, params)
            case "ssm":
                return self._ssm(operation, params)
            case "secretsmanager":
                return self._secrets(operation, params)
            case "sts":
                return self._sts(operation, params)
            case "autoscaling":
                return self._autoscaling(operation, params)
            case _:
                raise UnknownToIamError(f"what {service} asks IAM about is not modelled")

    def _sqs(self, operation: str, params: Params) -> Request:
        queue = params["QueueUrl"].rpartition("/")[2]
        return Request(f"sqs:{operation.removesuffix('Batch')}", (Target(self._arn("sqs", queue)),))

    def _ssm(self, operation: str, params: Params) -> Request:
        names = params["Names"] if operation == "GetParameters" else [params["Name"]]
        arns = (self._arn("ssm", f"parameter/{name.removeprefix('/')}") for name in names)
        return Request(f"ssm:{operation}", tuple(map(Target, arns)))

    def _secrets(self, operation: str, params: Params) -> Request:
        if not params["SecretId"].startswith("arn:"):
            raise UnknownToIamError(f"the ARN of the secret {params['SecretId']} is not known: name it by its ARN")
        return Request(f"secretsmanager:{operation}", (Target(params["SecretId"]),))

    def _sts(self, operation: str, params: Params) -> Request:
        keys: dict[str, Values] = {"sts:IdentityTokenAudience": tuple(params.get("Audience", ()))}
        for key, name in (("sts:DurationSeconds", "DurationSeconds"), ("sts:SigningAlgorithm", "SigningAlgorithm")):
            if name in params:
                keys[key] = (str(params[name]),)
        return Request(f"sts:{operation}", keys=keys)

    def _autoscaling(self, operation: str, params: Params) -> Request:
        if operation == "DescribeAutoScalingInstances":
            return Request(f"autoscaling:{operation}")
        name = params["AutoScalingGroupName"]
        arn = self._arn("autoscaling", f"autoScalingGroup:00000000:autoScalingGroupName/{name}")
        return Request(f"autoscaling:{operation}", (Target(arn, tags("aws:ResourceTag", self.group_tags(name))),))

    def _arn(self, service: str, resource: str) -> str:
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"
