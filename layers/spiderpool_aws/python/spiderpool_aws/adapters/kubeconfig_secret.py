"""The login `kubeconfig`: a kubeconfig that a Secrets Manager secret holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubernetes.client.api_client import ApiClient

from spiderpool_aws.adapters.aws_errors import aws_errors
from spiderpool_aws.adapters.cluster_errors import LoginHints
from spiderpool_aws.adapters.credentials import Renewals
from spiderpool_aws.adapters.kubeconfig import configuration_of, forget_certificate
from spiderpool_aws.domain.errors import RetryLater

if TYPE_CHECKING:
    from kubernetes.client.configuration import Configuration

    from spiderpool_aws.ports import Clock


class KubeconfigFromSecret:
    """Implements `ClusterCredentials`. `secrets` is a boto3 client of Secrets Manager."""

    def __init__(self, secrets: Any, secret_id: str, clock: Clock) -> None:
        self._secrets = secrets
        self._secret_id = secret_id
        self._renewals = Renewals(clock)
        self._readings = Renewals(clock)
        """After doubts: apart from those after a 401, or a mended address would use up the mended token's turn."""
        self._client: ApiClient | None = None
        self._is_doubted = False

    @property
    def hints(self) -> LoginHints:
        """Name the secret."""
        kubeconfig = f"the kubeconfig in the secret {self._secret_id}"
        return LoginHints(
            self._renewals.told(f"it is wrong or has expired, renew it in {kubeconfig}"),
            f"check that certificate-authority-data of {kubeconfig} is the cluster's CA",
        )

    def client(self) -> ApiClient:
        """Return the client. The secret is read at the first call, and again after a doubt, at most once a minute."""
        held = self._client
        if held is None:
            return self._use(self._read())
        if not self._is_doubted or not self._readings.is_due():
            return held
        try:
            read = self._read()
        except RetryLater:
            # The API server may answer again before Secrets Manager does.
            self._readings.note()
            return held
        self._readings.note()
        return self._use(read)

    def renew(self) -> ApiClient:
        """Read the secret again, for its token may have been rotated; at most once a minute."""
        if self._client is not None and not self._renewals.is_due():
            return self._client
        client = self._use(self._read())
        self._renewals.note()
        return client

    def doubt(self) -> None:
        """Have the next request read the secret again: the cluster's address or CA in it may have been mended."""
        self._is_doubted = True

    def _use(self, configuration: Configuration) -> ApiClient:
        before, self._client, self._is_doubted = self._client, ApiClient(configuration), False
        if before is not None:
            forget_certificate(before.configuration)
        return self._client

    def _read(self) -> Configuration:
        with aws_errors("secretsmanager:GetSecretValue", self._secret_id):
            answer = self._secrets.get_secret_value(SecretId=self._secret_id)
        text = answer.get("SecretString") or answer.get("SecretBinary", b"").decode(errors="replace")
        return configuration_of(text, f"the secret {self._secret_id}")
