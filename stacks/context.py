"""What a user says with `cdk -c key=value` or in cdk.json: one flat model, checked before anything is synthesised."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AliasGenerator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from spiderpool_aws.deployment import Names
from spiderpool_aws.domain.errors import PolicyError
from spiderpool_aws.domain.policy import Policy, parse_policy

OF_CDK = ("aws:", "@aws-cdk/", "cdk-", "availability-zones:")
"""How the keys begin that CDK itself puts into the context."""


class ContextError(ValueError):
    """The context cannot be deployed; the message is one clear line a problem."""


def _items(given: object) -> object:
    """Take a list as JSON or, from the command line, separated by commas."""
    if not isinstance(given, str):
        return given
    if given.startswith("["):
        return json.loads(given)
    return [item.strip() for item in given.split(",") if item.strip()]


Items = Annotated[tuple[str, ...], BeforeValidator(_items)]

CLUSTER = r"^[A-Za-z0-9]([A-Za-z0-9-]{0,22}[A-Za-z0-9])?$"
"""It becomes a part of the names of roles, queues and stacks, of which the shortest limit is 64 characters."""


class Context(BaseModel):
    """Every key, with its default. A key that is not here stops the synthesis."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=AliasGenerator(alias=to_camel), populate_by_name=False
    )

    # The cluster.
    policy_file: Path = Path("policy.yaml")
    """The policy that seeds the SSM parameter; its `cluster` names everything."""

    # The network; with `vpcId` it exists already, and only the reconciler is deployed.
    vpc_cidr: str = "10.0.0.0/16"
    availability_zones: int = Field(default=2, ge=1, le=3)
    nat_gateways: Literal["one", "per-az"] = "one"
    ipv6: bool = True
    ipv6_route: Literal["internet-gateway", "egress-only"] = "internet-gateway"
    vpc_endpoints: bool = False
    flow_logs: bool = True

    # The nodes.
    instance_types: Items = ("m7g.large",)
    nodes_per_zone: int = Field(default=1, ge=0, le=1000)
    max_nodes_per_zone: int = Field(default=10, ge=0, le=1000)
    image_parameter: str = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"
    template_nics: Literal["all", "first"] = "all"
    """Whether the launch template brings every NIC of the policy, or the first only."""
    join_parameter: str = ""
    """The SSM parameter with the script that joins a node to the cluster; default `/spiderpool-aws/<cluster>/join`."""
    ssh_key_name: str = ""
    ssh_cidr: str = ""

    # The reconciler alone, beside a VPC and a cluster that exist.
    vpc_id: str = Field(default="", pattern=r"^(vpc-[0-9a-f]+)?$")
    subnet_ids: Items = ()
    """Private subnets for the functions, one an availability zone."""
    subnet_zones: Items = ()
    """Their availability zones, in the same order."""

    # How the functions reach the API server, and log in to it.
    api_server_port: int = Field(default=6443, ge=1, le=65535)
    api_server_security_group: str = Field(default="", pattern=r"^(sg-[0-9a-f]+)?$")
    api_server_cidr: str = ""
    cluster_login: Literal["kubeconfig", "web-identity", "iam-authenticator"] = "kubeconfig"
    cluster_endpoint: str = ""
    cluster_ca: str = ""
    cluster_audience: str = ""
    cluster_id: str = ""
    kubeconfig_secret_arn: str = ""
    """A secret that exists; by default the stack makes an empty one."""

    # The reconciler.
    trail: bool = False
    """Whether the stack brings a CloudTrail trail: ENI calls are told by a trail only, and an account may have one."""
    log_retention_days: int = 30
    alarm_topic_arn: str = ""

    @property
    def alone(self) -> bool:
        """Tell whether only the reconciler is deployed."""
        return bool(self.vpc_id)


@dataclass(frozen=True, slots=True)
class Deployment:
    """What is deployed: the context, the policy that seeds the parameter, and the names that follow from it."""

    context: Context
    policy: Policy
    policy_text: str
    names: Names


def read(given: Mapping[str, Any]) -> Deployment:
    """Return the deployment of a CDK context. Raises ContextError: a line for each problem, with key and fix."""
    ours = {key: value for key, value in given.items() if not key.startswith(OF_CDK)}
    try:
        context = Context.model_validate(ours)
    except ValidationError as error:
        raise ContextError(explain(error)) from None
    text, policy = _policy(context.policy_file)
    return Deployment(context, policy, text, Names(policy.cluster))


def explain(error: ValidationError) -> str:
    """Return a line for each problem: the key, what is wrong with it, and what would be right."""
    return "\n".join(f"context {problem['loc'][0]}: {problem['msg']}" for problem in error.errors())


def _policy(path: Path) -> tuple[str, Policy]:
    try:
        text = path.read_text(encoding="utf-8")
        return text, parse_policy(text)
    except OSError as error:
        raise ContextError(f"context policyFile: {path} cannot be read ({error.strerror})") from None
    except PolicyError as error:
        raise ContextError(f"context policyFile: {path} is not valid:\n{error}") from None
