"""How the functions log in to the cluster.

`ClusterCredentials` is what the cluster adapter asks for a client; nothing is read before the first request, so that a
secret that cannot be read is the outcome of a message, and not a function that does not start. Three implementations,
chosen by `SPIDERPOOL_AWS_CLUSTER_LOGIN` (bootstrap.py):

| login | here |
| --- | --- |
| `web-identity` | `TokenCredentials` with `WebIdentityToken` (web_identity.py) |
| `iam-authenticator` | `TokenCredentials` with `IamAuthenticatorToken` (iam_authenticator.py) |
| `kubeconfig` | `KubeconfigFromSecret` (kubeconfig_secret.py) |
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from kubernetes.client.api_client import ApiClient

from spiderpool_aws.adapters.cluster_errors import LoginHints
from spiderpool_aws.adapters.endpoint import configuration_for
from spiderpool_aws.domain.errors import RetryLater

if TYPE_CHECKING:
    from datetime import datetime

    from spiderpool_aws.ports import Clock

LAST_USE = timedelta(seconds=10)
"""How long before its end a token is used for the last time: a request may take a while."""
CACHED_SHARE = 0.8
"""How much of a token's life it is used for: the rest is for clocks that differ and requests under way."""
RENEWAL_INTERVAL = timedelta(minutes=1)
"""How often a login that fails again and again is read anew, however many requests fail meanwhile."""


class ClusterCredentials(Protocol):
    """Hands out a client that is logged in. Raises RetryLater, or Refused when what it was given is no good."""

    def client(self) -> ApiClient:
        """Return the client; the same one until it is renewed."""

    def renew(self) -> ApiClient:
        """Return a client with credentials read anew: the API server has refused the present ones.

        The same client when they were renewed less than RENEWAL_INTERVAL ago: another read would bring the same.
        """

    def doubt(self) -> None:
        """Take note that the API server did not answer, or is not trusted: its address and CA may be old."""

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

    def doubt(self) -> None:
        """Do nothing: there is nothing to read anew."""


class Renewals:
    """When a refused login was renewed last, and so whether it may be renewed now."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._next: datetime | None = None

    def is_due(self) -> bool:
        """Say whether the last renewal is long enough ago."""
        return self._next is None or self._clock.now() >= self._next

    def note(self) -> None:
        """Remember that it was renewed just now."""
        self._next = self._clock.now() + RENEWAL_INTERVAL

    def told(self, refusal: str) -> str:
        """Return what to look at, and for a login that was renewed in vain when that is tried again."""
        if self._next is None:
            return refusal
        return f"{refusal}; it was renewed and refused again, the next renewal is after {self._next:%H:%M:%S} UTC"


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
        self._renewals = Renewals(clock)
        self._logged_in: _LoggedIn | None = None

    @property
    def hints(self) -> LoginHints:
        """Tell what the present token holds."""
        held = self._logged_in
        refusal = self._source.refusal(held.token, self._clock.now()) if held else "there is none yet"
        return LoginHints(self._renewals.told(refusal), "check that SPIDERPOOL_AWS_CLUSTER_CA is the cluster's CA")

    def client(self) -> ApiClient:
        """Return the client, with a new token when four fifths of the present one's life are over."""
        held = self._logged_in
        now = self._clock.now()
        if held is not None and now < held.since + held.token.life * CACHED_SHARE:
            return held.client
        try:
            return self._log_in()
        except RetryLater:
            # The rest of its life is for just this: that no new one is to be had at the moment.
            if held is None or now >= held.since + held.token.life - LAST_USE:
                raise
            return held.client

    def renew(self) -> ApiClient:
        """Return a client with a new token, or the present one when the last was asked for this minute."""
        if self._logged_in is not None and not self._renewals.is_due():
            return self._logged_in.client
        client = self._log_in()
        self._renewals.note()
        return client

    def doubt(self) -> None:
        """Do nothing: address and CA are the function's environment, and a change of it ends the process."""

    def _log_in(self) -> ApiClient:
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
