"""The functions' environment: `SPIDERPOOL_AWS_<NAME>`, one model a function, so that each needs only what it uses."""

from typing import TypeVar

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "SPIDERPOOL_AWS_"


class SettingsError(ValueError):
    """The environment lacks something; the message names every variable, and what belongs there."""


class FunctionSettings(BaseSettings):
    """What all functions have in common: their variables begin with SPIDERPOOL_AWS_."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")


class RouteSettings(FunctionSettings):
    """What `route_event` needs."""

    queue_url: str = Field(min_length=1, description="URL of the FIFO queue of requests")
    lost_events_url: str = Field(min_length=1, description="URL of the standard dead-letter queue, for events")


class _ControlSettings(FunctionSettings):
    queue_url: str = Field(min_length=1, description="URL of the FIFO queue of requests")
    policy_parameter: str = Field(min_length=1, description="name of the SSM parameter with the policy")
    fuse_parameter: str = Field(min_length=1, description="name of the SSM parameter with the fuse")
    kubeconfig_secret: str = Field(min_length=1, description="name or ARN of the secret with the kubeconfig")


class ReconcileSettings(_ControlSettings):
    """What `reconcile_nodes` needs."""

    dead_letter_url: str = Field(min_length=1, description="URL of the FIFO dead-letter queue")


class ResyncSettings(_ControlSettings):
    """What `resync` needs."""


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
            lines.append(f"set {PREFIX}{name.upper()}: {description} ({problem['msg'].lower()})")
        raise SettingsError("the function's environment is not complete:\n" + "\n".join(lines)) from None
