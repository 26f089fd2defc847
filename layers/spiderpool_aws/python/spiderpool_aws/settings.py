"""The functions' environment: `SPIDERPOOL_AWS_<NAME>`, one model a function, so that each needs only what it uses."""

import json
import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from spiderpool_aws.deployment import EC2_BUCKETS, MAX_CONCURRENCY, BucketRate
from spiderpool_aws.trust import authority_from, checked_url, checked_word

PREFIX = "SPIDERPOOL_AWS_"
Word = Annotated[str, AfterValidator(checked_word)]
"""What is never empty and has no blanks: a URL, the name of a parameter, of a secret."""


class SettingsError(ValueError):
    """The environment lacks something; the message names every variable, and what belongs there."""


class FunctionSettings(BaseSettings):
    """What all functions have in common: their variables begin with SPIDERPOOL_AWS_."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")


class QueueSettings(FunctionSettings):
    """Where requests are put."""

    queue_url: Word = Field(description="URL of the FIFO queue of requests")


class ControlSettings(FunctionSettings):
    """Where people say what they want: the policy and the fuse."""

    policy_parameter: Word = Field(description="name of the SSM parameter with the policy")
    fuse_parameter: Word = Field(description="name of the SSM parameter with the fuse")


class RouteSettings(QueueSettings):
    """What `route_event` needs."""

    lost_events_url: Word = Field(description="URL of the standard dead-letter queue, for events")


def rates_document(given: Any) -> dict[str, Any]:
    """Return a JSON object, also of its text. Raises ValueError, which says what is wrong; its values may be wrong."""
    try:
        document = json.loads(given) if isinstance(given, str) else given
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"it is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise ValueError("it is no JSON object")
    return document


def rate_problems(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with each rate: the action is none of ours, or it is no burst and refill."""
    for action, rate in document.items():
        if action not in EC2_BUCKETS:
            yield f"unknown action {action}: name some of {', '.join(EC2_BUCKETS)}"
        elif not _is_rate(rate):
            yield f"the rate of {action} is not two numbers above 0: give [burst, refill a second]"


def _is_rate(rate: Any) -> bool:
    if not isinstance(rate, list) or len(rate) != 2:
        return False
    return all(type(number) in (int, float) and 0 < number < math.inf for number in rate)


def _rates(given: Any) -> dict[str, BucketRate]:
    """Return EC2's buckets, the documented ones where none is given. Raises ValueError, which says what is wrong."""
    document = rates_document(given)
    if problems := list(rate_problems(document)):
        raise ValueError("; ".join(problems))
    return dict(EC2_BUCKETS) | {action: BucketRate(*rate) for action, rate in document.items()}


class PacingSettings(FunctionSettings):
    """How fast the workers may call EC2; nothing of it has to be set."""

    workers: int = Field(
        default=MAX_CONCURRENCY,
        ge=1,
        description="how many workers share EC2's request rates: the event source's maximum concurrency",
    )
    ec2_buckets: Annotated[dict[str, BucketRate], NoDecode, BeforeValidator(_rates)] = Field(
        default={},  # read as what is given
        description='EC2\'s request rates where the account has others, {"<action>": [burst, refill a second]}',
    )


class ReconcileSettings(QueueSettings, ControlSettings, PacingSettings):
    """What `reconcile_nodes` needs."""

    dead_letter_url: Word = Field(description="URL of the FIFO dead-letter queue")


class ResyncSettings(QueueSettings, ControlSettings):
    """What `resync` needs."""


class LoginSettings(FunctionSettings):
    """How the functions log in to the cluster; what that way needs is in the model of its name."""

    cluster_login: Literal["web-identity", "iam-authenticator", "kubeconfig"] = Field(
        default="kubeconfig", description="how to log in to the cluster: web-identity, iam-authenticator or kubeconfig"
    )


class KubeconfigSettings(FunctionSettings):
    """What the login `kubeconfig` needs."""

    kubeconfig_secret: Word = Field(description="name or ARN of the secret with the kubeconfig")


class EndpointSettings(FunctionSettings):
    """Where the API server is and who signed its certificate, for the logins without a kubeconfig."""

    cluster_endpoint: Annotated[str, AfterValidator(checked_url)] = Field(
        description="URL of the API server, https://<host>:<port>"
    )
    cluster_ca: Annotated[str, AfterValidator(authority_from)] = Field(
        description="certificate authority of the API server, as PEM or as the base64 of PEM"
    )


class WebIdentitySettings(EndpointSettings):
    """What the login `web-identity` needs."""

    cluster_audience: Word = Field(
        max_length=1000,
        description="audience of the tokens, one of those in the API server's AuthenticationConfiguration",
    )


class IamAuthenticatorSettings(EndpointSettings):
    """What the login `iam-authenticator` needs."""

    cluster_id: Word = Field(
        description="the name of the EKS cluster, or the cluster ID that aws-iam-authenticator serves"
    )


_S = TypeVar("_S", bound=FunctionSettings)


def load(model: type[_S]) -> _S:
    """Return a function's settings from the environment. Raises SettingsError naming all that is missing."""
    try:
        return model()
    except ValidationError as error:
        lines = []
        for problem in error.errors():
            name = str(problem["loc"][0])
            description = model.model_fields[name].description
            lines.append(f"set {PREFIX}{name.upper()}: {description} ({_lower(problem['msg'])})")
        raise SettingsError("the function's environment is not complete:\n" + "\n".join(lines)) from None


def _lower(message: str) -> str:
    """Return pydantic's message as the end of a sentence; of our own validators' only what they said."""
    message = message.removeprefix("Value error, ")
    return message[:1].lower() + message[1:]
