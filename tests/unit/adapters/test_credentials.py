import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from kubernetes.client.api_client import ApiClient
from moto import mock_aws

from spiderpool_aws.adapters.kubeconfig import configuration_of
from spiderpool_aws.adapters.kubeconfig_secret import KubeconfigFromSecret
from spiderpool_aws.domain.errors import Refused, RetryLater
from spiderpool_aws.local.clock import ManualClock
from tests.unit.adapters.certificates import CERTIFICATE, KEY, certificate

SECRET = "spiderpool-aws/kubeconfig"


def data(content: bytes) -> str:
    return base64.b64encode(content).decode()


def kubeconfig(
    cluster: dict[str, Any] | None = None, user: dict[str, Any] | None = None, context: str = "c", **changes: Any
) -> str:
    server = {"server": "https://10.0.0.10:6443", "certificate-authority-data": data(CERTIFICATE)}
    document = {
        "current-context": context,
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
        "clusters": [{"name": "k", "cluster": server | (cluster or {})}],
        "users": [{"name": "u", "user": {"token": "t"} if user is None else user}],
    }
    return yaml.safe_dump(document | changes)


def test_a_token_and_the_clusters_ca_are_used_and_tls_is_verified() -> None:
    configuration = configuration_of(kubeconfig({"tls-server-name": "kubernetes"}), "the secret")
    assert configuration.host == "https://10.0.0.10:6443"
    assert configuration.verify_ssl is True
    assert configuration.ca_cert_data == CERTIFICATE.decode()
    assert configuration.tls_server_name == "kubernetes"
    assert configuration.get_api_key_with_prefix("authorization") == "Bearer t"


def test_a_servers_slash_is_taken_off() -> None:
    configuration = configuration_of(kubeconfig({"server": "https://10.0.0.10:6443/"}), "the secret")
    assert configuration.host == "https://10.0.0.10:6443"


def test_a_client_certificate_is_readable_by_us_alone() -> None:
    user = {"client-certificate-data": data(CERTIFICATE), "client-key-data": data(KEY)}
    configuration: Any = configuration_of(kubeconfig(user=user), "the secret")
    assert Path(configuration.cert_file).read_bytes() == CERTIFICATE
    assert Path(configuration.key_file).read_bytes() == KEY
    assert Path(configuration.key_file).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("a: [", "not YAML \\(line 1\\)", id="no YAML"),
        pytest.param("token", "not a mapping", id="no mapping"),
        pytest.param(kubeconfig(context=""), "current-context is missing", id="no context chosen"),
        pytest.param(kubeconfig(contexts=[]), "contexts has no entry 'c'", id="no context"),
        pytest.param(kubeconfig(clusters=None), "clusters has no entry 'k'", id="no cluster"),
        pytest.param(kubeconfig(users=[{"name": "u"}]), "users has no entry 'u' with a user", id="empty user"),
        pytest.param(kubeconfig({"server": "http://x"}), "is not https", id="plain http"),
        pytest.param(kubeconfig({"server": "https://a:pw@x"}), "more than a scheme", id="a password"),
        pytest.param(kubeconfig({"server": "https://x?"}), "more than a scheme", id="a query"),
        pytest.param(kubeconfig({"server": "https://[::1"}), "it is no URL", id="no URL"),
        pytest.param(kubeconfig(user={"token": "one\ntwo"}), "token is no use", id="a wrapped token"),
        pytest.param(kubeconfig(user={"token": "€"}), "token is no use", id="a token of other characters"),
        pytest.param(kubeconfig({"insecure-skip-tls-verify": True}), "insecure-skip-tls-verify", id="no verification"),
        pytest.param(kubeconfig({"certificate-authority": "/ca"}), "certificate-authority cannot be used", id="file"),
        pytest.param(
            kubeconfig({"certificate-authority-data": None}), "certificate-authority-data is missing", id="no CA"
        ),
        pytest.param(kubeconfig({"certificate-authority-data": "%"}), "is not base64", id="no base64"),
        pytest.param(kubeconfig({"certificate-authority-data": data(b"x")}), "is no certificate", id="no certificate"),
        pytest.param(kubeconfig({"certificate-authority-data": data(b"\xff")}), "is no certificate", id="no text"),
        pytest.param(kubeconfig(user={"exec": {}}), "exec cannot be used in a function", id="a command"),
        pytest.param(kubeconfig(user={"token": "t", "as": "root"}), "^[^(]*: as would have its user act as", id="as"),
        pytest.param(kubeconfig(user={"token": "t", "as-groups": ["g"]}), "as-groups would have", id="as a group"),
        pytest.param(kubeconfig(user={"token": 12345}), "token is no text: put it in quotes", id="a number"),
        pytest.param(kubeconfig(user={"token": 0}), "token is no text: put it in quotes", id="the number 0"),
        pytest.param(
            json.dumps({"kubeconfig": kubeconfig()}), "JSON of keys and values.*as plain text", id="key and value"
        ),
        pytest.param(kubeconfig(user={}), "neither token nor client-certificate-data", id="no way to log in"),
        pytest.param(
            kubeconfig(user={"client-certificate-data": data(CERTIFICATE), "client-key-data": data(certificate()[1])}),
            "do not fit together",
            id="another key",
        ),
    ],
)
def test_a_kubeconfig_that_is_no_use_says_what_is_wrong(text: str, words: str) -> None:
    with pytest.raises(Refused, match=words) as caught:
        configuration_of(text, "the secret s")
    assert caught.value.reason.startswith("the secret s holds no usable kubeconfig")


def test_what_is_wrong_is_said_without_the_secret() -> None:
    with pytest.raises(Refused) as caught:
        configuration_of("token: abc\n  def: [", "the secret")
    assert "abc" not in caught.value.reason
    with pytest.raises(Refused) as caught:
        configuration_of(kubeconfig({"server": "https://me:hunter2@x"}, {"token": "s3cret\nrest"}), "the secret")
    assert "hunter2" not in caught.value.reason
    assert "s3cret" not in caught.value.reason


def test_a_key_of_a_login_that_was_replaced_is_left_nowhere(secrets: Any) -> None:
    user = {"client-certificate-data": data(CERTIFICATE), "client-key-data": data(KEY)}
    secrets.create_secret(Name=SECRET, SecretString=kubeconfig(user=user))
    login = KubeconfigFromSecret(secrets, SECRET, ManualClock())
    first: Any = login.client().configuration
    second: Any = login.renew().configuration
    assert not Path(first.key_file).exists()
    assert Path(second.key_file).read_bytes() == KEY


def test_a_key_is_left_nowhere_when_the_process_ends(tmp_path: Path) -> None:
    user = {"client-certificate-data": data(CERTIFICATE), "client-key-data": data(KEY)}
    code = (
        "import sys; from spiderpool_aws.adapters.kubeconfig import configuration_of as read; "
        "file = read(sys.stdin.read(), 'the test').key_file; print(open(file).read() and file)"
    )
    command, environment = [sys.executable, "-c", code], {**os.environ, "TMPDIR": str(tmp_path)}
    ended = subprocess.run(  # noqa: S603 - our own code
        command, input=kubeconfig(user=user), capture_output=True, text=True, check=True, env=environment
    )
    assert Path(ended.stdout.strip()).parent.parent == tmp_path
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("user", [{"token": "t"}, {"token": ""}, {"token": None}])
def test_an_empty_token_is_none(user: dict[str, Any]) -> None:
    pair = {"client-certificate-data": data(CERTIFICATE), "client-key-data": data(KEY)}
    configuration: Any = configuration_of(kubeconfig(user=user | pair), "the secret")
    assert (configuration.key_file is None) is bool(user["token"])


def test_a_kubeconfig_that_is_written_as_json_is_read() -> None:
    text = json.dumps(yaml.safe_load(kubeconfig()))
    assert configuration_of(text, "the secret").host == "https://10.0.0.10:6443"


@pytest.fixture
def secrets() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client("secretsmanager", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")


def test_the_secret_is_read_at_the_first_request_and_again_when_the_token_is_refused(secrets: Any) -> None:
    credentials = KubeconfigFromSecret(secrets, SECRET, ManualClock())
    secrets.create_secret(Name=SECRET, SecretString=kubeconfig(user={"token": "old"}))
    client = credentials.client()
    secrets.put_secret_value(SecretId=SECRET, SecretString=kubeconfig(user={"token": "new"}))
    assert credentials.client() is client
    assert token_of(client) == "Bearer old"
    assert token_of(credentials.renew()) == "Bearer new"


def token_of(client: ApiClient) -> str | None:
    text: str | None = client.configuration.get_api_key_with_prefix("authorization")
    return text


def test_a_secret_that_goes_on_being_refused_is_read_once_a_minute(secrets: Any) -> None:
    clock = ManualClock()
    credentials = KubeconfigFromSecret(secrets, SECRET, clock)
    secrets.create_secret(Name=SECRET, SecretString=kubeconfig(user={"token": "old"}))
    credentials.client()
    refused = credentials.renew()
    secrets.put_secret_value(SecretId=SECRET, SecretString=kubeconfig(user={"token": "new"}))
    clock.advance(59)
    assert credentials.renew() is refused
    assert f"renew it in the kubeconfig in the secret {SECRET}; it was renewed and refused" in credentials.hints.refused
    assert credentials.hints.refused.endswith("the next renewal is after 00:01:00 UTC")
    clock.advance(1)
    assert token_of(credentials.renew()) == "Bearer new"


def test_a_mended_address_is_read_after_a_doubt_and_at_most_once_a_minute(secrets: Any) -> None:
    clock = ManualClock()
    credentials = KubeconfigFromSecret(secrets, SECRET, clock)
    hosts = [f"https://10.0.0.{number}:6443" for number in range(3)]
    secrets.create_secret(Name=SECRET, SecretString=kubeconfig({"server": hosts[0]}))
    client = credentials.client()
    secrets.put_secret_value(SecretId=SECRET, SecretString=kubeconfig({"server": hosts[1]}))
    assert credentials.client() is client
    credentials.doubt()
    assert credentials.client().configuration.host == hosts[1]
    secrets.put_secret_value(SecretId=SECRET, SecretString=kubeconfig({"server": hosts[2]}))
    credentials.doubt()
    clock.advance(59)
    assert credentials.client().configuration.host == hosts[1]
    clock.advance(1)
    assert credentials.client().configuration.host == hosts[2]


def test_a_doubt_leaves_the_turn_of_a_refused_token_alone(secrets: Any) -> None:
    credentials = KubeconfigFromSecret(secrets, SECRET, ManualClock())
    secrets.create_secret(Name=SECRET, SecretString=kubeconfig(user={"token": "old"}))
    credentials.client()
    credentials.doubt()
    credentials.client()
    assert "it was renewed and refused" not in credentials.hints.refused
    secrets.put_secret_value(SecretId=SECRET, SecretString=kubeconfig(user={"token": "new"}))
    assert token_of(credentials.renew()) == "Bearer new"


def test_while_the_secret_cannot_be_read_what_was_read_is_used(secrets: Any) -> None:
    credentials = KubeconfigFromSecret(secrets, SECRET, ManualClock())
    secrets.create_secret(Name=SECRET, SecretString=kubeconfig())
    client = credentials.client()
    secrets.delete_secret(SecretId=SECRET, ForceDeleteWithoutRecovery=True)
    credentials.doubt()
    assert credentials.client() is client


def test_a_secret_that_was_spoiled_is_told_after_a_doubt(secrets: Any) -> None:
    credentials = KubeconfigFromSecret(secrets, SECRET, ManualClock())
    secrets.create_secret(Name=SECRET, SecretString=kubeconfig())
    credentials.client()
    secrets.put_secret_value(SecretId=SECRET, SecretString="{}")
    credentials.doubt()
    with pytest.raises(Refused, match="current-context is missing"):
        credentials.client()


def test_a_secret_that_could_not_be_read_again_is_tried_at_the_next_request(secrets: Any) -> None:
    credentials = KubeconfigFromSecret(secrets, SECRET, ManualClock())
    secrets.create_secret(Name=SECRET, SecretString=kubeconfig(user={"token": "old"}))
    credentials.client()
    secrets.put_secret_value(SecretId=SECRET, SecretString="{}")
    with pytest.raises(Refused, match="current-context is missing"):
        credentials.renew()
    secrets.put_secret_value(SecretId=SECRET, SecretString=kubeconfig(user={"token": "new"}))
    assert token_of(credentials.renew()) == "Bearer new"


def test_a_binary_secret_is_read_too(secrets: Any) -> None:
    secrets.create_secret(Name=SECRET, SecretBinary=kubeconfig().encode())
    assert KubeconfigFromSecret(secrets, SECRET, ManualClock()).client().configuration.host == "https://10.0.0.10:6443"


def test_a_secret_that_is_not_there_is_named(secrets: Any) -> None:
    with pytest.raises(RetryLater, match=SECRET):
        KubeconfigFromSecret(secrets, SECRET, ManualClock()).client()
