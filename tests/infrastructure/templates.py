"""The templates as `cdk synth` writes them, one synthesis a context and policy for the whole session.

    subnets = of_type(template("network", ipv6=False), "AWS::EC2::Subnet")

The assets are not bundled. Whoever asks for a template skips where there is no Node.js: so no module of these tests
imports CDK, or a stack, before it has asked.
"""

import json
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.infrastructure.contexts import NO_IPV6, POLICY, Json, deployment

Template = Json
Properties = Json

NO_NODE = "CDK runs on Node.js, and there is no `node` on the path"


def template(stack: str, *, policy: str = POLICY, **context: Any) -> Template:
    """Return the template of a stack: `network`, `nodes`, `reconciler`."""
    return templates(policy=policy, **context)[stack]


def reconciler(*, policy: str = POLICY, **context: Any) -> Template:
    """Return the reconciler's template."""
    return template("reconciler", policy=policy, **context)


def templates(*, policy: str = POLICY, **context: Any) -> dict[str, Template]:
    """Return all templates of a context, by the last word of the stack's name; do not change them.

    Without IPv6 the default policy has none, either.
    """
    needs_node()
    without = policy == POLICY and context.get("ipv6") is False
    return _synthesised(NO_IPV6 if without else policy, json.dumps(context, sort_keys=True))


def needs_node() -> None:
    """Skip the test where CDK cannot run."""
    if shutil.which("node") is None:
        pytest.skip(NO_NODE)


@cache
def _synthesised(policy: str, context: str) -> dict[str, Template]:
    from stacks.build import App, build

    with TemporaryDirectory() as folder:
        app = App(outdir=f"{folder}/cdk.out", context={"aws:cdk:bundling-stacks": []}, analytics_reporting=False)
        deployed = deployment(Path(folder, "policy.yaml"), policy, **json.loads(context))
        build(app, deployed)
        prefix = deployed.names.of("")
        return {stack.stack_name.removeprefix(prefix): stack.template for stack in app.synth().stacks}


def of_type(template: Template, kind: str) -> dict[str, Properties]:
    """Return the properties of the resources of a type, by logical id."""
    found = template["Resources"].items()
    return {name: resource.get("Properties", {}) for name, resource in found if resource["Type"] == kind}


def tags(properties: Properties) -> dict[str, str]:
    """Return the tags of a resource."""
    return {tag["Key"]: tag["Value"] for tag in properties.get("Tags", [])}


class NodesTemplate:
    """The template of the stack `nodes`, and what most tests ask of it."""

    def __init__(self, json: Template) -> None:
        self.json = json

    def of(self, kind: str) -> list[Properties]:
        """Return the properties of the resources of a type."""
        return list(of_type(self.json, kind).values())

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


def nodes_template(policy: str = POLICY, **context: Any) -> NodesTemplate:
    """Return the nodes' template of a policy."""
    return NodesTemplate(template("nodes", policy=policy, **context))


def plain(value: object, partition: str = "aws", region: str = "eu-west-1") -> object:
    """Return what CloudFormation would make of joins and pseudo parameters, other references by their name."""
    if isinstance(value, list):
        return [plain(item, partition, region) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"Ref"}:
        known = {"AWS::Partition": partition, "AWS::Region": region, "AWS::AccountId": "111122223333"}
        return known.get(value["Ref"], value["Ref"])
    if set(value) == {"Fn::Join"}:
        separator, parts = value["Fn::Join"]
        return separator.join(str(plain(part, partition, region)) for part in parts)
    if set(value) == {"Fn::GetAtt"}:
        return ".".join(value["Fn::GetAtt"])
    return {key: plain(item, partition, region) for key, item in value.items()}


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
