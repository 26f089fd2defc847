"""The login `kubeconfig`: a kubeconfig that a Secrets Manager secret holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubernetes.client.api_client import ApiClient

from spiderpool_aws.adapters.aws_errors import aws_errors
from spiderpool_aws.adapters.cluster_errors import LoginHints
from spiderpool_aws.adapters.credentials import Renewals
from spiderpool_aws.adapters.kubeconfig import configuration_of, forget_certificate

if TYPE_CHECKING:
    from kubernetes.client.configuration import Configuration

    from spiderpool_aws.ports import Clock


class KubeconfigFromSecret:
    """Implements `ClusterCredentials`. `secrets` is a boto3 client of Secrets Manager."""

    def __init__(self, secrets: Any, secret_id: str, clock: Clock) -> None:
        self._secrets = secrets
        self._secret_id = secret_id
        self._renewals = Renewals(clock)
        self._client: ApiClient | None = None

    @property
    def hints(self) -> LoginHints:
        """Name the secret."""
        kubeconfig = f"the kubeconfig in the secret {self._secret_id}"
        return LoginHints(
            self._renewals.told(f"it is wrong or has expired, renew it in {kubeconfig}"),
            f"check that certificate-authority-data of {kubeconfig} is the cluster's CA",
        )

    def client(self) -> ApiClient:
        """Return the client, reading the secret at the first call."""
        if self._client is None:
            self._client = ApiClient(self._read())
        return self._client

    def renew(self) -> ApiClient:
        """Read the secret again, for its token may have been rotated; at most once a minute."""
        before = self._client
        if before is not None and not self._renewals.is_due():
            return before
        self._client = ApiClient(self._read())
        self._renewals.note()
        if before is not None:
            forget_certificate(before.configuration)
        return self._client

    def _read(self) -> Configuration:
        with aws_errors("secretsmanager:GetSecretValue", self._secret_id):
            answer = self._secrets.get_secret_value(SecretId=self._secret_id)
        text = answer.get("SecretString") or answer.get("SecretBinary", b"").decode(errors="replace")
        return configuration_of(text, f"the secret {self._secret_id}")
