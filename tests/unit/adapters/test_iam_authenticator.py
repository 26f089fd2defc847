"""Every signed part of the token, and its signature, computed anew by the rules of Signature Version 4.

What a server accepts: kubernetes-sigs/aws-iam-authenticator, pkg/token/token.go, `Verify`.
"""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import SplitResult, parse_qsl, quote, urlsplit

import boto3
import pytest

from spiderpool_aws.adapters.credentials import IssuedToken
from spiderpool_aws.adapters.iam_authenticator import IamAuthenticatorToken
from spiderpool_aws.domain.errors import RetryLater
from spiderpool_aws.local.clock import START

ACCESS_KEY, SECRET_KEY, SESSION_TOKEN = "ASIAEXAMPLE", "secret/key+", "session/token+="
REGION, CLUSTER_ID = "eu-west-1", "prod"
PREFIX = "k8s-aws-v1."


def client(region: str = REGION, **changes: Any) -> Any:
    keys: Any = {
        "aws_access_key_id": ACCESS_KEY, "aws_secret_access_key": SECRET_KEY, "aws_session_token": SESSION_TOKEN,
    } | changes  # fmt: skip
    return boto3.client("sts", region_name=region, **keys)


def parts_of(token: IssuedToken) -> tuple[SplitResult, dict[str, str]]:
    assert token.text.startswith(PREFIX)
    encoded = token.text.removeprefix(PREFIX)
    assert "=" not in encoded
    parts = urlsplit(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode())
    return parts, dict(parse_qsl(parts.query, strict_parsing=True))


def signature(method: str, host: str, query: dict[str, str], cluster_id: str, secret: str) -> str:
    """Sign a request without a body whose signed headers are the host and the cluster's ID."""
    signed = sorted((name, value) for name, value in query.items() if name != "X-Amz-Signature")
    canonical = "\n".join(
        [
            method,
            "/",
            "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in signed),
            f"host:{host}",
            f"x-k8s-aws-id:{cluster_id}",
            "",
            "host;x-k8s-aws-id",
            hashlib.sha256(b"").hexdigest(),
        ]
    )
    scope = query["X-Amz-Credential"].split("/", 1)[1]
    to_sign = "\n".join(
        ["AWS4-HMAC-SHA256", query["X-Amz-Date"], scope, hashlib.sha256(canonical.encode()).hexdigest()]
    )
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, to_sign.encode(), "sha256").hex()


def test_every_signed_part_is_what_an_authenticator_accepts() -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    url, query = parts_of(IamAuthenticatorToken(client(), CLUSTER_ID).issue())
    after = datetime.now(UTC)
    assert (url.scheme, url.netloc, url.path, url.fragment) == ("https", "sts.eu-west-1.amazonaws.com", "/", "")
    signed_at = datetime.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    assert before <= signed_at <= after
    assert query == {
        "Action": "GetCallerIdentity",
        "Version": "2011-06-15",
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"{ACCESS_KEY}/{signed_at:%Y%m%d}/{REGION}/sts/aws4_request",
        "X-Amz-Date": query["X-Amz-Date"],
        "X-Amz-Expires": "60",
        "X-Amz-SignedHeaders": "host;x-k8s-aws-id",
        "X-Amz-Security-Token": SESSION_TOKEN,
        "X-Amz-Signature": query["X-Amz-Signature"],
    }
    assert query["X-Amz-Signature"] == signature("GET", url.netloc, query, CLUSTER_ID, SECRET_KEY)


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"method": "POST"}, id="method"),
        pytest.param({"host": "sts.us-east-1.amazonaws.com"}, id="host"),
        pytest.param({"cluster_id": "other"}, id="cluster"),
        pytest.param({"secret": "other"}, id="secret"),
    ],
)
def test_the_signature_is_good_for_nothing_else(changed: dict[str, str]) -> None:
    url, query = parts_of(IamAuthenticatorToken(client(), CLUSTER_ID).issue())
    request = {"method": "GET", "host": url.netloc, "cluster_id": CLUSTER_ID, "secret": SECRET_KEY} | changed
    assert signature(query=query, **request) != query["X-Amz-Signature"]


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("us-east-1", "sts.us-east-1.amazonaws.com"),
        ("cn-north-1", "sts.cn-north-1.amazonaws.com.cn"),
        ("us-gov-west-1", "sts.us-gov-west-1.amazonaws.com"),
    ],
)
def test_the_host_is_the_regional_endpoint_of_each_partition(region: str, host: str) -> None:
    url, query = parts_of(IamAuthenticatorToken(client(region), CLUSTER_ID).issue())
    assert url.netloc == host
    assert query["X-Amz-Credential"].split("/")[2] == region


def test_a_token_of_a_long_session_fits_what_a_server_reads() -> None:
    token = IamAuthenticatorToken(client(aws_session_token="t" * 2000), CLUSTER_ID).issue()
    assert len(token.text) <= 4096


def test_its_life_is_the_quarter_of_an_hour_for_which_sts_accepts_it() -> None:
    assert IamAuthenticatorToken(client(), CLUSTER_ID).issue().life == timedelta(minutes=15)


def test_a_token_for_one_cluster_is_not_one_for_another() -> None:
    first, second = (IamAuthenticatorToken(client(), name).issue() for name in ("a", "b"))
    assert parts_of(first)[1]["X-Amz-Signature"] != parts_of(second)[1]["X-Amz-Signature"]


def test_without_credentials_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    bare: Any = boto3.Session(region_name=REGION).client("sts")
    with pytest.raises(RetryLater, match="no credentials"):
        IamAuthenticatorToken(bare, CLUSTER_ID).issue()


def test_a_refused_token_names_the_cluster_and_where_roles_are_mapped() -> None:
    source = IamAuthenticatorToken(client(), CLUSTER_ID)
    refusal = source.refusal(source.issue(), START)
    assert "cluster ID prod at https://sts.eu-west-1.amazonaws.com" in refusal
    assert "EKS access entry" in refusal
