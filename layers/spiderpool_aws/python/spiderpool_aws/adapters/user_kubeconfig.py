"""The kubeconfig of the person at the terminal: found and read as kubectl does, by the `kubernetes` package's loader.

Unlike a function (kubeconfig.py), a person's machine has the commands of `exec` users and the files that it names. TLS
is verified here, too: a kubeconfig that switches that off is refused.
"""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kubernetes.client.api_client import ApiClient
from kubernetes.client.configuration import Configuration
from kubernetes.config.config_exception import ConfigException
from kubernetes.config.kube_config import load_kube_config
from yaml import YAMLError

from spiderpool_aws.adapters.cluster_errors import LoginHints
from spiderpool_aws.adapters.endpoint import RETRIES
from spiderpool_aws.domain.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

VARIABLE = "KUBECONFIG"
DEFAULT = "~/.kube/config"


class UserKubeconfig:
    """Implements `ClusterCredentials` with $KUBECONFIG, else ~/.kube/config. `context` is another than the current."""

    def __init__(self, context: str = "") -> None:
        self._context = context
        self._client: ApiClient | None = None

    @property
    def hints(self) -> LoginHints:
        """Say what to look at."""
        again = "log in again as you do for kubectl, and see that `kubectl get nodes` works"
        return LoginHints(again, f"check the certificate authority in {_where()}")

    def client(self) -> ApiClient:
        """Return the client. Raises Refused when the kubeconfig is no use."""
        if self._client is None:
            self._client = _connect(self._context)
        return self._client

    def renew(self) -> ApiClient:
        """Return a client of the kubeconfig read anew."""
        self._client = _connect(self._context)
        return self._client

    def doubt(self) -> None:
        """Do nothing: a command reads the kubeconfig once."""


def _where() -> str:
    return os.environ.get(VARIABLE) or DEFAULT


def _connect(context: str) -> ApiClient:
    where = _where()
    if not any(Path(file).expanduser().exists() for file in where.split(os.pathsep)):
        raise Refused(f"there is no kubeconfig at {where}: set {VARIABLE}, or log in to the cluster as for kubectl")
    configuration = Configuration(retries=RETRIES)
    with _heard() as heard:
        try:
            load: Any = load_kube_config
            load(where, context or None, configuration, persist_config=False)
        except (ConfigException, YAMLError, OSError, ValueError, TypeError, AttributeError, KeyError) as error:
            raise Refused(f"the kubeconfig {where} is no use: {' '.join(str(error).split())}") from error
    if not configuration.verify_ssl:
        raise Refused(
            f"the kubeconfig {where} has insecure-skip-tls-verify, which would send the login to whoever answers: give "
            "certificate-authority-data instead"
        )
    if not (configuration.api_key or configuration.cert_file):
        why = f" ({'; '.join(heard)})" if heard else ""
        raise Refused(f"the user of the kubeconfig {where} gives neither a token nor a certificate{why}")
    return ApiClient(configuration)


class _Ear(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        self.heard.append(" ".join(record.getMessage().split()))


@contextmanager
def _heard() -> Iterator[list[str]]:
    """Collect what is logged: the loader says there, and nowhere else, why an `exec` command gave no login."""
    ear, root = _Ear(), logging.getLogger()
    root.addHandler(ear)
    try:
        yield ear.heard
    finally:
        root.removeHandler(ear)
