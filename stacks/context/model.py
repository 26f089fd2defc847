"""Every key of the context. `description` says how to write its value: an error shows it, and docs/deployment.md."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasGenerator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from spiderpool_aws.deployment import LEAST_CONCURRENCY, MAX_CONCURRENCY, MOST_CONCURRENCY
from stacks.addressing import MAX_ZONES
from stacks.context.values import ITEMS, Authority, Cidr, OwnParameter, Rates, Retention, Url, VpcCidr, Whole

_TYPE = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*\.[a-z0-9-]+$")]
_SUBNET = Annotated[str, Field(pattern=r"^subnet-[0-9a-f]+$")]
# The name, not the id (`use1-az1`).
_ZONE = Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z0-9]+)+[a-z]$")]
_PARAMETER = r"^[A-Za-z0-9_./-]+$"

IMAGES = {
    architecture: f"/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-{architecture}"
    for architecture in ("arm64", "x86_64")
}
"""AWS's public parameters with the newest image of Amazon Linux 2023 (kernel 6.x)."""


class Context(BaseModel):
    """Every key, with its default. A key that is not here stops the synthesis."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=AliasGenerator(alias=to_camel), populate_by_name=False
    )

    # The cluster.
    policy_file: Path = Field(default=Path("policy.yaml"), description="the path of a file")
    """The policy that seeds the SSM parameter; its `cluster` names everything."""

    # The network; with `vpcId` it exists already, and only the reconciler is deployed.
    vpc_cidr: VpcCidr = Field(default="10.0.0.0/16", description="an IPv4 CIDR from /16 to /23")
    availability_zones: Whole = Field(default=2, ge=1, le=MAX_ZONES, description="1 to 3")
    zone_names: Annotated[tuple[_ZONE, ...], ITEMS] = Field(
        default=(), max_length=MAX_ZONES, description="1 to 3 names of availability zones (`eu-central-1a`)"
    )
    """The zones themselves; by default the region's first."""
    nat_gateways: Literal["one", "per-az"] = Field(default="one", description="`one` or `per-az`")
    ipv6: bool = Field(default=True, description="`true` or `false`")
    ipv6_route: Literal["internet-gateway", "egress-only"] = Field(
        default="internet-gateway", description="`internet-gateway` or `egress-only`"
    )
    vpc_endpoints: bool = Field(default=False, description="`true` or `false`")
    flow_logs: bool = Field(default=True, description="`true` or `false`")

    # The nodes.
    instance_types: Annotated[tuple[_TYPE, ...], ITEMS] = Field(
        default=("m7g.large",), min_length=1, description="EC2 instance types (`m7g.large`), at least one"
    )
    nodes_per_zone: Whole = Field(default=1, ge=0, le=1000, description="0 to 1000")
    max_nodes_per_zone: Whole = Field(default=10, ge=0, le=1000, description="0 to 1000")
    image_parameter: str = Field(
        default=IMAGES["arm64"], pattern=_PARAMETER, description="the name of an SSM parameter with an AMI id"
    )
    template_nics: Literal["all", "first"] = Field(default="all", description="`all` or `first`")
    """Whether the launch template brings every NIC of the policy, or the first only."""
    join_parameter: OwnParameter = Field(default="", description="the name of an SSM parameter")
    """The SSM parameter with the script that joins a node to the cluster; default `/spiderpool-aws/<cluster>/join`."""
    ssh_key_name: str = Field(default="", max_length=255, description="the name of an EC2 key pair")
    ssh_cidr: Cidr = Field(default="", description="a CIDR, a /8 or narrower (IPv6: /32)")

    # The reconciler alone, beside a VPC and a cluster that exist.
    vpc_id: str = Field(default="", pattern=r"^(vpc-[0-9a-f]+)?$", description="`vpc-…`")
    subnet_ids: Annotated[tuple[_SUBNET, ...], ITEMS] = Field(default=(), description="ids of subnets (`subnet-…`)")
    """Private subnets for the functions, one an availability zone."""
    subnet_zones: Annotated[tuple[_ZONE, ...], ITEMS] = Field(
        default=(), description="names of availability zones (`eu-central-1a`)"
    )
    """Their availability zones, in the same order."""

    # How the functions reach the API server, and log in to it.
    api_server_port: Whole = Field(default=6443, ge=1, le=65535, description="1 to 65535")
    api_server_security_group: str = Field(default="", pattern=r"^(sg-[0-9a-f]+)?$", description="`sg-…`")
    api_server_cidr: Cidr = Field(default="", description="a CIDR")
    cluster_login: Literal["kubeconfig", "web-identity", "iam-authenticator"] = Field(
        default="kubeconfig", description="`kubeconfig`, `web-identity` or `iam-authenticator`"
    )
    cluster_endpoint: Url = Field(default="", description="the URL of the API server, `https://<host>:<port>`")
    # A function's environment holds 4 KB (Lambda guide, "Lambda quotas").
    cluster_ca: Authority = Field(
        default="", max_length=3000, description="the API server's certificate authority, PEM or its base64, up to 3 KB"
    )
    cluster_audience: str = Field(
        default="", pattern=r"^[!-~]*$", max_length=1000, description="the audience of the tokens, without spaces"
    )
    cluster_id: str = Field(
        default="", pattern=r"^[!-~]*$", max_length=255, description="the cluster's ID or EKS name, without spaces"
    )
    kubeconfig_secret_arn: str = Field(
        default="",
        # Without its end the statement would allow nothing: IAM compares whole ARNs.
        pattern=r"^(arn:[a-z-]+:secretsmanager:[a-z0-9-]+:\d{12}:secret:.+-[A-Za-z0-9]{6})?$",
        description="a secret's whole ARN, with the six characters at its end",
    )
    """A secret that exists; by default the stack makes an empty one."""

    # The reconciler.
    workers: Whole = Field(
        default=MAX_CONCURRENCY,
        ge=LEAST_CONCURRENCY,
        le=MOST_CONCURRENCY,
        description=f"{LEAST_CONCURRENCY} to {MOST_CONCURRENCY}",
    )
    """How many run at a time: the event source's maximum concurrency, by which EC2's request rates are divided."""
    reserve_concurrency: bool = Field(default=False, description="`true` or `false`")
    """Whether Lambda keeps so many places free for the workers."""
    ec2_buckets: Rates = Field(
        default={},
        description='a JSON object: of each action its burst and its refill a second, `{"CreateTags": [100, 10]}`',
    )
    """EC2's request rates where they are not the documented ones."""
    trail: bool = Field(default=False, description="`true` or `false`")
    """Whether the stack brings a CloudTrail trail: ENI calls are told by a trail only, and an account may have one."""
    log_retention_days: Retention = Field(
        default=30, description="a number of days that CloudWatch Logs takes: 1, 3, 5, 7, 14, 30, 60, 90, … 3653"
    )
    alarm_topic_arn: str = Field(
        default="", pattern=r"^(arn:[a-z-]+:sns:[a-z0-9-]+:\d{12}:.+)?$", description="an SNS topic's ARN"
    )

    @property
    def alone(self) -> bool:
        """Tell whether only the reconciler is deployed."""
        return bool(self.vpc_id)

    @property
    def given(self) -> frozenset[str]:
        """Return the keys that somebody wrote, whatever their values."""
        return frozenset(map(to_camel, self.model_fields_set))

    def value(self, key: str) -> object:
        """Return the value of a key, which is written as in the context."""
        return getattr(self, FIELDS[key])


FIELDS = {info.alias or name: name for name, info in Context.model_fields.items()}
"""key -> field."""
