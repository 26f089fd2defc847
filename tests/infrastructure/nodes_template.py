"""The NodesStack beside a small network, for the tests of its template."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from aws_cdk import Acknowledgment, App, Stack, Validations, assertions
from aws_cdk import aws_ec2 as ec2

from spiderpool_aws.deployment import Names
from spiderpool_aws.domain.policy import parse_policy
from stacks.context import Context, Deployment
from stacks.network import NetworkStack
from stacks.nodes import NodesStack

Json = dict[str, Any]


class SmallNetwork(NetworkStack):
    """A VPC of two zones, made by hand."""

    def __init__(self, app: App) -> None:
        Stack.__init__(self, app, "network")
        kinds = {"public": ec2.SubnetType.PUBLIC, "nodes": ec2.SubnetType.PRIVATE_WITH_EGRESS, "second": None}
        configuration = [
            ec2.SubnetConfiguration(name=name, subnet_type=kind or ec2.SubnetType.PRIVATE_WITH_EGRESS)
            for name, kind in kinds.items()
        ]
        self.vpc = ec2.Vpc(self, "Vpc", max_azs=2, subnet_configuration=configuration)
        self.public_subnets, self.node_subnets, self.secondary_subnets = (
            self.vpc.select_subnets(subnet_group_name=name).subnets for name in kinds
        )
        flow_logs = Acknowledgment(id="AwsSolutions::AwsSolutions-VPC7", reason="a network for tests")
        Validations.of(self).acknowledge(flow_logs)


def interface(index: int, ipv4: object = None, ipv6: object = None, **more: object) -> Json:
    """Return one NIC of a policy: five IPv4 addresses, no IPv6."""
    host = f"ens{5 + index}"
    nic = {"deviceIndex": index, "host": host, "multus": f"kube-system/ipvlan-{host}", "ipv4": ipv4 or {"addresses": 5}}
    return nic | ({"ipv6": ipv6} if ipv6 else {}) | more


def policy_text(*interfaces: Json, match: Json | None = None, **more: object) -> str:
    """Return a policy of one group of nodes with the tag role=worker."""
    group = {"name": "workers", "match": match or {"tags": {"role": "worker"}}, "interfaces": list(interfaces)}
    return json.dumps({"version": 1, "cluster": "prod", "groups": [group]} | more)


def deployment(text: str, **context: object) -> Deployment:
    """Return a deployment of this policy with these keys of the context."""
    policy = parse_policy(text)
    return Deployment(Context.model_validate(context), policy, text, Names(policy.cluster))


class NodesTemplate:
    """What CloudFormation gets."""

    def __init__(self, text: str, **context: object) -> None:
        app = App()
        self.deployment = deployment(text, **context)
        self.stack = NodesStack(app, "nodes", deployment=self.deployment, network=SmallNetwork(app))
        self.json: Json = dict(assertions.Template.from_stack(self.stack).to_json())

    def of(self, kind: str) -> list[Json]:
        """Return the properties of the resources of a type."""
        return [resource["Properties"] for resource in self.resources(kind)]

    def resources(self, kind: str) -> list[Json]:
        """Return the resources of a type."""
        return [resource for resource in self.json["Resources"].values() if resource["Type"] == kind]

    def launch_data(self) -> Json:
        """Return what the first zone's template launches."""
        data: Json = self.of("AWS::EC2::LaunchTemplate")[0]["LaunchTemplateData"]
        return data

    def nics(self) -> list[Json]:
        """Return the NICs of the first zone's template."""
        nics: list[Json] = self.launch_data()["NetworkInterfaces"]
        return nics

    def statements(self, role: str) -> list[Json]:
        """Return what the policies of a role allow; the role's logical id begins like this."""
        return [
            statement
            for policy in self.of("AWS::IAM::Policy")
            if any(str(ref["Ref"]).startswith(role) for ref in policy["Roles"])
            for statement in policy["PolicyDocument"]["Statement"]
        ]


@cache
def nodes_template(text: str = "", **context: object) -> NodesTemplate:
    """Return the template of a policy, once for each; by default that of the repository's policy."""
    default = (Path(__file__).parents[2] / "policy.yaml").read_text(encoding="utf-8")
    return NodesTemplate(text or default, **context)


def plain(value: object, partition: str = "aws") -> object:
    """Return what CloudFormation would make of joins and pseudo parameters, other references by their name."""
    if isinstance(value, list):
        return [plain(item, partition) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"Ref"}:
        known = {"AWS::Partition": partition, "AWS::Region": "eu-west-1", "AWS::AccountId": "111122223333"}
        return known.get(value["Ref"], value["Ref"])
    if set(value) == {"Fn::Join"}:
        separator, parts = value["Fn::Join"]
        return separator.join(str(plain(part, partition)) for part in parts)
    if set(value) == {"Fn::GetAtt"}:
        return ".".join(value["Fn::GetAtt"])
    return {key: plain(item, partition) for key, item in value.items()}


def strings(value: object) -> Iterator[str]:
    """Yield every string in a document, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
