"""A command as a person runs it: AWS by boto3's variables, the cluster by a kubeconfig, the policy by its parameter."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from spiderpool_aws.cli.demo_world import assign_by_hand
from spiderpool_aws.deployment import Names
from spiderpool_aws.local.cluster import serve_cluster
from spiderpool_aws.local.demo import POLICY
from spiderpool_aws.local.ec2.moto_server import serve_aws
from spiderpool_aws.local.isolated import isolated_session
from spiderpool_aws.local.stack import LocalStack

RUN = "from spiderpool_aws.cli.main import app; app(prog_name='spiderpool-aws')"
Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def kubeconfig(stack: LocalStack, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """A kubeconfig whose user is a command that prints a token, as `aws eks update-kubeconfig` writes it."""
    server = serve_cluster(stack.cluster, 0)
    credential = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {"token": server.token},
    }
    (tmp_path / "token.json").write_text(json.dumps(credential))
    prints = f"print(open({str(tmp_path / 'token.json')!r}).read())"
    login = {"apiVersion": "client.authentication.k8s.io/v1", "command": sys.executable, "args": ["-c", prints]}
    authority = base64.b64encode(Path(server.ca_file or "").read_bytes()).decode()
    yield {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "demo",
        "contexts": [{"name": "demo", "context": {"cluster": "demo", "user": "me"}}],
        "clusters": [{"name": "demo", "cluster": {"server": server.url, "certificate-authority-data": authority}}],
        "users": [{"name": "me", "user": {"exec": {**login, "interactiveMode": "Never"}}}],
    }
    server.stop()


@pytest.fixture
def command(stack: LocalStack, kubeconfig: dict[str, Any], tmp_path: Path) -> Iterator[Command]:
    aws = serve_aws(0, stack.model)
    policy = Names("demo").policy_parameter
    isolated_session(stack.model.region).client("ssm").put_parameter(
        Name=policy, Value=POLICY, Type="String", Tier="Advanced"
    )
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL": aws.url,
        "AWS_REGION": stack.model.region,
        "AWS_DEFAULT_REGION": stack.model.region,
        "AWS_ACCESS_KEY_ID": "me",
        "AWS_SECRET_ACCESS_KEY": "me",
        "KUBECONFIG": str(tmp_path / "config"),
    }

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        (tmp_path / "config").write_text(yaml.safe_dump(kubeconfig))
        return subprocess.run(  # noqa: S603 - our own code
            [sys.executable, "-c", RUN, *arguments],
            env=environment, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    yield run
    aws.stop()


def test_a_plan_is_made_with_the_persons_own_logins(stack: LocalStack, command: Command) -> None:
    eni_id = assign_by_hand(stack)
    ran = command("plan", "--cluster", "demo")
    assert (ran.returncode, ran.stderr) == (2, "")
    assert ran.stdout.startswith("Cluster demo, policy ssm:/spiderpool-aws/demo/policy, mode apply\n")
    assert f"- addresses of {eni_id}" in ran.stdout


def test_a_policy_file_is_planned_before_it_is_in_the_parameter(
    stack: LocalStack, command: Command, tmp_path: Path
) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(POLICY.replace("ipv4: {addresses: 7}", "ipv4: {addresses: 8}", 1))
    ran = command("plan", "--policy", str(file), "-o", "json")
    assert ran.returncode == 2
    assert json.loads(ran.stdout)["add"] == 6
    assert command("plan", "--policy", "ssm:/spiderpool-aws/local/policy").returncode == 1
    file.write_text(POLICY.replace("cluster: demo", "clutter: demo"))
    ran = command("plan", "--policy", str(file))
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "is not valid:\ncluster: missing, add it\n" in ran.stderr


def test_another_parameter_is_planned_when_it_is_named(stack: LocalStack, command: Command) -> None:
    text = POLICY.replace("ipv4: {addresses: 7}", "ipv4: {addresses: 8}", 1)
    isolated_session(stack.model.region).client("ssm").put_parameter(Name="/team/policy", Value=text, Type="String")
    ran = command("plan", "--cluster", "demo", "--policy", "ssm:/team/policy", "-o", "json")
    assert (ran.returncode, ran.stderr) == (2, "")
    assert (json.loads(ran.stdout)["add"], json.loads(ran.stdout)["policy"]) == (6, "ssm:/team/policy")


def test_a_policy_of_another_cluster_is_no_plan(stack: LocalStack, command: Command, tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(POLICY)
    ran = command("plan", "--cluster", "prod", "--policy", str(file))
    assert ran.returncode == 1
    assert "is for the cluster 'demo', not 'prod': give --cluster demo" in ran.stderr


def test_a_parameter_that_is_not_there_is_named(command: Command) -> None:
    ran = command("plan", "--cluster", "prod")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "the parameter /spiderpool-aws/prod/policy does not exist" in ran.stderr


def without_tls(document: dict[str, Any]) -> None:
    cluster = document["clusters"][0]["cluster"]
    del cluster["certificate-authority-data"]
    cluster["insecure-skip-tls-verify"] = True


def with_a_broken_command(document: dict[str, Any]) -> None:
    document["users"][0]["user"]["exec"]["args"] = ["-c", "raise SystemExit('log in first')"]


def with_another_authority(document: dict[str, Any]) -> None:
    del document["clusters"][0]["cluster"]["certificate-authority-data"]


def without_the_context(document: dict[str, Any]) -> None:
    document["current-context"] = "gone"


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (without_tls, "has insecure-skip-tls-verify"),
        (with_a_broken_command, "log in first"),
        (with_another_authority, "is not to be trusted"),
        (without_the_context, "is no use (Invalid kube-config file"),
    ],
)
def test_a_kubeconfig_that_is_no_use_is_one_line(
    command: Command, kubeconfig: dict[str, Any], spoil: Callable[[dict[str, Any]], None], words: str
) -> None:
    spoil(kubeconfig)
    ran = command("plan", "--cluster", "demo")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert words in ran.stderr
    assert len(ran.stderr.splitlines()) == 1
