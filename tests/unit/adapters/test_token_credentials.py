"""When a token is used, when it is replaced, and what is said of a refused one; the tokens are numbered."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from kubernetes.client.api_client import ApiClient

from spiderpool_aws.adapters.credentials import IssuedToken, TokenCredentials
from spiderpool_aws.domain.errors import RetryLater
from spiderpool_aws.local.clock import ManualClock
from tests.unit.adapters.certificates import CERTIFICATE

LIFE = timedelta(seconds=300)
URL = "https://10.0.0.10:6443"


@dataclass
class NumberedTokens:
    clock: ManualClock
    issued: int = 0
    takes_seconds: int = 0
    fails: bool = False

    def issue(self) -> IssuedToken:
        if self.fails:
            raise RetryLater("STS does not answer")
        self.issued += 1
        self.clock.advance(self.takes_seconds)
        return IssuedToken(f"token-{self.issued}", LIFE)

    def refusal(self, token: IssuedToken, now: datetime) -> str:
        return f"look at {token.text}"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def tokens(clock: ManualClock) -> NumberedTokens:
    return NumberedTokens(clock)


@pytest.fixture
def credentials(tokens: NumberedTokens, clock: ManualClock) -> TokenCredentials:
    return TokenCredentials(tokens, URL, CERTIFICATE.decode(), clock)


def bearer(client: ApiClient) -> str | None:
    text: str | None = client.configuration.get_api_key_with_prefix("authorization")
    return text


def test_no_token_is_asked_for_before_the_first_request(credentials: TokenCredentials, tokens: NumberedTokens) -> None:
    assert tokens.issued == 0
    assert bearer(credentials.client()) == "Bearer token-1"


def test_the_server_is_verified_by_the_configured_authority(credentials: TokenCredentials) -> None:
    configuration = credentials.client().configuration
    assert (configuration.host, configuration.verify_ssl) == (URL, True)
    assert configuration.ca_cert_data == CERTIFICATE.decode()


def test_a_token_is_used_for_four_fifths_of_its_life(credentials: TokenCredentials, clock: ManualClock) -> None:
    client = credentials.client()
    clock.advance(239)
    assert credentials.client() is client
    clock.advance(1)
    assert bearer(credentials.client()) == "Bearer token-2"


def test_the_life_counts_from_before_the_token_was_asked_for(
    credentials: TokenCredentials, clock: ManualClock, tokens: NumberedTokens
) -> None:
    tokens.takes_seconds = 20
    credentials.client()
    clock.advance(219)
    assert bearer(credentials.client()) == "Bearer token-1"
    clock.advance(1)
    assert bearer(credentials.client()) == "Bearer token-2"


def test_a_renewed_token_has_a_life_of_its_own(credentials: TokenCredentials, clock: ManualClock) -> None:
    credentials.client()
    clock.advance(200)
    renewed = credentials.renew()
    assert bearer(renewed) == "Bearer token-2"
    clock.advance(200)
    assert credentials.client() is renewed


def test_a_login_that_goes_on_being_refused_is_renewed_once_a_minute(
    credentials: TokenCredentials, clock: ManualClock
) -> None:
    credentials.client()
    refused = credentials.renew()
    clock.advance(59)
    assert credentials.renew() is refused
    assert credentials.hints.refused == (
        "look at token-2; it was renewed and refused again, the next renewal is after 00:01:00 UTC"
    )
    clock.advance(1)
    assert bearer(credentials.renew()) == "Bearer token-3"


def test_a_token_at_its_end_is_replaced_although_one_was_refused_a_moment_ago(
    credentials: TokenCredentials, clock: ManualClock
) -> None:
    credentials.client()
    clock.advance(200)
    credentials.renew()
    clock.advance(240)
    credentials.renew()
    assert bearer(credentials.client()) == "Bearer token-3"
    clock.advance(240)
    assert bearer(credentials.client()) == "Bearer token-4"


def test_a_token_that_cannot_be_had_is_asked_for_again(credentials: TokenCredentials, tokens: NumberedTokens) -> None:
    tokens.fails = True
    with pytest.raises(RetryLater, match="STS does not answer"):
        credentials.client()
    tokens.fails = False
    assert bearer(credentials.client()) == "Bearer token-1"


def test_while_no_new_token_is_to_be_had_the_old_one_is_used_to_its_end(
    credentials: TokenCredentials, tokens: NumberedTokens, clock: ManualClock
) -> None:
    credentials.client()
    tokens.fails = True
    clock.advance(LIFE.total_seconds() * 0.9)
    assert bearer(credentials.client()) == "Bearer token-1"
    clock.advance(LIFE.total_seconds() * 0.1 - 9)
    with pytest.raises(RetryLater, match="STS does not answer"):
        credentials.client()


def test_a_token_is_in_no_representation_of_its_object() -> None:
    assert "secret" not in repr(IssuedToken("secret", LIFE))


def test_the_hints_are_about_the_token_that_was_sent(credentials: TokenCredentials) -> None:
    assert credentials.hints.refused == "there is none yet"
    credentials.client()
    assert credentials.hints.refused == "look at token-1"
    assert "SPIDERPOOL_AWS_CLUSTER_CA" in credentials.hints.untrusted
