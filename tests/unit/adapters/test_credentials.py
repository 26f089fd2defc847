import base64
import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from moto import mock_aws

from spiderpool_aws.adapters.credentials import KubeconfigFromSecret
from spiderpool_aws.adapters.kubeconfig import configuration_of
from spiderpool_aws.domain.errors import Refused, RetryLater

SECRET = "spiderpool-aws/kubeconfig"


def certificate() -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return built.public_bytes(serialization.Encoding.PEM), private


CERTIFICATE, KEY = certificate()


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
        pytest.param(kubeconfig({"certificate-authority-data": "%"}), "is not base64", id="no base64"),
        pytest.param(kubeconfig({"certificate-authority-data": data(b"x")}), "is no certificate", id="no certificate"),
        pytest.param(kubeconfig({"certificate-authority-data": data(b"\xff")}), "is no certificate", id="no text"),
        pytest.param(kubeconfig(user={"exec": {}}), "exec cannot be used in a function", id="a command"),
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
    login = KubeconfigFromSecret(secrets, SECRET)
    first: Any = login.client().configuration
    second: Any = login.renew().configuration
    assert not Path(first.key_file).exists()
    assert Path(second.key_file).read_bytes() == KEY


@pytest.fixture
def secrets() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client("secretsmanager", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")


def test_the_secret_is_read_at_the_first_request_and_again_when_the_token_is_refused(secrets: Any) -> None:
    credentials = KubeconfigFromSecret(secrets, SECRET)
    secrets.create_secret(Name=SECRET, SecretString=kubeconfig(user={"token": "old"}))
    client = credentials.client()
    secrets.put_secret_value(SecretId=SECRET, SecretString=kubeconfig(user={"token": "new"}))
    assert credentials.client() is client
    assert client.configuration.get_api_key_with_prefix("authorization") == "Bearer old"
    assert credentials.renew().configuration.get_api_key_with_prefix("authorization") == "Bearer new"


def test_a_binary_secret_is_read_too(secrets: Any) -> None:
    secrets.create_secret(Name=SECRET, SecretBinary=kubeconfig().encode())
    assert KubeconfigFromSecret(secrets, SECRET).client().configuration.host == "https://10.0.0.10:6443"


def test_a_secret_that_is_not_there_is_named(secrets: Any) -> None:
    with pytest.raises(RetryLater, match=SECRET):
        KubeconfigFromSecret(secrets, SECRET).client()
