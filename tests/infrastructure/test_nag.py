"""cdk-nag's AwsSolutions rules are part of every synthesis, and find nothing but what is acknowledged with a reason."""

import json
from pathlib import Path

import pytest

from tests.infrastructure.contexts import POLICY, deployment, modes
from tests.infrastructure.templates import needs_node, templates


@pytest.mark.parametrize("mode", ["full", "alone", "without ipv6", "web-identity", "iam-authenticator"])
def test_every_mode_can_be_synthesised(mode: str) -> None:
    expected = {"reconciler"} if modes()[mode].get("vpcId") else {"network", "nodes", "reconciler"}
    assert set(templates(**modes()[mode])) == expected


def test_a_finding_that_nobody_acknowledged_stops_the_synthesis(policy_file: Path, tmp_path: Path) -> None:
    needs_node()
    from aws_cdk import Stack
    from aws_cdk import aws_iam as iam

    from stacks.build import App, build

    app = App(outdir=str(tmp_path / "cdk.out"), context={"aws:cdk:bundling-stacks": []}, analytics_reporting=False)
    build(app, deployment(policy_file, POLICY))
    role = iam.Role(Stack(app, "another"), "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    role.add_to_policy(iam.PolicyStatement(actions=["ec2:*"], resources=["*"]))
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()
    report = json.loads((tmp_path / "cdk.out" / "validation-report.json").read_text())
    found = {violation["ruleName"] for part in report["pluginReports"] for violation in part["violations"]}
    assert found == {"AwsSolutions-IAM5[Action::ec2:*]", "AwsSolutions-IAM5[Resource::*]"}
