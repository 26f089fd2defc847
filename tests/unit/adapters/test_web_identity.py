from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest

from spiderpool_aws.adapters.credentials import IssuedToken
from spiderpool_aws.adapters.web_identity import WebIdentityToken
from spiderpool_aws.deployment import TOKEN_LIFE
from spiderpool_aws.domain.errors import RetryLater
from spiderpool_aws.local.clock import ManualClock
from tests.e2e.issuer import REGION, ROLE_ARN, Issuer, StsDouble

AUDIENCE = "https://prod.k8s.example.org"


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with Issuer() as running:
        yield running


@pytest.fixture
def sts(issuer: Issuer) -> StsDouble:
    return StsDouble(issuer, ManualClock())


@pytest.fixture
def source(sts: StsDouble) -> WebIdentityToken:
    client: Any = boto3.client("sts", region_name=REGION, aws_access_key_id="a", aws_secret_access_key="b")
    sts.attach(client)
    return WebIdentityToken(client, AUDIENCE)


def test_a_short_token_for_the_cluster_is_asked_of_the_regional_endpoint(
    source: WebIdentityToken, sts: StsDouble
) -> None:
    assert source.issue().life == timedelta(minutes=5)
    [request] = sts.requests
    assert request["url"] == "https://sts.eu-west-1.amazonaws.com/"
    assert (request["Audience.member.1"], request["SigningAlgorithm"]) == (AUDIENCE, "ES384")
    assert request["DurationSeconds"] == 300


@pytest.mark.parametrize(
    ("code", "words"),
    [
        pytest.param(
            "OutboundWebIdentityFederationDisabledException",
            "call iam:EnableOutboundWebIdentityFederation once in this account",
            id="not enabled",
        ),
        pytest.param(
            "OutboundWebIdentityFederationDisabled",
            "call iam:EnableOutboundWebIdentityFederation once in this account",
            id="not enabled, by the code of the API reference",
        ),
        pytest.param("SessionDurationEscalationException", "the runtime renews it", id="the role's session ends"),
        pytest.param("JWTPayloadSizeExceededException", "tags", id="too many tags"),
        pytest.param("InvalidAction", "iam-authenticator or kubeconfig", id="a region without such tokens"),
        pytest.param("AccessDenied", "allow sts:GetWebIdentityToken to the caller's role", id="not permitted"),
        pytest.param("Throttling", "throttled", id="throttled"),
    ],
)
def test_a_token_that_is_not_given_says_what_to_do(
    source: WebIdentityToken, sts: StsDouble, code: str, words: str
) -> None:
    sts.refusal = code
    with pytest.raises(RetryLater, match="sts:GetWebIdentityToken") as caught:
        source.issue()
    assert words in caught.value.reason


def test_a_refused_token_is_told_by_what_it_holds(source: WebIdentityToken, sts: StsDouble, issuer: Issuer) -> None:
    refusal = source.refusal(source.issue(), sts.clock.now())
    assert f"issuer {issuer.url}, audience {AUDIENCE}, sub {ROLE_ARN}" in refusal
    assert "valid until 2026-01-01T00:05:00+00:00" in refusal
    assert "spiderpool-aws manifests auth" in refusal


def test_an_expired_token_is_called_expired(source: WebIdentityToken, sts: StsDouble) -> None:
    sts.late = TOKEN_LIFE
    assert source.refusal(source.issue(), sts.clock.now()).startswith("it expired at 2026-01-01T00:00:00+00:00")


@pytest.mark.parametrize("text", ["", "abc", "a.b.c", "a.W10.c", "a.eyJleHAiOiJ4In0.c"])
def test_what_is_no_token_is_still_told(source: WebIdentityToken, sts: StsDouble, text: str) -> None:
    assert "valid until ?" in source.refusal(IssuedToken(text, TOKEN_LIFE), sts.clock.now())
