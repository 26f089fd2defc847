"""`spiderpool-aws manifests`: YAML on the standard output, and 1 with a reason for what makes none."""

import json
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from spiderpool_aws.cli.main import app
from tests.unit.adapters.certificates import CERTIFICATE, KEY

ROLE = "arn:aws:iam::123456789012:role/Worker"
OTHER = "arn:aws:iam::123456789012:role/Resync"
ISSUER = "https://abc.tokens.sts.global.api.aws"
AUTH = ("auth", "--issuer", ISSUER, "--audience", "prod")


def run(*arguments: str) -> Result:
    return CliRunner(env={"TERMINAL_WIDTH": "1000", "NO_COLOR": "1"}).invoke(app, ["manifests", *arguments])


def said_by(result: Result) -> str:
    """Return what was said on standard error."""
    return " ".join(result.stderr.split())


def test_auth_prints_the_configuration_of_all_roles_that_are_given() -> None:
    result = run(*AUTH, "--role-arn", ROLE, "--role-arn", f"{ROLE}2")
    assert result.exit_code == 0
    document = yaml.safe_load(result.stdout)
    assert document["apiVersion"] == "apiserver.config.k8s.io/v1"
    assert document["jwt"][0]["claimValidationRules"][0]["expression"] == f"claims.sub in ['{ROLE}', '{ROLE}2']"


def test_auth_prints_the_beta_for_older_clusters() -> None:
    result = run(*AUTH, "--role-arn", ROLE, "--v1beta1")
    assert yaml.safe_load(result.stdout)["apiVersion"] == "apiserver.config.k8s.io/v1beta1"


def test_auth_takes_a_private_issuers_authority_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "ca.crt"
    file.write_bytes(CERTIFICATE)
    result = run(*AUTH, "--role-arn", ROLE, "--issuer-ca", str(file))
    assert yaml.safe_load(result.stdout)["jwt"][0]["issuer"]["certificateAuthority"] == CERTIFICATE.decode()


@pytest.mark.parametrize(
    ("arguments", "users"),
    [
        pytest.param(("--role-arn", ROLE), [f"aws:{ROLE}"], id="one role"),
        pytest.param(("--user", "spiderpool"), ["spiderpool"], id="one user"),
        pytest.param(("--role-arn", ROLE, "--role-arn", OTHER), [f"aws:{ROLE}", f"aws:{OTHER}"], id="both functions"),
        pytest.param(("--user", "worker", "--user", "resync"), ["worker", "resync"], id="a user for each function"),
        pytest.param(("--user", "old", "--role-arn", ROLE), [f"aws:{ROLE}", "old"], id="from one login to another"),
    ],
)
def test_rbac_prints_the_roles_and_their_bindings_to_every_user(arguments: tuple[str, ...], users: list[str]) -> None:
    result = run("rbac", *arguments)
    assert result.exit_code == 0
    manifests = list(yaml.safe_load_all(result.stdout))
    assert [one["kind"] for one in manifests] == ["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"]
    for binding in manifests[1::2]:
        assert [subject["name"] for subject in binding["subjects"]] == users


@pytest.mark.parametrize("spoil", [lambda pem: pem + KEY.decode(), lambda pem: pem + pem[: len(pem) // 2]])
def test_a_bundle_with_a_key_or_half_a_certificate_is_refused_and_not_printed(
    tmp_path: Path, spoil: Callable[[str], str]
) -> None:
    file = tmp_path / "ca.pem"
    file.write_text(spoil(CERTIFICATE.decode()))
    result = run(*AUTH, "--role-arn", ROLE, "--issuer-ca", str(file))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "is no use" in result.stderr


def test_a_certificate_that_is_not_text_is_told_how_to_become_it(tmp_path: Path) -> None:
    file = tmp_path / "ca.der"
    file.write_bytes(ssl.PEM_cert_to_DER_cert(CERTIFICATE.decode()))
    result = run(*AUTH, "--role-arn", ROLE, "--issuer-ca", str(file))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "it is not PEM, which is text: openssl x509 -inform der" in said_by(result)


def test_a_damaged_certificate_is_told_without_the_words_of_a_library(tmp_path: Path) -> None:
    lines = CERTIFICATE.decode().splitlines()
    file = tmp_path / "ca.pem"
    file.write_text("\n".join([lines[0], *lines[2:]]))
    said = said_by(run(*AUTH, "--role-arn", ROLE, "--issuer-ca", str(file)))
    assert "or a damaged one" in said
    assert "_ssl.c" not in said


NOBODY = [
    *("system:anonymous", "system:masters", "system:serviceaccount:", "system:serviceaccount:a", "system:node:"),
    *(" ", "a ", "", "a\nb", "a\tb", "system:serviceaccount:a:b\n", "system:serviceaccounts:a:b"),
]


@pytest.mark.parametrize("user", NOBODY)
def test_no_right_is_bound_to_everybody_or_to_nobody(user: str) -> None:
    result = run("rbac", "--user", user)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "Invalid value for --user" in said_by(result)


@pytest.mark.parametrize("user", ["system:serviceaccount:kube-system:spiderpool-aws", "system:node:ip-10-0-0-1.a.b"])
def test_a_service_account_and_a_node_are_somebody(user: str) -> None:
    assert run("rbac", "--user", user).exit_code == 0


def test_the_printed_file_says_what_becomes_of_a_file_or_an_issuer_that_is_there() -> None:
    header = [line for line in run(*AUTH, "--role-arn", ROLE).stdout.splitlines() if line.startswith("#")]
    assert "add the entry of jwt: to that one" in " ".join(header)
    assert "With this flag and any --oidc-* flag it does not start" in " ".join(header)


@pytest.mark.parametrize("issuer", ["https://x.aws\n", "https://x:abc", "https://x?", "https://x y", "https://[::1"])
def test_an_issuer_that_no_api_server_reads_is_refused(issuer: str) -> None:
    result = run("auth", "--issuer", issuer, "--audience", "prod", "--role-arn", ROLE)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "is not the URL of an issuer" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(AUTH, "--role-arn", id="no role"),
        pytest.param(
            (*AUTH, "--role-arn", "Worker"), "Invalid value for --role-arn: 'Worker' is not the ARN", id="no ARN"
        ),
        pytest.param(
            ("auth", "--issuer", "http://x", "--audience", "a", "--role-arn", ROLE),
            "Invalid value for --issuer: 'http://x' is not the URL of an issuer",
            id="no TLS",
        ),
        pytest.param((*AUTH, "--role-arn", f"{ROLE},{OTHER}"), "give each an option of its own", id="two in one"),
        pytest.param((*AUTH[:-1], "", "--role-arn", ROLE), "Invalid value for --audience: '' is no", id="no audience"),
        pytest.param(
            (*AUTH, "--role-arn", ROLE, "--issuer-ca", "/nonexistent"),
            "Invalid value for --issuer-ca: /nonexistent cannot be read",
            id="no file",
        ),
        pytest.param((*AUTH, "--role-arn", ROLE, "--issuer-ca", __file__), "is no use", id="a file of another kind"),
        pytest.param(("rbac",), "for --role-arn or --user: give", id="no option"),
        pytest.param(("rbac",), "once for each of reconcile_nodes and resync", id="nobody to bind to"),
        pytest.param(("rbac", "--user", "u", "--role-arn", "Worker"), "not the ARN of a role", id="one good, one bad"),
        pytest.param(("rbac", "--role-arn", "arn:aws:sts::1:assumed-role/a/b"), "give the role itself", id="a session"),
    ],
)
def test_bad_input_prints_no_manifest_but_what_belongs_there(arguments: tuple[str, ...], words: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert words in said_by(result)


def test_json_is_what_the_yaml_is_and_several_objects_are_one_list() -> None:
    auth, rbac = (*AUTH, "--role-arn", ROLE), ("rbac", "--user", "u")
    assert json.loads(run(*auth, "--output", "json").stdout) == yaml.safe_load(run(*auth).stdout)
    document = json.loads(run(*rbac, "-o", "json").stdout)
    assert (document["apiVersion"], document["kind"]) == ("v1", "List")
    assert document["items"] == list(yaml.safe_load_all(run(*rbac).stdout))
