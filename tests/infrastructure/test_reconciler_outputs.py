"""The outputs are the commands that come next, and our own command line takes them."""

import json
import shlex
from typing import Any

import pytest
from typer.testing import CliRunner

from spiderpool_aws.cli.main import app
from spiderpool_aws.events import ManualResync
from tests.infrastructure.contexts import alone, login
from tests.infrastructure.templates import Template, plain, reconciler


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


def run(command: str) -> str:
    """Run a command of ours as a shell would, up to the pipe."""
    program, *arguments = shlex.split(command.split("|")[0])
    assert program == "spiderpool-aws"
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize("way", ["kubeconfig", "web-identity", "iam-authenticator"])
def test_the_dry_run_is_a_payload_that_the_resync_takes(way: str) -> None:
    command = shlex.split(steps(reconciler(**alone(**login(way))))["ThenDryRun"])
    assert command[command.index("--function-name") + 1] == "spiderpool-aws-demo-resync"
    payload = json.loads(command[command.index("--payload") + 1])
    assert ManualResync.model_validate(payload).to_resync("id").dry_run is True


def test_a_kubeconfig_is_put_into_the_secret_of_the_stack() -> None:
    told = steps(reconciler(**alone()))
    assert "put-secret-value --secret-id <Kubeconfig> --secret-string file://" in told["ThenPutTheKubeconfig"]
    assert "kind: ClusterRole" in run(told["First"].replace("<the kubeconfig's user>", "somebody"))


def test_web_identity_trusts_and_empowers_exactly_the_two_roles_that_talk_to_the_cluster() -> None:
    told = steps(reconciler(**alone(**login("web-identity"))))
    issuer = "https://0123.tokens.sts.global.api.aws"
    trusted = run(told["ThenTrustTheIssuer"].replace("<the issuer that it answers>", issuer))
    for role in ("worker", "resync"):
        assert f"role/spiderpool-aws-demo-eu-west-1-{role}" in trusted
    assert "-router" not in trusted
    for title, role in (("ThenGiveRightsToWorker", "worker"), ("ThenGiveRightsToResync", "resync")):
        assert f"aws:arn:aws:iam::123456789012:role/spiderpool-aws-demo-eu-west-1-{role}" in run(told[title])


def test_the_policy_is_changed_by_a_put_into_its_parameter() -> None:
    command = shlex.split(steps(reconciler(**alone()))["ToChangeThePolicy"])
    assert command[:3] == ["aws", "ssm", "put-parameter"]
    assert command[command.index("--name") + 1] == "/spiderpool-aws/demo/policy"
    assert "--overwrite" in command
