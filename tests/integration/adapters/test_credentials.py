"""A kubeconfig in Secrets Manager, over TLS, to the cluster double's server."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from spiderpool_aws.adapters.cluster import ClusterAdapter
from spiderpool_aws.adapters.kubeconfig_secret import KubeconfigFromSecret
from spiderpool_aws.domain.errors import RetryLater
from spiderpool_aws.local.clock import ManualClock
from spiderpool_aws.local.cluster import ClusterDouble, ClusterServer, serve_cluster
from tests.unit.adapters.certificates import CERTIFICATE
from tests.unit.adapters.doubles import RecordingReporter

SECRET = "kubeconfig"


@pytest.fixture
def server() -> Iterator[ClusterServer]:
    with serve_cluster(ClusterDouble(ManualClock()), port=0) as running:
        yield running


@pytest.fixture
def secrets() -> Iterator[Any]:
    # Secrets Manager is simulated; the cluster's address is passed through to the server.
    with mock_aws(config={"core": {"passthrough": {"urls": [r"https://(127\.0\.0\.1|localhost).*"]}}}):
        client = boto3.client(
            "secretsmanager", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b"
        )
        client.create_secret(Name=SECRET, SecretString="{}")
        yield client


def kubeconfig(url: str, token: str, authority: bytes) -> str:
    cluster = {"server": url, "certificate-authority-data": base64.b64encode(authority).decode()}
    return json.dumps(
        {
            "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
            "clusters": [{"name": "k", "cluster": cluster}],
            "users": [{"name": "u", "user": {"token": token}}],
        }
    )


def connect(secrets: Any, text: str, clock: ManualClock | None = None) -> ClusterAdapter:
    secrets.put_secret_value(SecretId=SECRET, SecretString=text)
    return ClusterAdapter(KubeconfigFromSecret(secrets, SECRET, clock or ManualClock()), RecordingReporter())


def test_a_rotated_token_is_taken_from_the_secret(server: ClusterServer, secrets: Any) -> None:
    authority = Path(server.ca_file).read_bytes()
    clock = ManualClock()
    cluster = connect(secrets, kubeconfig(server.url, "old", authority), clock)
    for _ in range(2):
        with pytest.raises(RetryLater, match=r"refused the token .*the next renewal is after 00:01:00 UTC"):
            cluster.list_pools()
    secrets.put_secret_value(SecretId=SECRET, SecretString=kubeconfig(server.url, server.token, authority))
    clock.advance(60)
    assert cluster.list_pools() == []


def test_a_server_that_the_ca_did_not_sign_is_not_trusted(server: ClusterServer, secrets: Any) -> None:
    cluster = connect(secrets, kubeconfig(server.url, server.token, CERTIFICATE))
    with pytest.raises(RetryLater, match="certificate-authority-data of the kubeconfig in the secret kubeconfig"):
        cluster.list_pools()


def test_a_server_that_is_not_there_says_where_to_look(secrets: Any) -> None:
    with serve_cluster(ClusterDouble(ManualClock()), port=0) as server:
        cluster = connect(secrets, kubeconfig(server.url, server.token, Path(server.ca_file).read_bytes()))
    with pytest.raises(RetryLater, match="check the endpoint"):
        cluster.list_pools()


def test_a_secret_that_holds_no_kubeconfig_leaves_every_message_waiting(secrets: Any) -> None:
    with pytest.raises(RetryLater, match="current-context is missing"):
        connect(secrets, "{}").list_pools()


def test_a_mended_endpoint_is_taken_from_the_secret_without_a_new_process(server: ClusterServer, secrets: Any) -> None:
    authority = Path(server.ca_file).read_bytes()
    with serve_cluster(ClusterDouble(ManualClock()), port=0) as other:
        gone = kubeconfig(other.url, other.token, Path(other.ca_file).read_bytes())
    cluster = connect(secrets, gone)
    with pytest.raises(RetryLater, match="check the endpoint"):
        cluster.list_pools()
    secrets.put_secret_value(SecretId=SECRET, SecretString=kubeconfig(server.url, server.token, authority))
    assert cluster.list_pools() == []


def test_a_mended_ca_is_taken_from_the_secret_without_a_new_process(server: ClusterServer, secrets: Any) -> None:
    cluster = connect(secrets, kubeconfig(server.url, server.token, CERTIFICATE))
    with pytest.raises(RetryLater, match="certificate-authority-data"):
        cluster.list_pools()
    authority = Path(server.ca_file).read_bytes()
    secrets.put_secret_value(SecretId=SECRET, SecretString=kubeconfig(server.url, server.token, authority))
    assert cluster.list_pools() == []
