"""`spiderpool-aws manifests helm`: a shell script whose values are those of the charts."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from spiderpool_aws.cli.main import app
from spiderpool_aws.manifests.helm import END

ROOT = Path(__file__).parents[3]
POLICY = str(ROOT / "policy.yaml")
CHART_VALUES: dict[str, Any] = {
    "spiderpool": {
        "global": {"imageRegistryOverride"},
        "ipam": {"enableStatefulSet"},
        "multus": {"multusCNI": {"defaultCniCRName"}},
    },
    "aws-load-balancer-controller": {"clusterName", "region", "vpcId", "defaultTargetType", "hostNetwork"},
}
"""The names as the charts' own values.yaml have them (see the module's sources)."""
TWO_GROUPS = """
version: 1
cluster: prod
groups:
  - name: new
    match: {instanceTypes: ["m7i.*"]}
    interfaces:
      - {deviceIndex: 1, host: ens6, multus: kube-system/second, ipv4: {addresses: 1}}
      - {deviceIndex: 0, host: ens5, multus: kube-system/first, ipv4: {addresses: 1}}
  - name: old
    interfaces: [{deviceIndex: 0, host: eth0, multus: kube-system/eth0, ipv4: {addresses: 1}}]
"""


def run(*arguments: str, text: str = "") -> Result:
    return CliRunner(env={"TERMINAL_WIDTH": "1000", "NO_COLOR": "1"}).invoke(
        app, ["manifests", "helm", *arguments], text
    )


def values_of(result: Result) -> dict[str, dict[str, Any]]:
    """Return release -> values, as the shell would hand them to Helm."""
    assert result.exit_code == 0, result.output
    found = {}
    for command, _, rest in (part.partition(f" <<'{END}'\n") for part in result.stdout.split("helm upgrade ")[1:]):
        found[command.split()[1]] = yaml.safe_load(rest.partition(f"\n{END}\n")[0])
    return found


def names_in(values: dict[str, Any]) -> Any:
    nested = {key: names_in(value) for key, value in values.items() if isinstance(value, dict)}
    return nested if nested else set(values)


def test_the_values_are_those_of_the_policy() -> None:
    assert values_of(run("--policy", POLICY)) == {
        "spiderpool": {
            "ipam": {"enableStatefulSet": False},
            "multus": {"multusCNI": {"defaultCniCRName": "kube-system/ipvlan-ens5"}},
        },
        "aws-load-balancer-controller": {"clusterName": "demo", "defaultTargetType": "ip", "hostNetwork": True},
    }


def test_with_all_options_every_value_has_a_name_of_its_chart() -> None:
    options = ("--registry", "ghcr.m.daocloud.io", "--region", "eu-west-1", "--vpc-id", "vpc-0a")
    values = values_of(run("--policy", POLICY, *options))
    assert {name: names_in(each) for name, each in values.items()} == CHART_VALUES
    assert values["spiderpool"]["global"]["imageRegistryOverride"] == "ghcr.m.daocloud.io"
    assert (values["aws-load-balancer-controller"]["region"], values["aws-load-balancer-controller"]["vpcId"]) == (
        "eu-west-1",
        "vpc-0a",
    )


def test_the_first_groups_first_nic_is_the_default_and_the_others_are_told_apart() -> None:
    result = run("--policy", "-", text=TWO_GROUPS)
    assert values_of(result)["spiderpool"]["multus"]["multusCNI"]["defaultCniCRName"] == "kube-system/first"
    assert "group old have to name their network: v1.multus-cni.io/default-network: kube-system/eth0" in result.stdout


def test_a_shell_runs_it_and_helm_gets_the_values(tmp_path: Path) -> None:
    """Helm is a script here that writes down what it is given."""
    helm = tmp_path / "helm"
    helm.write_text('#!/bin/sh\necho "$@" >> "$LOG"\ncase "$*" in *"--values -"*) cat >> "$LOG";; esac\n')
    helm.chmod(0o755)
    log = tmp_path / "log"
    script = run("--policy", POLICY).stdout
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin", "LOG": str(log)}
    subprocess.run(["/bin/sh", "-e"], input=script.encode(), env=env, check=True, timeout=30)
    said = log.read_text().splitlines()
    assert said[0] == "repo add spiderpool https://spidernet-io.github.io/spiderpool"
    assert (
        "upgrade --install spiderpool spiderpool/spiderpool --namespace kube-system --version 1.2.x --wait --values -"
        in said
    )
    assert "  enableStatefulSet: false" in said


@pytest.mark.parametrize(("policy", "said"), [("version: 2", "is not valid"), ("\x00", "is not valid")])
def test_a_policy_that_is_no_use_is_one_message(policy: str, said: str) -> None:
    result = run("--policy", "-", text=policy)
    assert result.exit_code == 1
    assert said in " ".join(result.stderr.split())
    assert result.stdout == ""


def test_json_has_the_same_values() -> None:
    made = json.loads(run("--policy", POLICY, "--output", "json").stdout)
    assert {release["name"]: release["values"] for release in made} == values_of(run("--policy", POLICY))


def test_a_line_break_in_the_name_of_a_group_runs_nothing() -> None:
    script = run("--policy", "-", text=TWO_GROUPS.replace("name: old", r'name: "old\nid\r\nid"')).stdout
    assert "group old id id have to name their network" in script
    assert "id" not in script.splitlines()
