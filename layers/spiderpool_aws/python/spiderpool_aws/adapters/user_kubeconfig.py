"""The kubeconfig of the person at the command line, as kubectl finds it: KUBECONFIG, or ~/.kube/config.

Unlike a function's (kubeconfig.py) it may run a command (`exec`) and name files: they are the person's own. TLS is
verified all the same.
"""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import yaml
from kubernetes.client.api_client import ApiClient
from kubernetes.config.config_exception import ConfigException
from kubernetes.config.kube_config import load_kube_config

from spiderpool_aws.adapters.cluster_errors import LoginHints
from spiderpool_aws.adapters.endpoint import blank_configuration
from spiderpool_aws.domain.errors import Refused
from spiderpool_aws.trust import checked_url

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubernetes.client.configuration import Configuration

DEFAULT_FILE = "~/.kube/config"
# The package's loader looks into the file as it goes, and fails as Python does where something else is there.
_MALFORMED = (ConfigException, yaml.YAMLError, OSError, ValueError, KeyError, TypeError, AttributeError)


class UserKubeconfig:
    """Implements `ClusterCredentials` with a context, the current one by default. Raises Refused when it is no use."""

    hints = LoginHints("log in again, and see that kubectl get nodes works", "check its certificate-authority")

    def __init__(self, context: str = "") -> None:
        self._context = context
        self._files = os.environ.get("KUBECONFIG") or DEFAULT_FILE
        self._client = self._load()

    def client(self) -> ApiClient:
        """Return the client."""
        return self._client

    def renew(self) -> ApiClient:
        """Return a client with the kubeconfig read, or its command run, once more."""
        self._client = self._load()
        return self._client

    def doubt(self) -> None:
        """Do nothing: the person sees the error and runs the command again."""

    def _load(self) -> ApiClient:
        configuration = blank_configuration()
        try:
            with _heard() as heard:
                self._read_into(configuration)
        except _MALFORMED as error:
            raise Refused(
                f"the kubeconfig {self._files} is no use ({_without_content(error)}): see that kubectl get nodes works"
            ) from error
        self._check(configuration, "; ".join(heard))
        return ApiClient(configuration)

    def _read_into(self, configuration: Configuration) -> None:
        load: Any = load_kube_config
        load(self._files, self._context or None, client_configuration=configuration, persist_config=False)

    def _check(self, configuration: Configuration, heard: str) -> None:
        try:
            checked_url(configuration.host)
        except ValueError as error:
            raise Refused(f"the server of the kubeconfig {self._files} is no use: {error}") from None
        if not configuration.verify_ssl:
            raise Refused(
                f"the kubeconfig {self._files} has insecure-skip-tls-verify, so anybody could answer: give "
                "certificate-authority-data instead"
            )
        if not configuration.api_key and not configuration.cert_file:
            raise Refused(
                f"the user of the kubeconfig {self._files} has neither token nor certificate, or its command gave "
                f"none{f' ({heard})' if heard else ''}: see that kubectl get nodes works"
            )


def _without_content(error: Exception) -> str:
    """Return what is wrong; the package's messages go on with the entry itself, which may hold a token."""
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    if isinstance(error, yaml.YAMLError):
        return "it is not YAML"
    return str(error).partition(" in ")[0] if isinstance(error, ConfigException) else "it is malformed"


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
