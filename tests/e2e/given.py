"""A kubeconfig of somebody else's cluster: read, and refused in one line where it is no use."""

import base64
import binascii
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from spiderpool_aws.trust import checked_authority, checked_url, checked_word
from tests.e2e.api import bearer

ALLOW = "E2E_ALLOW"


class UnusableError(Exception):
    """The kubeconfig, or its cluster, cannot be used for tests; the text is one line."""


@dataclass(frozen=True)
class Given:
    """The current context of a kubeconfig: a server, its authority, and a token or a client's certificate and key."""

    path: Path
    context: str
    server: str
    authority: str
    token: str = field(repr=False, default="")
    certificate: bytes = b""
    key: bytes = field(repr=False, default=b"")

    @property
    def login(self) -> Mapping[str, str]:
        """The header of the user; none for one with a certificate."""
        return bearer(self.token) if self.token else {}

    def require_allowed(self, allowed: str) -> None:
        """Raise UnusableError unless the server is the one that is allowed: the variable may be another day's."""
        if allowed.rstrip("/") != self.server:
            raise UnusableError(
                f"the tests install, write and delete on {self.server} (context {self.context}): "
                f"if that is meant, set {ALLOW}={self.server}"
            )


def read_kubeconfig(text: str) -> Given:
    """Return what a path names. Raises UnusableError."""
    path = Path(text)
    try:
        return _read(path)
    except UnusableError as error:
        raise UnusableError(f"{text} {error}") from error
    except OSError as error:
        several = "; it names several files: give one" if os.pathsep in text else ""
        what = error.filename or text
        raise UnusableError(f"{what} cannot be read ({error.strerror}){several}") from error


def _read(path: Path) -> Given:
    document = _document(path)
    name = document.get("current-context")
    if not name:
        raise UnusableError("has no current-context: choose one, kubectl config use-context NAME")
    context = _entry(document, "contexts", "context", name)
    cluster = _entry(document, "clusters", "cluster", context.get("cluster"))
    user = _entry(document, "users", "user", context.get("user"))
    try:
        server = checked_url(str(cluster.get("server", "")))
    except ValueError as error:
        raise UnusableError(f"has a server that is no use: {error}") from error
    authority = _content(path, cluster, "certificate-authority")
    certificate, key = _content(path, user, "client-certificate"), _content(path, user, "client-key")
    token = _token(user)
    if not (token or (certificate and key)):
        command = next((f" (it has {way})" for way in ("exec", "auth-provider") if way in user), "")
        raise UnusableError(
            f"has a user without token or client certificate{command}: the tests run no command; "
            "kubectl create token makes a token"
        )
    return Given(path, str(name), server, _pem(authority), token, certificate, key)


def _document(path: Path) -> Mapping[str, Any]:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise UnusableError("is not text") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise UnusableError(f"is not YAML{f' (line {mark.line + 1})' if mark else ''}") from error
    if not isinstance(document, dict):
        raise UnusableError("is no kubeconfig: it has no contexts, clusters and users")
    return document


def _entry(document: Mapping[str, Any], listing: str, kind: str, name: object) -> Mapping[str, Any]:
    items = document.get(listing)
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict) and item.get("name") == name and isinstance(item.get(kind), dict):
            found: Mapping[str, Any] = item[kind]
            return found
    raise UnusableError(f"has no {kind} {name!r} in its {listing}")


def _token(user: Mapping[str, Any]) -> str:
    if not user.get("token"):
        return ""
    try:
        return checked_word(str(user["token"]))
    except ValueError as error:
        raise UnusableError(f"has a token that is no use: {error}") from error


def _content(path: Path, entry: Mapping[str, Any], name: str) -> bytes:
    data = entry.get(f"{name}-data")
    if data is None:
        return (path.parent / str(entry[name])).read_bytes() if name in entry else b""
    try:
        return base64.b64decode(str(data), validate=True)
    except (binascii.Error, ValueError) as error:
        raise UnusableError(f"has a {name}-data that is not base64") from error


def _pem(authority: bytes) -> str:
    if not authority:
        raise UnusableError("has no certificate-authority or certificate-authority-data")
    try:
        return checked_authority(authority.decode())
    except ValueError as error:
        raise UnusableError(f"has a certificate-authority that is no use: {error}") from error
