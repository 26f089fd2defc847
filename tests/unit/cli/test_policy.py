"""`spiderpool-aws policy check`."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from spiderpool_aws.cli.main import app

POLICY = """
version: 1
cluster: prod
groups:
  - name: workers
    match: {tags: {role: worker}, instanceTypes: ["m7i.*"]}
    interfaces:
      - {deviceIndex: 0, host: ens5, multus: kube-system/ipvlan-ens5, ipv4: {addresses: 5}, ipv6: {prefixes: 1}}
      - {deviceIndex: 1, host: ens6, multus: kube-system/ipvlan-ens6, ipv4: {addresses: max}, ipv6: {prefixes: 2}}
  - name: others
    interfaces:
      - {deviceIndex: 0, host: ens5, multus: kube-system/ipvlan-ens5, ipv4: {addresses: {min: 2, warm: 4, max: 9}},
         ipv6: {addresses: 3}}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)
    return path


def check(file: Path | str, given: str | bytes | None = None) -> tuple[int, str, str]:
    """Return the exit code and what was printed on both streams."""
    result = CliRunner().invoke(app, ["policy", "check", str(file)], input=given)
    return result.exit_code, result.stdout, result.stderr


def test_a_valid_policy_is_summed_up_by_group(file: Path) -> None:
    code, printed, _ = check(file)
    assert code == 0
    assert printed.splitlines() == [
        f"{file}: valid",
        "  workers (role=worker, m7i.*): ens5 5 IPv4 and 1 prefix of IPv6; ens6 max IPv4 and 2 prefixes of IPv6",
        "  others (every instance): ens5 2 to 9 (warm 4) IPv4 and 3 IPv6",
    ]


def test_a_group_that_another_one_hides_is_told(file: Path) -> None:
    hidden = """
  - name: gpu
    match: {tags: {role: gpu}}
    interfaces:
      - {deviceIndex: 0, host: ens5, multus: kube-system/ipvlan-ens5, ipv4: {addresses: 5}, ipv6: {prefixes: 1}}
"""
    file.write_text(POLICY + hidden)
    code, printed, said = check(file)
    assert (code, len(printed.splitlines())) == (0, 4)
    assert said == (
        f"{file}: warning: groups.2: gpu gets no instance, because others comes first and matches all of them: "
        "put gpu before it\n"
    )


def test_a_wrong_policy_is_explained_and_fails(file: Path) -> None:
    file.write_text(POLICY.replace("cluster: prod", "clusterr: prod"))
    code, _, said = check(file)
    assert code == 1
    assert said.splitlines() == [
        f"{file}: not valid",
        "cluster: missing, add it",
        "clusterr: unknown key, did you mean 'cluster'?",
    ]


@pytest.mark.parametrize("cluster", ["Prod", "x" * 25, "a_b"])
def test_a_cluster_that_cdk_cannot_deploy_is_warned_of_in_one_line(file: Path, cluster: str) -> None:
    file.write_text(POLICY.replace("cluster: prod", f"cluster: {cluster}"))
    code, printed, said = check(file)
    assert code == 0
    assert printed.startswith(f"{file}: valid\n")
    assert said == (
        f"{file}: warning: `cdk deploy` refuses it: cluster '{cluster}' becomes part of AWS names: take at most 24 "
        "small letters, digits and `-`, with a letter or digit at both ends\n"
    )


def test_a_cluster_that_cdk_can_deploy_is_no_matter(file: Path) -> None:
    assert check(file)[2] == ""


def test_a_policy_can_come_from_a_pipe() -> None:
    code, printed, _ = check("-", POLICY)
    assert code == 0
    assert printed.startswith("-: valid\n")


def test_a_policy_that_no_parameter_holds_fails(file: Path) -> None:
    file.write_text(POLICY + "#" * 8192)
    code, _, said = check(file)
    assert code == 1
    assert "an SSM parameter holds 8192: shorten it" in said


def test_a_policy_that_needs_the_advanced_tier_says_so(file: Path) -> None:
    file.write_text(POLICY + "#" * 4096)
    code, _, said = check(file)
    assert code == 0
    assert "has to be of the advanced tier" in said


def test_a_file_that_is_not_there_or_not_text_is_named(tmp_path: Path) -> None:
    assert check(tmp_path / "none.yaml")[::2] == (
        1,
        f"{tmp_path / 'none.yaml'}: cannot be read (No such file or directory): give the path of a policy file, or -\n",
    )
    (tmp_path / "latin").write_bytes(b"cluster: \xe4\n")
    code, _, said = check(tmp_path / "latin")
    assert code == 1
    assert "is not UTF-8" in said


def test_json_has_the_groups_and_every_problem(file: Path) -> None:
    runner = CliRunner()
    shown = runner.invoke(app, ["policy", "check", str(file), "--output", "json"])
    document = json.loads(shown.stdout)
    assert (shown.exit_code, document["valid"], document["problems"]) == (0, True, [])
    assert document["groups"]["others"] == {
        "match": "every instance", "nics": ["ens5 2 to 9 (warm 4) IPv4 and 3 IPv6"]
    }  # fmt: skip
    file.write_text(POLICY.replace("cluster: prod", "clusterr: prod"))
    shown = runner.invoke(app, ["policy", "check", str(file), "-o", "json"])
    document = json.loads(shown.stdout)
    assert (shown.exit_code, document["valid"], len(document["problems"])) == (1, False, 2)
