"""A kubeconfig's text to a client configuration: what a function can use of it, and a refusal of everything else.

The package's own loader runs commands (`exec`) and reads files that the text names, and it lets TLS verification be
switched off. A function has neither those commands nor those files, and never talks to a server that it cannot verify.
"""

from __future__ import annotations

import atexit
import base64
import binascii
import shutil
import ssl
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from spiderpool_aws.adapters.endpoint import configuration_for
from spiderpool_aws.domain.errors import Refused
from spiderpool_aws.trust import checked_authority, checked_url, checked_word

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kubernetes.client.configuration import Configuration

_UNUSABLE_USER = ("exec", "auth-provider", "username", "password", "tokenFile", "client-certificate", "client-key")
_UNUSABLE_CLUSTER = ("certificate-authority", "proxy-url")
_IMPERSONATION = ("as", "as-uid", "as-groups", "as-user-extra")


def configuration_of(text: str, where: str) -> Configuration:
    """Return the configuration of a kubeconfig's current context. Raises Refused, naming `where` and what is wrong."""
    try:
        return _configuration(text)
    except _UnusableError as error:
        raise Refused(f"{where} holds no usable kubeconfig: {error}") from error


class _UnusableError(Exception):
    """What is wrong with the kubeconfig."""


def _configuration(text: str) -> Configuration:
    document = _document(text)
    context = _entry(document, "contexts", "context", _text(document, "current-context"))
    cluster = _entry(document, "clusters", "cluster", _text(context, "cluster"))
    user = _entry(document, "users", "user", _text(context, "user"))
    _refuse_unusable(cluster, user)
    try:
        server = checked_url(_text(cluster, "server"))
    except ValueError as error:
        raise _UnusableError(f"server is no use: {error}") from None
    token = None if user.get("token") in (None, "") else _token(user)
    configuration = configuration_for(server, _authority(cluster), token)
    configuration.tls_server_name = cluster.get("tls-server-name")
    if token is None:
        if "client-certificate-data" not in user or "client-key-data" not in user:
            raise _UnusableError("its user has neither token nor client-certificate-data and client-key-data")
        _use_certificate(configuration, user)
    return configuration


def _document(text: str) -> dict[str, Any]:
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        # Where, and not what: the text holds credentials.
        mark = getattr(error, "problem_mark", None)
        raise _UnusableError(f"it is not YAML{f' (line {mark.line + 1})' if mark else ''}") from None
    if not isinstance(document, dict):
        raise _UnusableError("it is not a mapping with clusters, users and contexts")
    if document and text.lstrip().startswith("{") and all(isinstance(value, str) for value in document.values()):
        raise _UnusableError(
            "it is JSON of keys and values, as the console's key/value form makes it: store the kubeconfig itself, as "
            "plain text"
        )
    return document


def _entry(document: Mapping[str, Any], listing: str, kind: str, name: str) -> dict[str, Any]:
    items = document.get(listing)
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict) and item.get("name") == name and isinstance(item.get(kind), dict):
            found: dict[str, Any] = item[kind]
            return found
    raise _UnusableError(f"{listing} has no entry {name!r} with a {kind}")


def _text(mapping: Mapping[str, Any], key: str) -> str:
    value = mapping.get(key)
    if value is None or value == "":
        raise _UnusableError(f"{key} is missing")
    if not isinstance(value, str):
        raise _UnusableError(f"{key} is no text: put it in quotes")
    return value


def _refuse_unusable(cluster: Mapping[str, Any], user: Mapping[str, Any]) -> None:
    if cluster.get("insecure-skip-tls-verify"):
        raise _UnusableError(
            "insecure-skip-tls-verify would send the token to whoever answers: give certificate-authority-data instead"
        )
    borrowed = [key for key in _IMPERSONATION if key in user]
    if borrowed:
        raise _UnusableError(
            f"{', '.join(borrowed)} would have its user act as another one: give that user's own token or certificate"
        )
    unusable = [key for key in _UNUSABLE_CLUSTER if key in cluster] + [key for key in _UNUSABLE_USER if key in user]
    if unusable:
        raise _UnusableError(
            f"{', '.join(unusable)} cannot be used in a function: give certificate-authority-data, and a token or "
            "client-certificate-data and client-key-data"
        )


def _token(user: Mapping[str, Any]) -> str:
    try:
        return checked_word(_text(user, "token").strip())
    except ValueError as error:
        raise _UnusableError(f"token is no use: {error}") from None


def _authority(cluster: Mapping[str, Any]) -> str:
    pem = _decoded(cluster, "certificate-authority-data").decode(errors="replace")
    try:
        return checked_authority(pem)
    except ValueError as error:
        raise _UnusableError(f"certificate-authority-data is no use: {error}") from None


def _use_certificate(configuration: Configuration, user: Mapping[str, Any]) -> None:
    """Put the client's certificate into files, readable by us alone, because Python's TLS takes it from nowhere else.

    They stay for as long as the process, and no longer: every new connection reads them, and one of them is a key.
    """
    directory = Path(tempfile.mkdtemp(prefix="spiderpool-aws-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    certificate, key = directory / "client.crt", directory / "client.key"
    certificate.write_bytes(_decoded(user, "client-certificate-data"))
    key.touch(mode=0o600)
    key.write_bytes(_decoded(user, "client-key-data"))
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificate, key)
    except ssl.SSLError as error:
        raise _UnusableError(f"client-certificate-data and client-key-data do not fit together ({error})") from None
    configuration.cert_file, configuration.key_file = str(certificate), str(key)


def forget_certificate(configuration: Configuration) -> None:
    """Remove the files of a configuration that is used no longer."""
    if configuration.key_file:
        shutil.rmtree(Path(configuration.key_file).parent, ignore_errors=True)


def _decoded(mapping: Mapping[str, Any], key: str) -> bytes:
    try:
        return base64.b64decode(_text(mapping, key), validate=True)
    except (binascii.Error, ValueError):
        raise _UnusableError(f"{key} is not base64") from None
