"""How the functions log in to the cluster.

`ClusterCredentials` is what the cluster adapter asks for a client; nothing is read before the first request, so that a
secret that cannot be read is the outcome of a message, and not a function that does not start. Three implementations,
chosen by `SPIDERPOOL_AWS_CLUSTER_LOGIN` (bootstrap.py):

| login | here |
| --- | --- |
| `web-identity` | `TokenCredentials` with `WebIdentityToken` (web_identity.py) |
| `iam-authenticator` | `TokenCredentials` with `IamAuthenticatorToken` (iam_authenticator.py) |
| `kubeconfig` | `KubeconfigFromSecret` |
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from kubernetes.client.api_client import ApiClient

from spiderpool_aws.adapters.aws_errors import aws_errors
from spiderpool_aws.adapters.cluster_errors import LoginHints
from spiderpool_aws.adapters.endpoint import configuration_for
from spiderpool_aws.domain.errors import RetryLater

if TYPE_CHECKING:
    from datetime import datetime

    from kubernetes.client.configuration import Configuration

    from spiderpool_aws.ports import Clock

LAST_USE = timedelta(seconds=10)
"""How long before its end a token is used for the last time: a request may take a while."""
CACHED_SHARE = 0.8
"""How much of a token's life it is used for: the rest is for clocks that differ and requests under way."""


class ClusterCredentials(Protocol):
    """Hands out a client that is logged in. Raises RetryLater, or Refused when what it was given is no good."""

    def client(self) -> ApiClient:
        """Return the client; the same one until it is renewed."""

    def renew(self) -> ApiClient:
        """Return a client with credentials read anew: the API server has refused the present ones."""

    @property
    def hints(self) -> LoginHints:
        """Say what to look at when the API server refuses these credentials, or cannot be trusted."""


class FixedCredentials:
    """A client that somebody else has configured."""

    hints = LoginHints("give another client", "check its CA")

    def __init__(self, client: ApiClient) -> None:
        self._client = client

    def client(self) -> ApiClient:
        """Return the client."""
        return self._client

    def renew(self) -> ApiClient:
        """Return the same client: there is nothing to read anew."""
        return self._client


class KubeconfigFromSecret:
    """A kubeconfig that a Secrets Manager secret holds. `secrets` is a boto3 client of Secrets Manager."""

    def __init__(self, secrets: Any, secret_id: str) -> None:
        self._secrets = secrets
        self._secret_id = secret_id
        self._client: ApiClient | None = None

    @property
    def hints(self) -> LoginHints:
        """Name the secret."""
        kubeconfig = f"the kubeconfig in the secret {self._secret_id}"
        return LoginHints(
            f"it is wrong or has expired, renew it in {kubeconfig}",
            f"check that certificate-authority-data of {kubeconfig} is the cluster's CA",
        )

    def client(self) -> ApiClient:
        """Return the client, reading the secret at the first call."""
        if self._client is None:
            self._client = ApiClient(self._read())
        return self._client

    def renew(self) -> ApiClient:
        """Read the secret again: its token may have been rotated."""
        from spiderpool_aws.adapters.kubeconfig import forget_certificate

        before, self._client = self._client, ApiClient(self._read())
        if before is not None:
            forget_certificate(before.configuration)
        return self._client

    def _read(self) -> Configuration:
        from spiderpool_aws.adapters.kubeconfig import configuration_of

        with aws_errors("secretsmanager:GetSecretValue", self._secret_id):
            answer = self._secrets.get_secret_value(SecretId=self._secret_id)
        text = answer.get("SecretString") or answer.get("SecretBinary", b"").decode(errors="replace")
        return configuration_of(text, f"the secret {self._secret_id}")


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A bearer token, and how long it is good for from the moment it was asked for."""

    text: str = field(repr=False)
    life: timedelta


class TokenSource(Protocol):
    """Issues tokens for one cluster."""

    def issue(self) -> IssuedToken:
        """Return a new token. Raises RetryLater, or Refused when waiting does not help."""

    def refusal(self, token: IssuedToken, now: datetime) -> str:
        """Say of a token that the API server has just refused what it holds, and what in the cluster must fit it."""


class TokenCredentials:
    """Logs in with tokens of a source, each used for 80 % of its life. `authority` is the API server's CA as PEM."""

    def __init__(self, source: TokenSource, url: str, authority: str, clock: Clock) -> None:
        self._source = source
        self._url = url
        self._authority = authority
        self._clock = clock
        self._logged_in: _LoggedIn | None = None

    @property
    def hints(self) -> LoginHints:
        """Tell what the present token holds."""
        held = self._logged_in
        refusal = self._source.refusal(held.token, self._clock.now()) if held else "there is none yet"
        return LoginHints(refusal, "check that SPIDERPOOL_AWS_CLUSTER_CA is the cluster's CA")

    def client(self) -> ApiClient:
        """Return the client, with a new token when four fifths of the present one's life are over."""
        held = self._logged_in
        now = self._clock.now()
        if held is not None and now < held.since + held.token.life * CACHED_SHARE:
            return held.client
        try:
            return self.renew()
        except RetryLater:
            # The rest of its life is for just this: that no new one is to be had at the moment.
            if held is None or now >= held.since + held.token.life - LAST_USE:
                raise
            return held.client

    def renew(self) -> ApiClient:
        """Return a client with a new token."""
        # The life counts from before the request, by our clock alone: the issuer's may differ.
        since = self._clock.now()
        token = self._source.issue()
        client = ApiClient(configuration_for(self._url, self._authority, token.text))
        self._logged_in = _LoggedIn(client, token, since)
        return client


@dataclass(frozen=True, slots=True)
class _LoggedIn:
    client: ApiClient
    token: IssuedToken
    since: datetime
