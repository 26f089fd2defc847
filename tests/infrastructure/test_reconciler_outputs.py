"""The outputs are the commands that come next, and our own command line takes them."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from spiderpool_aws.cli.main import app
from spiderpool_aws.events import ManualResync
from tests.infrastructure.contexts import alone, deployment, login
from tests.infrastructure.templates import Template, needs_node, plain, reconciler


def steps(template: Template) -> dict[str, str]:
    """Return the outputs, with an ARN of its own for every role and the name for the secret."""

    def text(value: Any) -> str:
        if isinstance(value, str):
            return value
        if "Fn::Join" in value:
            return "".join(text(part) for part in value["Fn::Join"][1])
        if "Fn::GetAtt" in value:
            role = template["Resources"][value["Fn::GetAtt"][0]]["Properties"]
            return f"arn:aws:iam::123456789012:role/{plain(role['RoleName'])}"
        return f"<{value['Ref']}>"

    return {name: text(output["Value"]) for name, output in template["Outputs"].items() if "Export" not in output}


def step(told: dict[str, str], title: str) -> str:
    """Return the command of a step, whatever its number is."""
    return next(command for name, command in told.items() if re.fullmatch(rf"Step\d{title}", name))


def run(command: str) -> str:
    """Run a command of ours as a shell would, up to the pipe."""
    program, *arguments = shlex.split(command.split("|")[0])
    assert program == ".venv/bin/spiderpool-aws"
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize(
    ("way", "first"),
    [
        ("kubeconfig", ["PutTheKubeconfig", "GiveRights"]),
        ("web-identity", ["EnableWebIdentity", "TrustTheIssuer", "GiveRights"]),
        ("iam-authenticator", ["MapTheRoles", "GiveRights"]),
    ],
)
def test_the_steps_sorted_by_name_are_in_the_order_in_which_they_are_done(way: str, first: list[str]) -> None:
    told = steps(reconciler(**alone(**login(way))))
    done = [*first, "DryRun", "ChangeThePolicy"]
    assert sorted(told) == [f"Step{number}{title}" for number, title in enumerate(done, start=1)]


@pytest.mark.parametrize("way", ["kubeconfig", "web-identity", "iam-authenticator"])
def test_the_dry_run_is_a_payload_that_the_resync_takes(way: str) -> None:
    command = shlex.split(step(steps(reconciler(**alone(**login(way)))), "DryRun"))
    assert command[command.index("--function-name") + 1] == "spiderpool-aws-demo-resync"
    payload = json.loads(command[command.index("--payload") + 1])
    assert ManualResync.model_validate(payload).to_resync("id").dry_run is True


def test_a_kubeconfig_is_put_into_the_secret_of_the_stack() -> None:
    told = steps(reconciler(**alone()))
    assert "put-secret-value --secret-id <Kubeconfig> --secret-string file://" in step(told, "PutTheKubeconfig")
    assert "kind: ClusterRole" in run(step(told, "GiveRights").replace("<the kubeconfig's user>", "somebody"))


def test_a_secret_that_exists_is_not_written_over() -> None:
    secret = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:kubeconfig-abcdef"
    told = steps(reconciler(**alone(kubeconfigSecretArn=secret)))
    assert [command for command in told.values() if "put-secret-value" in command] == []


def test_web_identity_trusts_and_empowers_exactly_the_two_roles_that_talk_to_the_cluster() -> None:
    told = steps(reconciler(**alone(**login("web-identity"))))
    issuer = "https://0123.tokens.sts.global.api.aws"
    trusted = run(step(told, "TrustTheIssuer").replace("<the issuer that it answers>", issuer))
    # In one command: a second one that is applied would replace who had the rights before.
    empowered = run(step(told, "GiveRights"))
    for role in ("worker", "resync"):
        assert f"role/spiderpool-aws-demo-eu-west-1-{role}" in trusted
        assert f"aws:arn:aws:iam::123456789012:role/spiderpool-aws-demo-eu-west-1-{role}" in empowered
    assert "-router" not in trusted + empowered


def test_the_policy_is_changed_by_a_put_of_the_file_as_it_was_given(tmp_path: Path) -> None:
    needs_node()
    from stacks.build import App, build

    file = tmp_path / "our policies" / "demo.yaml"
    file.parent.mkdir()
    app = App(outdir=str(tmp_path / "out"), context={"aws:cdk:bundling-stacks": []}, analytics_reporting=False)
    build(app, deployment(file, **alone()))
    (stack,) = app.synth().stacks
    command = shlex.split(step(steps(stack.template), "ChangeThePolicy"))
    assert command[:3] == ["aws", "ssm", "put-parameter"]
    assert command[command.index("--name") + 1] == "/spiderpool-aws/demo/policy"
    assert command[command.index("--value") + 1] == f"file://{file}"
    assert "--overwrite" in command
