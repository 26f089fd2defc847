"""How the functions log in to the cluster.

`ClusterCredentials` is what the cluster adapter asks for a client; nothing is read before the first request, so that a
secret that cannot be read is the outcome of a message, and not a function that does not start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from kubernetes.client.api_client import ApiClient

from spiderpool_aws.adapters.aws_errors import aws_errors
from spiderpool_aws.adapters.kubeconfig import configuration_of

if TYPE_CHECKING:
    from kubernetes.client.configuration import Configuration


class ClusterCredentials(Protocol):
    """Hands out a client that is logged in. Raises RetryLater, or Refused when what it was given is no good."""

    def client(self) -> ApiClient:
        """Return the client; the same one until it is renewed."""

    def renew(self) -> ApiClient:
        """Return a client with credentials read anew: the API server has refused the present ones."""


class FixedCredentials:
    """A client that somebody else has configured."""

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

    def client(self) -> ApiClient:
        """Return the client, reading the secret at the first call."""
        if self._client is None:
            self._client = ApiClient(self._read())
        return self._client

    def renew(self) -> ApiClient:
        """Read the secret again: its token may have been rotated."""
        self._client = ApiClient(self._read())
        return self._client

    def _read(self) -> Configuration:
        with aws_errors("secretsmanager:GetSecretValue", self._secret_id):
            answer = self._secrets.get_secret_value(SecretId=self._secret_id)
        text = answer.get("SecretString") or answer.get("SecretBinary", b"").decode(errors="replace")
        return configuration_of(text, f"the secret {self._secret_id}")
