"""What a user says with `cdk -c key=value` or in cdk.json: one flat model, checked before anything is synthesised."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from spiderpool_aws.deployment import Names
from spiderpool_aws.domain.errors import PolicyError
from spiderpool_aws.domain.policy.model import Group, Policy, parse_policy
from stacks.context import policy_rules
from stacks.context import rules as context_rules
from stacks.context.errors import ContextError, explain, line, refuse
from stacks.context.model import IMAGES, Context
from stacks.instance_types import known_type

__all__ = ["Context", "ContextError", "Deployment", "read"]

OF_CDK = ("cli-telemetry", "acknowledged-issue-numbers", "cdk-migrate")
"""The keys that the CDK CLI keeps in cdk.context.json and cdk.json and that have no namespace (CLI 2.1148.1).

All others have one: `aws:cdk:…` and `@aws-cdk/…` say how to synthesise, `vpc-provider:…` and the like are look-ups.
"""

POLICY_BYTES = 8192
"""What a parameter of the advanced tier holds (Systems Manager guide, "Managing parameter tiers")."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """What is deployed: the context, the policy that seeds the parameter, and the names that follow from it."""

    context: Context
    policy: Policy
    policy_text: str
    names: Names

    @property
    def join_parameter(self) -> str:
        """Return the SSM parameter with the script that joins a node."""
        return self.context.join_parameter or self.names.join_parameter

    @property
    def group(self) -> Group:
        """Return the policy's group that the nodes of the NodesStack belong to: the first, which nothing can shadow."""
        return self.policy.groups[0]


def read(given: Mapping[str, Any]) -> Deployment:
    """Return the deployment of a CDK context. Raises ContextError: a line for each problem, with key and fix."""
    ours = {key: value for key, value in given.items() if not _of_cdk(key)}
    try:
        context = _completed(Context.model_validate(ours))
    except ValidationError as error:
        raise ContextError(explain(error)) from None
    refuse(context_rules.problems(context))
    text, policy = _policy(context.policy_file)
    refuse(policy_rules.problems(context, policy))
    return Deployment(context, policy, text, Names(policy.cluster))


def _of_cdk(key: str) -> bool:
    return ":" in key or key in OF_CDK


def _completed(context: Context) -> Context:
    """Return the context with the defaults that follow from what was given."""
    # cdk.json is read by no shell that would do it.
    update: dict[str, object] = {"policy_file": context.policy_file.expanduser()}
    if context.zone_names and "availabilityZones" not in context.given:
        update["availability_zones"] = len(context.zone_names)
    if "apiServerPort" not in context.given and context.cluster_endpoint:
        update["api_server_port"] = context_rules.endpoint_port(context)
    # None for a type that nobody knows: then somebody has to say the image.
    architectures = [known.architecture if (known := known_type(name)) else None for name in context.instance_types]
    image = IMAGES.get(architectures[0] or "")
    if image and None not in architectures and not context.alone and "imageParameter" not in context.given:
        update["image_parameter"] = image
    return context.model_copy(update=update)


def _policy(path: Path) -> tuple[str, Policy]:
    key = "policyFile"
    try:
        text = path.read_text(encoding="utf-8")
        policy = parse_policy(text)
    except OSError as error:
        raise ContextError(line(key, f"{path} cannot be read ({error.strerror})")) from None
    except UnicodeDecodeError:
        raise ContextError(line(key, f"{path} is not UTF-8 text")) from None
    except PolicyError as error:
        refuse((key, f"{path}: {problem}") for problem in str(error).splitlines())
        raise
    size = len(text.encode())
    if size > POLICY_BYTES:
        raise ContextError(line(key, f"{path} has {size} bytes, and a parameter holds {POLICY_BYTES}: shorten it"))
    return text, policy
