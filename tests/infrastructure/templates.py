"""The templates as `cdk synth` writes them, one synthesis a context and policy for the whole session.

subnets = resources(template("network", ipv6="false"), "AWS::EC2::Subnet")
"""

import json
import os
import shutil
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

Template = dict[str, Any]

ROOT = Path(__file__).parents[2]
POLICY = (ROOT / "policy.yaml").read_text(encoding="utf-8")
"""The policy that the project brings, of the cluster `demo`."""


def template(stack: str, *, policy: str = POLICY, bundling: bool = False, **context: object) -> Template:
    """Return the template of a stack (`network`, `nodes`, `reconciler`) for the keys of a context.

    Without `bundling` the functions' layers are not built. Do not change what is returned: the next test gets it, too.
    """
    return templates(policy=policy, bundling=bundling, **context)[stack]


def templates(*, policy: str = POLICY, bundling: bool = False, **context: object) -> dict[str, Template]:
    """Return the templates of all stacks that there are for a context, by the last word of the stack's name."""
    if shutil.which("node") is None:
        pytest.skip("CDK needs Node.js, and there is no `node` on the path")
    return _synthesised(policy, bundling, json.dumps(context, sort_keys=True))


def resources(template: Template, kind: str) -> dict[str, dict[str, Any]]:
    """Return the properties of a template's resources of a type, by logical id."""
    found = template["Resources"].items()
    return {name: resource.get("Properties", {}) for name, resource in found if resource["Type"] == kind}


def tags(properties: dict[str, Any]) -> dict[str, str]:
    """Return the tags of a resource."""
    return {tag["Key"]: tag["Value"] for tag in properties.get("Tags", [])}


@cache
def _synthesised(policy: str, bundling: bool, context: str) -> dict[str, Template]:
    # jsii starts Node.js at the import of CDK, and it takes its warnings' settings from the environment.
    os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "18,20,22")
    from aws_cdk import App

    from stacks.build import build
    from stacks.context import read

    with TemporaryDirectory() as folder:
        file = Path(folder, "policy.yaml")
        file.write_text(policy, encoding="utf-8")
        of_cdk: dict[str, object] = {} if bundling else {"aws:cdk:bundling-stacks": []}
        app = App(outdir=f"{folder}/cdk.out", context=of_cdk, analytics_reporting=False)
        deployment = read({**json.loads(context), "policyFile": str(file)})
        build(app, deployment)
        prefix = deployment.names.of("")
        return {stack.stack_name.removeprefix(prefix): stack.template for stack in app.synth().stacks}
