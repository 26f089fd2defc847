"""The app in each of its modes, synthesised once a session without bundling."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from spiderpool_aws.local.cluster.certificates import make_server_context

Template = dict[str, Any]
Properties = dict[str, Any]

ROOT = Path(__file__).parents[2]
POLICY = (ROOT / "policy.yaml").read_text(encoding="utf-8")
"""The policy that the project brings, of the cluster `demo`."""
WITHOUT_IPV6 = "\n".join(line for line in POLICY.splitlines() if "ipv6:" not in line)


@cache
def authority() -> str:
    """Return the PEM of some certificate authority."""
    with TemporaryDirectory() as folder:
        return make_server_context(Path(folder))[1].read_text()


def alone(**more: Any) -> dict[str, Any]:
    """Return the context of a reconciler beside a VPC that exists."""
    return {
        "vpcId": "vpc-0123456789abcdef0",
        "subnetIds": "subnet-0a,subnet-0b",
        "subnetZones": "eu-west-1a,eu-west-1b",
        "apiServerCidr": "10.1.0.0/16",
    } | more


def login(name: str) -> dict[str, Any]:
    """Return what the context of a login needs."""
    where = {"clusterEndpoint": "https://api.example.org:6443", "clusterCa": authority()}
    needs: dict[str, dict[str, Any]] = {
        "kubeconfig": {},
        "web-identity": where | {"clusterAudience": "demo.example.org"},
        "iam-authenticator": where | {"clusterId": "demo"},
    }
    return {"clusterLogin": name} | needs[name]


def modes() -> dict[str, dict[str, Any]]:
    """Return the contexts that together use every part of the stacks."""
    topic = "arn:aws:sns:eu-west-1:123456789012:alarms"
    return {
        "full": {"trail": True, "alarmTopicArn": topic},
        "alone": alone(trail=True, alarmTopicArn=topic, vpcEndpoints=True),
        "without ipv6": {"ipv6": False},
        "web-identity": alone(**login("web-identity"), vpcEndpoints=True),
        "iam-authenticator": alone(**login("iam-authenticator")),
    }


def reconciler(*, policy: str = POLICY, **context: Any) -> Template:
    """Return the reconciler's template."""
    return synthesised(policy=policy, **context)["reconciler"]


def synthesised(*, policy: str = POLICY, **context: Any) -> dict[str, Template]:
    """Return all templates, by the last word of the stack's name."""
    key = tuple(sorted((name, str(value)) for name, value in context.items()))
    return _synthesised(policy if context.get("ipv6", True) else WITHOUT_IPV6, key)


def of_type(template: Template, kind: str) -> dict[str, Properties]:
    """Return the properties of the resources of a type, by logical id."""
    found = template["Resources"].items()
    return {name: resource.get("Properties", {}) for name, resource in found if resource["Type"] == kind}


@cache
def _synthesised(policy: str, context: tuple[tuple[str, str], ...]) -> dict[str, Template]:
    with built(policy, dict(context)) as (app, prefix):
        return {stack.stack_name.removeprefix(prefix): stack.template for stack in app.synth().stacks}


@contextmanager
def built(policy: str, context: dict[str, Any]) -> Iterator[tuple[Any, str]]:
    """Yield an app with its stacks, not yet synthesised, and how their names begin; skip without Node.js."""
    if shutil.which("node") is None:
        pytest.skip("CDK runs on Node.js, and there is no `node` on the path")
    # jsii starts Node.js at the import of CDK, and takes this from the environment.
    os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "18,20,22")
    from aws_cdk import App

    from stacks.build import build
    from stacks.context import read

    with TemporaryDirectory() as folder:
        file = Path(folder, "policy.yaml")
        file.write_text(policy, encoding="utf-8")
        app = App(outdir=f"{folder}/cdk.out", context={"aws:cdk:bundling-stacks": []}, analytics_reporting=False)
        deployment = read({**context, "policyFile": str(file)})
        build(app, deployment)
        yield app, deployment.names.of("")
