"""`spiderpool-aws adopt`, with a kubeconfig and AWS over HTTP, as a person calls it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from typer.testing import CliRunner, Result

from spiderpool_aws.cli.main import app
from spiderpool_aws.local.clock import ManualClock
from spiderpool_aws.local.cluster import ClusterDouble, ClusterServer, serve_cluster
from spiderpool_aws.local.ec2 import Ec2Model
from spiderpool_aws.local.ec2.fixtures import SubnetPlan, addresses, create_network, launch
from spiderpool_aws.local.ec2.moto_server import serve_aws
from tests.integration.adapters.kubeconfigs import kubeconfig
from tests.integration.scene import TAGS, policy_text

EXEC = """\
import json, sys
print(json.dumps({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
                  "status": {"token": sys.argv[1]}}))
"""


@dataclass
class Desk:
    """A person's configuration, files and both systems."""

    folder: Path
    double: ClusterDouble
    server: ClusterServer
    environment: dict[str, str]
    instance_id: str

    def adopt(self, *arguments: str, policy: str | None = None, **environment: str) -> Result:
        chosen = [] if "--policy" in arguments else ["--policy", policy or str(self.folder / "policy.yaml")]
        runner = CliRunner(env=self.environment | environment)
        result = runner.invoke(app, ["adopt", *chosen, *arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit)
        assert "Traceback" not in result.output
        return result

    def with_kubeconfig(self, text: str) -> str:
        path = self.folder / "kubeconfig"
        path.write_text(text)
        return str(path)

    def changed(self, part: str, **fields: Any) -> str:
        """Write the kubeconfig with something of its cluster or user changed."""
        document = yaml.safe_load(kubeconfig(self.server.url, self.server.ca_pem, self.double.admin_token))
        entry = document[f"{part}s"][0]
        entry[part] = {k: v for k, v in (entry[part] | fields).items() if v is not None}
        return self.with_kubeconfig(yaml.safe_dump(document))

    def pool(self, name: str = "by-hand") -> dict[str, Any]:
        return next(p for p in self.double.objects("spiderippools") if p["metadata"]["name"] == name)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    clock = ManualClock()
    model, double = Ec2Model(clock), ClusterDouble(clock)
    network = create_network(model, {"nodes": SubnetPlan("10.0.0.0/24")})
    nic = {"SubnetId": network.subnets["nodes"], **addresses("10.0.0.10", "10.0.0.20", "10.0.0.21")}
    instance_id = launch(model, [nic], tags=TAGS)
    clock.advance(30)
    double.put({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "worker-1"},
                "spec": {"providerID": f"aws:///eu-west-1a/{instance_id}"}})  # fmt: skip
    spec = {"subnet": "10.0.0.0/24", "ips": ["10.0.0.10", "10.0.0.20-10.0.0.21"], "gateway": "10.0.0.1",
            "nodeName": ["worker-1"], "multusName": ["kube-system/ipvlan-ens5"]}  # fmt: skip
    double.put({"apiVersion": "spiderpool.spidernet.io/v2beta1", "kind": "SpiderIPPool",
                "metadata": {"name": "by-hand"}, "spec": spec})  # fmt: skip
    (tmp_path / "policy.yaml").write_text(policy_text(nics=1))
    aws, server = serve_aws(0, model), serve_cluster(double)
    environment = {
        "AWS_ENDPOINT_URL": aws.url, "AWS_DEFAULT_REGION": model.region, "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local", "AWS_CONFIG_FILE": "/dev/null", "NO_COLOR": "1", "TERMINAL_WIDTH": "200",
        "AWS_REGION": "", "AWS_PROFILE": "", "AWS_MAX_ATTEMPTS": "1",
    }  # fmt: skip
    made = Desk(tmp_path, double, server, {k: v for k, v in environment.items() if v}, instance_id)
    made.environment["KUBECONFIG"] = made.with_kubeconfig(kubeconfig(server.url, server.ca_pem, double.admin_token))
    yield made
    server.stop()
    aws.stop()


def test_the_plan_is_shown_and_nothing_is_written_until_yes(desk: Desk) -> None:
    before = desk.pool()
    shown = desk.adopt()
    assert (shown.exit_code, desk.pool()) == (2, before)
    for words in (
        f"Cluster prod at {desk.server.url}\n",
        f"{desk.instance_id}, Node worker-1",
        "+ by-hand [10.0.0.20-10.0.0.21]",
        "ips: 10.0.0.10 leaves: the host's own",
        "default: false -> true",
        "then the next reconcile does:",
        "assign 3 IPv4 addresses",
        "1 to adopt, 0 not adopted. Nothing is written yet: with --yes they are adopted.",
    ):
        assert words in shown.output
    done = desk.adopt("--yes")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.endswith("by-hand: adopted\n")
    assert desk.pool()["metadata"]["labels"]["spiderpool-aws/instance"] == desk.instance_id
    assert desk.pool()["metadata"]["uid"] == before["metadata"]["uid"]
    again = desk.adopt()
    assert (again.exit_code, "nothing to adopt" in again.stdout) == (0, True)


def test_json_is_the_plan_and_what_was_done(desk: Desk) -> None:
    shown = json.loads(desk.adopt("--output", "json").stdout)
    (ready,) = shown["ready"]
    assert (ready["pool"], ready["instance"], ready["ips"]) == ("by-hand", desk.instance_id, ["10.0.0.20-10.0.0.21"])
    assert (shown["adopted"], shown["refused"]) == ([], [])
    done = json.loads(desk.adopt("--output", "json", "--yes", "--pool", "by-hand").stdout)
    assert (done["adopted"], done["failed"]) == (["by-hand"], [])


def test_what_cannot_be_adopted_says_why_and_fails(desk: Desk) -> None:
    (desk.folder / "policy.yaml").write_text(policy_text(nics=1).replace("deviceIndex: 0", "deviceIndex: 3"))
    shown = desk.adopt("--yes")
    assert shown.exit_code == 1
    assert "x by-hand [10.0.0.10, 10.0.0.20-10.0.0.21]" in shown.stdout
    assert "the policy says nothing of device index 0" in shown.stdout
    assert "spiderpool-aws/eni" not in desk.pool()["metadata"]["labels"]


def test_the_policy_can_come_from_its_parameter_or_a_pipe(desk: Desk) -> None:
    ssm = boto3.client(
        "ssm", endpoint_url=desk.environment["AWS_ENDPOINT_URL"], region_name="eu-west-1", aws_access_key_id="local",
        aws_secret_access_key="local",
    )  # fmt: skip
    ssm.put_parameter(Name="/spiderpool-aws/prod/policy", Value=policy_text(nics=1, mode="observe"), Type="String")
    ssm.close()
    shown = desk.adopt("--policy", "ssm:/spiderpool-aws/prod/policy", "--cluster", "prod")
    assert shown.exit_code == 2
    assert "(when the policy's mode is apply; it is observe)" in shown.stdout
    piped = CliRunner(env=desk.environment).invoke(app, ["adopt", "--policy", "-"], input=policy_text(nics=1))
    assert piped.exit_code == 2


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        pytest.param("none.yaml", "cannot be read (No such file or directory): give a policy file", id="no such file"),
        pytest.param(
            policy_text(nics=1, cluster="staging"),
            "no instance with the tag spiderpool-aws/cluster=staging",
            id="another cluster",
        ),
        pytest.param("version: 2", "is not valid:\nversion: write `version: 1`", id="no valid policy"),
    ],
)
def test_a_policy_that_is_no_use_is_one_clear_answer(desk: Desk, policy: str, words: str) -> None:
    if ":" in policy:
        (desk.folder / "other.yaml").write_text(policy)
        policy = str(desk.folder / "other.yaml")
    said = desk.adopt("--policy", policy)
    assert (said.exit_code, said.stdout) == (1, "")
    assert words in said.stderr


def test_a_pool_that_is_not_there_is_named(desk: Desk) -> None:
    said = desk.adopt("--pool", "none")
    assert (said.exit_code, said.stdout) == (1, "")
    assert "there is no SpiderIPPool none" in said.stderr


def test_a_user_whose_token_comes_from_a_command_is_logged_in(desk: Desk) -> None:
    script = desk.folder / "login.py"
    script.write_text(EXEC)
    command = {"apiVersion": "client.authentication.k8s.io/v1", "command": "python3",
               "args": [str(script), desk.double.admin_token], "interactiveMode": "Never"}  # fmt: skip
    assert desk.adopt(KUBECONFIG=desk.changed("user", token=None, exec=command)).exit_code == 2


def test_a_ca_in_a_file_beside_the_kubeconfig_is_used(desk: Desk) -> None:
    (desk.folder / "ca.crt").write_text(desk.server.ca_pem)
    fields = {"certificate-authority-data": None, "certificate-authority": "ca.crt"}
    assert desk.adopt(KUBECONFIG=desk.changed("cluster", **fields)).exit_code == 2


@pytest.mark.parametrize(
    ("part", "fields", "words"),
    [
        pytest.param("cluster", {"insecure-skip-tls-verify": True, "certificate-authority-data": None},
                     "insecure-skip-tls-verify", id="no verification"),
        pytest.param("cluster", {"server": "http://127.0.0.1:1"}, "without TLS", id="no TLS"),
        pytest.param("cluster", {"server": "https://127.0.0.1:1"}, "cannot be reached", id="nobody there"),
        pytest.param("cluster", {"certificate-authority": "/none", "certificate-authority-data": None},
                     "is no use", id="no CA file"),
        pytest.param("user", {"token": None}, "neither token nor certificate", id="no credentials"),
        pytest.param("user", {"token": None, "exec": {"command": "false", "apiVersion": "v1"}},
                     "or its command gave none", id="a command that fails"),
        pytest.param("user", {"token": "wrong"}, "refused the token (401)", id="a wrong token"),
        pytest.param("context", {"user": "nobody", "cluster": "nowhere"}, "is no use", id="a context of nothing"),
    ],
)  # fmt: skip
def test_a_kubeconfig_that_is_no_use_is_one_clear_answer(
    desk: Desk, part: str, fields: dict[str, Any], words: str
) -> None:
    said = desk.adopt(KUBECONFIG=desk.changed(part, **fields))
    assert (said.exit_code, said.stdout) == (1, "")
    assert words in said.stderr


@pytest.mark.parametrize("text", ["", "{", "- 1", "clusters: 1\nusers: []\ncontexts: []", "current-context: x"])
def test_a_file_that_is_no_kubeconfig_is_one_clear_answer_without_its_content(desk: Desk, text: str) -> None:
    said = desk.adopt(KUBECONFIG=desk.with_kubeconfig(text))
    assert (said.exit_code, said.stdout) == (1, "")
    assert "see that kubectl get nodes works" in said.stderr


def test_a_token_in_a_malformed_kubeconfig_is_not_printed(desk: Desk) -> None:
    document = yaml.safe_load(kubeconfig(desk.server.url, desk.server.ca_pem, "the-secret"))
    document["users"] = [{"name": "test", "token": "the-secret"}]
    said = desk.adopt(KUBECONFIG=desk.with_kubeconfig(yaml.safe_dump(document)))
    assert said.exit_code == 1
    assert "the-secret" not in said.output


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        pytest.param({"AWS_DEFAULT_REGION": ""}, "no AWS region is configured: give --region", id="no region"),
        pytest.param(
            {"AWS_PROFILE": "none"},
            "AWS cannot be asked: The config profile (none) could not be found",
            id="no such profile",
        ),
    ],
)
def test_an_aws_configuration_that_is_no_use_is_one_clear_answer(
    desk: Desk, environment: dict[str, str], words: str
) -> None:
    said = desk.adopt(**environment)
    assert (said.exit_code, said.stdout) == (1, "")
    assert words in said.stderr


def test_a_pool_that_somebody_changes_between_plan_and_write_is_told_and_fails(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    from spiderpool_aws.adopting import Adopter

    adopt = Adopter.adopt

    def after_a_change(self: Adopter, plan: Any) -> Any:
        pool = desk.pool()
        desk.double.put(pool | {"spec": pool["spec"] | {"ips": ["10.0.0.20"]}})
        return adopt(self, plan)

    monkeypatch.setattr(Adopter, "adopt", after_a_change)
    said = desk.adopt("--yes")
    assert said.exit_code == 1
    assert "by-hand: not adopted: pool by-hand was changed since it was read" in said.stdout
    assert desk.pool()["spec"]["ips"] == ["10.0.0.20"]
